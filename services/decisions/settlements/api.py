"""HTTP of settlements and payments."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.auth import Role
from chassis.db import Transaction
from chassis.entry_points import taken_in
from chassis.examining import examine_value
from chassis.fields import Between
from chassis.http import Answer, Caller, Command, caller, problems
from chassis.settled import followed
from contracts.refusals import Refusal
from services.decisions import fields
from services.decisions.acts import Act, Read
from services.decisions.settlements import finvoice, handlers, store
from services.decisions.settlements.domain import Settlement, SettlementRefused, SettlementState
from services.decisions.settlements.forms import RejectSettlement, SubmitSettlement
from services.decisions.settlements.views import PaymentView, SettlementList, SettlementView

router = APIRouter()

_Provider = Annotated[Caller, Depends(caller(Role.PROVIDER))]
_SUBMITTING = (
    "CONTRACT_UNKNOWN",
    "FORM_OUTDATED",
    "INVOICE_NUMBER_USED",
    "ORIGINAL_NOT_ACCEPTED",
    "ORIGINAL_UNKNOWN",
    "SETTLEMENT_REFUSED",
)
_FORM = taken_in(SubmitSettlement)
_XML: dict[str, Any] = {"schema": {"type": "string", "contentMediaType": finvoice.MEDIA_TYPE}}


class PayPeriod(Command):
    """One period of one course, for some of its clients."""

    course_id: fields.Id
    period_number: Annotated[int, Field(ge=1, le=100, examples=[1])]
    decision_refs: Annotated[
        list[fields.DecisionRef], Field(min_length=1, max_length=100, examples=[["7ZK3M9QW2XRTC"]])
    ]


@router.post(
    "/payments",
    tags=["payments"],
    status_code=201,
    response_model=PaymentView,
    responses=problems("COURSE_UNKNOWN", "NOT_ATTENDED", "NOT_PINNED_THERE", "PERIOD_NOT_ENDED", "PERIOD_UNKNOWN"),
    openapi_extra=does(Act.PAY_PERIOD),
)
async def pay_period(body: PayPeriod, caller: fields.Kela) -> Response:
    """Pay a course period for all the clients named, or for none (R-BIL-9)."""

    async def act(tx: Transaction) -> Answer:
        payment = await handlers.pay_period(tx, body.course_id, body.period_number, body.decision_refs)
        subject = ("course", body.course_id)
        return Answer(201, PaymentView(paid=payment.paid, already_paid=payment.already_paid), subject=subject)

    return await caller.command(act, body.course_id)


@router.post(
    "/settlements",
    tags=["settlements"],
    status_code=201,
    response_model=SettlementView,
    responses=problems(*_SUBMITTING),
    openapi_extra=does(Act.SUBMIT_SETTLEMENT),
)
async def submit(body: SubmitSettlement, caller: _Provider) -> Response:
    """Bill periods of one contract and one service; refused as a whole, with everything that is wrong (E-60)."""
    return await _submit(body, caller)


@router.post(
    "/settlements/finvoice",
    tags=["settlements"],
    status_code=201,
    response_model=SettlementView,
    responses=problems(*_SUBMITTING, "XML_INVALID"),
    openapi_extra={"requestBody": {"required": True, "content": {finvoice.MEDIA_TYPE: _XML}}}
    | does(Act.SUBMIT_SETTLEMENT),
)
async def submit_finvoice(caller: _Provider) -> Response:
    """The same as a Finvoice 3.0 document (P11); a document type or entities in it are refused."""
    content = finvoice.read(await caller.request.body())
    examine_value(content, _FORM)
    try:
        body = SubmitSettlement.model_validate(content)
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(errors) from error
    return await _submit(body, caller)


@router.get(
    "/settlements",
    tags=["settlements"],
    response_model=SettlementList,
    responses=problems("SETTLEMENT_UNKNOWN"),
    openapi_extra=shows(Read.READ_SETTLEMENTS),
)
async def list_settlements(
    caller: fields.Anyone,
    contract_id: Annotated[fields.Id | None, Query()] = None,
    state: SettlementState | None = None,
    after: Annotated[fields.Id | None, Query()] = None,
    limit: Annotated[int, Between(1, 100)] = 20,
) -> Response:
    """Settlements in the order of arrival; a provider sees its own."""

    async def read(tx: Transaction) -> Answer:
        settled = await tx.settled("settlements", "number")
        found = await store.find_settlements(tx, contract_id=contract_id, state=state, after=after, limit=limit + 1)
        page = followed(found, limit, settled, after=after, cursor=lambda _, settlement: settlement.settlement_id)
        items = [SettlementView.of(settlement) for settlement in page.items]
        return Answer(200, SettlementList(items=items, next=page.next, resume=page.resume))

    return await caller.query(read)


@router.get(
    "/settlements/{settlement_id}",
    tags=["settlements"],
    response_model=SettlementView,
    responses=problems("SETTLEMENT_UNKNOWN"),
    openapi_extra=shows(Read.READ_SETTLEMENT),
)
async def show_settlement(settlement_id: fields.PathId, caller: fields.Anyone) -> Response:
    """A settlement with its lines and, once Kela has decided, what was decided and why."""

    async def read(tx: Transaction) -> Answer:
        return _answer(await store.get_settlement(tx, settlement_id))

    return await caller.query(read)


@router.get(
    "/settlements/{settlement_id}/finvoice",
    tags=["settlements"],
    response_class=Response,
    responses={
        **problems("SETTLEMENT_UNKNOWN"),
        200: {"description": "Finvoice 3.0", "content": {finvoice.MEDIA_TYPE: _XML}},
    },
    openapi_extra=shows(Read.READ_SETTLEMENT),
)
async def show_finvoice(settlement_id: fields.PathId, caller: fields.Anyone) -> Response:
    """A settlement as a Finvoice 3.0 document (P11)."""

    async def read(tx: Transaction) -> Answer:
        settlement = await store.get_settlement(tx, settlement_id)
        headers = {"content-type": finvoice.MEDIA_TYPE}
        return Answer(200, finvoice.write(settlement), version=settlement.version, headers=headers)

    return await caller.query(read)


@router.post(
    "/settlements/{settlement_id}/acceptance",
    tags=["settlements"],
    response_model=SettlementView,
    responses=problems(
        "CONTRACT_UNKNOWN", "SETTLEMENT_DECIDED", "SETTLEMENT_REFUSED", "SETTLEMENT_UNKNOWN", "STALE_VERSION"
    ),
    openapi_extra=does(Act.ACCEPT_SETTLEMENT),
)
async def accept(settlement_id: fields.PathId, caller: fields.Official) -> Response:
    """Accept and pay; accepting a credit refunds, and its periods may be billed again (R-BIL-1, E-29)."""

    async def act(tx: Transaction) -> Answer:
        return _answer(await handlers.accept(tx, settlement_id, if_match=caller.if_match))

    return await _explained(caller, act)


@router.post(
    "/settlements/{settlement_id}/rejection",
    tags=["settlements"],
    response_model=SettlementView,
    responses=problems("SETTLEMENT_DECIDED", "SETTLEMENT_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.REJECT_SETTLEMENT),
)
async def reject(settlement_id: fields.PathId, body: RejectSettlement, caller: fields.Official) -> Response:
    """Reject with reasons, which the provider sees; its periods may be billed again (R-BIL-1)."""

    async def act(tx: Transaction) -> Answer:
        return _answer(await handlers.reject(tx, settlement_id, body.reasons, if_match=caller.if_match))

    return await caller.command(act)


async def _submit(body: SubmitSettlement, caller: Caller) -> Response:
    async def act(tx: Transaction) -> Answer:
        return _answer(await handlers.submit(tx, body.invoice(), body.billed()), status=201)

    return await _explained(caller, act, body.contract_id)


async def _explained(caller: Caller, act: Callable[[Transaction], Awaitable[Answer]], *on: str) -> Response:
    """Run the command; every fault it finds is said in the caller's language as well."""
    try:
        return await caller.command(act, *on)
    except SettlementRefused as refused:
        texts, language = caller.runtime.texts, caller.language
        faults = [
            {**fault.figures, "text": texts.text(language, fault.text_id, fault.values)} for fault in refused.faults
        ]
        raise Refusal(refused.code, faults=faults) from refused


def _answer(settlement: Settlement, *, status: int = 200) -> Answer:
    return Answer(
        status,
        SettlementView.of(settlement),
        version=settlement.version,
        subject=("settlement", settlement.settlement_id),
    )
