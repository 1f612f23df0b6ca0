"""The rules of the figures: forecasts, participation, ages and what is too few to show. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.values import PinState
from services.decisions.domain import age_on

MONTHS = range(1, 13)


class Method(StrEnum):
    """How a year's total is forecast (E-56)."""

    STRAIGHT_LINE = "straight_line"
    SEASONALITY = "seasonality"


@dataclass(frozen=True, slots=True)
class Forecast:
    """A year's total by one method; `basis_year` is the year whose seasons it goes by."""

    method: Method
    basis_year: int | None
    total: int


def complete_months(year: int, on: date) -> int:
    """How many months of `year` are over on the day `on`."""
    if on.year != year:
        return 12 if on.year > year else 0
    return on.month - 1


def straight_line(months: Sequence[int], complete: int) -> int | None:
    """The year's total if the rest goes on like the complete months; half-up, None before the first is over."""
    return None if complete == 0 else half_up(sum(months[:complete]) * 12, complete)


def by_seasonality(months: Sequence[int], complete: int, earlier: Sequence[int]) -> int | None:
    """The year's total if the complete months are the same share of it as they were in the year `earlier`.

    Half-up; None before the first month is over, or where the earlier year had nobody in those months.
    """
    share = sum(earlier[:complete])
    return None if share == 0 else half_up(sum(months[:complete]) * sum(earlier), share)


def forecasts(months: Sequence[int], complete: int, earlier: Mapping[int, Sequence[int]]) -> list[Forecast]:
    """Every method's total, the straight line first, then the earlier years in order (E-56)."""
    line = straight_line(months, complete)
    found = [] if line is None else [Forecast(Method.STRAIGHT_LINE, None, line)]
    for year, counts in sorted(earlier.items()):
        total = by_seasonality(months, complete, counts)
        if total is not None:
            found.append(Forecast(Method.SEASONALITY, year, total))
    return found


def half_up(part: int, whole: int) -> int:
    """`part / whole`, both not negative, rounded half up to a whole number."""
    return (2 * part + whole) // (2 * whole)


def tenths_of_percent(part: int, whole: int | None) -> int | None:
    """`part` of `whole` in tenths of a percent, half up; None where there is nothing to compare with."""
    return half_up(1000 * part, whole) if whole else None


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a course; both days inclusive."""

    number: int
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Stay:
    """One client's time on one course, as far as a pin tells it."""

    client_ref: str
    decision_ref: str
    course_id: str
    state: PinState
    planned: tuple[int, ...] | None
    attended: tuple[int, ...]
    periods: tuple[Period, ...]

    def taken_part(self, on: date) -> list[Period]:
        """The periods the client took part in and that have begun by `on`.

        Who is on the course takes part in what is planned; who left it or has completed it, in what was noted as
        attended (E-20). Of courses completed before that was noted, nothing is known but what was planned.
        """
        numbers: Collection[int] | None = self.attended
        if self.state is PinState.ACTIVE or (self.state is PinState.FULFILLED and not self.attended):
            numbers = self.planned
        return [
            period
            for period in sorted(self.periods, key=lambda each: each.first_day)
            if period.first_day <= on and (numbers is None or period.number in numbers)
        ]

    @property
    def from_the_start(self) -> bool:
        """True where the client was to attend the course's first period: was in the group that began."""
        return self.planned is None or min(period.number for period in self.periods) in self.planned


def started_in(stays: Iterable[Stay], year: int, on: date) -> dict[str, date]:
    """Clients whose path, over all courses of one decision, began in `year`, with that day (E-63)."""
    first: dict[tuple[str, str], date] = {}
    for stay in stays:
        for period in stay.taken_part(on)[:1]:
            path = (stay.decision_ref, stay.client_ref)
            first[path] = min(first.get(path, period.first_day), period.first_day)
    return _earliest((client, day) for (_, client), day in first.items() if day.year == year)


def participated_in(stays: Iterable[Stay], year: int, on: date) -> dict[str, date]:
    """Clients who took part on a day of `year`, with the first such day, wherever they began (R-STA-2, E-63)."""
    new_year, last = date(year, 1, 1), min(on, date(year, 12, 31))
    return _earliest(
        (stay.client_ref, max(period.first_day, new_year))
        for stay in stays
        for period in stay.taken_part(on)
        if period.first_day <= last and period.last_day >= new_year
    )


def _earliest(days: Iterable[tuple[str, date]]) -> dict[str, date]:
    found: dict[str, date] = {}
    for client, day in days:
        found[client] = min(found.get(client, day), day)
    return found


OLDEST_GROUP = 80
_GROUP_YEARS = 10


@dataclass(frozen=True, slots=True, order=True)
class AgeGroup:
    """Ages from `youngest`; to `oldest`, None for the last group."""

    youngest: int
    oldest: int | None


AGE_GROUPS = (
    *(AgeGroup(young, young + _GROUP_YEARS - 1) for young in range(0, OLDEST_GROUP, _GROUP_YEARS)),
    AgeGroup(OLDEST_GROUP, None),
)


def age_group(birth_date: date | None, birth_year: int | None, on: date) -> AgeGroup | None:
    """The group of an age on the day; with the year alone, of the age reached that year; None where unknown."""
    age = age_on(birth_date, birth_year, on)
    if age is None:
        return None
    return next((group for group in reversed(AGE_GROUPS) if age >= group.youngest), AGE_GROUPS[0])


FEWEST_SHOWN = 5
"""Fewer clients than this are not shown: they could be recognised."""


def without_small(counts: Sequence[int]) -> tuple[list[int | None], int | None]:
    """The counts and their total, None for what is left out.

    A count from 1 to 4 is left out, and with it the next smallest ones, until what is left out cannot be worked
    out from the total; where that takes everything, the total is left out as well.
    """
    hidden = {place for place, count in enumerate(counts) if 0 < count < FEWEST_SHOWN}
    others = sorted((count, place) for place, count in enumerate(counts) if count >= FEWEST_SHOWN)
    while hidden and (len(hidden) == 1 or sum(counts[place] for place in hidden) < FEWEST_SHOWN) and others:
        hidden.add(others.pop(0)[1])
    shown = [None if place in hidden else count for place, count in enumerate(counts)]
    alone = len(hidden) == 1 or 0 < sum(counts[place] for place in hidden) < FEWEST_SHOWN
    return shown, None if alone else sum(counts)


def start_sizes(begun: Mapping[str, date], stays: Iterable[Stay], year: int) -> Counter[int]:
    """How many of the courses that began in `year` began with each number of clients (R-CRS-51)."""
    groups = {course_id: 0 for course_id, first_day in begun.items() if first_day.year == year}
    for stay in stays:
        if stay.course_id in groups and stay.from_the_start:
            groups[stay.course_id] += 1
    return Counter(groups.values())
