"""HTTP of ending courses, of late confirmation, and of what Kela was told."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.db import Transaction
from chassis.fields import EACH_ONCE
from chassis.http import Answer, Command, problems
from contracts.identity_codes import TextKind
from contracts.values import ReportKind
from services.courses import reports
from services.courses.acts import Act, Read
from services.courses.answers import course_answer, course_views
from services.courses.ending import handlers
from services.courses.ending import store as endings
from services.courses.ending.handlers import Ended
from services.courses.ending.views import (
    DeletedCourseView,
    EndingView,
    ReportList,
    ReportView,
    StaleCourseList,
    StaleCourseView,
)
from services.courses.fields import (
    ID,
    Acting,
    After,
    CourseId,
    DecisionRef,
    Limit,
    Official,
    Reading,
    Reason,
    Transfer,
)
from services.courses.views import CourseView

router = APIRouter(tags=["endings"])


class DeleteCourse(Command):
    """Why, where that is needed, and where each pinned client goes: decision to transfer."""

    reason: Reason | None = None
    transfers: Annotated[
        dict[DecisionRef, Transfer],
        EACH_ONCE,
        Field(
            default_factory=dict,
            max_length=500,
            examples=[
                {
                    "0BVHNQ8YR9M4H": {
                        "to_course_id": "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77",
                        "consent": {"given_on": "2026-02-02", "by": "client", "channel": "phone"},
                    }
                }
            ],
        ),
    ]


class Explain(Command):
    """Why, where that is needed."""

    reason: Reason | None = None


class MustExplain(Command):
    """Why."""

    reason: Reason


@router.post(
    "/courses/{course_id}/deletion",
    response_model=DeletedCourseView,
    responses=problems(
        "AGE_MISMATCH",
        "AGE_NOTICE_MISSING",
        "CONFIRMED",
        "CONSENT_IN_FUTURE",
        "CONSENT_MISSING",
        "COURSE_FULL",
        "COURSE_GONE",
        "COURSE_STARTED",
        "COURSE_UNKNOWN",
        "DECISION_NOT_GRANTED",
        "DECISION_REVOKED",
        "GUARDIAN_NEEDED",
        "MUST_RUN",
        "NOTHING_REMAINS",
        "NOT_MIXED_AGE",
        "NOT_PINNED",
        "NOT_PUBLISHED",
        "OTHER_PROVIDER",
        "OTHER_SERVICE",
        "PATH_TOO_LONG",
        "PERIODS_DO_NOT_MATCH",
        "PERIODS_NOT_AFTER",
        "PERIODS_PASSED",
        "REASON_REQUIRED",
        "SAME_COURSE",
        "STALE_VERSION",
        "TARGET_GROUP_MISMATCH",
        "TRANSFERS_MISSING",
    ),
    openapi_extra=does(Act.END_COURSE),
)
async def delete_course(course_id: CourseId, body: DeleteCourse, caller: Acting) -> Response:
    """Delete a course that will not happen, its clients moved to other courses, all or nothing (R-CRS-36)."""

    async def act(tx: Transaction) -> Answer:
        plan = {decision_ref: transfer.of(decision_ref) for decision_ref, transfer in body.transfers.items()}
        ended = await handlers.delete_course(tx, course_id, body.reason, plan, caller.if_match)
        answer = await _ended_answer(tx, ended)
        warnings = {ref: list(each) for ref, each in ended.warnings.items()}
        return replace(answer, body=DeletedCourseView(**dict(answer.body), transfer_warnings=warnings))

    return await caller.command(act, *(transfer.to_course_id for transfer in body.transfers.values()))


@router.post(
    "/courses/{course_id}/cancellation",
    response_model=CourseView,
    responses=problems("COURSE_GONE", "COURSE_UNKNOWN", "NOT_CONFIRMED", "STALE_VERSION"),
    openapi_extra=does(Act.END_COURSE),
)
async def cancel_course(course_id: CourseId, body: MustExplain, caller: Official) -> Response:
    """Kela cancels a confirmed or running course (E-34)."""

    async def act(tx: Transaction) -> Answer:
        return await _ended_answer(tx, await handlers.cancel_course(tx, course_id, body.reason, caller.if_match))

    return await caller.command(act)


@router.post(
    "/courses/{course_id}/late-confirmation",
    response_model=CourseView,
    responses=problems(
        "AGE_NOTICE_MISSING",
        "ALREADY_CONFIRMED",
        "COURSE_GONE",
        "COURSE_NOT_STARTED",
        "COURSE_UNKNOWN",
        "LATE_CONFIRM_TOO_FEW",
        "NOT_PUBLISHED",
        "REASON_REQUIRED",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.CONFIRM_RETROACTIVELY),
)
async def confirm_retroactively(course_id: CourseId, body: Explain, caller: Acting) -> Response:
    """The past course took place; with too few at its start only an official may say so, with a reason (E-40)."""

    async def act(tx: Transaction) -> Answer:
        course = await handlers.confirm_retroactively(tx, course_id, body.reason, caller.if_match)
        return await course_answer(tx, course)

    return await caller.command(act)


@router.post(
    "/courses/{course_id}/did-not-happen",
    response_model=CourseView,
    responses=problems(
        "CONFIRMED",
        "COURSE_GONE",
        "COURSE_NOT_STARTED",
        "COURSE_UNKNOWN",
        "MUST_RUN",
        "NOT_PUBLISHED",
        "REASON_REQUIRED",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.END_COURSE),
)
async def close_as_not_held(course_id: CourseId, body: Explain, caller: Acting) -> Response:
    """The past course did not take place: it is deleted and its clients are released (R-CRS-42, E-40)."""

    async def act(tx: Transaction) -> Answer:
        return await _ended_answer(tx, await handlers.close_as_not_held(tx, course_id, body.reason, caller.if_match))

    return await caller.command(act)


@router.post(
    "/courses/{course_id}/confirmation-problem",
    status_code=201,
    response_model=ReportView,
    responses=problems("CONFIRMED", "COURSE_GONE", "COURSE_NOT_STARTED", "COURSE_UNKNOWN", "NOT_PUBLISHED"),
    openapi_extra=does(Act.REPORT_UNCONFIRMABLE),
)
async def report_unconfirmable(course_id: CourseId, body: MustExplain, caller: Acting) -> Response:
    """Tell Kela that a past course cannot be confirmed (R-CRS-43)."""

    async def act(tx: Transaction) -> Answer:
        report = await handlers.report_unconfirmable(tx, course_id, body.reason)
        return Answer(201, ReportView.of(report), subject=("course", course_id))

    return await caller.command(act)


@router.get("/courses/{course_id}/ending", response_model=EndingView, responses=problems("COURSE_UNKNOWN", "NOT_ENDED"))
async def show_ending(course_id: CourseId, caller: Reading) -> Response:
    """How a deleted or cancelled course ended, and why."""

    async def read(tx: Transaction) -> Answer:
        return Answer(200, EndingView.of(course_id, await endings.get_ending(tx, course_id)))

    return await caller.query(read)


@router.get("/stale-courses", response_model=StaleCourseList)
async def list_stale_courses(caller: Reading, after: After = "", limit: Limit = 100) -> Response:
    """Past courses that nobody confirmed, in the order they were created: did they take place? (R-CRS-39)."""

    async def read(tx: Transaction) -> Answer:
        found = await endings.find_stale(tx, on=tx.today, after=after, limit=limit + 1)
        page = found[:limit]
        views = await course_views(tx, [(course, day) for course, day, _ in page])
        items = [StaleCourseView.seen(view, pinned) for view, (_, _, pinned) in zip(views, page, strict=True)]
        return Answer(200, StaleCourseList(items=items, next=items[-1].course_id if len(found) > limit else None))

    return await caller.query(read)


@router.get(
    "/reports",
    response_model=ReportList,
    openapi_extra=shows(Read.READ_REPORTS),
)
async def list_reports(
    caller: Reading,
    kind: ReportKind | None = None,
    course_id: Annotated[str | None, TextKind.MACHINE, Query(pattern=ID)] = None,
    after: After = "",
    limit: Limit = 100,
) -> Response:
    """What Kela was told of courses and clients' places; a provider sees its own reports."""

    async def read(tx: Transaction) -> Answer:
        found = await reports.find_reports(tx, kind=kind, course_id=course_id, after=after, limit=limit + 1)
        items = [ReportView.of(report) for report in found[:limit]]
        return Answer(200, ReportList(items=items, next=items[-1].report_id if len(found) > limit else None))

    return await caller.query(read)


async def _ended_answer(tx: Transaction, ended: Ended) -> Answer:
    changed_pins = tuple(("pin", pin.decision_ref, pin.version) for pin in ended.pins)
    changed_courses = tuple(("course", course.course_id, course.version) for course in ended.targets)
    return replace(await course_answer(tx, ended.course), also=changed_pins + changed_courses)
