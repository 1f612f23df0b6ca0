"""HTTP of payments."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from chassis.db import Transaction
from chassis.http import Answer, Command, problems
from services.decisions import fields
from services.decisions.settlements import handlers

router = APIRouter(tags=["payments"])


class PayPeriod(Command):
    """One period of one course, for some of its clients."""

    course_id: fields.Id
    period_number: Annotated[int, Field(ge=1, le=100)]
    decision_refs: Annotated[list[fields.DecisionRef], Field(min_length=1, max_length=100)]


class PaymentView(BaseModel):
    """What was paid now, and what had been paid before and was not paid again."""

    paid: list[str]
    already_paid: list[str]


@router.post(
    "/payments",
    status_code=201,
    response_model=PaymentView,
    responses=problems("COURSE_UNKNOWN", "NOT_PINNED_THERE", "PERIOD_NOT_ENDED", "PERIOD_UNKNOWN"),
)
async def pay_period(body: PayPeriod, caller: fields.Kela) -> Response:
    """Pay a course period for all the clients named, or for none (R-BIL-9)."""

    async def act(tx: Transaction) -> Answer:
        payment = await handlers.pay_period(tx, body.course_id, body.period_number, body.decision_refs)
        return Answer(201, PaymentView(paid=payment.paid, already_paid=payment.already_paid))

    return await caller.command(act)
