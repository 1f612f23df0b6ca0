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
