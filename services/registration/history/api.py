"""HTTP of histories: for Kela, and for a provider of its own."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import Response

from chassis.db import Transaction
from chassis.history import HistoryEntry, HistoryList, history_page, read_history
from chassis.http import Answer, problems
from services.registration import store
from services.registration.acts import Act
from services.registration.counts import store as counts
from services.registration.ending import store as ends
from services.registration.fields import BusinessId, IdInPath, Limit, Place, Reader

router = APIRouter()


@router.get("/providers/{provider_id}/history", response_model=HistoryList, responses=problems("PROVIDER_UNKNOWN"))
async def show_provider_history(
    provider_id: BusinessId, caller: Reader, limit: Limit = 100, after: Place = 0
) -> Response:
    """What was done to a provider's own data."""

    async def read(tx: Transaction) -> Answer:
        await store.get_provider(tx, provider_id)
        found = await read_history(tx, caller.acts, f"provider:{provider_id}", after=after, limit=limit + 1)
        return Answer(200, history_page(caller, found, limit))

    return await caller.query(read)


@router.get("/offices/{office_id}/history", response_model=HistoryList, responses=problems("OFFICE_UNKNOWN"))
async def show_office_history(office_id: IdInPath, caller: Reader, limit: Limit = 100, after: Place = 0) -> Response:
    """What was done to an office."""

    async def read(tx: Transaction) -> Answer:
        await store.get_office(tx, office_id)
        found = await read_history(tx, caller.acts, f"office:{office_id}", after=after, limit=limit + 1)
        return Answer(200, history_page(caller, found, limit))

    return await caller.query(read)


@router.get("/contracts/{contract_id}/history", response_model=HistoryList, responses=problems("CONTRACT_UNKNOWN"))
async def show_contract_history(
    contract_id: IdInPath, caller: Reader, limit: Limit = 100, after: Place = 0
) -> Response:
    """What was done to a contract: registered, contact, counts, end; with the reasons Kela gave."""

    async def read(tx: Transaction) -> Answer:
        await store.get_contract(tx, contract_id)
        found = await read_history(tx, caller.acts, f"contract:{contract_id}", after=after, limit=limit + 1)
        return Answer(200, history_page(caller, found, limit, await _reasons(tx, contract_id, found)))

    return await caller.query(read)


async def _reasons(tx: Transaction, contract_id: str, found: Sequence[HistoryEntry]) -> dict[int, str]:
    """Reasons are not in the audit rows: they are words, and stand with what they are about."""
    corrected = {e.entry_id: (e.detail["year"], e.detail["revision"]) for e in found if e.did(Act.CORRECT_COUNT)}
    ended = {e.entry_id: e.detail["revision"] for e in found if e.did(Act.END_CONTRACT)}
    of_corrections = await counts.find_reasons(tx, contract_id, list(corrected.values()))
    of_ends = await ends.find_reasons(tx, contract_id, list(ended.values()))
    return {
        **{entry: of_corrections[place] for entry, place in corrected.items()},
        **{entry: of_ends[number] for entry, number in ended.items()},
    }
