"""HTTP of changes that need Kela's approval."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.http import Answer, problems
from contracts.values import ChangeKind, ChangeState
from services.registration.acts import Act
from services.registration.change_requests import handlers, store
from services.registration.change_requests.domain import ChangeRequest
from services.registration.change_requests.views import (
    AskForChange,
    ChangeDetail,
    ChangeList,
    ChangeView,
    OfOffice,
    OfRegistration,
)
from services.registration.fields import After, BusinessId, IdInPath, Limit, Officer, Provider, Reader, Writer
from services.registration.registering.views import Approve, Reject

router = APIRouter(tags=["change requests"])


@router.post(
    "/change-requests",
    status_code=201,
    response_model=ChangeDetail,
    responses=problems(
        "ANNOUNCED_TOO_LATE",
        "CHANGE_PENDING",
        "DATE_IN_PAST",
        "MUNICIPALITY_UNKNOWN",
        "OFFICE_UNKNOWN",
        "PARTY_NAMED_TWICE",
        "PROVIDER_UNKNOWN",
        "REGISTRATION_STATE",
        "REGISTRATION_UNKNOWN",
        "SUBCONTRACTOR_KNOWN",
        "SUBCONTRACTOR_UNKNOWN",
    ),
    openapi_extra=does(Act.ASK_FOR_CHANGE),
)
async def ask_for_change(body: AskForChange, caller: Writer) -> Response:
    """Ask Kela to approve a change; what is in force stays in force until then (R-REG-5, E-68).

    How subcontractors are declared stands in Kela's instruction, `subcontracting_instruction` (R-REG-6).
    """
    kind, change = ChangeKind(body.kind), body.change()
    effective_from, why = body.effective_from, body.explanation

    async def act(tx: Transaction) -> Answer:
        if isinstance(body, OfRegistration):
            request = await handlers.ask_for_registration(
                tx, body.registration_id, kind, change, effective_from=effective_from, why=why
            )
        elif isinstance(body, OfOffice):
            request = await handlers.ask_for_office(
                tx, body.office_id, kind, change, effective_from=effective_from, why=why
            )
        else:
            request = await handlers.ask_for_provider(
                tx, body.provider_id, kind, change, effective_from=effective_from, why=why
            )
        return await _answer(tx, request, status=201)

    if isinstance(body, OfRegistration):
        about = body.registration_id
    else:
        about = body.office_id if isinstance(body, OfOffice) else body.provider_id
    return await caller.command(act, about)


@router.get("/change-requests", response_model=ChangeList, responses=problems())
async def list_changes(
    caller: Reader,
    provider_id: BusinessId | None = None,
    state: Annotated[ChangeState | None, Query()] = None,
    kind: Annotated[ChangeKind | None, Query()] = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Requests in the order they were made, the open ones with `state=submitted`; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        found = await store.find_requests(
            tx, provider_id=provider_id, state=state, kind=kind, after=after, limit=limit + 1
        )
        items = [ChangeView.of(each) for each in found[:limit]]
        return Answer(200, ChangeList(items=items, next=items[-1].request_id if len(found) > limit else None))

    return await caller.query(read)


@router.get("/change-requests/{request_id}", response_model=ChangeDetail, responses=problems("CHANGE_UNKNOWN"))
async def show_change(request_id: IdInPath, caller: Reader) -> Response:
    """One request with its outcome; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        return await _answer(tx, await store.get_request(tx, request_id))

    return await caller.query(read)


_ENDING = problems("CHANGE_NOT_OPEN", "CHANGE_UNKNOWN", "STALE_VERSION")


@router.post(
    "/change-requests/{request_id}/approval",
    response_model=ChangeDetail,
    responses=problems("CHANGE_NOT_OPEN", "CHANGE_UNKNOWN", "REGISTRATION_STATE", "STALE_VERSION"),
    openapi_extra=does(Act.END_CHANGE_REQUEST),
)
async def approve_change(request_id: IdInPath, body: Approve, caller: Officer) -> Response:
    """Approve a change: it is in force at once, or from the first instant of its own day (R-REG-5)."""

    async def act(tx: Transaction) -> Answer:
        request = await handlers.decide_change(tx, request_id, body.grounds(), approved=True, if_match=caller.if_match)
        return await _answer(tx, request)

    return await caller.command(act)


@router.post(
    "/change-requests/{request_id}/rejection",
    response_model=ChangeDetail,
    responses=_ENDING,
    openapi_extra=does(Act.END_CHANGE_REQUEST),
)
async def reject_change(request_id: IdInPath, body: Reject, caller: Officer) -> Response:
    """Reject a change: what is in force stays (E-68)."""

    async def act(tx: Transaction) -> Answer:
        request = await handlers.decide_change(tx, request_id, body.grounds(), approved=False, if_match=caller.if_match)
        return await _answer(tx, request)

    return await caller.command(act)


@router.post(
    "/change-requests/{request_id}/withdrawal",
    response_model=ChangeDetail,
    responses=_ENDING,
    openapi_extra=does(Act.END_CHANGE_REQUEST),
)
async def withdraw_change(request_id: IdInPath, caller: Provider) -> Response:
    """Take back a request that Kela has not decided yet."""

    async def act(tx: Transaction) -> Answer:
        return await _answer(tx, await handlers.withdraw_change(tx, request_id, if_match=caller.if_match))

    return await caller.command(act)


async def _answer(tx: Transaction, request: ChangeRequest, *, status: int = 200) -> Answer:
    view = ChangeDetail.told(request, await store.find_outcome(tx, request.request_id))
    return Answer(status, view, version=request.version, subject=("change-request", request.request_id))
