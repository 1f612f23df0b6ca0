"""What providers do with their courses and clients, as steps; each after what it relies on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from rekku.demo.billing import BILLED, billing_steps
from rekku.demo.courses import Arrival, PlannedCourse, Stay
from rekku.demo.steps import (
    CloseAsNotHeld,
    ConfirmCourse,
    ConfirmLate,
    DeleteCourse,
    GrowGroup,
    MoveClient,
    MoveCourse,
    NoteParticipation,
    OpenCourse,
    PayPeriod,
    PinClient,
    Step,
    TryDeletion,
)

InForce = Callable[[str, int, date], str]
"""The key of a contract's newest announcement for a year at the end of a day."""

_LATE = "Too few clients have come."
_NOT_HELD = "Too few clients came; nobody noticed in time."
_LEAVES = "The dates of another course suit the client better."


def course_steps(courses: Sequence[PlannedCourse], in_force: InForce) -> Iterator[Step]:
    """Every step of every course and of its clients."""
    of_key = {course.key: course for course in courses}
    for course in courses:
        yield _opening(course, in_force)
        yield from _changes(course, in_force)
        yield from _endings(course, courses)
        yield from _confirmations(course)
        yield from _payments(course)
        for stay in course.stays:
            yield from _arrival(stay, course, of_key)


def arrival_key(stay: Stay, course: PlannedCourse) -> str:
    """The step by which the client has come onto the course."""
    if stay.arrival is Arrival.TRANSFERRED:
        return f"deleted-{stay.came_from}"
    verb = "moved" if stay.arrival is Arrival.MOVED else "pinned"
    return f"{verb}-{stay.decision.key}-{course.key}"


def _opening(course: PlannedCourse, in_force: InForce) -> OpenCourse:
    return OpenCourse(
        day=course.created_on,
        key=course.key,
        after=(in_force(course.contract, course.opened_with[0][0].year, course.created_on),),
        contract=course.contract,
        group_size=course.group_size,
        age_group=course.age_group,
        periods=course.opened_with,
    )


def _changes(course: PlannedCourse, in_force: InForce) -> Iterator[Step]:
    if course.grown:
        day = course.grown.day
        yield GrowGroup(
            day=day,
            key=f"grown-{course.key}",
            after=(course.key, in_force(course.contract, course.year, day)),
            course=course.key,
            contract=course.contract,
            group_size=course.grown.group_size,
        )
    if course.rescheduled:
        day = course.rescheduled.day
        yield MoveCourse(
            day=day,
            key=f"rescheduled-{course.key}",
            after=(course.key, in_force(course.contract, course.year, day)),
            course=course.key,
            contract=course.contract,
            periods=course.periods,
            decisions=tuple(stay.decision.key for stay in course.present(day)),
            reason=_LATE if course.rescheduled_late else None,
        )


def _endings(course: PlannedCourse, courses: Sequence[PlannedCourse]) -> Iterator[Step]:
    if course.refused_on:
        yield TryDeletion(
            day=course.refused_on,
            key=f"not-deleted-{course.key}",
            after=(course.key,),
            course=course.key,
            contract=course.contract,
        )
    if course.ended is None:
        return
    day, late = course.ended.day, course.ended.late
    if course.not_held:
        yield CloseAsNotHeld(
            day=day,
            key=f"not-held-{course.key}",
            after=(course.key, *_revoked_by(course, day)),
            course=course.key,
            contract=course.contract,
            reason=_NOT_HELD if late else None,
        )
        return
    going = [
        (stay.decision.key, target)
        for target in courses
        for stay in target.stays
        if stay.arrival is Arrival.TRANSFERRED and stay.came_from == course.key
    ]
    targets = dict.fromkeys(target.key for _, target in going)
    freed = [key for _, target in going for key in _revoked_by(target, day)]
    yield DeleteCourse(
        day=day,
        key=f"deleted-{course.key}",
        after=tuple(dict.fromkeys((course.key, *targets, *_revoked_by(course, day), *freed))),
        course=course.key,
        contract=course.contract,
        transfers=tuple((decision, target.key) for decision, target in going),
        reason=_LATE if late else None,
    )


def _confirmations(course: PlannedCourse) -> Iterator[Step]:
    if course.confirmed_on is not None:
        confirm = ConfirmLate if course.confirmed_late else ConfirmCourse
        yield confirm(
            day=course.confirmed_on,
            key=f"confirmed-{course.key}",
            after=(course.key,),
            course=course.key,
            contract=course.contract,
        )


def _payments(course: PlannedCourse) -> Iterator[Step]:
    arrivals = {stay.decision.key: arrival_key(stay, course) for stay in course.stays}
    for payment in course.payments:
        came = (arrivals[decision] for decision in payment.decisions)
        after = tuple(dict.fromkeys((f"confirmed-{course.key}", *came)))
        if course.contract in BILLED:
            yield from billing_steps(course, payment, after)
            continue
        yield PayPeriod(
            day=payment.paid_on,
            key=f"paid-{course.key}-{payment.number}",
            after=after,
            course=course.key,
            number=payment.number,
            decisions=payment.decisions,
        )


def _arrival(stay: Stay, course: PlannedCourse, of_key: dict[str, PlannedCourse]) -> Iterator[Step]:
    """Whoever comes follows the decision, the course, and the revocations whose place may be taken."""
    if stay.arrival is Arrival.TRANSFERRED:
        return
    after = [stay.decision.key, course.key, *_revoked_by(course, stay.since)]
    if course.grown and course.grown.day <= stay.since:
        after.append(f"grown-{course.key}")
    key = arrival_key(stay, course)
    if stay.arrival is Arrival.MOVED and stay.came_from is not None:
        yield from _move(stay, course, of_key[stay.came_from], key, after)
        return
    if stay.arrival is Arrival.PINNED_ANEW:
        after.append(f"not-held-{stay.came_from}")
    yield PinClient(
        day=stay.since,
        key=key,
        after=tuple(after),
        decision=stay.decision.key,
        course=course.key,
        contract=course.contract,
    )


def _move(stay: Stay, course: PlannedCourse, left: PlannedCourse, key: str, after: list[str]) -> Iterator[Step]:
    """What the client attended is noted first, where the course has begun (E-20)."""
    attended = tuple(range(1, stay.first_period))
    after = [*after, *(arrival_key(one, left) for one in left.stays if one.decision == stay.decision)]
    if attended:
        noted = f"noted-{stay.decision.key}-{left.key}"
        yield NoteParticipation(
            day=stay.since,
            key=noted,
            after=(left.key,),
            decision=stay.decision.key,
            course=left.key,
            contract=left.contract,
            attended=attended,
        )
        after.append(noted)
    yield MoveClient(
        day=stay.since,
        key=key,
        after=tuple(after),
        decision=stay.decision.key,
        course=left.key,
        to_course=course.key,
        contract=course.contract,
        reason=_LEAVES if left.had_to_run(stay.since) else None,
    )


def _revoked_by(course: PlannedCourse, day: date) -> Iterable[str]:
    for stay in course.stays:
        revoked_on = stay.decision.revoked_on
        if revoked_on is not None and revoked_on <= day and (stay.until is None or stay.until >= revoked_on):
            yield f"revoked-{stay.decision.key}"
