"""Applies batches of events to the copies: the newest of each aggregate, one statement per kind."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from chassis.db import Transaction
from contracts import courses, decisions, notifications, registration
from contracts.envelope import Event
from contracts.municipalities import current_code
from contracts.registration import OfficeEvent
from services.search import store

Merge = Callable[[Transaction, Iterable[Any]], Awaitable[None]]


async def set_offices(tx: Transaction, events: Iterable[OfficeEvent]) -> None:
    """Merge offices; one registered in a municipality that is gone is found in its successor (E-48)."""
    await store.set_offices(tx, [(e, current_code(e.office.municipality_code)) for e in events])


MERGES: dict[Merge, tuple[type[Event], ...]] = {
    store.set_providers: (registration.ProviderRegistered,),
    set_offices: registration.OFFICE_EVENTS,
    store.set_contracts: registration.CONTRACT_EVENTS,
    store.set_services: (registration.ServiceDescriptionPublished,),
    store.set_courses: courses.COURSE_EVENTS,
    store.set_choice_information: (registration.ChoiceInformationChanged,),
    store.set_feedback_averages: (notifications.FeedbackAveragePublished,),
    store.set_quotas: (
        decisions.EstimateSet,
        decisions.QuotaSet,
        decisions.QuotaFilled,
        decisions.QuotaReopened,
        decisions.QuotaScopeSet,
        decisions.QuotaScopeFilled,
        decisions.QuotaScopeReopened,
    ),
}
"""Each kind of copy with the events that carry its snapshot."""

PROJECTED: tuple[type[Event], ...] = tuple(event for events in MERGES.values() for event in events)

_MERGE_OF = {event: merge for merge, events in MERGES.items() for event in events}


async def apply(tx: Transaction, events: Sequence[Event]) -> None:
    """Merge a batch: whatever the order and however often events come, the rows end up the same.

    Every event carries the whole snapshot, so only the newest of each aggregate needs to be written.
    """
    newest: dict[Merge, dict[str, Event]] = {}
    for event in events:
        held = newest.setdefault(_MERGE_OF[type(event)], {})
        if event.key not in held or event.version > held[event.key].version:
            held[event.key] = event
    for merge in MERGES:
        if merge in newest:
            await merge(tx, newest[merge].values())
