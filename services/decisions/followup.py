"""Kela's follow-up: whether a granted client is on a confirmed course, and by when they have to be."""

from dataclasses import dataclass
from datetime import date

from chassis.db import Transaction
from chassis.time_limits import last_day_within
from contracts.values import CourseState, DecisionState, PinState
from services.decisions.copies import store
from services.decisions.domain import Decision, Description

_CONFIRMED = frozenset({CourseState.CONFIRMED, CourseState.RUNNING, CourseState.COMPLETED})


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Where a decision's client is pinned, and whether Kela still has to watch the deadline."""

    pinned_to: str | None
    confirmed: bool
    open: bool


def confirm_by(description: Description, decided_on: date) -> date | None:
    """The last day to be on a confirmed course: calendar months from the day given (R-CRS-19, E-10, E-11).

    Not extended to a business day: the contract sets this limit, not the law.
    """
    months = description.confirm_within_months
    return None if months is None else last_day_within(months, of=decided_on)


def follow_up(decision: Decision, pin: tuple[str, PinState, CourseState | None] | None) -> FollowUp:
    """Open while a granted client is not pinned to a confirmed course; a revocation closes it (E-21)."""
    pinned_to, confirmed = None, False
    if pin is not None:
        course_id, pin_state, course_state = pin
        if pin_state in (PinState.ACTIVE, PinState.FULFILLED):
            pinned_to = course_id
            confirmed = pin_state is PinState.FULFILLED or course_state in _CONFIRMED
    return FollowUp(pinned_to, confirmed, decision.state is DecisionState.GRANTED and not confirmed)


async def get_follow_up(tx: Transaction, decision: Decision) -> FollowUp:
    """The follow-up of a decision, from our copies of pins and courses."""
    return follow_up(decision, await store.find_present_pin(tx, decision.decision_ref))
