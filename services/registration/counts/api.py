"""HTTP of announced counts: announcing, raising, correcting, and reading them as of any instant."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.fields import Between
from chassis.http import Answer, Command, problems
from contracts.values import CountChange
from services.registration import store
from services.registration.acts import Act
from services.registration.answers import contract_answer
from services.registration.counts import handlers
from services.registration.counts import store as counts
from services.registration.fields import Day, IdInPath, Limit, Officer, Reader, Reason, Writer, Year
from services.registration.views import ContractView

router = APIRouter()

Count = Annotated[int, Field(ge=0, le=100_000, examples=[24])]
Instant = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]


class AnnounceCount(Command):
    """Announce a year's count of new clients; zero is a count."""

    count: Count


class CorrectCount(Command):
    """What should have been entered, why, and from which day on; without a day, from now on."""

    count: Count
    reason: Reason
    effective_on: Day | None = None


class EntryView(BaseModel):
    """One entry of a count's history; `reason` is Kela's, of a correction."""

    model_config = ConfigDict(from_attributes=True)

    year: int
    revision: int
    count: int
    kind: CountChange
    effective_at: datetime
    recorded_at: datetime
    reason: str | None


class CountsInForce(BaseModel):
    """The entry of each year that was in force at `in_force_at`, by what was known at `known_at`."""

    in_force_at: datetime
    known_at: datetime
    items: list[EntryView]
    next: None = None


class CountHistory(BaseModel):
    """Every entry of one year, oldest first; `next` is the `after` of the following page."""

    items: list[EntryView]
    next: int | None


@router.put(
    "/contracts/{contract_id}/announced-counts/{year}",
    response_model=ContractView,
    responses=problems(
        "CONTRACT_NOT_IN_FORCE",
        "CONTRACT_UNKNOWN",
        "COUNT_ONLY_RAISED",
        "STALE_VERSION",
        "WINDOW_CLOSED",
        "YEAR_NOT_OPEN",
    ),
    openapi_extra=does(Act.ANNOUNCE_COUNT),
)
async def announce_count(contract_id: IdInPath, year: Year, body: AnnounceCount, caller: Writer) -> Response:
    """Announce how many new clients the provider takes this year or next, or raise that number."""

    async def act(tx: Transaction) -> Answer:
        contract = await handlers.announce_count(tx, contract_id, year, body.count, if_match=caller.if_match)
        return await contract_answer(tx, contract)

    return await caller.command(act)


@router.put(
    "/contracts/{contract_id}/announced-counts/{year}/correction",
    response_model=ContractView,
    responses=problems("CONTRACT_UNKNOWN", "COUNT_NOT_ANNOUNCED", "EFFECTIVE_OUT_OF_RANGE", "STALE_VERSION"),
    openapi_extra=does(Act.CORRECT_COUNT),
)
async def correct_count(contract_id: IdInPath, year: Year, body: CorrectCount, caller: Officer) -> Response:
    """Kela corrects a mistaken entry, also to less than is in use; nothing is taken away (E-3)."""

    async def act(tx: Transaction) -> Answer:
        contract = await handlers.correct_count(
            tx,
            contract_id,
            year,
            body.count,
            reason=body.reason,
            effective_on=body.effective_on,
            if_match=caller.if_match,
        )
        return await contract_answer(tx, contract)

    return await caller.command(act)


@router.get(
    "/contracts/{contract_id}/announced-counts", response_model=CountsInForce, responses=problems("CONTRACT_UNKNOWN")
)
async def show_counts(
    contract_id: IdInPath,
    caller: Reader,
    in_force_at: Annotated[Instant | None, Query()] = None,
    known_at: Annotated[Instant | None, Query()] = None,
) -> Response:
    """Each year's count as it was in force at an instant and known at an instant; now, where they are left out."""

    async def read(tx: Transaction) -> Answer:
        await store.get_contract(tx, contract_id)
        at, known = in_force_at or tx.now, known_at or tx.now
        entries = await counts.find_in_force(tx, contract_id, at=at, known_at=known)
        items = [EntryView.model_validate(entry) for entry in entries]
        return Answer(200, CountsInForce(in_force_at=at, known_at=known, items=items))

    return await caller.query(read)


@router.get(
    "/contracts/{contract_id}/announced-counts/{year}",
    response_model=CountHistory,
    responses=problems("CONTRACT_UNKNOWN"),
)
async def show_count_history(
    contract_id: IdInPath,
    year: Year,
    caller: Reader,
    limit: Limit = 100,
    after: Annotated[int, Between(0, 2**31 - 1)] = 0,
) -> Response:
    """Every entry of one year's count: what was announced, raised, defaulted and corrected, and when."""

    async def read(tx: Transaction) -> Answer:
        await store.get_contract(tx, contract_id)
        found = await counts.find_revisions(tx, contract_id, year, after=after, limit=limit + 1)
        items = [EntryView.model_validate(entry) for entry in found[:limit]]
        return Answer(200, CountHistory(items=items, next=items[-1].revision if len(found) > limit else None))

    return await caller.query(read)
