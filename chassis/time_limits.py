"""Time limits in calendar months, and the day they end on."""

from datetime import date, timedelta

from chassis.calendar import add_months
from chassis.public_holidays import holidays_within

_SATURDAY = 5


def last_day_within(months: int, of: date, *, extend_to_business_day: bool = False) -> date:
    """The last day of a limit of `months`, to its end in Helsinki; the starting day is not counted (E-11, P14).

    A contract's limit ends where it ends. One set in law is extended to the next business day when its
    last day is a Saturday, a Sunday or a public holiday, Midsummer Eve and Christmas Eve among them.
    """
    last_day = add_months(of, months)
    while extend_to_business_day and not is_business_day(last_day):
        last_day += timedelta(days=1)
    return last_day


def is_business_day(day: date) -> bool:
    """From Monday to Friday, and no public holiday (Act 150/1930, section 5)."""
    return day.weekday() < _SATURDAY and not any(holidays_within(day, day))
