"""Creating, publishing and confirming courses, their first and last days, and the copies they rest on."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from chassis.calendar import start_of_day
from chassis.db import Transaction
from contracts.courses import (
    CourseBegan,
    CourseCompleted,
    CourseConfirmed,
    CourseCreated,
    CoursePublished,
    PinFulfilled,
)
from contracts.envelope import new_event_id
from contracts.refusals import IfMatch, NotFound, NotYetKnown, Refusal, expect_version
from contracts.registration import ContractEvent, OfficeEvent, ServiceDescription, ServiceDescriptionPublished
from services.courses import copies, creation, domain, store
from services.courses.acts import Act
from services.courses.changing import notices
from services.courses.creation import Proposal
from services.courses.domain import Course, PlaceLedger
from services.courses.moving.path import count_as_attended
from services.courses.snapshots import course_snapshot, pin_snapshot

BEGIN_COURSE = "begin-course"
COMPLETE_COURSE = "complete-course"


async def create_course(tx: Transaction, contract_id: str, office_id: str, proposal: Proposal) -> Course:
    """Create a course whole or not at all (R-CRS-38), within the year's announced count (R-CRS-2)."""
    contract = await copies.find_contract(tx, contract_id)
    if contract is None:
        raise Refusal("CONTRACT_UNKNOWN")
    office = await copies.find_office(tx, office_id)
    if office is None:
        raise Refusal("OFFICE_UNKNOWN")
    description = copies.described(await _description_in_force(tx, contract.service))
    course = creation.create(str(new_event_id()), proposal, contract, office, description, on=tx.today)
    ledger = await store.lock_ledger(tx, contract_id, course.year)
    domain.reserve(ledger, course.group_size)
    await store.set_reserved(tx, ledger, course.group_size)
    course = replace(course, course_number=await store.add_course(tx, course))
    tx.audit(
        Act.CREATE_COURSE,
        f"course:{course.course_id}",
        course_number=course.course_number,
        contract_id=contract_id,
        office_id=office_id,
        group_size=course.group_size,
        target_groups=course.target_groups,
        age_group=course.age_group,
        first_day=str(course.first_day),
        last_day=str(course.last_day),
    )
    tx.emit(CourseCreated(version=course.version, course=course_snapshot(course)))
    return course


async def publish_course(tx: Transaction, course_id: str, if_match: IfMatch | None = None) -> Course:
    """Show the course in the search, for good (R-CRS-8, R-CRS-9)."""
    course = await lock_matching(tx, course_id, if_match)
    contract = await copies.find_contract(tx, course.contract_id)
    if contract is None:
        raise Refusal("CONTRACT_UNKNOWN")
    course = domain.publish(course, contract, on=tx.today)
    await store.set_state(tx, course)
    tx.audit(Act.PUBLISH_COURSE, f"course:{course_id}")
    tx.emit(CoursePublished(version=course.version, course=course_snapshot(course)))
    return course


async def confirm_course(tx: Transaction, course_id: str, if_match: IfMatch | None = None) -> Course:
    """Commit to carrying the course out (R-CRS-17, E-39); it begins by itself on its first day."""
    course = await lock_matching(tx, course_id, if_match)
    course = domain.confirm(course, on=tx.today)
    await notices.require_all_know(tx, course)
    await store.set_state(tx, course)
    await tx.schedule(BEGIN_COURSE, course.course_id, start_of_day(course.first_day))
    tx.audit(Act.CONFIRM_COURSE, f"course:{course_id}", pinned=course.pinned)
    tx.emit(CourseConfirmed(version=course.version, course=course_snapshot(course)))
    return course


async def begin_course(tx: Transaction, course_id: str, payload: Mapping[str, Any]) -> None:
    """The first day of a confirmed course, 00:00 in Helsinki."""
    begun = domain.begin(await store.lock_course(tx, course_id), on=tx.today)
    if begun is None:
        return
    await store.set_state(tx, begun)
    await tx.schedule(COMPLETE_COURSE, course_id, start_of_day(begun.last_day + timedelta(days=1)))
    tx.audit(Act.BEGIN_COURSE, f"course:{course_id}")
    tx.emit(CourseBegan(version=begun.version, course=course_snapshot(begun)))


async def complete_course(tx: Transaction, course_id: str, payload: Mapping[str, Any]) -> None:
    """The day after the last day: the course is completed and its pins are fulfilled."""
    completed = domain.complete(await store.lock_course(tx, course_id), on=tx.today)
    if completed is None:
        return
    fulfilled = await count_as_attended(tx, completed, await store.set_completed(tx, completed))
    tx.audit(Act.COMPLETE_COURSE, f"course:{course_id}", fulfilled=len(fulfilled))
    tx.emit(CourseCompleted(version=completed.version, course=course_snapshot(completed)))
    for pin in fulfilled:
        tx.audit(Act.FULFIL_PIN, f"pin:{pin.decision_ref}", course_id=course_id, attended=pin.attended)
        tx.emit(PinFulfilled(version=pin.version, pin=pin_snapshot(pin)))


async def on_contract(tx: Transaction, event: ContractEvent) -> None:
    """Keep our copy of the contract and the announced counts of its place ledgers."""
    await copies.merge_contract(tx, event.contract, event.version)


async def on_office(tx: Transaction, event: OfficeEvent) -> None:
    """Keep our copy of the office."""
    await copies.merge_office(tx, event.office, event.version)


async def on_service_description(tx: Transaction, event: ServiceDescriptionPublished) -> None:
    """Keep our copy of the service's descriptions; existing courses keep their terms (E-13)."""
    await copies.merge_descriptions(tx, event.service, event.descriptions, event.version)


async def get_place_ledger(tx: Transaction, contract_id: str, year: int) -> PlaceLedger:
    """The places of a contract's courses in a year; NotFound CONTRACT_UNKNOWN."""
    if await copies.find_contract(tx, contract_id) is None:
        raise NotFound("CONTRACT_UNKNOWN")
    return await store.get_ledger(tx, contract_id, year)


async def lock_matching(tx: Transaction, course_id: str, if_match: IfMatch | None) -> Course:
    """The course, locked, in the version the caller expects; Stale where it is another."""
    course = await store.lock_course(tx, course_id)
    expect_version(course.version, if_match)
    return course


async def _description_in_force(tx: Transaction, service: str) -> ServiceDescription:
    descriptions = await copies.find_descriptions(tx, service)
    if not descriptions:
        raise NotYetKnown("NOT_YET_KNOWN", subjects=["service"])
    in_force = [
        description
        for description in descriptions
        if description.valid_from <= tx.today and (description.valid_to is None or tx.today <= description.valid_to)
    ]
    if not in_force:
        raise Refusal("NO_DESCRIPTION_IN_FORCE", service=service)
    return max(in_force, key=lambda description: description.description_version)
