"""Working days in Finland, as far as the demo needs them: Monday to Friday without public holidays."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

_FIXED = ((1, 1), (1, 6), (5, 1), (12, 6), (12, 24), (12, 25), (12, 26))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Butcher's computation)."""
    golden, century, rest = year % 19, year // 100, year % 100
    leap, skipped = divmod(century, 4)
    moon = (19 * golden + century - leap - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    quarter, odd = divmod(rest, 4)
    weekday = (32 + 2 * skipped + 2 * quarter - moon - odd) % 7
    shift = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


@cache
def holidays(year: int) -> frozenset[date]:
    """Public holidays that fall on weekdays, with Midsummer Eve and Christmas Eve."""
    sunday = easter(year)
    moving = {sunday + timedelta(days=days) for days in (-2, 1, 39)}
    midsummer_eve = next(day for day in (date(year, 6, 19) + timedelta(days=n) for n in range(7)) if day.weekday() == 4)
    return frozenset(moving | {midsummer_eve} | {date(year, month, day) for month, day in _FIXED})


def is_working_day(day: date) -> bool:
    """True from Monday to Friday, except on public holidays."""
    return day.weekday() < 5 and day not in holidays(day.year)


def working_days(first: date, last: date) -> Iterator[date]:
    """Every working day from `first` to `last`, both inclusive."""
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        if is_working_day(day):
            yield day


def working_day_after(day: date, steps: int = 1) -> date:
    """The `steps`-th working day after `day`; 0 gives `day` itself or the next working day."""
    if steps == 0:
        while not is_working_day(day):
            day += timedelta(days=1)
        return day
    for _ in range(steps):
        day += timedelta(days=1)
        while not is_working_day(day):
            day += timedelta(days=1)
    return day


def working_week_from(day: date) -> date:
    """The first Monday, not before `day`, of a week without public holidays."""
    monday = day + timedelta(days=-day.weekday() % 7)
    while not all(is_working_day(monday + timedelta(days=n)) for n in range(5)):
        monday += timedelta(days=7)
    return monday
