"""HTTP of planned periods: one client's, and those of all clients page by page."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from chassis.acts import shows
from chassis.conditional import UNCHANGED, unless_known
from chassis.db import Transaction
from chassis.http import Answer, problems
from contracts.values import DecisionState, DeliveryMode
from services.decisions import fields
from services.decisions import store as decisions
from services.decisions.acts import Read
from services.decisions.planned import store
from services.decisions.planned.domain import Stay, path

router = APIRouter(tags=["planned periods"])


class PlannedPeriodView(BaseModel):
    """A period the client is to attend or has attended; dates and mode are null until our copy has them."""

    model_config = ConfigDict(from_attributes=True)

    course_id: str
    provider_id: str
    office_id: str
    number: int
    first_day: date | None
    last_day: date
    mode: DeliveryMode | None
    attended: bool


class PlannedPeriodsView(BaseModel):
    """A client's periods by their days, over all courses the client is or was on."""

    decision_ref: str
    items: list[PlannedPeriodView]

    @classmethod
    def of(cls, decision_ref: str, stays: Iterable[Stay]) -> Self:
        """The client's way over the courses."""
        items = [PlannedPeriodView.model_validate(period) for period in path(stays)]
        return cls(decision_ref=decision_ref, items=items)


class PlannedPeriodsList(BaseModel):
    """Clients in the order their decisions came; `next` is the `after` of the following page."""

    items: list[PlannedPeriodsView]
    next: str | None


@router.get(
    "/decisions/{decision_ref}/planned-periods",
    response_model=PlannedPeriodsView,
    responses=problems("DECISION_UNKNOWN"),
    openapi_extra=shows(Read.READ_PLANNED_PERIODS),
)
async def show_planned_periods(decision_ref: fields.PathRef, caller: fields.Kela) -> Response:
    """When the client's rehabilitation is planned to take place, after moves too (R-CRS-12)."""

    async def read(tx: Transaction) -> Answer:
        await decisions.get_decision(tx, decision_ref)
        stays = await store.find_stays(tx, [decision_ref])
        return Answer(200, PlannedPeriodsView.of(decision_ref, stays[decision_ref]))

    return await caller.query(read)


@router.get(
    "/planned-periods",
    response_model=PlannedPeriodsList,
    responses=problems("DECISION_UNKNOWN") | UNCHANGED,
    openapi_extra=shows(Read.READ_PLANNED_PERIODS),
)
async def list_planned_periods(
    caller: fields.Kela,
    contract_id: Annotated[fields.Id | None, Query()] = None,
    service: fields.QueryService | None = None,
    after: fields.DecisionRef | None = None,
    limit: fields.Limit = 100,
) -> Response:
    """When the rehabilitation of every client with a decision in force is planned to take place (R-CRS-12)."""

    async def read(tx: Transaction) -> Answer:
        found = await decisions.find_decisions(
            tx, contract_id=contract_id, service=service, state=DecisionState.GRANTED, after=after, limit=limit + 1
        )
        refs = [decision.decision_ref for decision in found[:limit]]
        stays = await store.find_stays(tx, refs)
        items = [PlannedPeriodsView.of(ref, stays[ref]) for ref in refs]
        following = refs[-1] if len(found) > limit else None
        return unless_known(caller, PlannedPeriodsList(items=items, next=following))

    return await caller.query(read)
