"""Keeping what is known of clients sealed, and opening it only to judge whether somebody fits a course."""

import logging
from collections.abc import Sequence

from chassis.db import Transaction
from chassis.dead_letters import forget
from chassis.vault import BrokenSeal
from contracts.decisions import ClientEligibility, ClientEligibilityChanged, ClientEligibilityErased
from contracts.keys import Purpose
from services.courses.eligibility import store
from services.courses.eligibility.domain import NOBODY_KNOWS, Client
from services.courses.eligibility.store import SealedClient

_log = logging.getLogger(__name__)


async def on_eligibility(tx: Transaction, event: ClientEligibilityChanged) -> None:
    """Kept sealed; it counts from the next pin on, and ends none that there is."""
    await store.merge_eligibility(tx, event.client_ref, event.sealed, event.version)


async def on_eligibility_erased(tx: Transaction, event: ClientEligibilityErased) -> None:
    """Of an erased client nothing is known any more, nor kept of what could not be applied."""
    await store.merge_eligibility(tx, event.client_ref, None, event.version)
    await forget(tx, event.topic, event.key)


async def find_client(tx: Transaction, decision_ref: str) -> Client:
    """What is known of the decision's client; asked for before anything is locked, as the keys are kept elsewhere."""
    return (await find_clients(tx, [decision_ref])).get(decision_ref, NOBODY_KNOWS)


async def find_clients(tx: Transaction, decision_refs: Sequence[str]) -> dict[str, Client]:
    """What is known of the decisions' clients, of those it is known of."""
    sealed = await store.find_sealed(tx, decision_refs)
    await tx.vault.fetch_keys(Purpose.ELIGIBILITY, (client.client_ref for client in sealed.values()))
    return {decision_ref: await _opened(tx, client) for decision_ref, client in sealed.items()}


async def _opened(tx: Transaction, client: SealedClient) -> Client:
    """Of an erased client nothing is known; of one whose seal is broken neither, which is logged."""
    try:
        document = await tx.vault.open(Purpose.ELIGIBILITY, client.client_ref, client.sealed)
    except BrokenSeal:
        _log.exception("the eligibility of a client cannot be opened")
        return NOBODY_KNOWS
    if document is None:
        return NOBODY_KNOWS
    known = ClientEligibility.model_validate_json(document)
    return Client(known.disease_group, known.birth_date, known.birth_year)
