"""HTTP of the courses service: parse, authorise, call a handler, shape the answer."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.db import Transaction
from chassis.http import Answer, Command, problems
from contracts.identity_codes import TextKind
from contracts.refusals import Invalid
from contracts.values import PinState
from services.courses import handlers, pinning, store
from services.courses.acts import Act, Read
from services.courses.answers import course_answer
from services.courses.changing import api as changing_api
from services.courses.drafts import api as drafts_api
from services.courses.ending import api as ending_api
from services.courses.fields import (
    CODE,
    ID,
    Acting,
    Agreement,
    BusinessId,
    CourseId,
    DecisionRef,
    Id,
    Limit,
    Place,
    ProposedCourse,
    Reading,
    Reason,
    Year,
)
from services.courses.history import api as history_api
from services.courses.moving import api as moving_api
from services.courses.pinning import Pinning
from services.courses.reading import api as reading_api
from services.courses.views import (
    CourseView,
    PinList,
    PinnableList,
    PinnableView,
    PinningView,
    PinView,
    PlaceLedgerView,
)

router = APIRouter(tags=["courses"])
_AFTER_PINNABLE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}/[A-Za-z0-9._~-]{1,64}$"
_NO_DEADLINE = date(9999, 12, 31)


class CreateCourse(ProposedCourse):
    """A course of one contract."""

    contract_id: Id


class PinClient(Command):
    """The decision whose client is pinned; a confirmed course for every age asks for `age_notice` (E-47)."""

    decision_ref: DecisionRef
    age_notice: Agreement | None = None


class UnpinClient(Command):
    """Why the client leaves: asked for where the course has had to be run (E-33)."""

    reason: Reason


@router.post(
    "/courses",
    status_code=201,
    response_model=CourseView,
    responses=problems(
        "AGE_GROUP_REQUIRED",
        "AGE_GROUP_UNKNOWN",
        "CONTRACT_NOT_VALID",
        "CONTRACT_UNKNOWN",
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
        "TARGET_GROUPS_COUNT",
        "TARGET_GROUP_UNKNOWN",
        "TOTAL_DURATION_EXCEEDED",
    ),
    openapi_extra=does(Act.CREATE_COURSE),
)
async def create_course(body: CreateCourse, caller: Acting) -> Response:
    """Create a course; it is not yet visible in the search (R-CRS-6)."""

    async def act(tx: Transaction) -> Answer:
        course = await handlers.create_course(tx, body.contract_id, body.office_id, body.proposal())
        return await course_answer(tx, course, status=201)

    return await caller.command(act, body.contract_id)


@router.get("/courses/{course_id}", response_model=CourseView, responses=problems("COURSE_UNKNOWN"))
async def show_course(course_id: CourseId, caller: Reading) -> Response:
    """One course with its places, its confirm-by date and whether it must be carried out."""

    async def read(tx: Transaction) -> Answer:
        return await course_answer(tx, await store.get_course(tx, course_id))

    return await caller.query(read)


@router.post(
    "/courses/{course_id}/publication",
    response_model=CourseView,
    responses=problems(
        "ALREADY_PUBLISHED", "CONTRACT_NOT_VALID", "COURSE_GONE", "COURSE_STARTED", "COURSE_UNKNOWN", "STALE_VERSION"
    ),
    openapi_extra=does(Act.PUBLISH_COURSE),
)
async def publish_course(course_id: CourseId, caller: Acting) -> Response:
    """Show the course in the search; this cannot be undone (R-CRS-9)."""

    async def act(tx: Transaction) -> Answer:
        return await course_answer(tx, await handlers.publish_course(tx, course_id, caller.if_match))

    return await caller.command(act)


@router.post(
    "/courses/{course_id}/confirmation",
    response_model=CourseView,
    responses=problems(
        "AGE_NOTICE_MISSING",
        "ALREADY_CONFIRMED",
        "CONFIRM_TOO_FEW",
        "COURSE_GONE",
        "COURSE_STARTED",
        "COURSE_UNKNOWN",
        "NOT_PUBLISHED",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.CONFIRM_COURSE),
)
async def confirm_course(course_id: CourseId, caller: Acting) -> Response:
    """Commit to carrying the course out (R-CRS-17, R-CRS-26)."""

    async def act(tx: Transaction) -> Answer:
        return await course_answer(tx, await handlers.confirm_course(tx, course_id, caller.if_match))

    return await caller.command(act)


@router.post(
    "/courses/{course_id}/pins",
    status_code=201,
    response_model=PinningView,
    responses=problems(
        "AGE_MISMATCH",
        "AGE_NOTICE_MISSING",
        "ALREADY_PINNED",
        "CONSENT_IN_FUTURE",
        "COURSE_FULL",
        "COURSE_GONE",
        "COURSE_UNKNOWN",
        "DECISION_NOT_GRANTED",
        "DECISION_REVOKED",
        "DECISION_UNKNOWN",
        "GUARDIAN_NEEDED",
        "NOTHING_REMAINS",
        "NOT_MIXED_AGE",
        "NOT_PUBLISHED",
        "OTHER_PROVIDER",
        "OTHER_SERVICE",
        "PATH_TOO_LONG",
        "PERIODS_DO_NOT_MATCH",
        "PERIODS_NOT_AFTER",
        "PERIODS_PASSED",
        "STALE_VERSION",
        "TARGET_GROUP_MISMATCH",
    )
    | {200: {"model": PinningView, "description": "The client was pinned to this course already"}},
    openapi_extra=does(Act.PIN_CLIENT),
)
async def pin_client(course_id: CourseId, body: PinClient, caller: Acting) -> Response:
    """Give a decision's client a place; If-Match is the course's version."""

    async def act(tx: Transaction) -> Answer:
        notice = body.age_notice.of(body.decision_ref) if body.age_notice else None
        pinned = await pinning.pin_client(tx, course_id, body.decision_ref, caller.if_match, age_notice=notice)
        return _pinning_answer(pinned, status=201 if pinned.changed else 200)

    return await caller.command(act)


@router.delete(
    "/courses/{course_id}/pins/{decision_ref}",
    response_model=PinningView,
    responses=problems("COURSE_UNKNOWN", "MUST_RUN_REASON_REQUIRED", "NOT_PINNED", "STALE_VERSION"),
    openapi_extra=does(Act.UNPIN_CLIENT),
)
async def unpin_client(
    course_id: CourseId, decision_ref: DecisionRef, caller: Acting, body: UnpinClient | None = None
) -> Response:
    """Take a client off the course; If-Match is the pin's version.

    A reason is needed only where the course has had to be run, and Kela is told of it (E-33).
    """

    async def act(tx: Transaction) -> Answer:
        reason = body.reason if body else None
        return _pinning_answer(await pinning.unpin_client(tx, course_id, decision_ref, caller.if_match, reason))

    return await caller.command(act)


@router.get(
    "/courses/{course_id}/pins",
    response_model=PinList,
    responses=problems("COURSE_UNKNOWN"),
    openapi_extra=shows(Read.READ_PINS),
)
async def list_pins(
    course_id: CourseId,
    caller: Reading,
    state: PinState | None = None,
    after: Place = 0,
    limit: Limit = 100,
) -> Response:
    """Every pin the course has or had, in the order they were made (R-CRS-29)."""

    async def read(tx: Transaction) -> Answer:
        await store.get_course(tx, course_id)
        found = await store.find_pins(tx, course_id, state=state, after=after, limit=limit + 1)
        page = found[:limit]
        items = [PinView.of(pin, confirm_by) for _, pin, confirm_by in page]
        return Answer(200, PinList(items=items, next=str(page[-1][0]) if len(found) > limit else None))

    return await caller.query(read)


@router.get(
    "/pinnable-clients",
    response_model=PinnableList,
    responses=problems("COURSE_UNKNOWN", "CURSOR_INVALID"),
    openapi_extra=shows(Read.READ_PINNABLE_CLIENTS),
)
async def list_pinnable_clients(
    caller: Reading,
    course_id: Annotated[str | None, TextKind.MACHINE, Query(pattern=ID)] = None,
    service: Annotated[str | None, TextKind.MACHINE, Query(pattern=CODE)] = None,
    provider_id: BusinessId | None = None,
    pinnable: bool | None = None,
    after: Annotated[str | None, TextKind.IDENTIFIER, Query(pattern=_AFTER_PINNABLE)] = None,
    limit: Limit = 100,
) -> Response:
    """Clients with a decision for the provider, the most urgent first, each with why it cannot be pinned (E-25)."""

    async def read(tx: Transaction) -> Answer:
        found = await pinning.find_pinnable(
            tx,
            course_id=course_id,
            service=service,
            provider_id=provider_id or tx.principal.provider_id,
            pinnable=pinnable,
            after=_seen(after),
            limit=limit + 1,
        )
        items = [PinnableView.of(client) for client in found[:limit]]
        return Answer(200, PinnableList(items=items, next=_after(items[-1]) if len(found) > limit else None))

    return await caller.query(read)


@router.get(
    "/place-ledgers/{contract_id}/{year}", response_model=PlaceLedgerView, responses=problems("CONTRACT_UNKNOWN")
)
async def show_place_ledger(
    contract_id: Annotated[str, TextKind.MACHINE, Path(pattern=ID)], year: Year, caller: Reading
) -> Response:
    """How many places of the announced count the year's courses take (R-CRS-2)."""

    async def read(tx: Transaction) -> Answer:
        return Answer(200, PlaceLedgerView.of(await handlers.get_place_ledger(tx, contract_id, year)))

    return await caller.query(read)


def _pinning_answer(done: Pinning, status: int = 200) -> Answer:
    return Answer(
        status,
        PinningView.after(done),
        version=done.pin.version,
        subject=("pin", done.pin.decision_ref),
        also=(("course", done.course.course_id, done.course.version),),
    )


def _seen(after: str | None) -> tuple[date, str] | None:
    if after is None:
        return None
    day, _, decision_ref = after.partition("/")
    try:
        return date.fromisoformat(day), decision_ref
    except ValueError as error:
        raise Invalid("CURSOR_INVALID") from error


def _after(last: PinnableView) -> str:
    return f"{last.confirm_by or _NO_DEADLINE}/{last.decision_ref}"


router.include_router(moving_api.router)
router.include_router(changing_api.router)
router.include_router(ending_api.router)
router.include_router(drafts_api.router)
router.include_router(reading_api.router)
router.include_router(history_api.router)
