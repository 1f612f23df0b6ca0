"""Deleting, cancelling, and settling what became of courses that nobody confirmed in time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from chassis.auth import Role
from chassis.calendar import start_of_day
from chassis.db import Transaction
from contracts.courses import ClientUnpinned, CourseCancelled, CourseConfirmed, CourseDeleted
from contracts.refusals import IfMatch, Refusal, expect_version
from contracts.values import ReportKind
from services.courses import copies, handlers, pins, store
from services.courses.acts import Act
from services.courses.changing import notices
from services.courses.domain import Course
from services.courses.eligibility.domain import NOBODY_KNOWS
from services.courses.eligibility.handlers import find_clients
from services.courses.ending import domain
from services.courses.ending import store as endings
from services.courses.ending.domain import Ending, EndingKind
from services.courses.moving.domain import Destination
from services.courses.moving.handlers import make_move
from services.courses.moving.store import lock_courses
from services.courses.pins import Pin
from services.courses.reports import Report, file_report
from services.courses.snapshots import course_snapshot, pin_snapshot


@dataclass(frozen=True)
class Ended:
    """A course that is over, and what else changed with it: the pins, and the courses clients went to."""

    course: Course
    ending: Ending
    pins: Sequence[Pin] = ()
    targets: Sequence[Course] = ()
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)


async def delete_course(
    tx: Transaction,
    course_id: str,
    reason: str | None = None,
    transfers: Mapping[str, Destination] | None = None,
    if_match: IfMatch | None = None,
) -> Ended:
    """Delete a course that will not happen, its clients moved away, all or nothing (R-CRS-36, R-CRS-37, E-38).

    `transfers` says for each pinned decision where its client goes; each is judged and kept like any
    move. `if_match` is the version of the course to be deleted.
    """
    plan = dict(sorted((transfers or {}).items()))
    clients = await find_clients(tx, list(plan))
    locked = await lock_courses(tx, course_id, *(to.course_id for to in plan.values()))
    courses = {course.course_id: course for course in locked}
    course = courses[course_id]
    expect_version(course.version, if_match)
    pinned = [pin.decision_ref for pin in await endings.find_active_pins(tx, course)]
    ending = domain.delete(course, pinned, plan, tx.today, reason)
    decisions = {ref: pins.require_pinned_here(course, await copies.lock_decision(tx, ref)) for ref in plan}
    made, warnings = [], {}
    for ref, to in plan.items():
        here, there = courses[course_id], courses[to.course_id]
        with _refusing_about(ref, there):
            moved = await make_move(tx, here, there, decisions[ref], clients.get(ref, NOBODY_KNOWS), to, reason)
        courses |= {course_id: moved.here, to.course_id: moved.there}
        made.append(moved.pin)
        warnings[ref] = moved.warnings
    ended = await _end(tx, courses.pop(course_id), ending)
    return Ended(ended.course, ending, made, list(courses.values()), warnings)


async def cancel_course(tx: Transaction, course_id: str, reason: str, if_match: IfMatch | None = None) -> Ended:
    """Kela cancels a course that was committed to (E-34); its clients' deadlines are open again."""
    course = await handlers.lock_matching(tx, course_id, if_match)
    ended = await _end(tx, course, domain.cancel(course, reason))
    await tx.cancel(handlers.BEGIN_COURSE, course_id)
    await tx.cancel(handlers.COMPLETE_COURSE, course_id)
    return ended


async def close_as_not_held(
    tx: Transaction, course_id: str, reason: str | None = None, if_match: IfMatch | None = None
) -> Ended:
    """The past course did not take place: deleted, its clients released (R-CRS-42, E-40)."""
    course = await handlers.lock_matching(tx, course_id, if_match)
    pinned_at_start = (await endings.count_pinned_at_start(tx, [course]))[course_id]
    ending = domain.did_not_happen(course, pinned_at_start, tx.today, reason, official=_is_official(tx))
    return await _end(tx, course, ending)


async def confirm_retroactively(
    tx: Transaction, course_id: str, reason: str | None = None, if_match: IfMatch | None = None
) -> Course:
    """The past course took place: it runs, or is completed where its last day is over (R-CRS-41, E-40)."""
    course = await handlers.lock_matching(tx, course_id, if_match)
    pinned_at_start = (await endings.count_pinned_at_start(tx, [course]))[course_id]
    course = domain.confirm_retroactively(course, pinned_at_start, tx.today, reason, official=_is_official(tx))
    await notices.require_all_know(tx, course)
    override = reason if pinned_at_start < course.terms.confirm_at else None
    await endings.set_late_confirmed(tx, course, pinned_at_start, override)
    tx.audit(Act.CONFIRM_RETROACTIVELY, f"course:{course_id}", pinned_at_start=pinned_at_start)
    tx.emit(CourseConfirmed(version=course.version, course=course_snapshot(course)))
    if tx.today > course.last_day:
        await handlers.complete_course(tx, course_id, {})
        return await store.get_course(tx, course_id)
    await tx.schedule(handlers.COMPLETE_COURSE, course_id, start_of_day(course.last_day + timedelta(days=1)))
    return course


async def report_unconfirmable(tx: Transaction, course_id: str, reason: str) -> Report:
    """Tell Kela that a past course cannot be confirmed (R-CRS-43)."""
    course = await store.lock_course(tx, course_id)
    domain.require_unconfirmable(course, tx.today)
    report = await file_report(
        tx,
        ReportKind.CANNOT_CONFIRM_PAST_COURSE,
        provider_id=course.provider_id,
        course_id=course_id,
        reason=reason,
    )
    tx.audit(Act.REPORT_UNCONFIRMABLE, f"course:{course_id}", report_ids=[report.report_id])
    return report


async def _end(tx: Transaction, course: Course, ending: Ending) -> Ended:
    """Store the end of a locked course with all that follows from it: pins, places, reports, events."""
    active = await endings.find_active_pins(tx, course)
    released = [pins.release(course, pin, ending.releases, at=tx.now, on=tx.today)[1] for pin in active]
    course = domain.ended(course, ending, tx.today)
    await endings.set_ended(tx, course, released)
    if not course.holds_places:
        ledger = await store.lock_ledger(tx, course.contract_id, course.year)
        await store.set_reserved(tx, ledger, -course.group_size)
    await endings.add_ending(tx, course, ending)
    tx.audit(Act.END_COURSE, f"course:{course.course_id}", kind=ending.kind, late=ending.late, released=len(released))
    told = CourseCancelled if ending.kind is EndingKind.CANCELLED else CourseDeleted
    tx.emit(told(version=course.version, course=course_snapshot(course)))
    for pin in released:
        tx.audit(
            Act.RELEASE_CLIENT,
            f"pin:{pin.decision_ref}",
            course_id=course.course_id,
            course_number=course.course_number,
            reason=ending.releases,
        )
        tx.emit(ClientUnpinned(version=pin.version, pin=pin_snapshot(pin)))
    for kind in ending.reports:
        await file_report(tx, kind, provider_id=course.provider_id, course_id=course.course_id, reason=ending.reason)
    return Ended(course, ending, released)


@contextmanager
def _refusing_about(decision_ref: str, target: Course) -> Iterator[None]:
    """A refusal of one transfer says whose it is, and to which course."""
    try:
        yield
    except Refusal as refused:
        refused.values |= {"decision_ref": decision_ref, "target_number": target.course_number}
        raise


def _is_official(tx: Transaction) -> bool:
    return tx.principal.role is Role.OFFICER
