"""HTTP of changing a course. If-Match is the course's version throughout."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.db import Transaction
from chassis.fields import Email, Phone, Web
from chassis.http import Answer, Command, problems
from services.courses.acts import Act, Read
from services.courses.answers import course_answer
from services.courses.changing import handlers, store
from services.courses.changing.handlers import NewDates
from services.courses.changing.views import AgeNoticeList, AgeNoticeView, ReschedulingList, ReschedulingView
from services.courses.domain import Contact
from services.courses.fields import (
    Acting,
    Agreement,
    CourseId,
    DecisionRef,
    GroupSize,
    Limit,
    NewPeriods,
    Place,
    Reading,
    Reason,
    TargetGroups,
)
from services.courses.store import get_course
from services.courses.views import CourseView

router = APIRouter()


class SetGroupSize(Command):
    """How many clients the course takes."""

    group_size: GroupSize


class SetTargetGroups(Command):
    """All disease groups the course is for."""

    target_groups: TargetGroups


class SetContact(Command):
    """Contact details of this course; role addresses, never a person's."""

    email: Email
    phone: Phone
    web: Web | None = None


class MixAges(Command):
    """The provider states that the announced count cannot be raised for a course of each age group (R-CRS-48)."""

    raising_not_possible: Literal[True]


class ClientConsent(Agreement):
    """That the new dates suit one pinned client (R-CRS-34)."""

    decision_ref: DecisionRef


class Reschedule(Command):
    """New periods for the whole course; `reason` is needed where Kela is told of the move."""

    periods: NewPeriods
    consents: Annotated[tuple[ClientConsent, ...], Field(max_length=500)] = ()
    reason: Reason | None = None

    def dates(self) -> NewDates:
        """What the handler looks at."""
        return NewDates(
            periods=tuple(period.proposed() for period in self.periods),
            consents=tuple(consent.of(consent.decision_ref) for consent in self.consents),
            reason=self.reason,
        )


@router.put(
    "/courses/{course_id}/group-size",
    response_model=CourseView,
    responses=problems(
        "COURSE_GONE",
        "COURSE_UNKNOWN",
        "GROUP_SIZE_OUT_OF_RANGE",
        "PLACE_LEDGER_FULL",
        "SHRINK_AFTER_CONFIRMATION",
        "SHRINK_BELOW_PINNED",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.RESIZE_COURSE),
)
async def resize_course(course_id: CourseId, body: SetGroupSize, caller: Acting) -> Response:
    """Grow the group, also after the confirmation, or shrink it before (R-CRS-15, E-41)."""

    async def act(tx: Transaction) -> Answer:
        return await course_answer(tx, await handlers.resize_course(tx, course_id, body.group_size, caller.if_match))

    return await caller.command(act)


@router.put(
    "/courses/{course_id}/target-groups",
    response_model=CourseView,
    responses=problems(
        "COURSE_GONE",
        "COURSE_UNKNOWN",
        "NO_DESCRIPTION_IN_FORCE",
        "STALE_VERSION",
        "TARGET_GROUPS_COUNT",
        "TARGET_GROUP_FROZEN",
        "TARGET_GROUP_UNKNOWN",
    ),
    openapi_extra=does(Act.RETARGET_COURSE),
)
async def retarget_course(course_id: CourseId, body: SetTargetGroups, caller: Acting) -> Response:
    """Add or change disease groups until the course is confirmed (R-CRS-16, R-CRS-17)."""

    async def act(tx: Transaction) -> Answer:
        return await course_answer(
            tx, await handlers.retarget_course(tx, course_id, body.target_groups, caller.if_match)
        )

    return await caller.command(act)


@router.put(
    "/courses/{course_id}/periods",
    response_model=CourseView,
    responses=problems(
        "CONSENT_IN_FUTURE",
        "CONSENT_MISSING",
        "CONTRACT_NOT_VALID",
        "COURSE_GONE",
        "COURSE_STARTED",
        "COURSE_UNKNOWN",
        "DEADLINE_BREAKS",
        "GUARDIAN_NEEDED",
        "NO_DESCRIPTION_IN_FORCE",
        "PATHS_TOO_LONG",
        "PERIODS_IN_PAST",
        "PERIODS_OVERLAP",
        "PERIOD_BACKWARDS",
        "PERIOD_FROZEN",
        "PERIOD_LENGTH",
        "PERIOD_MODE_PLANNED",
        "PERIOD_MODE_REQUIRED",
        "PERIOD_PLAN_MISMATCH",
        "PLACE_LEDGER_FULL",
        "REASON_REQUIRED",
        "STALE_VERSION",
        "TOTAL_DURATION_EXCEEDED",
    ),
    openapi_extra=does(Act.RESCHEDULE_COURSE),
)
async def reschedule_course(course_id: CourseId, body: Reschedule, caller: Acting) -> Response:
    """Move the course's dates, with the consent of every pinned client (R-CRS-32 to R-CRS-34, E-35, E-37)."""

    async def act(tx: Transaction) -> Answer:
        return await course_answer(tx, await handlers.reschedule_course(tx, course_id, body.dates(), caller.if_match))

    return await caller.command(act)


@router.get("/courses/{course_id}/reschedulings", response_model=ReschedulingList, responses=problems("COURSE_UNKNOWN"))
async def list_reschedulings(
    course_id: CourseId,
    caller: Reading,
    after: Place = 0,
    limit: Limit = 100,
) -> Response:
    """Every move of the course's dates, the oldest first."""

    async def read(tx: Transaction) -> Answer:
        await get_course(tx, course_id)
        found = await store.find_reschedulings(tx, course_id, after=after, limit=limit + 1)
        items = [ReschedulingView.of(rescheduling) for rescheduling in found[:limit]]
        return Answer(200, ReschedulingList(items=items, next=items[-1].version if len(found) > limit else None))

    return await caller.query(read)


@router.put(
    "/courses/{course_id}/contact",
    response_model=CourseView,
    responses=problems("COURSE_GONE", "COURSE_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.SET_CONTACT),
)
async def override_contact(course_id: CourseId, body: SetContact, caller: Acting) -> Response:
    """Show the course with contact details of its own (E-43)."""
    contact = Contact(body.email, body.phone, body.web)

    async def act(tx: Transaction) -> Answer:
        return await course_answer(tx, await handlers.show_contact(tx, course_id, contact, caller.if_match))

    return await caller.command(act)


@router.delete(
    "/courses/{course_id}/contact",
    response_model=CourseView,
    responses=problems("COURSE_GONE", "COURSE_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.LINK_CONTACT),
)
async def link_contact(course_id: CourseId, caller: Acting) -> Response:
    """Show the course with its contract's contact details again (R-REG-10, E-43)."""

    async def act(tx: Transaction) -> Answer:
        return await course_answer(tx, await handlers.show_contact(tx, course_id, None, caller.if_match))

    return await caller.command(act)


@router.post(
    "/courses/{course_id}/mixed-age",
    response_model=CourseView,
    responses=problems(
        "COURSE_GONE",
        "COURSE_UNKNOWN",
        "MIXED_AGE_NOT_LAST",
        "NO_AGE_GROUP",
        "NO_DESCRIPTION_IN_FORCE",
        "STALE_VERSION",
        "TARGET_GROUP_FROZEN",
    ),
    openapi_extra=does(Act.MIX_AGES),
)
async def mix_ages(course_id: CourseId, body: MixAges, caller: Acting) -> Response:
    """Open the year's last course to every age of its service (R-CRS-49, E-47)."""

    async def act(tx: Transaction) -> Answer:
        return await course_answer(tx, await handlers.mix_ages(tx, course_id, caller.if_match))

    return await caller.command(act)


@router.put(
    "/courses/{course_id}/age-notices/{decision_ref}",
    response_model=AgeNoticeView,
    responses=problems(
        "CONSENT_IN_FUTURE", "COURSE_GONE", "COURSE_UNKNOWN", "GUARDIAN_NEEDED", "NOT_MIXED_AGE", "NOT_PINNED"
    ),
    openapi_extra=does(Act.ACKNOWLEDGE_MIXED_AGES),
)
async def acknowledge_mixed_ages(
    course_id: CourseId, decision_ref: DecisionRef, body: Agreement, caller: Acting
) -> Response:
    """Record that a pinned client knows of the mixed ages and may change provider (R-CRS-49, E-47)."""
    notice = body.of(decision_ref)

    async def act(tx: Transaction) -> Answer:
        course = await handlers.acknowledge_mixed_ages(tx, course_id, notice)
        view = AgeNoticeView.of(decision_ref, notice)
        return Answer(200, view, version=course.version, subject=("course", course_id))

    return await caller.command(act)


@router.get(
    "/courses/{course_id}/age-notices",
    response_model=AgeNoticeList,
    responses=problems("COURSE_UNKNOWN"),
    openapi_extra=shows(Read.READ_AGE_NOTICES),
)
async def list_age_notices(course_id: CourseId, caller: Reading) -> Response:
    """Every pinned client of the course, with the acknowledgement of mixed ages where there is one."""

    async def read(tx: Transaction) -> Answer:
        await get_course(tx, course_id)
        found = await store.find_age_notices(tx, course_id)
        return Answer(200, AgeNoticeList(items=[AgeNoticeView.of(ref, notice) for ref, notice in found]))

    return await caller.query(read)
