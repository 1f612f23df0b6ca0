"""Forecasts; each says by which method it was made (E-56)."""

from collections.abc import Sequence
from datetime import date

STRAIGHT_LINE = "straight_line"


def complete_months(year: int, on: date) -> int:
    """How many months of `year` are over on the day `on`."""
    if on.year != year:
        return 12 if on.year > year else 0
    return on.month - 1


def straight_line(months: Sequence[int], complete: int) -> int | None:
    """The year's total if the rest goes on like the complete months; half-up, None before the first is over."""
    if complete == 0:
        return None
    return (2 * sum(months[:complete]) * 12 + complete) // (2 * complete)
