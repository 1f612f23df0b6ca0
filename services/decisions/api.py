"""HTTP of decisions and client contacts: parse, authorise, call a handler, shape the answer."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.auth import Role
from chassis.db import Transaction
from chassis.fields import ISO_DAY, MobilePhone
from chassis.http import Answer, Caller, Command, problems
from chassis.settled import followed
from contracts.identity_codes import TextKind
from contracts.municipalities import get_municipality
from contracts.values import DecisionState, Language
from services.decisions import annulling, contacts, eligibility, erasing, fields, granting, handlers, store, swapping
from services.decisions.acts import Act, Read
from services.decisions.concerns import api as concerns_api
from services.decisions.domain import AnnulmentReason, Application, Decision, Outcome
from services.decisions.followup import api as followup_api
from services.decisions.followup.domain import FollowUp
from services.decisions.followup.handlers import get_follow_up
from services.decisions.planned import api as planned_api
from services.decisions.quotas import api as quotas_api
from services.decisions.reasonings import api as reasonings_api
from services.decisions.reconciling import api as reconciling_api
from services.decisions.settlements import api as settlements_api
from services.decisions.settlements import prices_api
from services.decisions.statistics import api as statistics_api
from services.decisions.views import ContactView, DecisionList, DecisionView, EligibilityView, ErasureView, SwapView

router = APIRouter(tags=["decisions"])

_EARLIEST_BIRTH = date(1900, 1, 1)


class Decide(Command):
    """An official's decision on an application.

    `municipality_code` is where the client lives: the area whose quota counts the client (E-55), and
    where other providers' distances are counted from (E-5). Only the area is kept.
    """

    application_ref: fields.Reference
    client_ref: fields.Reference
    contract_id: fields.Id
    applied_on: fields.Day
    outcome: Outcome
    valid_to: fields.Day | None = Field(default=None, examples=["2025-12-31"])
    reasoning: fields.ReasoningCode | None = None
    municipality_code: fields.MunicipalityCode | None = None

    def application(self) -> Application:
        """What the rules look at.

        Raises:
            Invalid: MUNICIPALITY_UNKNOWN.
        """
        home = get_municipality(self.municipality_code) if self.municipality_code else None
        return Application(
            self.application_ref,
            self.client_ref,
            self.contract_id,
            self.applied_on,
            self.outcome,
            self.valid_to,
            self.reasoning,
            municipality_code=None if home is None else home.code,
            area=None if home is None else home.area,
        )


class OnNotice(Command):
    """What is done only because the client said so (R-DEC-16)."""

    client_notice: fields.Notice


class Revoke(OnNotice):
    """A revocation; `reasoning` is the template's code, null for the usual one."""

    reasoning: fields.ReasoningCode | None = None


class Reject(Command):
    """A rejection of what waits names its ground: `reasoning` is the template's code (R-DEC-21)."""

    reasoning: fields.ReasoningCode


class Annul(Command):
    """Why the decision was issued in error."""

    reason: AnnulmentReason


class ChangeProvider(OnNotice):
    """The client's answer, under which reference it was filed, and the contract to go on with.

    `municipality_code` is where the client lives: if the contract is full, others are named by their
    distance from there (E-5). Only the area is kept.
    """

    application_ref: fields.Reference
    contract_id: fields.Id
    valid_to: fields.Day | None = Field(default=None, examples=["2025-12-31"])
    municipality_code: fields.MunicipalityCode | None = None


class ChangeEligibility(Command):
    """What decides on which course a client fits; null is not known."""

    disease_group: Annotated[str, TextKind.MACHINE, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] | None = None
    birth_date: Annotated[date, ISO_DAY, Field(ge=_EARLIEST_BIRTH)] | None = None
    birth_year: Annotated[int, Field(ge=1900, le=2199)] | None = None


class ChangeContact(Command):
    """Where the client can be reached: by SMS, so at a mobile number (E-69)."""

    phone: MobilePhone
    language: Language


@router.post(
    "/decisions",
    status_code=201,
    response_model=DecisionView,
    responses=problems(
        "ANNOUNCED_COUNT_FULL",
        "APPLICATION_DECIDED",
        "APPLIED_IN_FUTURE",
        "CONTRACT_NOT_IN_FORCE",
        "CONTRACT_UNKNOWN",
        "MUNICIPALITY_NEEDED",
        "MUNICIPALITY_UNKNOWN",
        "REASONING_UNKNOWN",
        "SERVICE_DESCRIPTION_UNKNOWN",
        "VALIDITY_IN_PAST",
    ),
    openapi_extra=does(Act.GRANT_DECISION, Act.QUEUE_APPLICATION, Act.REJECT_APPLICATION),
)
async def decide(body: Decide, caller: fields.Official) -> Response:
    """Grant or reject; the same application again gets the same answer."""
    application = body.application()

    async def act(tx: Transaction) -> Answer:
        return _answer(await handlers.decide(tx, application), caller, status=201)

    def say(tx: Transaction, given: granting.Grant) -> Answer:
        return _answer(granting.say(tx, given), caller, status=201)

    if application.outcome is Outcome.REJECTED:
        return await caller.command(act, body.contract_id)
    return await caller.shared_command(granting.grant_together, application, say, act, body.contract_id)


@router.get(
    "/decisions",
    response_model=DecisionList,
    responses=problems("DECISION_UNKNOWN"),
    openapi_extra=shows(Read.READ_DECISIONS),
)
async def list_decisions(
    caller: fields.Anyone,
    contract_id: Annotated[fields.Id | None, Query()] = None,
    service: fields.QueryService | None = None,
    state: DecisionState | None = None,
    after: fields.DecisionRef | None = None,
    limit: fields.Limit = 100,
) -> Response:
    """Decisions in the order of arrival; a provider sees those made to it."""

    async def read(tx: Transaction) -> Answer:
        settled = await tx.settled("decisions", "number")
        found = await store.find_decisions(
            tx, contract_id=contract_id, service=service, state=state, after=after, limit=limit + 1
        )
        numbered = [(decision.number, decision) for decision in found]
        page = followed(numbered, limit, settled, after=after, cursor=lambda _, decision: decision.decision_ref)
        items = [DecisionView.of(decision, for_kela=_is_kela(caller)) for decision in page.items]
        return Answer(200, DecisionList(items=items, next=page.next, resume=page.resume))

    return await caller.query(read)


@router.get(
    "/decisions/{decision_ref}",
    response_model=DecisionView,
    responses=problems("DECISION_UNKNOWN"),
    openapi_extra=shows(Read.READ_DECISION),
)
async def show_decision(decision_ref: fields.PathRef, caller: fields.Anyone) -> Response:
    """A decision with its follow-up."""

    async def read(tx: Transaction) -> Answer:
        decision = await store.get_decision(tx, decision_ref)
        return _answer(decision, caller, follow_up=await get_follow_up(tx, decision))

    return await caller.query(read)


@router.post(
    "/decisions/{decision_ref}/revocation",
    response_model=DecisionView,
    responses=problems(
        "ALREADY_REVOKED",
        "DECISION_UNKNOWN",
        "GUARDIAN_NEEDED",
        "NOTICE_IN_FUTURE",
        "NOT_GRANTED",
        "REASONING_UNKNOWN",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.REVOKE_DECISION),
)
async def revoke(decision_ref: fields.PathRef, body: Revoke, caller: fields.Official) -> Response:
    """Revoke on the client's own notice (E-57)."""

    async def act(tx: Transaction) -> Answer:
        notice = body.client_notice.notice()
        revoked = await handlers.revoke_decision(
            tx, decision_ref, notice, if_match=caller.if_match, reasoning=body.reasoning
        )
        return _answer(revoked, caller)

    return await caller.command(act)


@router.post(
    "/decisions/{decision_ref}/annulment",
    response_model=DecisionView,
    responses=problems("ALREADY_ANNULLED", "DECISION_UNKNOWN", "NOT_GRANTED", "STALE_VERSION"),
    openapi_extra=does(Act.ANNUL_DECISION),
)
async def annul(decision_ref: fields.PathRef, body: Annul, caller: fields.Official) -> Response:
    """Annul what was issued in error; its slots are free again (E-7)."""

    async def act(tx: Transaction) -> Answer:
        return _answer(await annulling.annul_decision(tx, decision_ref, body.reason, if_match=caller.if_match), caller)

    return await caller.command(act)


@router.post(
    "/decisions/{decision_ref}/provider-change",
    status_code=201,
    response_model=SwapView,
    responses=problems(
        "ALREADY_REVOKED",
        "ANNOUNCED_COUNT_FULL",
        "APPLICATION_DECIDED",
        "CONTRACT_NOT_IN_FORCE",
        "CONTRACT_UNKNOWN",
        "DECIDING_SUSPENDED",
        "DECISION_UNKNOWN",
        "GUARDIAN_NEEDED",
        "MUNICIPALITY_UNKNOWN",
        "NOTICE_IN_FUTURE",
        "NOT_GRANTED",
        "OTHER_SERVICE",
        "SAME_PROVIDER",
        "SERVICE_DESCRIPTION_UNKNOWN",
        "STALE_VERSION",
        "VALIDITY_IN_PAST",
    ),
    openapi_extra=does(Act.SWAP_PROVIDER),
)
async def change_provider(decision_ref: fields.PathRef, body: ChangeProvider, caller: fields.Official) -> Response:
    """Revoke on the client's answer and grant for another provider, both or neither (E-65)."""

    async def act(tx: Transaction) -> Answer:
        swap = await swapping.swap_provider(
            tx,
            decision_ref,
            body.contract_id,
            body.client_notice.notice(),
            application_ref=body.application_ref,
            if_match=caller.if_match,
            valid_to=body.valid_to,
            home=get_municipality(body.municipality_code) if body.municipality_code else None,
        )
        view = SwapView(
            revoked=DecisionView.of(swap.revoked, for_kela=True), granted=DecisionView.of(swap.granted, for_kela=True)
        )
        subject = ("decision", swap.granted.decision_ref)
        also = (("decision", decision_ref, swap.revoked.version),)
        return Answer(201, view, version=swap.granted.version, subject=subject, also=also)

    return await caller.command(act, body.contract_id)


@router.post(
    "/decisions/{decision_ref}/rejection",
    response_model=DecisionView,
    responses=problems("DECISION_UNKNOWN", "NOT_WAITING", "REASONING_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.REJECT_APPLICATION),
)
async def reject(decision_ref: fields.PathRef, body: Reject, caller: fields.Official) -> Response:
    """Reject on merit what waits for the quota (E-54)."""

    async def act(tx: Transaction) -> Answer:
        rejected = await handlers.reject_application(
            tx, decision_ref, if_match=caller.if_match, reasoning=body.reasoning
        )
        return _answer(rejected, caller)

    return await caller.command(act)


@router.post(
    "/decisions/{decision_ref}/withdrawal",
    response_model=DecisionView,
    responses=problems("DECISION_UNKNOWN", "GUARDIAN_NEEDED", "NOTICE_IN_FUTURE", "NOT_WAITING", "STALE_VERSION"),
    openapi_extra=does(Act.WITHDRAW_APPLICATION),
)
async def withdraw(decision_ref: fields.PathRef, body: OnNotice, caller: fields.Official) -> Response:
    """The client withdraws what waits for the quota (E-54)."""

    async def act(tx: Transaction) -> Answer:
        notice = body.client_notice.notice()
        return _answer(await handlers.withdraw_application(tx, decision_ref, notice, if_match=caller.if_match), caller)

    return await caller.command(act)


@router.put(
    "/client-contacts/{client_ref}",
    response_model=ContactView,
    responses=problems("STALE_VERSION"),
    openapi_extra=does(Act.CHANGE_CONTACT),
)
async def change_contact(client_ref: fields.PathReference, body: ChangeContact, caller: fields.Kela) -> Response:
    """Store where a client can be reached; sealed at once, never shown again."""

    async def act(tx: Transaction) -> Answer:
        version = await contacts.change_contact(tx, client_ref, body.phone, body.language, if_match=caller.if_match)
        view = ContactView(client_ref=client_ref, version=version)
        return Answer(200, view, version=version, subject=("client-contact", client_ref))

    return await caller.command(act)


@router.put(
    "/client-eligibility/{client_ref}",
    response_model=EligibilityView,
    responses=problems("BIRTH_GIVEN_TWICE", "BIRTH_IN_FUTURE", "STALE_VERSION"),
    openapi_extra=does(Act.CHANGE_ELIGIBILITY),
)
async def change_eligibility(
    client_ref: fields.PathReference, body: ChangeEligibility, caller: fields.Kela
) -> Response:
    """Store a client's disease group and birth date or year; sealed at once, never shown again (E-24)."""

    async def act(tx: Transaction) -> Answer:
        known = eligibility.checked(body.disease_group, body.birth_date, body.birth_year, tx.today)
        version = await eligibility.change_eligibility(tx, client_ref, known, if_match=caller.if_match)
        view = EligibilityView(client_ref=client_ref, version=version)
        return Answer(200, view, version=version, subject=("client-eligibility", client_ref))

    return await caller.command(act)


@router.post("/clients/{client_ref}/erasure", response_model=ErasureView, openapi_extra=does(Act.ERASE_CLIENT))
async def erase(client_ref: fields.PathReference, caller: fields.Official) -> Response:
    """Erase what is known of a client, for good; again it changes nothing.

    Other services follow as they read; `docs/operations.md` says what is left for how long.
    """

    async def act(tx: Transaction) -> Answer:
        view = ErasureView.of(client_ref, await erasing.erase_client(tx, client_ref))
        return Answer(200, view, subject=("client", client_ref))

    return await caller.command(act)


router.include_router(followup_api.router)
router.include_router(planned_api.router)
router.include_router(concerns_api.router)
router.include_router(reasonings_api.router)
router.include_router(quotas_api.router)
router.include_router(reconciling_api.router)
router.include_router(settlements_api.router)
router.include_router(prices_api.router)
router.include_router(statistics_api.router)


def _is_kela(caller: Caller) -> bool:
    return caller.principal.role is not Role.PROVIDER


def _answer(decision: Decision, caller: Caller, *, status: int = 200, follow_up: FollowUp | None = None) -> Answer:
    view = DecisionView.of(decision, for_kela=_is_kela(caller), followup=follow_up)
    return Answer(status, view, version=decision.version, subject=("decision", decision.decision_ref))
