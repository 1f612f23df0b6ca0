"""Changing a course that exists: load, decide, save, emit. The same again changes nothing."""

from dataclasses import asdict, dataclass
from datetime import timedelta

from chassis.calendar import start_of_day
from chassis.db import Transaction
from contracts.courses import CourseChanged, CourseRescheduled
from contracts.refusals import IfMatch, Refusal
from contracts.registration import ServiceDescription
from contracts.values import CourseState
from services.courses import copies, pins
from services.courses import domain as courses
from services.courses import store as course_store
from services.courses.acts import Act
from services.courses.changing import dates, domain, store
from services.courses.consents import Consent, require_given
from services.courses.creation import ProposedPeriod
from services.courses.domain import Contact, Course
from services.courses.guardians import require_guardians
from services.courses.handlers import BEGIN_COURSE, COMPLETE_COURSE, lock_matching
from services.courses.reports import file_report
from services.courses.snapshots import course_snapshot


@dataclass(frozen=True, slots=True)
class NewDates:
    """The whole course's new periods, the pinned clients' consents, and the reason where one is needed."""

    periods: tuple[ProposedPeriod, ...]
    consents: tuple[Consent, ...] = ()
    reason: str | None = None


async def resize_course(tx: Transaction, course_id: str, group_size: int, if_match: IfMatch | None = None) -> Course:
    """Grow or shrink the group (R-CRS-15, E-41): places come from the year's count and go back to it."""
    before = await lock_matching(tx, course_id, if_match)
    course = domain.resize(before, group_size)
    if course is before:
        return before
    added = course.group_size - before.group_size
    ledger = await course_store.lock_ledger(tx, course.contract_id, course.year)
    if added > 0:
        courses.reserve(ledger, added)
    await course_store.set_reserved(tx, ledger, added)
    await store.set_group_size(tx, course)
    tx.audit(Act.RESIZE_COURSE, f"course:{course_id}", before=before.group_size, after=course.group_size)
    return _changed(tx, course)


async def retarget_course(
    tx: Transaction, course_id: str, target_groups: tuple[str, ...], if_match: IfMatch | None = None
) -> Course:
    """Add or change the disease groups of a course that is not confirmed (R-CRS-16, R-CRS-17)."""
    before = await lock_matching(tx, course_id, if_match)
    description = copies.described(await _description_of(tx, before))
    course = domain.retarget(before, description, target_groups)
    if course is before:
        return before
    await store.set_target_groups(tx, course)
    tx.audit(Act.RETARGET_COURSE, f"course:{course_id}", before=before.target_groups, after=course.target_groups)
    return _changed(tx, course)


async def mix_ages(tx: Transaction, course_id: str, if_match: IfMatch | None = None) -> Course:
    """Open the year's last course to every age of its service (R-CRS-49, E-47).

    Asking for it is the provider's statement that the announced count cannot be raised (R-CRS-48).
    """
    before = await lock_matching(tx, course_id, if_match)
    description = copies.described(await _description_of(tx, before))
    ledger = await course_store.lock_ledger(tx, before.contract_id, before.year)
    course = domain.mix_ages(before, description, ledger)
    if course is before:
        return before
    await store.set_ages(tx, course)
    tx.audit(Act.MIX_AGES, f"course:{course_id}", age_group=before.age_group, free=ledger.free, raising_possible=False)
    return _changed(tx, course)


async def acknowledge_mixed_ages(tx: Transaction, course_id: str, notice: Consent) -> Course:
    """Record that a pinned client knows of the mixed ages and of the right to change provider (E-47)."""
    course = await course_store.lock_course(tx, course_id)
    domain.require_mixed(course)
    pins.require_pinned_here(course, await copies.lock_decision(tx, notice.decision_ref))
    require_given((notice,), tx.today)
    await require_guardians(tx, course, [notice])
    await store.set_age_notice(tx, course, notice)
    tx.audit(
        Act.ACKNOWLEDGE_MIXED_AGES,
        f"course:{course_id}",
        decision_ref=notice.decision_ref,
        given_on=str(notice.given_on),
        given_by=notice.given_by,
        channel=notice.channel,
    )
    return course


async def show_contact(
    tx: Transaction, course_id: str, contact: Contact | None, if_match: IfMatch | None = None
) -> Course:
    """Show the course with contact details of its own, or with its contract's again (R-REG-10, E-43)."""
    before = await lock_matching(tx, course_id, if_match)
    course = domain.show_contact(before, contact)
    if course is before:
        return before
    await store.set_contact(tx, course)
    if contact:
        tx.audit(Act.SET_CONTACT, f"course:{course_id}", **asdict(contact))
    else:
        tx.audit(Act.LINK_CONTACT, f"course:{course_id}")
    return _changed(tx, course)


async def reschedule_course(
    tx: Transaction, course_id: str, wanted: NewDates, if_match: IfMatch | None = None
) -> Course:
    """Move the course's dates, perhaps into another year (R-CRS-32, R-CRS-33, E-35, E-37).

    One transaction frees the places of the year left and takes those of the year entered, plans the
    course's timers anew, keeps the consents, and tells Kela of what is late or had to run (E-15, E-33).
    """
    before = await lock_matching(tx, course_id, if_match)
    contract = await copies.find_contract(tx, before.contract_id)
    if contract is None:
        raise Refusal("CONTRACT_UNKNOWN")
    described = await _description_of(tx, before)
    description = copies.described(described)
    course = dates.reschedule(before, description, contract, wanted.periods, on=tx.today)
    if course is before:
        return before
    pinned = await store.find_pinned(tx, course_id)
    dates.require_deadlines(before, course, pinned)
    dates.require_durations(course, description, pinned)
    consents = dates.require_consents(pinned, wanted.consents, on=tx.today)
    await require_guardians(tx, before, consents)
    late = dates.is_late(before, on=tx.today)
    reports = dates.what_to_report(before, late=late)
    if reports and wanted.reason is None:
        raise Refusal("REASON_REQUIRED", notice_by=before.notice_by, must_run_since=before.must_run_since)
    await store.set_schedule(tx, course)
    await store.add_rescheduling(tx, before, course, late=late, consents=consents)
    await _carry_places(tx, before, course)
    await _plan_timers(tx, before, course)
    tx.emit(CourseRescheduled(version=course.version, course=course_snapshot(course)))
    filed = [
        await file_report(tx, kind, provider_id=course.provider_id, course_id=course_id, reason=wanted.reason)
        for kind in reports
    ]
    tx.audit(
        Act.RESCHEDULE_COURSE,
        f"course:{course_id}",
        before=[f"{period.first_day}/{period.last_day}" for period in before.periods],
        after=[f"{period.first_day}/{period.last_day}" for period in course.periods],
        late=late,
        consents=len(consents),
        report_ids=[report.report_id for report in filed],
    )
    return course


async def _carry_places(tx: Transaction, before: Course, after: Course) -> None:
    """Ledgers are locked in the order of their years, whichever way the course goes, and after the decisions."""
    if before.year == after.year:
        return
    ledgers = {
        year: await course_store.lock_ledger(tx, after.contract_id, year) for year in sorted((before.year, after.year))
    }
    courses.reserve(ledgers[after.year], after.group_size)
    await course_store.set_reserved(tx, ledgers[after.year], after.group_size)
    await course_store.set_reserved(tx, ledgers[before.year], -before.group_size)


async def _plan_timers(tx: Transaction, before: Course, course: Course) -> None:
    """Only what moved is planned anew: a timer that is firing holds its row and waits for the course."""
    if course.state is CourseState.CONFIRMED and course.first_day != before.first_day:
        await tx.schedule(BEGIN_COURSE, course.course_id, start_of_day(course.first_day))
    if course.state is CourseState.RUNNING and course.last_day != before.last_day:
        await tx.schedule(COMPLETE_COURSE, course.course_id, start_of_day(course.last_day + timedelta(days=1)))


async def _description_of(tx: Transaction, course: Course) -> ServiceDescription:
    """The version of the description that the course was created under; later ones do not bind it (E-13)."""
    found = await copies.find_description(tx, course.service, course.terms.description_version)
    if found is None:
        raise Refusal("NO_DESCRIPTION_IN_FORCE", service=course.service)
    return found


def _changed(tx: Transaction, course: Course) -> Course:
    tx.emit(CourseChanged(version=course.version, course=course_snapshot(course)))
    return course
