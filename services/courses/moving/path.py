"""A client's way over several courses: what is left of it, and how it ends; used by pinning and completing too."""

from collections.abc import Sequence
from dataclasses import replace

from chassis.calendar import helsinki_date
from chassis.db import Transaction
from contracts.values import ReportKind
from services.courses import copies
from services.courses.domain import Course
from services.courses.moving import domain, store
from services.courses.moving.domain import DurationLimit, Path
from services.courses.pins import Pin
from services.courses.reports import file_report


async def find_path(tx: Transaction, there: Course, decision_ref: str) -> Path:
    """How the decision's client goes on to the end on `there` (E-20); refuses what `domain.go_on` refuses."""
    stays = await store.find_stays(tx, decision_ref)
    return domain.go_on(there, stays, await find_limit(tx, there), tx.today)


async def find_limit(tx: Transaction, course: Course) -> DurationLimit:
    """The total duration by the description the course was created under (E-12, E-13)."""
    found = await copies.find_description(tx, course.service, course.terms.description_version)
    if found is None:
        return DurationLimit(None, enforced=False)
    return DurationLimit(found.total_duration_months, found.total_duration_enforced)


async def count_as_attended(tx: Transaction, course: Course, fulfilled: Sequence[Pin]) -> list[Pin]:
    """The fulfilled pins with every planned period attended that nobody said was missed (E-20)."""
    counted = [
        replace(pin, attended=domain.attended_at_the_end(course, pin, helsinki_date(pin.pinned_at)))
        for pin in fulfilled
    ]
    await store.set_attended(tx, counted)
    return counted


async def report_leaving(tx: Transaction, course: Course, decision_ref: str, reason: str | None) -> tuple[str, ...]:
    """Tell Kela of a client whom the provider takes off a course that has had to be run (E-33); the report's id.

    Refuses with MUST_RUN_REASON_REQUIRED where no reason is given.
    """
    domain.require_reason(course, reason)
    if course.must_run_since is None:
        return ()
    report = await file_report(
        tx,
        ReportKind.CLIENT_LEFT_MUST_RUN_COURSE,
        provider_id=course.provider_id,
        course_id=course.course_id,
        decision_ref=decision_ref,
        reason=reason,
    )
    return (report.report_id,)
