"""HTTP of moves, participation, interruptions and clients without a course."""

from datetime import date, datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.db import Transaction
from chassis.http import Answer, Command, problems
from services.courses.acts import Act, Read
from services.courses.consents import Channel, GivenBy
from services.courses.domain import Course
from services.courses.fields import Acting, CourseId, DecisionRef, Limit, Place, Reading, Reason, Transfer
from services.courses.moving import handlers
from services.courses.moving.domain import Obstacle
from services.courses.moving.handlers import Moved
from services.courses.moving.store import RecordedMove
from services.courses.pins import Pin
from services.courses.views import PinView

router = APIRouter(tags=["moving"])

_PeriodNumbers = Annotated[tuple[Annotated[int, Field(ge=1, le=30)], ...], Field(max_length=30)]
_PIN = "/courses/{course_id}/pins/{decision_ref}"


class MoveClient(Transfer):
    """A transfer, and why the client goes: asked for where the old course has had to be run (E-33)."""

    reason: Reason | None = None


class NoteParticipation(Command):
    """Which periods of the course the client attended and missed; both lists replace those noted before."""

    attended: _PeriodNumbers = ()
    missed: _PeriodNumbers = ()


class Interrupt(Command):
    """Whether the last attended period was the client's last one: then Kela asks for feedback once it is paid."""

    final: bool


class CannotPlace(Command):
    """Why no course can be found for the client."""

    reason: Obstacle


class PlacesView(BaseModel):
    """A course's places after a move."""

    course_id: str
    course_number: int
    version: int
    pinned: int
    free_places: int
    may_confirm: bool
    must_run: bool

    @classmethod
    def of(cls, course: Course) -> Self:
        """The course as it is now."""
        return cls(
            course_id=course.course_id,
            course_number=course.course_number,
            version=course.version,
            pinned=course.pinned,
            free_places=course.free_places,
            may_confirm=course.may_confirm,
            must_run=course.must_run,
        )


class MoveView(BaseModel):
    """The pin on the new course, and both courses; `warnings` tell what is allowed but should be known (E-12)."""

    pin: PinView
    left: PlacesView
    joined: PlacesView
    warnings: list[str]


class MoveRecord(BaseModel):
    """With whose consent a pin ended by a move, and why where a reason was needed."""

    consent_given_on: date
    consent_by: GivenBy
    consent_channel: Channel
    reason: str | None
    moved_by: str

    @classmethod
    def of(cls, move: RecordedMove) -> Self:
        """The move."""
        return cls(
            consent_given_on=move.consent.given_on,
            consent_by=move.consent.given_by,
            consent_channel=move.consent.channel,
            reason=move.reason,
            moved_by=move.moved_by,
        )


class StayView(PinView):
    """One pin of the decision, with the move that ended it."""

    move: MoveRecord | None


class PinHistory(BaseModel):
    """A page of a decision's pins; `next` is the `after` of the following page."""

    items: list[StayView]
    next: str | None


class UnplacedView(BaseModel):
    """What Kela was told of a client without a course."""

    report_id: str
    decision_ref: str
    reason: Obstacle
    reported_at: datetime


@router.post(
    f"{_PIN}/move",
    status_code=201,
    response_model=MoveView,
    responses=problems(
        "AGE_MISMATCH",
        "AGE_NOTICE_MISSING",
        "CONSENT_IN_FUTURE",
        "CONSENT_MISSING",
        "COURSE_FULL",
        "COURSE_GONE",
        "COURSE_UNKNOWN",
        "DECISION_NOT_GRANTED",
        "DECISION_REVOKED",
        "GUARDIAN_NEEDED",
        "MUST_RUN_REASON_REQUIRED",
        "NOTHING_REMAINS",
        "NOT_MIXED_AGE",
        "NOT_PINNED",
        "NOT_PUBLISHED",
        "OTHER_PROVIDER",
        "OTHER_SERVICE",
        "PARTICIPATION_NOT_NOTED",
        "PATH_TOO_LONG",
        "PERIODS_DO_NOT_MATCH",
        "PERIODS_NOT_AFTER",
        "PERIODS_PASSED",
        "SAME_COURSE",
        "STALE_VERSION",
        "TARGET_GROUP_MISMATCH",
    )
    | {200: {"model": MoveView, "description": "The client was moved so already"}},
    openapi_extra=does(Act.MOVE_CLIENT),
)
async def move_client(course_id: CourseId, decision_ref: DecisionRef, body: MoveClient, caller: Acting) -> Response:
    """Move a client to another course, before the start or after it; If-Match is the pin's version (R-CRS-27)."""

    async def act(tx: Transaction) -> Answer:
        to = body.of(decision_ref)
        moved = await handlers.move_client(
            tx, course_id, decision_ref, to, reason=body.reason, if_match=caller.if_match
        )
        return _move_answer(moved)

    return await caller.command(act, body.to_course_id)


@router.put(
    f"{_PIN}/participation",
    response_model=PinView,
    responses=problems(
        "COURSE_UNKNOWN", "NOT_PINNED", "PERIOD_NOTED_TWICE", "PERIOD_NOT_BEGUN", "PERIOD_NOT_PLANNED", "STALE_VERSION"
    ),
    openapi_extra=does(Act.NOTE_PARTICIPATION),
)
async def note_participation(
    course_id: CourseId, decision_ref: DecisionRef, body: NoteParticipation, caller: Acting
) -> Response:
    """Write down which periods that have begun the client attended; If-Match is the pin's version (E-20)."""

    async def act(tx: Transaction) -> Answer:
        course, pin = await handlers.note_participation(
            tx, course_id, decision_ref, body.attended, body.missed, caller.if_match
        )
        return _pin_answer(course, pin)

    return await caller.command(act)


@router.post(
    f"{_PIN}/interruption",
    response_model=PinView,
    responses=problems(
        "COURSE_NOT_BEGUN",
        "COURSE_UNKNOWN",
        "NOTHING_ATTENDED",
        "NOT_PINNED",
        "PARTICIPATION_NOT_NOTED",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.INTERRUPT_REHABILITATION),
)
async def interrupt_rehabilitation(
    course_id: CourseId, decision_ref: DecisionRef, body: Interrupt, caller: Acting
) -> Response:
    """The client's rehabilitation ends before its last period; this revokes nothing (R-DEC-7, E-57)."""

    async def act(tx: Transaction) -> Answer:
        ended = await handlers.interrupt_rehabilitation(tx, course_id, decision_ref, caller.if_match, final=body.final)
        return _pin_answer(*ended)

    return await caller.command(act)


@router.get(
    "/decisions/{decision_ref}/pins",
    response_model=PinHistory,
    responses=problems("DECISION_UNKNOWN"),
    openapi_extra=shows(Read.READ_PINS_OF_DECISION),
)
async def show_pin_history(
    decision_ref: DecisionRef,
    caller: Reading,
    after: Place = 0,
    limit: Limit = 100,
) -> Response:
    """Every course the decision's client was pinned to, and with whose consent each move was made (R-CRS-29)."""

    async def read(tx: Transaction) -> Answer:
        found = await handlers.find_history(tx, decision_ref, after=after, limit=limit + 1)
        page = found[:limit]
        items = [StayView(**dict(PinView.of(pin)), move=MoveRecord.of(move) if move else None) for _, pin, move in page]
        return Answer(200, PinHistory(items=items, next=str(page[-1][0]) if len(found) > limit else None))

    return await caller.query(read)


@router.post(
    "/decisions/{decision_ref}/cannot-place",
    status_code=201,
    response_model=UnplacedView,
    responses=problems("ALREADY_PINNED", "DECISION_NOT_GRANTED", "DECISION_REVOKED", "DECISION_UNKNOWN")
    | {200: {"model": UnplacedView, "description": "Kela was told already"}},
    openapi_extra=does(Act.REPORT_CANNOT_PLACE),
)
async def report_cannot_place(decision_ref: DecisionRef, body: CannotPlace, caller: Acting) -> Response:
    """Tell Kela that no course can be found for the client, so that it finds another provider (R-CRS-16)."""

    async def act(tx: Transaction) -> Answer:
        unplaced, new = await handlers.report_cannot_place(tx, decision_ref, body.reason)
        view = UnplacedView(
            report_id=unplaced.report_id,
            decision_ref=unplaced.decision_ref,
            reason=unplaced.reason,
            reported_at=unplaced.reported_at,
        )
        return Answer(201 if new else 200, view)

    return await caller.command(act)


def _move_answer(moved: Moved) -> Answer:
    view = MoveView(
        pin=PinView.of(moved.pin),
        left=PlacesView.of(moved.here),
        joined=PlacesView.of(moved.there),
        warnings=list(moved.warnings),
    )
    return Answer(
        201 if moved.changed else 200,
        view,
        version=moved.pin.version,
        subject=("pin", moved.pin.decision_ref),
        also=tuple(("course", course.course_id, course.version) for course in (moved.here, moved.there)),
    )


def _pin_answer(course: Course, pin: Pin) -> Answer:
    return Answer(
        200,
        PinView.of(pin),
        version=pin.version,
        subject=("pin", pin.decision_ref),
        also=(("course", course.course_id, course.version),),
    )
