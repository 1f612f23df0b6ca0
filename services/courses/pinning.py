"""Pinning clients to courses, and letting go of them."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.db import Transaction
from contracts.courses import ClientPinned, ClientUnpinned, CoursePlacesChanged
from contracts.decisions import DecisionEvent
from contracts.refusals import IfMatch, expect_version
from contracts.values import ReleaseReason
from services.courses import copies, pins, store
from services.courses.acts import Act
from services.courses.changing import notices
from services.courses.consents import Consent
from services.courses.domain import Course
from services.courses.eligibility.domain import NOBODY_KNOWS, Client, require_fit, unknowns, why_unfit
from services.courses.eligibility.handlers import find_client, find_clients
from services.courses.moving.domain import Path
from services.courses.moving.path import find_path, report_leaving
from services.courses.pins import Decision, Pin
from services.courses.snapshots import course_snapshot, pin_snapshot


@dataclass(frozen=True)
class Pinning:
    """What became of a command on a pin; `changed` is False where it was so already.

    `warnings` are codes of what is allowed but should be known (E-12).
    """

    course: Course
    pin: Pin
    changed: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pinnable:
    """A client with a decision; `reason` says why it cannot be pinned, None means it can (E-25)."""

    decision: Decision
    reason: str | None
    warnings: tuple[str, ...] = ()


async def pin_client(
    tx: Transaction,
    course_id: str,
    decision_ref: str,
    if_match: IfMatch | None = None,
    *,
    age_notice: Consent | None = None,
) -> Pinning:
    """Give the decision's client a place (R-CRS-10, R-CRS-14, E-22).

    A client who is pinned to this very course already stays so: success, without an event (E-23).
    One who attended periods elsewhere before takes the remaining ones here (E-20). `if_match` is the
    course's version. A confirmed course that mixes ages asks for `age_notice` (E-47).
    """
    client = await find_client(tx, decision_ref)
    course = await store.lock_course(tx, course_id)
    decision = await copies.lock_decision(tx, decision_ref)
    if decision and decision.pinned_to == course.course_id:
        pin = await store.get_active_pin(tx, decision_ref)
        return Pinning(course, pin, changed=False, warnings=unknowns(course, client))
    expect_version(course.version, if_match)
    free = await store.count_free_in_year(tx, course)
    course, pin = pins.pin(course, decision, at=tx.now, on=tx.today, free_in_year=free)
    await notices.take_notice(tx, course, decision_ref, age_notice)
    path = await find_path(tx, course, decision_ref) if pin.version > 1 else Path()
    pin = replace(pin, planned=path.planned)
    warnings = (*require_fit(course, client), *path.warnings)
    await store.add_pin(tx, course, pin)
    tx.audit(Act.PIN_CLIENT, f"pin:{decision_ref}", course_id=course_id, course_number=course.course_number)
    tx.emit(CoursePlacesChanged(version=course.version, course=course_snapshot(course)))
    tx.emit(ClientPinned(version=pin.version, pin=pin_snapshot(pin)))
    return Pinning(course, pin, warnings=warnings)


async def unpin_client(
    tx: Transaction, course_id: str, decision_ref: str, if_match: IfMatch | None = None, reason: str | None = None
) -> Pinning:
    """The provider takes the client off the course (R-CRS-13), with a `reason` where it had to be run (E-33).

    `if_match` is the pin's version.
    """
    course = await store.lock_course(tx, course_id)
    decision = pins.require_pinned_here(course, await copies.lock_decision(tx, decision_ref))
    expect_version(decision.pin_version, if_match)
    reports = await report_leaving(tx, course, decision_ref, reason)
    tx.audit(
        Act.UNPIN_CLIENT,
        f"pin:{decision_ref}",
        course_id=course_id,
        course_number=course.course_number,
        report_ids=reports,
    )
    return await _release(tx, course, await store.get_active_pin(tx, decision_ref), ReleaseReason.PROVIDER)


async def on_decision(tx: Transaction, event: DecisionEvent) -> None:
    """A revoked decision holds no place: its pin goes without anyone asking.

    Level-triggered: acts on what our copy says after the event, so it does not matter which event
    brought the news, how often, or in what order (E-19, E-21).
    """
    if not event.decision.valid:
        # Courses are locked before decisions. A pin that commits after this look is found below.
        await store.lock_course_of_pin(tx, event.decision.decision_ref)
    decision = await copies.merge_decision(tx, event.decision, event.version)
    if decision.taken_back and decision.pinned_to:
        course = await store.lock_course(tx, decision.pinned_to)
        pin = await store.get_active_pin(tx, decision.decision_ref)
        why = pins.release_reason(decision)
        tx.audit(
            Act.RELEASE_CLIENT,
            f"pin:{pin.decision_ref}",
            course_id=course.course_id,
            course_number=course.course_number,
            reason=why,
        )
        await _release(tx, course, pin, why)


async def find_pinnable(
    tx: Transaction,
    *,
    course_id: str | None,
    service: str | None,
    provider_id: str | None,
    pinnable: bool | None,
    after: tuple[date, str] | None,
    limit: int,
) -> list[Pinnable]:
    """The provider's clients, the most urgent first, each with why it cannot be pinned (E-24, E-25)."""
    course = await store.get_course(tx, course_id) if course_id else None
    decisions = await copies.find_pinnable(
        tx, service=service, provider_id=provider_id, pinnable=pinnable, after=after, limit=limit
    )
    found = [Pinnable(decision, pins.why_not_pinnable(decision, course)) for decision in decisions]
    if course is None:
        return found
    clients = await find_clients(tx, [client.decision.decision_ref for client in found if client.reason is None])
    return [_judged(client, course, clients.get(client.decision.decision_ref, NOBODY_KNOWS)) for client in found]


def _judged(pinnable: Pinnable, course: Course, client: Client) -> Pinnable:
    if pinnable.reason is not None:
        return pinnable
    unfit = why_unfit(course, client)
    return replace(pinnable, reason=unfit, warnings=() if unfit else unknowns(course, client))


async def _release(tx: Transaction, course: Course, pin: Pin, reason: ReleaseReason) -> Pinning:
    course, pin = pins.release(course, pin, reason, at=tx.now, on=tx.today)
    await store.set_pin_ended(tx, pin)
    tx.emit(CoursePlacesChanged(version=course.version, course=course_snapshot(course)))
    tx.emit(ClientUnpinned(version=pin.version, pin=pin_snapshot(pin)))
    return Pinning(course, pin)
