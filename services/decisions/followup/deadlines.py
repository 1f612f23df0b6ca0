"""By when a client has to be on a confirmed course."""

from datetime import date

from chassis.time_limits import last_day_within
from services.decisions.domain import Description


def confirm_by(description: Description, decided_on: date) -> date | None:
    """The last day to be on a confirmed course: calendar months from the day given (R-CRS-19, E-10, E-11).

    Not extended to a business day: the contract sets this limit, not the law.
    """
    months = description.confirm_within_months
    return None if months is None else last_day_within(months, of=decided_on)
