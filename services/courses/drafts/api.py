"""HTTP of unfinished courses of the older system: imported by Kela, then completed or deleted."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.http import Answer, Command, problems
from contracts.identity_codes import TextKind
from contracts.values import DeliveryMode
from services.courses.acts import Act
from services.courses.answers import course_answer
from services.courses.drafts import handlers, store
from services.courses.drafts.domain import Draft, DraftState
from services.courses.fields import (
    ID,
    Acting,
    After,
    Code,
    Day,
    GroupSize,
    Id,
    Limit,
    Official,
    ProposedCourse,
    Reading,
    TargetGroups,
)
from services.courses.views import CourseView

router = APIRouter(tags=["legacy drafts"])

DraftId = Annotated[str, TextKind.MACHINE, Path(pattern=ID)]


class KnownPeriod(Command):
    """What had been filled in of a period."""

    first_day: Day | None = None
    last_day: Day | None = None
    mode: DeliveryMode | None = None


class Known(Command):
    """What had been filled in of a course."""

    office_id: Id | None = None
    group_size: GroupSize | None = None
    target_groups: TargetGroups = ()
    age_group: Code | None = None
    periods: Annotated[tuple[KnownPeriod, ...], Field(max_length=30)] = ()


class ImportDraft(Command):
    """An unfinished course; `legacy_ref` is its identifier in the older system, never a course number here."""

    legacy_ref: Id
    contract_id: Id
    saved_on: Day
    known: Known = Known()


class CompleteDraft(ProposedCourse):
    """Everything a course needs but its contract, which is the draft's."""


class DraftView(BaseModel):
    """An unfinished course as it came over, and the course it became."""

    draft_id: str
    version: int
    legacy_ref: str
    contract_id: str
    provider_id: str
    saved_on: date
    known: Known
    state: DraftState
    course_id: str | None

    @classmethod
    def of(cls, draft: Draft) -> Self:
        """The draft."""
        return cls(
            draft_id=draft.draft_id,
            version=draft.version,
            legacy_ref=draft.legacy_ref,
            contract_id=draft.contract_id,
            provider_id=draft.provider_id,
            saved_on=draft.saved_on,
            known=Known.model_validate(draft.known),
            state=draft.state,
            course_id=draft.course_id,
        )


class DraftList(BaseModel):
    """A page of unfinished courses; `next` is the `after` of the following page."""

    items: list[DraftView]
    next: str | None


@router.post(
    "/legacy-drafts",
    status_code=201,
    response_model=DraftView,
    responses=problems("CONTRACT_UNKNOWN", "DRAFT_EXISTS", "DRAFT_TOO_NEW"),
    openapi_extra=does(Act.IMPORT_DRAFT),
)
async def import_draft(body: ImportDraft, caller: Official) -> Response:
    """Take an unfinished course over from the older system, as it is (E-42)."""

    async def act(tx: Transaction) -> Answer:
        known = body.known.model_dump(mode="json")
        return _answer(await handlers.import_draft(tx, body.legacy_ref, body.contract_id, body.saved_on, known), 201)

    return await caller.command(act, body.contract_id)


@router.get("/legacy-drafts", response_model=DraftList)
async def list_drafts(
    caller: Reading, state: DraftState | None = None, after: After = "", limit: Limit = 100
) -> Response:
    """The caller's unfinished courses in the order they were imported."""

    async def read(tx: Transaction) -> Answer:
        found = await store.find_drafts(tx, state=state, after=after, limit=limit + 1)
        items = [DraftView.of(draft) for draft in found[:limit]]
        return Answer(200, DraftList(items=items, next=items[-1].draft_id if len(found) > limit else None))

    return await caller.query(read)


@router.get("/legacy-drafts/{draft_id}", response_model=DraftView, responses=problems("DRAFT_UNKNOWN"))
async def show_draft(draft_id: DraftId, caller: Reading) -> Response:
    """One unfinished course with what is known of it."""

    async def read(tx: Transaction) -> Answer:
        return _answer(await store.get_draft(tx, draft_id))

    return await caller.query(read)


@router.post(
    "/legacy-drafts/{draft_id}/completion",
    status_code=201,
    response_model=CourseView,
    responses=problems(
        "AGE_GROUP_REQUIRED",
        "AGE_GROUP_UNKNOWN",
        "CONTRACT_NOT_VALID",
        "DRAFT_GONE",
        "DRAFT_UNKNOWN",
        "GROUP_SIZE_OUT_OF_RANGE",
        "NOT_A_COURSE_SERVICE",
        "NO_DESCRIPTION_IN_FORCE",
        "OFFICE_CLOSED",
        "OFFICE_OF_OTHER_PROVIDER",
        "OFFICE_UNKNOWN",
        "PERIODS_IN_PAST",
        "PERIODS_OVERLAP",
        "PERIOD_BACKWARDS",
        "PERIOD_LENGTH",
        "PERIOD_MODE_PLANNED",
        "PERIOD_MODE_REQUIRED",
        "PERIOD_PLAN_MISMATCH",
        "PLACE_LEDGER_FULL",
        "STALE_VERSION",
        "TARGET_GROUPS_COUNT",
        "TARGET_GROUP_UNKNOWN",
        "TOTAL_DURATION_EXCEEDED",
    ),
    openapi_extra=does(Act.COMPLETE_DRAFT),
)
async def complete_draft(draft_id: DraftId, body: CompleteDraft, caller: Acting) -> Response:
    """Create the course the draft was meant to be; If-Match is the draft's version."""

    async def act(tx: Transaction) -> Answer:
        draft, course = await handlers.complete_draft(tx, draft_id, body.office_id, body.proposal(), caller.if_match)
        return replace(await course_answer(tx, course, 201), also=(("legacy-draft", draft_id, draft.version),))

    return await caller.command(act)


@router.delete(
    "/legacy-drafts/{draft_id}",
    response_model=DraftView,
    responses=problems("DRAFT_GONE", "DRAFT_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.DELETE_DRAFT),
)
async def delete_draft(draft_id: DraftId, caller: Acting) -> Response:
    """Give the unfinished course up; If-Match is the draft's version."""

    async def act(tx: Transaction) -> Answer:
        return _answer(await handlers.delete_draft(tx, draft_id, caller.if_match))

    return await caller.command(act)


def _answer(draft: Draft, status: int = 200) -> Answer:
    return Answer(status, DraftView.of(draft), version=draft.version, subject=("legacy-draft", draft.draft_id))
