"""The SQL of reading courses and pins in bulk.

Who asks for one provider's rows names it, as row-level security alone does not lead to an index.
"""

# ruff: noqa: S608 - only names of this package are put into SQL text; values are bound parameters

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chassis.db import Transaction
from contracts.values import CourseState, PinState
from services.courses.domain import Course
from services.courses.pins import Pin
from services.courses.store import COURSE, PIN, course_of, pin_of


@dataclass(frozen=True, slots=True)
class CoursesWanted:
    """Which courses are asked for; None asks for all.

    `stale` are those that are past their start and unconfirmed (R-CRS-39), `must_run` those with so
    many clients that they must be carried out (R-CRS-23).
    """

    provider_id: str | None = None
    contract_id: str | None = None
    office_id: str | None = None
    service: str | None = None
    state: CourseState | None = None
    year: int | None = None
    stale: bool | None = None
    must_run: bool | None = None


@dataclass(frozen=True, slots=True)
class PinsWanted:
    """Which pins are asked for; None asks for all. Contract, service and year are those of the course."""

    provider_id: str | None = None
    contract_id: str | None = None
    office_id: str | None = None
    service: str | None = None
    state: PinState | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class PinOnCourse:
    """A pin with what its course is; `place` is its place in the list of all pins."""

    place: int
    pin: Pin
    contract_id: str
    service: str
    year: int
    course_number: int
    moved_from_number: int | None
    moved_to_number: int | None
    confirm_by: date | None


_COURSES = f"""
SELECT {COURSE}, (
    SELECT min(confirm_by) FROM decisions JOIN pins USING (decision_ref)
    WHERE pins.course_id = courses.course_id AND pins.state = 'active'
) AS confirm_by FROM courses
WHERE ($1::text IS NULL OR provider_id = $1) AND ($2::text IS NULL OR contract_id = $2)
    AND ($3::text IS NULL OR office_id = $3) AND ($4::text IS NULL OR service = $4)
    AND ($5::text IS NULL OR state = $5) AND ($6::integer IS NULL OR year = $6)
    AND ($7::boolean IS NULL OR $7 = (state = 'published' AND first_day <= $8::date))
    AND ($9::boolean IS NULL OR $9 = coalesce(pinned >= must_run_at, false))
    AND course_id > $10
ORDER BY course_id LIMIT $11
"""

_PINS = f"""
SELECT listed.*, courses.contract_id, courses.service, courses.year, courses.course_number,
    decisions.confirm_by, source.course_number AS moved_from_number, target.course_number AS moved_to_number
FROM (SELECT pin_id, {PIN} FROM pins) AS listed
JOIN courses USING (course_id) JOIN decisions USING (decision_ref)
LEFT JOIN courses AS source ON source.course_id = listed.moved_from
LEFT JOIN courses AS target ON target.course_id = listed.moved_to
WHERE ($1::text IS NULL OR listed.provider_id = $1) AND ($2::text IS NULL OR courses.contract_id = $2)
    AND ($3::text IS NULL OR listed.office_id = $3) AND ($4::text IS NULL OR courses.service = $4)
    AND ($5::text IS NULL OR listed.state = $5) AND ($6::integer IS NULL OR courses.year = $6)
    AND pin_id > $7
ORDER BY pin_id LIMIT $8
"""


async def find_courses(
    tx: Transaction, wanted: CoursesWanted, *, on: date, after: str = "", limit: int
) -> list[tuple[Course, date | None]]:
    """Courses of the caller's scope as seen `on` a day, in the order of their ids, which is that of their creation.

    Each comes with its confirm-by date (E-44).
    """
    rows = await tx.fetch(
        _COURSES,
        wanted.provider_id,
        wanted.contract_id,
        wanted.office_id,
        wanted.service,
        wanted.state,
        wanted.year,
        wanted.stale,
        on,
        wanted.must_run,
        after,
        limit,
    )
    return [(course_of(row), row["confirm_by"]) for row in rows]


async def find_pins(tx: Transaction, wanted: PinsWanted, *, after: int = 0, limit: int) -> list[PinOnCourse]:
    """Every pin of the caller's scope, active or ended, in the order they were made."""
    rows = await tx.fetch(
        _PINS,
        wanted.provider_id,
        wanted.contract_id,
        wanted.office_id,
        wanted.service,
        wanted.state,
        wanted.year,
        after,
        limit,
    )
    return [
        PinOnCourse(
            place=row["pin_id"],
            pin=pin_of(row),
            contract_id=row["contract_id"],
            service=row["service"],
            year=row["year"],
            course_number=row["course_number"],
            moved_from_number=row["moved_from_number"],
            moved_to_number=row["moved_to_number"],
            confirm_by=row["confirm_by"],
        )
        for row in rows
    ]


async def find_service_names(tx: Transaction, services: Sequence[str], language: str) -> dict[str, str]:
    """What services are called in a language (fi, sv or en), by their newest description."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (service) service, described -> 'names' ->> $2 AS name"
        " FROM service_descriptions, jsonb_array_elements(descriptions) AS described WHERE service = ANY($1::text[])"
        " ORDER BY service, (described ->> 'description_version')::integer DESC",
        list(services),
        language,
    )
    return {row["service"]: row["name"] for row in rows}
