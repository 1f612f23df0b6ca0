"""Limits in calendar months, as they are and extended to a business day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.calendar import helsinki_date, start_of_day
from chassis.public_holidays import holidays_within
from chassis.time_limits import is_business_day, last_day_within

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))
MONTHS = st.integers(0, 24)


@pytest.mark.parametrize(
    ("given_on", "months", "last_day", "last_instant"),
    [
        (date(2024, 8, 31), 6, date(2025, 2, 28), datetime(2025, 2, 28, 21, 59, 59, tzinfo=UTC)),
        (date(2024, 10, 31), 4, date(2025, 2, 28), datetime(2025, 2, 28, 21, 59, 59, tzinfo=UTC)),
        (date(2023, 8, 31), 6, date(2024, 2, 29), datetime(2024, 2, 29, 21, 59, 59, tzinfo=UTC)),
        (date(2024, 2, 29), 6, date(2024, 8, 29), datetime(2024, 8, 29, 20, 59, 59, tzinfo=UTC)),
        (date(2024, 9, 30), 6, date(2025, 3, 30), datetime(2025, 3, 30, 20, 59, 59, tzinfo=UTC)),
        (date(2024, 4, 27), 6, date(2024, 10, 27), datetime(2024, 10, 27, 21, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_limit_holds_to_the_end_of_its_last_day_in_helsinki(given_on, months, last_day, last_instant):
    """E-10, E-11, acceptance example 4; the last two end on the days of the clock changes."""
    assert last_day_within(months, of=given_on) == last_day
    assert helsinki_date(last_instant) == last_day
    assert helsinki_date(last_instant + timedelta(seconds=1)) == last_day + timedelta(days=1)
    assert start_of_day(last_day + timedelta(days=1)) == last_instant + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("given_on", "last_day", "extended"),
    [
        (date(2024, 8, 31), date(2025, 2, 28), date(2025, 2, 28)),  # a Friday
        (date(2024, 9, 1), date(2025, 3, 1), date(2025, 3, 3)),  # a Saturday
        (date(2024, 9, 30), date(2025, 3, 30), date(2025, 3, 31)),  # a Sunday, and the clocks change
        (date(2024, 7, 6), date(2025, 1, 6), date(2025, 1, 7)),  # Epiphany
        (date(2023, 9, 29), date(2024, 3, 29), date(2024, 4, 2)),  # Good Friday, and Easter after it
        (date(2023, 11, 1), date(2024, 5, 1), date(2024, 5, 2)),  # May Day
        (date(2023, 11, 9), date(2024, 5, 9), date(2024, 5, 10)),  # Ascension
        (date(2023, 12, 21), date(2024, 6, 21), date(2024, 6, 24)),  # Midsummer Eve
        (date(2024, 6, 6), date(2024, 12, 6), date(2024, 12, 9)),  # Independence Day, a Friday
        (date(2024, 6, 24), date(2024, 12, 24), date(2024, 12, 27)),  # Christmas Eve
    ],
)
def test_a_limit_is_extended_to_a_business_day_only_where_that_is_asked_for(given_on, last_day, extended):
    """E-11, P14: `extend_to_business_day` is off for a contract's limits."""
    assert last_day_within(6, of=given_on) == last_day
    assert last_day_within(6, of=given_on, extend_to_business_day=False) == last_day
    assert last_day_within(6, of=given_on, extend_to_business_day=True) == extended


@given(DAYS, MONTHS)
def test_extending_goes_to_the_next_business_day_and_no_further(day, months):
    """E-11, P14: over Christmas and Easter it is never more than five days."""
    plain = last_day_within(months, of=day)
    extended = last_day_within(months, of=day, extend_to_business_day=True)
    assert is_business_day(extended)
    assert plain <= extended <= plain + timedelta(days=5)
    between = [plain + timedelta(days=n) for n in range((extended - plain).days)]
    assert not any(is_business_day(skipped) for skipped in between)


@given(DAYS)
def test_a_business_day_is_a_weekday_that_is_no_holiday(day):
    """E-11, E-17: the same holidays as those that periods are warned of."""
    assert is_business_day(day) is (day.isoweekday() <= 5 and list(holidays_within(day, day)) == [])
