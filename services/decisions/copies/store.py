"""The SQL of the copies. A newer version wins, whatever the order of arrival (E-19)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg

from chassis.db import Transaction
from contracts.courses import Course, Period, Pin
from contracts.registration import Contract, Office, Registration, ServiceDescription
from contracts.values import CourseState, DeliveryMode, PinState

_BOOKABLE = (CourseState.PUBLISHED, CourseState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class CoursePeriod:
    """Of a period what a payment needs; the first day and the mode are None in a copy not yet rebuilt."""

    number: int
    last_day: date
    first_day: date | None
    mode: DeliveryMode | None


@dataclass(frozen=True, slots=True)
class CourseCopy:
    """Of a course what a payment needs; periods by number."""

    course_id: str
    contract_id: str
    provider_id: str
    service: str
    periods: dict[int, CoursePeriod]


@dataclass(frozen=True, slots=True)
class PinCopy:
    """Of a pin what a payment needs."""

    decision_ref: str
    course_id: str
    office_id: str
    state: PinState
    occupies_place: bool
    planned: tuple[int, ...] | None
    attended: tuple[int, ...]

    @property
    def took_part(self) -> bool:
        """True where the client is on the course, or left it after it had begun (E-20, E-60)."""
        return self.state in (PinState.ACTIVE, PinState.FULFILLED) or self.occupies_place

    def takes_part_in(self, number: int) -> bool:
        """Whether a period is the client's: while on the course every planned one, then what was attended (E-20)."""
        if self.state is PinState.ACTIVE:
            return self.planned is None or number in self.planned
        return number in self.attended


async def merge_contract(tx: Transaction, snapshot: Contract, version: int) -> bool:
    """Take the snapshot, unless ours is as new; its row stays locked. True where it was newer."""
    newer = await tx.fetchval(
        "INSERT INTO contracts AS ours (contract_id, version, provider_id, service, language, valid_from, valid_to)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (contract_id) DO UPDATE SET version = excluded.version, valid_from = excluded.valid_from,"
        " valid_to = excluded.valid_to WHERE ours.version < excluded.version RETURNING true",
        snapshot.contract_id,
        version,
        snapshot.provider_id,
        snapshot.service,
        snapshot.language,
        snapshot.valid_from,
        snapshot.valid_to,
    )
    return bool(newer)


async def merge_descriptions(
    tx: Transaction, service: str, version: int, descriptions: Sequence[ServiceDescription]
) -> None:
    """Take all versions of a service's description, unless ours are as new; the newest one names the service."""
    newer = await tx.fetchval(
        "INSERT INTO services AS ours (service, version, names) VALUES ($1, $2, $3)"
        " ON CONFLICT (service) DO UPDATE SET version = excluded.version, names = excluded.names"
        " WHERE ours.version < excluded.version RETURNING true",
        service,
        version,
        max(descriptions, key=lambda each: each.description_version).names.model_dump() if descriptions else None,
    )
    if not newer:
        return
    await tx.execute("DELETE FROM service_descriptions WHERE service = $1", service)
    await tx.executemany(
        "INSERT INTO service_descriptions"
        " (service, description_version, valid_from, valid_to, confirm_within_months, family_course)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (service, d.description_version, d.valid_from, d.valid_to, d.confirm_within_months, d.family_course)
            for d in descriptions
        ],
    )


async def merge_courses(tx: Transaction, courses: Sequence[tuple[Course, int]]) -> None:
    """Take the snapshots with their versions, in order, unless ours are as new."""
    await tx.executemany(
        "INSERT INTO courses AS ours"
        " (course_id, version, contract_id, provider_id, office_id, service, state, periods)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (course_id) DO UPDATE SET version = excluded.version, office_id = excluded.office_id,"
        " state = excluded.state, periods = excluded.periods WHERE ours.version < excluded.version",
        [
            (
                course.course_id,
                version,
                course.contract_id,
                course.provider_id,
                course.office_id,
                course.service,
                course.state,
                [_as_json(period) for period in course.periods],
            )
            for course, version in courses
        ],
    )


async def merge_course_ages(tx: Transaction, courses: Sequence[tuple[Course, int]]) -> None:
    """Take from the snapshots who can still get on a course, unless ours is as new; a mixed one is for all (E-47)."""
    await tx.executemany(
        "INSERT INTO course_ages AS ours (course_id, version, provider_id, contract_id, bookable, min_age, max_age)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (course_id) DO UPDATE SET version = excluded.version, bookable = excluded.bookable,"
        " min_age = excluded.min_age, max_age = excluded.max_age WHERE ours.version < excluded.version",
        [
            (
                course.course_id,
                version,
                course.provider_id,
                course.contract_id,
                course.state in _BOOKABLE and course.free_places > 0,
                None if course.mixed_age else course.min_age,
                None if course.mixed_age else course.max_age,
            )
            for course, version in courses
        ],
    )


async def merge_offices(tx: Transaction, offices: Sequence[tuple[Office, int]]) -> None:
    """Take where offices are, unless ours is as new."""
    await tx.executemany(
        "INSERT INTO offices AS ours (office_id, version, provider_id, municipality_code, open)"
        " VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (office_id) DO UPDATE SET version = excluded.version,"
        " municipality_code = excluded.municipality_code, open = excluded.open WHERE ours.version < excluded.version",
        [(o.office_id, version, o.provider_id, o.municipality_code, o.open) for o, version in offices],
    )


async def merge_offerings(tx: Transaction, offerings: Sequence[tuple[Registration, int]]) -> None:
    """Take which office offers what under which contract, unless ours is as new."""
    await tx.executemany(
        "INSERT INTO offerings AS ours (registration_id, version, provider_id, office_id, contract_id, state)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (registration_id) DO UPDATE SET version = excluded.version, contract_id = excluded.contract_id,"
        " state = excluded.state WHERE ours.version < excluded.version",
        [(r.registration_id, version, r.provider_id, r.office_id, r.contract_id, r.state) for r, version in offerings],
    )


async def merge_pins(tx: Transaction, pins: Sequence[tuple[Pin, int]]) -> None:
    """Take what the snapshots say of each decision and course, unless ours is as new."""
    await tx.executemany(
        "INSERT INTO pins AS ours"
        " (decision_ref, course_id, version, provider_id, office_id, state, occupies_place, planned, attended)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (decision_ref, course_id) DO UPDATE SET version = excluded.version,"
        " office_id = excluded.office_id, state = excluded.state, occupies_place = excluded.occupies_place,"
        " planned = excluded.planned, attended = excluded.attended"
        " WHERE ours.version < excluded.version",
        [
            (
                pin.decision_ref,
                pin.course_id,
                version,
                pin.provider_id,
                pin.office_id,
                pin.state,
                pin.occupies_place,
                pin.planned,
                pin.attended,
            )
            for pin, version in pins
        ],
    )


async def find_course(tx: Transaction, course_id: str) -> CourseCopy | None:
    """Our copy of a course."""
    return (await find_courses(tx, [course_id])).get(course_id)


async def find_courses(tx: Transaction, course_ids: Sequence[str]) -> dict[str, CourseCopy]:
    """Our copies of courses, by their ids."""
    rows = await tx.fetch(
        "SELECT course_id, contract_id, provider_id, service, periods FROM courses WHERE course_id = ANY ($1)",
        list(course_ids),
    )
    return {
        row["course_id"]: CourseCopy(**{**row, "periods": {p["number"]: _as_period(p) for p in row["periods"]}})
        for row in rows
    }


async def find_pins_on(tx: Transaction, course_id: str, decision_refs: Sequence[str]) -> dict[str, PinCopy]:
    """What is known of these decisions' pins on one course, by decision."""
    rows = await tx.fetch(
        "SELECT decision_ref, course_id, office_id, state, occupies_place, planned, attended FROM pins"
        " WHERE course_id = $1 AND decision_ref = ANY ($2)",
        course_id,
        list(decision_refs),
    )
    return {row["decision_ref"]: _as_pin(row) for row in rows}


async def find_pins_of(tx: Transaction, decision_refs: Sequence[str]) -> list[PinCopy]:
    """What is known of these decisions' pins on all courses, a decision's oldest first."""
    rows = await tx.fetch(
        "SELECT decision_ref, course_id, office_id, state, occupies_place, planned, attended FROM pins"
        " WHERE decision_ref = ANY ($1) ORDER BY decision_ref, version",
        list(decision_refs),
    )
    return [_as_pin(row) for row in rows]


def _as_json(period: Period) -> dict[str, Any]:
    return period.model_dump(mode="json", include={"number", "first_day", "last_day", "mode"})


def _as_period(copied: Mapping[str, Any]) -> CoursePeriod:
    known = "first_day" in copied
    return CoursePeriod(
        number=copied["number"],
        last_day=date.fromisoformat(copied["last_day"]),
        first_day=date.fromisoformat(copied["first_day"]) if known else None,
        mode=DeliveryMode(copied["mode"]) if known else None,
    )


def _as_pin(row: asyncpg.Record) -> PinCopy:
    planned = None if row["planned"] is None else tuple(row["planned"])
    return PinCopy(**{**row, "state": PinState(row["state"]), "planned": planned, "attended": tuple(row["attended"])})


async def known_contract(tx: Transaction, contract_id: str) -> int | None:
    """The version of our copy."""
    version: int | None = await tx.fetchval("SELECT version FROM contracts WHERE contract_id = $1", contract_id)
    return version


async def known_service(tx: Transaction, service: str) -> int | None:
    """The version of our copy."""
    version: int | None = await tx.fetchval("SELECT version FROM services WHERE service = $1", service)
    return version


async def known_course(tx: Transaction, course_id: str) -> int | None:
    """The version of our copy."""
    version: int | None = await tx.fetchval("SELECT version FROM courses WHERE course_id = $1", course_id)
    return version


async def known_pin(tx: Transaction, decision_ref: str) -> int | None:
    """The version of our copy of a decision's pin, over all courses."""
    version: int | None = await tx.fetchval("SELECT max(version) FROM pins WHERE decision_ref = $1", decision_ref)
    return version
