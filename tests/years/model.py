"""What ten years ought to leave behind, by rules of its own: nothing of the services is asked."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.years.world import Away

HELSINKI = ZoneInfo("Europe/Helsinki")

Effect = tuple[str, str, date]
"""What happened, to what, on which day in Helsinki."""


def midnight(day: date) -> datetime:
    """The first instant of a day in Helsinki, in UTC."""
    return datetime.combine(day, time(), HELSINKI).astimezone(UTC)


def day_of(instant: datetime) -> date:
    return instant.astimezone(HELSINKI).date()


def years_later(day: date, years: int) -> date:
    """The same day of a later year; the last of February for 29 February."""
    year = day.year + years
    return end_of_february(year) if (day.month, day.day) == (2, 29) else day.replace(year=year)


def last_sunday(year: int, month: int) -> date:
    """The day the clocks change on, in March and October."""
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def end_of_february(year: int) -> date:
    return date(year, 3, 1) - timedelta(days=1)


@dataclass
class Model:
    """What was said and done, and what has to follow from it by itself."""

    away: Sequence[Away]
    begins: date
    follows: Counter[Effect] = field(default_factory=Counter)
    said: dict[tuple[str, int], list[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(list))
    last_days: dict[str, date | None] = field(default_factory=dict)
    confirmed: dict[str, list[date]] = field(default_factory=dict)
    places: Counter[tuple[str, int]] = field(default_factory=Counter)
    decisions: Counter[tuple[str, int]] = field(default_factory=Counter)

    def expect(self, what: str, key: str, day: date) -> None:
        """By itself, once, as `day` begins; or when the services are back."""
        due = midnight(day)
        back = next((away.end for away in self.away if away.covers(due)), due)
        self.follows[what, key, day_of(back)] += 1

    def count(self, contract: str, year: int, at: datetime) -> int | None:
        """The count of a year as it stands at an instant: what was said last, else the default (E-2)."""
        said = [number for when, number in self.said[contract, year] if when <= at]
        if said:
            return said[-1]
        last_day = self.last_days[contract]
        gone = last_day is not None and last_day < date(year, 1, 1)
        if year <= self.begins.year or gone or at < midnight(date(year - 1, 11, 1)):
            return None
        return self.count(contract, year - 1, midnight(date(year - 1, 10, 31)) - timedelta(microseconds=1))

    def effects(self, until: datetime) -> Counter[Effect]:
        """All that has to have happened by itself by `until`."""
        known = Model(self.away, self.begins, Counter(self.follows))
        for contract, year in self.defaults(until):
            known.expect("defaulted", f"{contract}/{year}", date(year - 1, 11, 1))
        for office, days in self.confirmed.items():
            for due in _reminders(days, day_of(until)):
                known.expect("told", f"data-review-due/{office}/{due}", due)
        return Counter({effect: times for effect, times in known.follows.items() if effect[2] <= day_of(until)})

    def defaults(self, until: datetime) -> Iterator[tuple[str, int]]:
        """Contracts and years that nothing was announced for in time."""
        for contract in self.last_days:
            for year in range(self.begins.year + 1, until.year + 2):
                due = midnight(date(year - 1, 11, 1))
                in_time = any(when < due for when, _ in self.said[contract, year])
                if due <= until and not in_time and self.count(contract, year, due) is not None:
                    yield contract, year


def _reminders(confirmed: Sequence[date], until: date) -> Iterator[date]:
    """Each year after a confirmation, until the next one; that of the day itself comes too late (R-REG-7)."""
    for since, following in zip(confirmed, [*confirmed[1:], until], strict=True):
        for years in range(1, following.year - since.year + 1):
            if (due := years_later(since, years)) <= following:
                yield due
