"""SQL of endings and of late confirmation; see the lock order at the top of the service's own `store.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chassis.calendar import start_of_day
from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.values import PinState
from services.courses import store
from services.courses.domain import Course
from services.courses.ending.domain import Ending, EndingKind
from services.courses.pins import Pin
from services.courses.reading.store import CoursesWanted, find_courses


@dataclass(frozen=True, slots=True)
class KeptEnding:
    """An ending as it is kept."""

    ending: Ending
    ended_at: datetime
    ended_by: str


async def find_active_pins(tx: Transaction, course: Course) -> list[Pin]:
    """Who is pinned to the locked course, in the order of their decisions' references (lock order)."""
    found = await store.find_pins(tx, course.course_id, state=PinState.ACTIVE, after=0, limit=course.pinned)
    return sorted((pin for _, pin, _ in found), key=lambda pin: pin.decision_ref)


async def set_ended(tx: Transaction, course: Course, released: Sequence[Pin]) -> None:
    """Store that the course is over, its pins released; their decisions are locked in order."""
    refs = [pin.decision_ref for pin in released]
    await tx.fetch(
        "SELECT decision_ref FROM decisions WHERE decision_ref = ANY($1::text[]) ORDER BY decision_ref FOR UPDATE", refs
    )
    await tx.execute(
        "UPDATE courses SET version = version + 1, state = $2, holds_places = $3, pinned = pinned - $4,"
        " occupied = occupied - $5 WHERE course_id = $1",
        course.course_id,
        course.state,
        course.holds_places,
        len(released),
        sum(not pin.occupies_place for pin in released),
    )
    await tx.execute(
        "UPDATE decisions SET pinned_to = NULL, pin_version = pin_version + 1 WHERE decision_ref = ANY($1::text[])",
        refs,
    )
    await tx.executemany(
        "UPDATE pins SET version = $2, state = $3, reason = $4, occupies_place = $5, ended_at = $6"
        " WHERE decision_ref = $1 AND state = 'active'",
        [(pin.decision_ref, pin.version, pin.state, pin.reason, pin.occupies_place, pin.ended_at) for pin in released],
    )


async def add_ending(tx: Transaction, course: Course, ending: Ending) -> None:
    """Keep how, when and by whom the course was ended, and why."""
    await tx.execute(
        "INSERT INTO course_endings (course_id, provider_id, kind, late, must_run_since, reason, ended_at, ended_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        course.course_id,
        course.provider_id,
        ending.kind,
        ending.late,
        ending.must_run_since,
        ending.reason,
        tx.now,
        tx.principal.subject,
    )


async def get_ending(tx: Transaction, course_id: str) -> KeptEnding:
    """How the course ended; NotFound COURSE_UNKNOWN or NOT_ENDED."""
    await store.get_course(tx, course_id)
    row = await tx.fetchrow(
        "SELECT kind, late, must_run_since, reason, ended_at, ended_by FROM course_endings WHERE course_id = $1",
        course_id,
    )
    if row is None:
        raise NotFound("NOT_ENDED")
    ending = Ending(EndingKind(row["kind"]), row["late"], row["must_run_since"], row["reason"])
    return KeptEnding(ending, row["ended_at"], row["ended_by"])


async def set_late_confirmed(tx: Transaction, course: Course, pinned_at_start: int, override: str | None) -> None:
    """Store the confirmation after the start, with how many were pinned then and why fewer were enough."""
    await tx.execute(
        "UPDATE courses SET version = version + 1, state = $2, confirmed_on = $3, confirmed_with = $4,"
        " late_confirmed = true, override_reason = $5 WHERE course_id = $1",
        course.course_id,
        course.state,
        course.confirmed_on,
        pinned_at_start,
        override,
    )


async def count_pinned_at_start(tx: Transaction, courses: Sequence[Course]) -> dict[str, int]:
    """How many clients each course had at 00:00 Helsinki time of its first day, whatever happened later (E-40)."""
    rows = await tx.fetch(
        "SELECT course_id, count(*) AS pinned FROM pins"
        " JOIN unnest($1::text[], $2::timestamptz[]) AS started (course_id, at) USING (course_id)"
        " WHERE pinned_at <= started.at AND (ended_at IS NULL OR ended_at > started.at) GROUP BY course_id",
        [course.course_id for course in courses],
        [start_of_day(course.first_day) for course in courses],
    )
    counted = {row["course_id"]: row["pinned"] for row in rows}
    return {course.course_id: counted.get(course.course_id, 0) for course in courses}


async def find_stale(tx: Transaction, *, on: date, after: str, limit: int) -> list[tuple[Course, date | None, int]]:
    """Courses of the caller's scope past their start and unconfirmed: (course, confirm-by date, pinned at start)."""
    stale = CoursesWanted(provider_id=tx.principal.provider_id, stale=True)
    found = await find_courses(tx, stale, on=on, after=after, limit=limit)
    pinned = await count_pinned_at_start(tx, [course for course, _ in found])
    return [(course, confirm_by, pinned[course.course_id]) for course, confirm_by in found]
