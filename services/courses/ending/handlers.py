"""Deleting, cancelling, and settling what became of courses that nobody confirmed in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.auth import Role
from chassis.calendar import start_of_day
from chassis.db import Transaction
from contracts.courses import (
    ClientMoved,
    ClientPinned,
    ClientUnpinned,
    CourseCancelled,
    CourseConfirmed,
    CourseDeleted,
    CoursePlacesChanged,
)
from contracts.refusals import Stale
from contracts.values import ReportKind
from services.courses import copies, handlers, pins, store
from services.courses.domain import Course
from services.courses.ending import domain
from services.courses.ending import store as endings
from services.courses.ending.domain import Ending, EndingKind
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


async def delete_course(
    tx: Transaction,
    course_id: str,
    reason: str | None = None,
    transfers: Mapping[str, str] | None = None,
    if_match: int | None = None,
) -> Ended:
    """Delete a course that will not happen, its clients transferred, all or nothing (R-CRS-36, R-CRS-37, E-38).

    `transfers` says for each pinned decision to which course its client goes. `if_match` is the
    version of the course to be deleted.
    """
    plan = dict(sorted((transfers or {}).items()))
    courses = {one: await store.lock_course(tx, one) for one in sorted({course_id, *plan.values()})}
    course = courses[course_id]
    _require_version(course, if_match)
    active = {pin.decision_ref: pin for pin in await endings.find_active_pins(tx, course)}
    ending = domain.delete(course, active, plan, tx.today, reason)
    decisions = {ref: await copies.lock_decision(tx, ref) for ref in plan}
    made = []
    for ref, target_id in plan.items():
        moving = domain.transfer_before_start(
            courses[course_id], courses[target_id], decisions[ref], active[ref], at=tx.now, on=tx.today
        )
        await _transfer(tx, moving)
        courses |= {course_id: moving.source, target_id: moving.target}
        made.append(moving.pin)
    ended = await _end(tx, courses.pop(course_id), ending)
    return Ended(ended.course, ending, made, list(courses.values()))


async def cancel_course(tx: Transaction, course_id: str, reason: str, if_match: int | None = None) -> Ended:
    """Kela cancels a course that was committed to (E-34); its clients' deadlines are open again."""
    course = await store.lock_course(tx, course_id)
    _require_version(course, if_match)
    ended = await _end(tx, course, domain.cancel(course, reason))
    await tx.cancel(handlers.BEGIN_COURSE, course_id)
    await tx.cancel(handlers.COMPLETE_COURSE, course_id)
    return ended


async def close_as_not_held(
    tx: Transaction, course_id: str, reason: str | None = None, if_match: int | None = None
) -> Ended:
    """The past course did not take place: deleted, its clients released (R-CRS-42, E-40)."""
    course = await store.lock_course(tx, course_id)
    _require_version(course, if_match)
    pinned_at_start = (await endings.count_pinned_at_start(tx, [course]))[course_id]
    ending = domain.did_not_happen(course, pinned_at_start, tx.today, reason, official=_is_official(tx))
    return await _end(tx, course, ending)


async def confirm_retroactively(
    tx: Transaction, course_id: str, reason: str | None = None, if_match: int | None = None
) -> Course:
    """The past course took place: it runs, or is completed where its last day is over (R-CRS-41, E-40)."""
    course = await store.lock_course(tx, course_id)
    _require_version(course, if_match)
    pinned_at_start = (await endings.count_pinned_at_start(tx, [course]))[course_id]
    course = domain.confirm_retroactively(course, pinned_at_start, tx.today, reason, official=_is_official(tx))
    override = reason if pinned_at_start < course.terms.confirm_at else None
    await endings.set_late_confirmed(tx, course, pinned_at_start, override)
    tx.audit("confirm_retroactively", f"course:{course_id}", pinned_at_start=pinned_at_start)
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
    tx.audit("report_unconfirmable", f"course:{course_id}", report_ids=[report.report_id])
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
    tx.audit("end_course", f"course:{course.course_id}", kind=ending.kind, late=ending.late, released=len(released))
    told = CourseCancelled if ending.kind is EndingKind.CANCELLED else CourseDeleted
    tx.emit(told(version=course.version, course=course_snapshot(course)))
    for pin in released:
        tx.audit(
            "release_client",
            f"pin:{pin.decision_ref}",
            course_id=course.course_id,
            course_number=course.course_number,
            reason=ending.releases,
        )
        tx.emit(ClientUnpinned(version=pin.version, pin=pin_snapshot(pin)))
    for kind in ending.reports:
        await file_report(tx, kind, provider_id=course.provider_id, course_id=course.course_id, reason=ending.reason)
    return Ended(course, ending, released)


async def _transfer(tx: Transaction, moving: domain.Transfer) -> None:
    await store.set_pin_ended(tx, moving.moved)
    await store.add_pin(tx, moving.target, moving.pin)
    tx.audit(
        "transfer_client",
        f"pin:{moving.pin.decision_ref}",
        from_course_id=moving.source.course_id,
        from_course_number=moving.source.course_number,
        to_course_id=moving.target.course_id,
        to_course_number=moving.target.course_number,
    )
    tx.emit(CoursePlacesChanged(version=moving.source.version, course=course_snapshot(moving.source)))
    tx.emit(ClientMoved(version=moving.moved.version, pin=pin_snapshot(moving.moved)))
    tx.emit(CoursePlacesChanged(version=moving.target.version, course=course_snapshot(moving.target)))
    tx.emit(ClientPinned(version=moving.pin.version, pin=pin_snapshot(moving.pin)))


def _require_version(course: Course, if_match: int | None) -> None:
    if if_match not in (None, course.version):
        raise Stale(course.version)


def _is_official(tx: Transaction) -> bool:
    return tx.principal.role is Role.OFFICER
