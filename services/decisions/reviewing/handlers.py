"""The nightly review: which decisions have been used, and whose validity has ended unused (domain section 7)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chassis.calendar import start_of_day
from chassis.db import Transaction
from services.decisions.acts import Act
from services.decisions.events import decision_event
from services.decisions.reviewing import store
from services.decisions.reviewing.domain import Use, review
from services.decisions.store import lock_decisions, plan_first, set_decision

TIMER = "review-decisions"
_BATCH = 200
_AT = timedelta(hours=2)
"""After midnight in Helsinki: by then the pins of the last day have long arrived."""
_LATE_NEWS = timedelta(days=90)
"""How long after its validity an expired decision is looked at again, for news of pins that came late."""


async def plan_first_review(tx: Transaction) -> None:
    """At every start: make sure that the nightly review is planned; from then on it plans itself."""
    await plan_first(tx, TIMER, _next_night(tx))


async def review_decisions(tx: Transaction, key: str, payload: Mapping[str, Any]) -> None:
    """Take a batch of decisions further, as courses and the calendar have it; the next firing goes on behind it.

    Acts on what is true when it fires: after an outage the first review does all that was missed, once.
    """
    due = await store.find_due(tx, payload.get("after", 0), tx.today, expired_since=tx.today - _LATE_NEWS, limit=_BATCH)
    refs = [ref for _, ref in due]
    uses = await store.find_uses(tx, refs)
    for decision in await lock_decisions(tx, refs):
        reviewed = review(decision, uses.get(decision.decision_ref, Use()), tx.today)
        if reviewed is not decision:
            await set_decision(tx, reviewed)
            tx.audit(Act.REVIEW_DECISION, f"decision:{reviewed.decision_ref}", state=reviewed.state)
            tx.emit(decision_event(reviewed))
    if len(due) == _BATCH:
        await tx.schedule(TIMER, key, tx.now, {"after": due[-1][0]})
    else:
        await tx.schedule(TIMER, key, _next_night(tx))


def _next_night(tx: Transaction) -> datetime:
    tonight = start_of_day(tx.today) + _AT
    return tonight if tx.now < tonight else start_of_day(tx.today + timedelta(days=1)) + _AT
