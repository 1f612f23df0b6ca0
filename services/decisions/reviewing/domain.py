"""When a granted decision has been used, and when it has expired (domain section 7)."""

from dataclasses import dataclass
from datetime import date

from contracts.values import DecisionState, PinState
from services.decisions.domain import Decision, changed


@dataclass(frozen=True, slots=True)
class Use:
    """What our copies of pins say of a decision: its present pin, and whether its client took part in any course."""

    present: PinState | None = None
    took_part: bool = False


def review(decision: Decision, use: Use, on: date) -> Decision:
    """What courses and the calendar have made of a decision; the same one where they have made nothing new of it.

    `used` once its course is completed; `expired` once its validity has ended unused: its client is
    on no course and took part in none. Where news of a pin came late, an expiry is taken back.
    """
    if decision.state not in (DecisionState.GRANTED, DecisionState.EXPIRED):
        return decision
    if use.present is PinState.FULFILLED:
        state = DecisionState.USED
    elif decision.valid_to is None or on <= decision.valid_to or use.present is PinState.ACTIVE or use.took_part:
        state = DecisionState.GRANTED
    else:
        state = DecisionState.EXPIRED
    return decision if state is decision.state else changed(decision, state=state)
