"""HTTP of concerns: a provider files them, Kela ends them, both see what came of them."""

from datetime import date, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.auth import Role
from chassis.db import Transaction
from chassis.fields import words
from chassis.http import Answer, Caller, Command, problems
from contracts.identity_codes import TextKind
from contracts.keys import Purpose
from services.decisions import fields
from services.decisions.acts import Act, Read
from services.decisions.concerns import handlers, store
from services.decisions.concerns.domain import Concern, ConcernOutcome, ConcernState, Reason
from services.decisions.concerns.store import Wanted
from services.decisions.domain import GivenBy

router = APIRouter(tags=["concerns"])

Words = Annotated[str, words(1000, lines=True), Field(examples=["Asiakkaan tilanne on muuttunut."])]
"""Short and without anything that says who the client is; sealed at once, and never part of an event."""
ConcernId = Annotated[str, TextKind.MACHINE, Path(pattern=r"^[0-9a-f-]{36}$")]
After = Annotated[str, TextKind.MACHINE, Query(pattern=r"^[0-9a-f-]{0,36}$")]


class FileConcern(Command):
    """What the provider doubts, and why."""

    reason: Reason
    words: Words


class BeginDiscussion(Command):
    """Kela spoke with the client, or with the guardian (E-58)."""

    spoken_on: fields.Day
    spoken_with: GivenBy


class CloseConcern(Command):
    """What came of it; a revocation needs the client's own notice (E-57)."""

    outcome: ConcernOutcome
    client_notice: fields.Notice | None = None


class ConcernView(BaseModel):
    """A concern. Which official ended it and whom Kela spoke with is not shown to providers.

    `words` are left out of lists and of answers to commands, which may be kept to be answered again; they are
    null once the client's data were erased.
    """

    concern_id: str
    version: int
    decision_ref: str
    provider_id: str
    service: str
    reason: Reason
    words: str | None
    state: ConcernState
    filed_at: datetime
    filed_by: str | None
    discussed_on: date | None
    discussed_with: GivenBy | None
    outcome: ConcernOutcome | None
    closed_on: date | None
    closed_by: str | None

    @classmethod
    def of(cls, concern: Concern, caller: Caller, words: str | None = None) -> Self:
        """What the caller may see of a concern."""
        for_kela = caller.principal.role is not Role.PROVIDER
        return cls(
            concern_id=concern.concern_id,
            version=concern.version,
            decision_ref=concern.decision_ref,
            provider_id=concern.provider_id,
            service=concern.service,
            reason=concern.reason,
            words=words,
            state=concern.state,
            filed_at=concern.filed_at,
            filed_by=concern.filed_by,
            discussed_on=concern.discussed_on if for_kela else None,
            discussed_with=concern.discussed_with if for_kela else None,
            outcome=concern.outcome,
            closed_on=concern.closed_on,
            closed_by=concern.closed_by if for_kela else None,
        )


class ConcernList(BaseModel):
    """Concerns in the order they were filed; `next` is the `after` of the following page."""

    items: list[ConcernView]
    next: str | None


def _wanted(
    state: ConcernState | None = None,
    service: fields.QueryService | None = None,
    decision_ref: fields.DecisionRef | None = None,
) -> Wanted:
    return Wanted(state, service, decision_ref)


@router.post(
    "/decisions/{decision_ref}/concerns",
    status_code=201,
    response_model=ConcernView,
    responses=problems("CONCERN_PENDING", "DECISION_NOT_IN_FORCE", "DECISION_UNKNOWN"),
    openapi_extra=does(Act.FILE_CONCERN),
)
async def file_concern(decision_ref: fields.PathRef, body: FileConcern, caller: fields.Provider) -> Response:
    """Tell Kela of a concern about an own client's decision, which stays as it is (R-DEC-16)."""

    async def act(tx: Transaction) -> Answer:
        concern = await handlers.file_concern(tx, decision_ref, body.reason, body.words)
        return _answer(concern, caller, status=201)

    return await caller.command(act)


@router.get(
    "/concerns",
    response_model=ConcernList,
    responses=problems(),
    openapi_extra=shows(Read.READ_CONCERNS),
)
async def list_concerns(
    caller: fields.Anyone, wanted: Annotated[Wanted, Depends(_wanted)], after: After = "", limit: fields.Limit = 100
) -> Response:
    """Concerns with what came of them; a provider gets its own."""

    async def read(tx: Transaction) -> Answer:
        found = await store.find_concerns(tx, wanted, after=after, limit=limit + 1)
        items = [ConcernView.of(concern, caller) for concern in found[:limit]]
        return Answer(200, ConcernList(items=items, next=items[-1].concern_id if len(found) > limit else None))

    return await caller.query(read)


@router.get(
    "/concerns/{concern_id}",
    response_model=ConcernView,
    responses=problems("CONCERN_UNKNOWN"),
    openapi_extra=shows(Read.READ_CONCERN),
)
async def show_concern(concern_id: ConcernId, caller: fields.Anyone) -> Response:
    """A concern with the provider's words."""

    async def read(tx: Transaction) -> Answer:
        concern = await store.get_concern(tx, concern_id)
        return _answer(concern, caller, words=await _words(tx, concern))

    return await caller.query(read)


@router.post(
    "/concerns/{concern_id}/discussion",
    response_model=ConcernView,
    responses=problems(
        "CONCERN_CLOSED", "CONCERN_IN_DISCUSSION", "CONCERN_UNKNOWN", "DISCUSSION_DAY_INVALID", "STALE_VERSION"
    ),
    openapi_extra=does(Act.BEGIN_DISCUSSION),
)
async def begin_discussion(concern_id: ConcernId, body: BeginDiscussion, caller: fields.Official) -> Response:
    """Kela speaks with the client about the concern (R-DEC-17)."""

    async def act(tx: Transaction) -> Answer:
        concern = await handlers.begin_discussion(
            tx, concern_id, body.spoken_on, body.spoken_with, if_match=caller.if_match
        )
        return _answer(concern, caller)

    return await caller.command(act)


@router.post(
    "/concerns/{concern_id}/closing",
    response_model=ConcernView,
    responses=problems(
        "ALREADY_REVOKED",
        "CLIENT_NOTICE_NOT_USED",
        "CLIENT_NOTICE_REQUIRED",
        "CONCERN_CLOSED",
        "CONCERN_NOT_DISCUSSED",
        "CONCERN_UNKNOWN",
        "DECISION_NOT_IN_FORCE",
        "GUARDIAN_NEEDED",
        "NOTICE_IN_FUTURE",
        "NOT_GRANTED",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.CLOSE_CONCERN),
)
async def close_concern(concern_id: ConcernId, body: CloseConcern, caller: fields.Official) -> Response:
    """The client goes on, gives notice, or gets other support; only with a notice is the decision revoked."""

    async def act(tx: Transaction) -> Answer:
        notice = body.client_notice.notice() if body.client_notice else None
        concern, decision = await handlers.close_concern(tx, concern_id, body.outcome, notice, if_match=caller.if_match)
        also = (("decision", decision.decision_ref, decision.version),)
        return _answer(concern, caller, also=also)

    return await caller.command(act)


async def _words(tx: Transaction, concern: Concern) -> str | None:
    words = await tx.vault.open(Purpose.CONCERNS, concern.client_ref, concern.sealed_words)
    return None if words is None else words.decode()


def _answer(
    concern: Concern,
    caller: Caller,
    *,
    words: str | None = None,
    status: int = 200,
    also: tuple[tuple[str, str, int], ...] = (),
) -> Answer:
    view = ConcernView.of(concern, caller, words)
    return Answer(status, view, version=concern.version, subject=("concern", concern.concern_id), also=also)
