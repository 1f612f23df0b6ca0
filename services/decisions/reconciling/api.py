"""HTTP of reconciliation: what differs, and the command that sets it right."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.db import Transaction
from chassis.http import Answer, problems
from chassis.settled import followed
from services.decisions import fields
from services.decisions.acts import Act, Read
from services.decisions.reconciling import handlers, store
from services.decisions.reconciling.domain import DifferenceState, Kind

router = APIRouter(tags=["reconciliation"])


class DifferenceView(BaseModel):
    """A counter or a copy that was not what the decisions say.

    `subject` is the contract and year, the service and year with area and language, or the decision;
    `shown` is what it said, or 1 for what is there and should not be.
    """

    model_config = ConfigDict(from_attributes=True)

    number: int
    kind: Kind
    subject: str
    shown: int
    expected: int
    state: DifferenceState
    found_at: datetime
    settled_at: datetime | None


class DifferenceList(BaseModel):
    """Differences in the order in which they were found; `next` leads on, `resume` later to what is new."""

    items: list[DifferenceView]
    next: int | None
    resume: Annotated[int | None, Field(examples=[17])]


class RepairView(BaseModel):
    """What a repair has set right, and what is still open."""

    repaired: int
    left: int


@router.get(
    "/differences",
    response_model=DifferenceList,
    responses=problems(),
    openapi_extra=shows(Read.READ_DIFFERENCES),
)
async def list_differences(
    caller: fields.Kela,
    state: DifferenceState | None = None,
    after: fields.Place = 0,
    limit: fields.Limit = 100,
) -> Response:
    """The report: where a counter or a copy is or was not what the decisions say."""

    async def read(tx: Transaction) -> Answer:
        settled = await tx.settled("differences", "number")
        found = await store.find_differences(tx, state=state, after=after, limit=limit + 1)
        numbered = [(difference.number, difference) for difference in found]
        page = followed(numbered, limit, settled, after=after, cursor=lambda number, _: number)
        items = [DifferenceView.model_validate(difference) for difference in page.items]
        return Answer(200, DifferenceList(items=items, next=page.next, resume=page.resume))

    return await caller.query(read)


@router.post(
    "/differences/repair",
    response_model=RepairView,
    responses=problems(),
    openapi_extra=does(Act.REPAIR_DIFFERENCE),
)
async def repair(caller: fields.Official) -> Response:
    """Set right up to fifty open differences by what the decisions say; each leaves its line in the audit."""

    async def act(tx: Transaction) -> Answer:
        done = await handlers.repair(tx)
        return Answer(200, RepairView(repaired=done.repaired, left=done.left))

    return await caller.command(act)
