"""When a provider is to look an office's data through again, and the timer that reminds of it (R-REG-7)."""

from datetime import date

from chassis.calendar import add_months, start_of_day
from chassis.db import Transaction

REVIEW_MONTHS = 12
"""Months between two reviews. No source names a number; a year is ours: counts are announced and taxes proved
once a year as well (P1, P16)."""

REMIND_OF_REVIEW = "remind-of-review"


def review_by(since: date, period: int = 1) -> date:
    """The day by which data confirmed on `since` are to be confirmed again, or the day a later period ends."""
    return add_months(since, REVIEW_MONTHS * period)


def periods_over(since: date, on: date) -> int:
    """How many whole periods have gone by; counted from `since`, so that the end of February moves no later day."""
    periods = ((on.year - since.year) * 12 + on.month - since.month) // REVIEW_MONTHS
    return periods if review_by(since, periods) <= on else periods - 1


async def plan_review(tx: Transaction, office_id: str, since: date, period: int = 1) -> None:
    """Plan the reminder of an office's review, in place of one that was planned before."""
    await tx.schedule(REMIND_OF_REVIEW, office_id, start_of_day(review_by(since, period)))
