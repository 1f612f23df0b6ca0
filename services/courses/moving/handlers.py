"""Moving clients, noting what they attend, interruptions, and telling Kela of clients without a course."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.calendar import helsinki_date
from chassis.db import Transaction
from contracts.courses import (
    ClientMoved,
    ClientPinned,
    CoursePlacesChanged,
    ParticipationNoted,
    RehabilitationInterrupted,
)
from contracts.refusals import IfMatch, NotFound, expect_version
from contracts.values import ReportKind
from services.courses import copies, pins
from services.courses import store as courses
from services.courses.acts import Act
from services.courses.changing.notices import take_notice
from services.courses.domain import Course
from services.courses.eligibility.domain import Client, require_fit, unknowns
from services.courses.eligibility.handlers import find_client
from services.courses.guardians import require_guardians
from services.courses.moving import domain, store
from services.courses.moving.domain import Destination, Obstacle
from services.courses.moving.path import find_limit, report_leaving
from services.courses.moving.store import RecordedMove, Unplaced
from services.courses.pins import Decision, Pin
from services.courses.reports import file_report
from services.courses.snapshots import course_snapshot, pin_snapshot


@dataclass(frozen=True)
class Moved:
    """The client's pin on the new course and both courses; `changed` is False where it was so already."""

    here: Course
    there: Course
    pin: Pin
    changed: bool = True
    warnings: tuple[str, ...] = ()


async def move_client(
    tx: Transaction,
    course_id: str,
    decision_ref: str,
    to: Destination,
    *,
    reason: str | None = None,
    if_match: IfMatch | None = None,
) -> Moved:
    """Move a client to another course of the provider, or change nothing at all (R-CRS-27, E-26).

    A client who came from this course to that one already stays there: success, without an event
    (E-23). The decision keeps its deadline. `if_match` is the pin's version.
    """
    client = await find_client(tx, decision_ref)
    here, there = await store.lock_courses(tx, course_id, to.course_id)
    decision = await copies.lock_decision(tx, decision_ref)
    if decision and decision.pinned_to == to.course_id:
        present = await courses.get_active_pin(tx, decision_ref)
        if present.moved_from == course_id:
            return Moved(here, there, present, changed=False, warnings=unknowns(there, client))
    decision = pins.require_pinned_here(here, decision)
    expect_version(decision.pin_version, if_match)
    await report_leaving(tx, here, decision_ref, reason)
    return await make_move(tx, here, there, decision, client, to, reason)


async def make_move(
    tx: Transaction,
    here: Course,
    there: Course,
    decision: Decision,
    client: Client,
    to: Destination,
    reason: str | None,
) -> Moved:
    """Judge one client's way from `here` to `there` and keep it, both courses and the decision locked.

    The one way to change course, by a move as by the plan of a deletion: with consent (R-CRS-28), where
    the client fits (E-24) and knows of mixed ages (E-47), within the total duration (R-CRS-31).
    """
    agreed = domain.require_consent(to.consent, tx.today)
    await require_guardians(tx, there, [agreed])
    active = await courses.get_active_pin(tx, decision.decision_ref)
    stays = await store.find_stays(tx, decision.decision_ref)
    limit = await find_limit(tx, there)
    free = await courses.count_free_in_year(tx, there)
    moved = domain.move(here, there, decision, active, stays, limit, at=tx.now, on=tx.today, free_in_year=free)
    await take_notice(tx, there, decision.decision_ref, to.age_notice)
    warnings = (*require_fit(there, client), *moved.warnings)
    await courses.set_pin_ended(tx, moved.left)
    await courses.add_pin(tx, moved.there, moved.arrived)
    await store.add_move(tx, moved.left, agreed, reason)
    tx.audit(
        Act.MOVE_CLIENT,
        f"pin:{decision.decision_ref}",
        from_course_id=here.course_id,
        from_course_number=here.course_number,
        to_course_id=there.course_id,
        to_course_number=there.course_number,
        left_version=moved.left.version,
        consent_by=agreed.given_by,
        consent_channel=agreed.channel,
        consent_given_on=str(agreed.given_on),
    )
    for course in (moved.here, moved.there):
        tx.emit(CoursePlacesChanged(version=course.version, course=course_snapshot(course)))
    tx.emit(ClientMoved(version=moved.left.version, pin=pin_snapshot(moved.left)))
    tx.emit(ClientPinned(version=moved.arrived.version, pin=pin_snapshot(moved.arrived)))
    return Moved(moved.here, moved.there, moved.arrived, warnings=warnings)


async def note_participation(
    tx: Transaction,
    course_id: str,
    decision_ref: str,
    attended: Sequence[int],
    missed: Sequence[int],
    if_match: IfMatch | None = None,
) -> tuple[Course, Pin]:
    """Write down which periods of the course the client attended and missed (E-20).

    Only of the decision's newest pin: once the client has gone on elsewhere, what was attended here
    stands. The same again is a success without an event. `if_match` is the pin's version.
    """
    course = await courses.lock_course(tx, course_id)
    decision = await copies.lock_decision(tx, decision_ref)
    pin = await courses.find_newest_pin(tx, decision_ref) if decision else None
    if pin is None or pin.course_id != course_id:
        raise NotFound("NOT_PINNED", course_number=course.course_number)
    expect_version(pin.version, if_match)
    until = helsinki_date(pin.ended_at) if pin.ended_at else tx.today
    noted = domain.note_participation(course, pin, attended, missed, until)
    if noted is not pin:
        await store.set_participation(tx, noted)
        tx.audit(
            Act.NOTE_PARTICIPATION,
            f"pin:{decision_ref}",
            course_id=course_id,
            course_number=course.course_number,
            attended=noted.attended,
            missed=noted.missed,
        )
        tx.emit(ParticipationNoted(version=noted.version, pin=pin_snapshot(noted)))
    return course, noted


async def interrupt_rehabilitation(
    tx: Transaction, course_id: str, decision_ref: str, if_match: IfMatch | None = None, *, final: bool = False
) -> tuple[Course, Pin]:
    """The client's rehabilitation ends early; the decision stays and counts (R-DEC-7, E-57).

    `final` marks the last attended period as the client's last one (E-29).
    """
    course = await courses.lock_course(tx, course_id)
    decision = pins.require_pinned_here(course, await copies.lock_decision(tx, decision_ref))
    expect_version(decision.pin_version, if_match)
    active = await courses.get_active_pin(tx, decision_ref)
    course, ended = domain.interrupt(course, active, at=tx.now, on=tx.today, final=final)
    await courses.set_pin_ended(tx, ended)
    tx.audit(
        Act.INTERRUPT_REHABILITATION,
        f"pin:{decision_ref}",
        course_id=course_id,
        course_number=course.course_number,
        attended=ended.attended,
        final=final,
    )
    tx.emit(CoursePlacesChanged(version=course.version, course=course_snapshot(course)))
    tx.emit(RehabilitationInterrupted(version=ended.version, pin=pin_snapshot(ended)))
    return course, ended


async def report_cannot_place(tx: Transaction, decision_ref: str, reason: Obstacle) -> tuple[Unplaced, bool]:
    """Tell Kela that no course can be found for the client (R-CRS-16); the report, and whether it is new.

    Once per decision while it is open, which it is until the decision's pin changes.
    """
    decision = domain.require_without_place(await copies.lock_decision(tx, decision_ref))
    found = await store.find_unplaced(tx, decision_ref, decision.pin_version)
    if found:
        return found, False
    report = await file_report(
        tx,
        ReportKind.CANNOT_PLACE_CLIENT,
        provider_id=decision.provider_id,
        decision_ref=decision_ref,
        reason=str(reason),
    )
    unplaced = Unplaced(report.report_id, decision_ref, reason, report.reported_at)
    await store.add_unplaced(tx, unplaced, decision.pin_version, decision.provider_id)
    tx.audit(Act.REPORT_CANNOT_PLACE, f"pin:{decision_ref}", report_ids=[report.report_id])
    return unplaced, True


async def find_history(
    tx: Transaction, decision_ref: str, *, after: int, limit: int
) -> list[tuple[int, Pin, RecordedMove | None]]:
    """Every pin of the decision in order, each with the move that ended it (R-CRS-29).

    NotFound DECISION_UNKNOWN where it is not, or not in the caller's scope.
    """
    if await copies.find_version(tx, decision_ref, table="decisions", column="decision_ref") is None:
        raise NotFound("DECISION_UNKNOWN")
    found = await courses.find_pins_of_decision(tx, decision_ref, after=after, limit=limit)
    moves = await store.find_moves(tx, decision_ref, [pin.version for _, pin in found])
    return [(place, pin, moves.get(pin.version)) for place, pin in found]
