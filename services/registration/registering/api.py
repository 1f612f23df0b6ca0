"""HTTP of registering an office for a service."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.http import Answer, problems
from contracts.values import RegistrationState
from services.registration.acts import Act
from services.registration.fields import After, BusinessId, IdInPath, Limit, Officer, Reader, ServiceInQuery, Writer
from services.registration.registering import handlers, store
from services.registration.registering.domain import Registration
from services.registration.registering.views import (
    Approve,
    DraftContent,
    DraftRegistration,
    EndRegistration,
    PutUnderContract,
    RegistrationDetail,
    RegistrationList,
    RegistrationView,
    Reject,
    UndeclaredList,
    UndeclaredView,
)

router = APIRouter(tags=["registrations"])

State = Annotated[RegistrationState | None, Query()]


@router.post(
    "/registrations",
    status_code=201,
    response_model=RegistrationDetail,
    responses=problems(
        "LANGUAGE_NOT_OFFERED",
        "OFFICE_UNKNOWN",
        "PARTY_NAMED_TWICE",
        "REGISTRATION_EXISTS",
        "SERVICE_UNKNOWN",
    ),
    openapi_extra=does(Act.DRAFT_REGISTRATION),
)
async def draft_registration(body: DraftRegistration, caller: Writer) -> Response:
    """Begin to register an office for a service in a language; every office on its own (P3).

    How subcontractors are declared stands in Kela's instruction, `subcontracting_instruction` (R-REG-6).
    """
    composition = body.composition()

    async def act(tx: Transaction) -> Answer:
        registration = await handlers.draft_registration(
            tx,
            office_id=body.office_id,
            service=body.service,
            language=body.language,
            composition=composition,
            conditions_accepted=body.conditions_accepted,
            decision_delivery=body.decision_delivery,
        )
        return await _answer(tx, registration, status=201)

    return await caller.command(act, body.office_id)


@router.get("/registrations", response_model=RegistrationList, responses=problems())
async def list_registrations(
    caller: Reader,
    provider_id: BusinessId | None = None,
    state: State = None,
    service: ServiceInQuery = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Registrations in the order they were drafted; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        found = await store.find_registrations(
            tx, provider_id=provider_id, state=state, service=service, after=after, limit=limit + 1
        )
        items = [RegistrationView.of(each) for each in found[:limit]]
        return Answer(
            200, RegistrationList(items=items, next=items[-1].registration_id if len(found) > limit else None)
        )

    return await caller.query(read)


@router.get("/undeclared-subcontracting", response_model=UndeclaredList, responses=problems())
async def list_undeclared(
    caller: Reader, provider_id: BusinessId | None = None, limit: Limit = 100, after: After = ""
) -> Response:
    """Contracts in force whose provider has not said whether it has subcontractors (R-REG-3)."""

    async def read(tx: Transaction) -> Answer:
        found = await store.find_undeclared(tx, provider_id=provider_id, on=tx.today, after=after, limit=limit + 1)
        items = [UndeclaredView.model_validate(each) for each in found[:limit]]
        return Answer(200, UndeclaredList(items=items, next=items[-1].contract_id if len(found) > limit else None))

    return await caller.query(read)


@router.get(
    "/registrations/{registration_id}", response_model=RegistrationDetail, responses=problems("REGISTRATION_UNKNOWN")
)
async def show_registration(registration_id: IdInPath, caller: Reader) -> Response:
    """One registration with Kela's decisions about it; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        return await _answer(tx, await store.get_registration(tx, registration_id))

    return await caller.query(read)


@router.put(
    "/registrations/{registration_id}",
    response_model=RegistrationDetail,
    responses=problems("PARTY_NAMED_TWICE", "REGISTRATION_STATE", "REGISTRATION_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.REVISE_DRAFT),
)
async def revise_draft(registration_id: IdInPath, body: DraftContent, caller: Writer) -> Response:
    """Replace what a draft says; after it has been submitted, changes are requests."""
    composition = body.composition()

    async def act(tx: Transaction) -> Answer:
        registration = await handlers.revise_draft(
            tx,
            registration_id,
            composition,
            conditions_accepted=body.conditions_accepted,
            decision_delivery=body.decision_delivery,
            if_match=caller.if_match,
        )
        return await _answer(tx, registration)

    return await caller.command(act)


@router.post(
    "/registrations/{registration_id}/submission",
    response_model=RegistrationDetail,
    responses=problems(
        "CONDITIONS_NOT_ACCEPTED",
        "REGISTRATION_STATE",
        "REGISTRATION_UNKNOWN",
        "STALE_VERSION",
        "SUBCONTRACTING_UNDECLARED",
        "SUBCONTRACTORS_MISSING",
        "SUBCONTRACTORS_UNEXPECTED",
    ),
    openapi_extra=does(Act.SUBMIT_REGISTRATION),
)
async def submit_registration(registration_id: IdInPath, caller: Writer) -> Response:
    """Hand the draft in to Kela; the question about subcontracting must be answered (R-REG-3, R-REG-4)."""

    async def act(tx: Transaction) -> Answer:
        return await _answer(tx, await handlers.submit_registration(tx, registration_id, if_match=caller.if_match))

    return await caller.command(act)


_DECIDING = problems("REGISTRATION_STATE", "REGISTRATION_UNKNOWN", "STALE_VERSION")


@router.post(
    "/registrations/{registration_id}/approval",
    response_model=RegistrationDetail,
    responses=_DECIDING,
    openapi_extra=does(Act.DECIDE_REGISTRATION),
)
async def approve_registration(registration_id: IdInPath, body: Approve, caller: Officer) -> Response:
    """Approve a submitted registration: decision and contract go to the provider (P3)."""

    async def act(tx: Transaction) -> Answer:
        registration = await handlers.decide_registration(
            tx, registration_id, body.grounds(), approved=True, if_match=caller.if_match
        )
        return await _answer(tx, registration)

    return await caller.command(act)


@router.post(
    "/registrations/{registration_id}/rejection",
    response_model=RegistrationDetail,
    responses=_DECIDING,
    openapi_extra=does(Act.DECIDE_REGISTRATION),
)
async def reject_registration(registration_id: IdInPath, body: Reject, caller: Officer) -> Response:
    """Reject a submitted registration."""

    async def act(tx: Transaction) -> Answer:
        registration = await handlers.decide_registration(
            tx, registration_id, body.grounds(), approved=False, if_match=caller.if_match
        )
        return await _answer(tx, registration)

    return await caller.command(act)


@router.post(
    "/registrations/{registration_id}/contract",
    response_model=RegistrationDetail,
    responses=problems(
        "CONTRACT_ENDED",
        "LANGUAGE_NOT_OFFERED",
        "REGISTRATION_STATE",
        "REGISTRATION_UNKNOWN",
        "SERVICE_NOT_OPEN",
        "STALE_VERSION",
        "VALIDITY_INVERTED",
    ),
    openapi_extra=does(Act.PUT_UNDER_CONTRACT),
)
async def put_under_contract(registration_id: IdInPath, body: PutUnderContract, caller: Officer) -> Response:
    """Register the signed contract of an approved registration: the service may begin (P3)."""

    async def act(tx: Transaction) -> Answer:
        registration = await handlers.put_under_contract(
            tx, registration_id, valid_from=body.valid_from, valid_to=body.valid_to, if_match=caller.if_match
        )
        return await _answer(tx, registration)

    return await caller.command(act)


@router.post(
    "/registrations/{registration_id}/end",
    response_model=RegistrationDetail,
    responses=problems(
        "DATE_IN_PAST",
        "REGISTRATION_ENDING",
        "REGISTRATION_STATE",
        "REGISTRATION_UNKNOWN",
        "STALE_VERSION",
        "VALIDITY_INVERTED",
    ),
    openapi_extra=does(Act.END_REGISTRATION),
)
async def end_registration(registration_id: IdInPath, body: EndRegistration, caller: Officer) -> Response:
    """Set a registration's last day; the contract ends with the last of its registrations (E-45)."""

    async def act(tx: Transaction) -> Answer:
        registration = await handlers.end_registration(
            tx, registration_id, body.last_day, body.grounds(), if_match=caller.if_match
        )
        return await _answer(tx, registration)

    return await caller.command(act)


async def _answer(tx: Transaction, registration: Registration, *, status: int = 200) -> Answer:
    decisions = await store.find_decisions(tx, registration.registration_id)
    view = RegistrationDetail.told(registration, decisions)
    return Answer(status, view, version=registration.version, subject=("registration", registration.registration_id))
