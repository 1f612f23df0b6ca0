"""SQL of courses, place ledgers and pins.

Lock order: a legacy draft, courses by id, then decisions by reference, then place ledgers by contract and year.
A pin is only changed under the locks of its course and of its decision. Counters and versions grow
by relative updates, so that the constraints guard them a second time.
"""

# ruff: noqa: S608 - only names of this package are put into SQL text; values are bound parameters

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from asyncpg import Record

from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.values import CourseState, DeliveryMode, Language, PeriodKind, PinState, ReleaseReason
from services.courses.domain import Contact, Course, Period, PlaceLedger, Terms
from services.courses.pins import Pin

COURSE = """
    course_id, course_number, version, contract_id, provider_id, office_id, service, language, state, year, periods,
    group_size, target_groups, age_group, min_age, max_age, description_version, group_min, group_max, confirm_min,
    must_run_at, move_notice_days, pinned, occupied, must_run_since, confirmed_on, late_confirmed, holds_places,
    mixed_age, contact_email, contact_phone, contact_web
"""
PIN = """
    decision_ref, version, course_id, provider_id, office_id, state, occupies_place, pinned_at, ended_at, reason,
    planned, attended, missed, moved_from, moved_to
"""


async def lock_course(tx: Transaction, course_id: str) -> Course:
    """The course, locked; NotFound COURSE_UNKNOWN where it is not, or not in the caller's scope."""
    row = await tx.fetchrow(f"SELECT {COURSE} FROM courses WHERE course_id = $1 FOR UPDATE", course_id)
    return course_of(row)


class _MovedMeanwhile(Exception):
    """The client is on another course than before the wait for its lock."""


async def lock_course_of_pin(tx: Transaction, decision_ref: str) -> None:
    """Lock the course the decision's client is pinned to, if any: courses come before decisions.

    Where the client was moved during the wait, the old course is let go and the new one locked:
    holding both in this order could wait in a circle with a move the other way (E-26).
    """
    while (course_id := await _find_pinned_to(tx, decision_ref)) is not None:
        try:
            async with tx.savepoint():
                await tx.execute("SELECT FROM courses WHERE course_id = $1 FOR UPDATE", course_id)
                if await _find_pinned_to(tx, decision_ref) != course_id:
                    raise _MovedMeanwhile
        except _MovedMeanwhile:
            continue
        return


async def _find_pinned_to(tx: Transaction, decision_ref: str) -> str | None:
    found: str | None = await tx.fetchval("SELECT pinned_to FROM decisions WHERE decision_ref = $1", decision_ref)
    return found


async def get_course(tx: Transaction, course_id: str) -> Course:
    """The course, not locked; NotFound COURSE_UNKNOWN."""
    row = await tx.fetchrow(f"SELECT {COURSE} FROM courses WHERE course_id = $1", course_id)
    return course_of(row)


async def find_confirm_by(tx: Transaction, course_id: str) -> date | None:
    """The earliest deadline among the pinned decisions (R-CRS-25, E-44)."""
    found: date | None = await tx.fetchval(
        "SELECT min(confirm_by) FROM decisions JOIN pins USING (decision_ref)"
        " WHERE pins.course_id = $1 AND pins.state = 'active'",
        course_id,
    )
    return found


async def add_course(tx: Transaction, course: Course) -> int:
    """Store a new course; its number, never given before and never again (R-CRS-7)."""
    number: int = await tx.fetchval(
        "INSERT INTO courses (course_id, version, contract_id, provider_id, office_id, service, language, state, year,"
        " first_day, last_day, periods, group_size, target_groups, age_group, min_age, max_age, description_version,"
        " group_min, group_max, confirm_min, must_run_at, move_notice_days, created_at) VALUES ($1, $2, $3, $4, $5, $6,"
        " $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)"
        " RETURNING course_number",
        course.course_id,
        course.version,
        course.contract_id,
        course.provider_id,
        course.office_id,
        course.service,
        course.language,
        course.state,
        course.year,
        course.first_day,
        course.last_day,
        [period_document(period) for period in course.periods],
        course.group_size,
        list(course.target_groups),
        course.age_group,
        course.min_age,
        course.max_age,
        course.terms.description_version,
        course.terms.group_min,
        course.terms.group_max,
        course.terms.confirm_min,
        course.terms.must_run_at,
        course.terms.move_notice_days,
        tx.now,
    )
    return number


async def set_state(tx: Transaction, course: Course) -> None:
    """Store the course's new state; what was pinned at the confirmation is kept with it (R-CRS-51)."""
    await tx.execute(
        "UPDATE courses SET version = version + 1, state = $2, confirmed_on = $3,"
        " confirmed_with = coalesce(confirmed_with, CASE WHEN $2 = 'confirmed' THEN pinned END)"
        " WHERE course_id = $1",
        course.course_id,
        course.state,
        course.confirmed_on,
    )


async def set_completed(tx: Transaction, course: Course) -> list[Pin]:
    """Store the completed course and fulfil its active pins, which are returned.

    The decisions are locked in the order of their references, their pins' versions counted on.
    """
    pinned = await tx.fetch(
        "SELECT decision_ref FROM decisions"
        " WHERE decision_ref IN (SELECT decision_ref FROM pins WHERE course_id = $1 AND state = 'active')"
        " ORDER BY decision_ref FOR UPDATE",
        course.course_id,
    )
    await tx.execute(
        "UPDATE courses SET version = version + 1, state = $2, pinned = 0 WHERE course_id = $1",
        course.course_id,
        course.state,
    )
    await tx.execute(
        "UPDATE decisions SET pinned_to = NULL, pin_version = pin_version + 1 WHERE decision_ref = ANY($1::text[])",
        [row["decision_ref"] for row in pinned],
    )
    rows = await tx.fetch(
        "UPDATE pins SET version = version + 1, state = 'fulfilled', ended_at = $2"
        f" WHERE course_id = $1 AND state = 'active' RETURNING {PIN}",
        course.course_id,
        tx.now,
    )
    return sorted((pin_of(row) for row in rows), key=lambda pin: pin.decision_ref)


async def add_pin(tx: Transaction, course: Course, pin: Pin) -> None:
    """Store a new pin and the place it takes, in one round trip."""
    await tx.execute(
        "WITH course AS ("
        "   UPDATE courses SET version = version + 1, pinned = pinned + 1, occupied = occupied + 1,"
        "   must_run_since = $8 WHERE course_id = $2"
        " ), decision AS ("
        "   UPDATE decisions SET pinned_to = $2, pin_version = pin_version + 1 WHERE decision_ref = $1"
        " ) INSERT INTO pins"
        " (decision_ref, course_id, version, provider_id, office_id, state, pinned_at, occupies_place,"
        " planned, moved_from)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, true, $9, $10)",
        pin.decision_ref,
        pin.course_id,
        pin.version,
        pin.provider_id,
        pin.office_id,
        pin.state,
        pin.pinned_at,
        course.must_run_since,
        pin.planned,
        pin.moved_from,
    )


async def set_pin_ended(tx: Transaction, pin: Pin) -> None:
    """Store the end of an active pin, and its place unless it keeps it, in one round trip."""
    await tx.execute(
        "WITH course AS ("
        "   UPDATE courses SET version = version + 1, pinned = pinned - 1,"
        "   occupied = occupied - CASE WHEN $6 THEN 0 ELSE 1 END WHERE course_id = $2"
        " ), decision AS ("
        "   UPDATE decisions SET pinned_to = NULL, pin_version = pin_version + 1 WHERE decision_ref = $1"
        " ) UPDATE pins SET version = $3, state = $4, reason = $5, occupies_place = $6, ended_at = $7, moved_to = $8,"
        " planned = $9 WHERE decision_ref = $1 AND state = 'active'",
        pin.decision_ref,
        pin.course_id,
        pin.version,
        pin.state,
        pin.reason,
        pin.occupies_place,
        pin.ended_at,
        pin.moved_to,
        pin.planned,
    )


async def find_active_pin(tx: Transaction, decision_ref: str) -> Pin | None:
    """Where the decision's client is pinned now."""
    row = await tx.fetchrow(f"SELECT {PIN} FROM pins WHERE decision_ref = $1 AND state = 'active'", decision_ref)
    return pin_of(row) if row else None


async def get_active_pin(tx: Transaction, decision_ref: str) -> Pin:
    """The active pin of a decision that is known to have one."""
    found = await find_active_pin(tx, decision_ref)
    if found is None:
        raise NotFound("NOT_PINNED")
    return found


async def find_newest_pin(tx: Transaction, decision_ref: str) -> Pin | None:
    """The decision's newest pin, active or ended; None while it never had one."""
    row = await tx.fetchrow(
        f"SELECT {PIN} FROM pins WHERE decision_ref = $1 ORDER BY version DESC LIMIT 1", decision_ref
    )
    return pin_of(row) if row else None


async def find_pins_of_decision(tx: Transaction, decision_ref: str, *, after: int, limit: int) -> list[tuple[int, Pin]]:
    """Every pin the decision has or had, in the order they were made: (place in the list, pin)."""
    rows = await tx.fetch(
        f"SELECT pin_id, {PIN} FROM pins WHERE decision_ref = $1 AND pin_id > $2 ORDER BY pin_id LIMIT $3",
        decision_ref,
        after,
        limit,
    )
    return [(row["pin_id"], pin_of(row)) for row in rows]


async def find_pins(
    tx: Transaction, course_id: str, *, state: str | None, after: int, limit: int
) -> list[tuple[int, Pin, date | None]]:
    """Pins of a course in the order they were made: (place in the list, pin, its decision's deadline)."""
    rows = await tx.fetch(
        f"SELECT pin_id, deadline, {PIN} FROM pins"
        " JOIN (SELECT decision_ref, confirm_by AS deadline FROM decisions) AS decided USING (decision_ref)"
        " WHERE course_id = $1 AND ($2::text IS NULL OR state = $2) AND pin_id > $3 ORDER BY pin_id LIMIT $4",
        course_id,
        state,
        after,
        limit,
    )
    return [(row["pin_id"], pin_of(row), row["deadline"]) for row in rows]


async def find_pin_version(tx: Transaction, decision_ref: str) -> int | None:
    """How often the decision's pin has changed; None while it never had one."""
    version: int | None = await tx.fetchval(
        "SELECT pin_version FROM decisions WHERE decision_ref = $1 AND pin_version > 0", decision_ref
    )
    return version


async def lock_ledger(tx: Transaction, contract_id: str, year: int) -> PlaceLedger:
    """The place ledger, locked; nothing is announced where there is no row, and nothing can be reserved."""
    return _ledger(await tx.fetchrow(f"{_LEDGER} FOR UPDATE", contract_id, year), contract_id, year)


async def get_ledger(tx: Transaction, contract_id: str, year: int) -> PlaceLedger:
    """The place ledger, not locked."""
    return _ledger(await tx.fetchrow(_LEDGER, contract_id, year), contract_id, year)


async def count_free_in_year(tx: Transaction, course: Course) -> int:
    """The places of its year's count that are on no course, where the course is full; else nobody asks (E-22)."""
    return 0 if course.free_places else (await get_ledger(tx, course.contract_id, course.year)).free


async def set_reserved(tx: Transaction, ledger: PlaceLedger, added: int) -> None:
    """Store `added` more reserved places."""
    await tx.execute(
        "UPDATE place_ledgers SET reserved = reserved + $3 WHERE contract_id = $1 AND year = $2",
        ledger.contract_id,
        ledger.year,
        added,
    )


_LEDGER = "SELECT contract_id, year, announced, reserved FROM place_ledgers WHERE contract_id = $1 AND year = $2"


def _ledger(row: Record | None, contract_id: str, year: int) -> PlaceLedger:
    return PlaceLedger(**row) if row else PlaceLedger(contract_id, year, announced=0, reserved=0)


def course_of(row: Record | None) -> Course:
    """The course of a row with the columns COURSE; NotFound COURSE_UNKNOWN without a row."""
    if row is None:
        raise NotFound("COURSE_UNKNOWN")
    return Course(
        course_id=row["course_id"],
        course_number=row["course_number"],
        version=row["version"],
        contract_id=row["contract_id"],
        provider_id=row["provider_id"],
        office_id=row["office_id"],
        service=row["service"],
        language=Language(row["language"]),
        state=CourseState(row["state"]),
        year=row["year"],
        periods=periods_of(row["periods"]),
        group_size=row["group_size"],
        target_groups=tuple(row["target_groups"]),
        age_group=row["age_group"],
        min_age=row["min_age"],
        max_age=row["max_age"],
        terms=Terms(
            description_version=row["description_version"],
            group_min=row["group_min"],
            group_max=row["group_max"],
            confirm_min=row["confirm_min"],
            must_run_at=row["must_run_at"],
            move_notice_days=row["move_notice_days"],
        ),
        pinned=row["pinned"],
        occupied=row["occupied"],
        must_run_since=row["must_run_since"],
        confirmed_on=row["confirmed_on"],
        late_confirmed=row["late_confirmed"],
        holds_places=row["holds_places"],
        mixed_age=row["mixed_age"],
        contact=Contact.found(row["contact_email"], row["contact_phone"], row["contact_web"]),
    )


def period_document(period: Period) -> dict[str, object]:
    """A period as it stands in the database."""
    return {
        "number": period.number,
        "kind": period.kind,
        "mode": period.mode,
        "first_day": period.first_day.isoformat(),
        "last_day": period.last_day.isoformat(),
    }


def periods_of(documents: Sequence[Mapping[str, Any]]) -> tuple[Period, ...]:
    """Periods as they stand in the database."""
    return tuple(
        Period(
            number=document["number"],
            kind=PeriodKind(document["kind"]),
            mode=DeliveryMode(document["mode"]),
            first_day=date.fromisoformat(document["first_day"]),
            last_day=date.fromisoformat(document["last_day"]),
        )
        for document in documents
    )


def pin_of(row: Record) -> Pin:
    """The pin of a row with the columns PIN."""
    return Pin(
        decision_ref=row["decision_ref"],
        version=row["version"],
        course_id=row["course_id"],
        provider_id=row["provider_id"],
        office_id=row["office_id"],
        state=PinState(row["state"]),
        occupies_place=row["occupies_place"],
        pinned_at=row["pinned_at"],
        ended_at=row["ended_at"],
        reason=ReleaseReason(row["reason"]) if row["reason"] else None,
        planned=None if row["planned"] is None else tuple(row["planned"]),
        attended=tuple(row["attended"]),
        missed=tuple(row["missed"]),
        moved_from=row["moved_from"],
        moved_to=row["moved_to"],
    )
