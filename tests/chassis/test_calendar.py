"""Month arithmetic and Helsinki dates."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.calendar import add_months, helsinki_date, start_of_day

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2024, 10, 31), 4, date(2025, 2, 28)),
        (date(2024, 2, 29), 6, date(2024, 8, 29)),
        (date(2025, 5, 31), 9, date(2026, 2, 28)),
    ],
)
def test_months_are_calendar_months_clipped_to_the_end(day: date, months: int, expected: date):
    """E-11, E-12."""
    assert add_months(day, months) == expected


@given(DAYS, st.integers(0, 60))
def test_adding_months_lands_in_the_right_month_and_never_past_the_day(day: date, months: int):
    """E-11."""
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


@given(DAYS, DAYS, st.integers(0, 60))
def test_whoever_begins_later_ends_no_earlier(day: date, other: date, months: int):
    """E-11: clipping to the month's end turns no order around."""
    first, second = sorted((day, other))
    assert add_months(first, months) <= add_months(second, months)


@given(DAYS, st.integers(0, 30), st.integers(0, 30))
def test_months_in_two_steps_are_never_later_than_in_one(day: date, months: int, more: int):
    """E-11: so a limit is always counted from its own first day, never from the last one's end."""
    in_two = add_months(add_months(day, months), more)
    assert in_two <= add_months(day, months + more)
    assert in_two == add_months(day, months + more) or day.day > 28


@given(st.sampled_from([year for year in range(2000, 2100) if year % 4 == 0]), st.integers(1, 10))
def test_29_february_is_the_last_of_february_in_later_years(year: int, years: int):
    """E-11, E-18; 2000 is a leap year, 2100 is not."""
    later = add_months(date(year, 2, 29), 12 * years)
    assert (later.month, later + timedelta(days=1)) == (2, date(year + years, 3, 1))


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2024, 12, 31, 22, 30, tzinfo=UTC), date(2025, 1, 1)),
        (datetime(2024, 12, 31, 21, 59, 59, tzinfo=UTC), date(2024, 12, 31)),
        (datetime(2025, 10, 31, 22, 0, tzinfo=UTC), date(2025, 11, 1)),
    ],
)
def test_business_dates_are_helsinki_dates(instant: datetime, expected: date):
    """E-16."""
    assert helsinki_date(instant) == expected


@given(DAYS)
def test_a_day_begins_at_helsinki_midnight(day: date):
    """E-16; both clock changes included."""
    start = start_of_day(day)
    assert helsinki_date(start) == day
    assert helsinki_date(start - timedelta(microseconds=1)) == day - timedelta(days=1)


@given(st.integers(2000, 2100), st.timedeltas(timedelta(0), timedelta(hours=23)))
def test_a_year_begins_at_22_oclock_utc_of_new_years_eve(year: int, later: timedelta):
    """E-16: for every year's last and first day."""
    begins = datetime(year - 1, 12, 31, 22, tzinfo=UTC)
    assert start_of_day(date(year, 1, 1)) == begins
    assert helsinki_date(begins + later) == date(year, 1, 1)
    assert helsinki_date(begins - timedelta(microseconds=1) - later) == date(year - 1, 12, 31)


def hours_of(day: date) -> int:
    length = start_of_day(day + timedelta(days=1)) - start_of_day(day)
    assert length % timedelta(hours=1) == timedelta(0)
    return length // timedelta(hours=1)


@given(st.integers(2000, 2100))
def test_the_clocks_change_on_the_last_sundays_of_march_and_october(year: int):
    """E-14, E-16: every other day has 24 hours; a count of days is never a count of hours."""
    days = [date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]
    odd = {day: hours_of(day) for day in days if hours_of(day) != 24}
    spring, autumn = sorted(odd)
    assert (odd[spring], spring.month, spring.weekday(), (spring + timedelta(days=7)).month) == (23, 3, 6, 4)
    assert (odd[autumn], autumn.month, autumn.weekday(), (autumn + timedelta(days=7)).month) == (25, 10, 6, 11)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2024, 3, 30, 22, 0, tzinfo=UTC), date(2024, 3, 31)),
        (datetime(2024, 3, 31, 20, 59, 59, tzinfo=UTC), date(2024, 3, 31)),
        (datetime(2024, 3, 31, 21, 0, tzinfo=UTC), date(2024, 4, 1)),
        (datetime(2024, 10, 26, 21, 0, tzinfo=UTC), date(2024, 10, 27)),
        (datetime(2024, 10, 27, 0, 30, tzinfo=UTC), date(2024, 10, 27)),
        (datetime(2024, 10, 27, 1, 30, tzinfo=UTC), date(2024, 10, 27)),
        (datetime(2024, 10, 27, 21, 59, 59, tzinfo=UTC), date(2024, 10, 27)),
        (datetime(2024, 10, 27, 22, 0, tzinfo=UTC), date(2024, 10, 28)),
    ],
)
def test_the_days_of_the_clock_changes_of_2024(instant: datetime, expected: date):
    """E-16: 23 hours on 31 March, 25 on 27 October, where half past three comes twice on one and the same day."""
    assert helsinki_date(instant) == expected


@given(st.timedeltas(timedelta(0), timedelta(days=36_500)), st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_later_instant_is_never_on_an_earlier_day(since: timedelta, later: timedelta):
    """E-16: not in the repeated hour either."""
    instant = datetime(2000, 1, 1, tzinfo=UTC) + since
    assert helsinki_date(instant) <= helsinki_date(instant + later)
    assert start_of_day(helsinki_date(instant)) <= instant < start_of_day(helsinki_date(instant) + timedelta(days=1))


@given(DAYS, st.integers(0, 60))
def test_days_before_a_day_are_counted_on_the_calendar(day: date, days: int):
    """E-14: never as hours; between the two midnights lies an hour more or less where the clocks change."""
    before = day - timedelta(days=days)
    apart = start_of_day(day) - start_of_day(before)
    assert abs(apart - timedelta(days=days)) <= timedelta(hours=1)
    assert (helsinki_date(start_of_day(day)) - helsinki_date(start_of_day(before))).days == days
