"""What the public can ask of the copies: filtered, ordered and cut to a page in one statement each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import asyncpg

from chassis.db import Transaction
from contracts.municipalities import Municipality
from services.search.municipalities import municipality_register


@dataclass(frozen=True)
class Wanted:
    """What is looked for: services in a language, for an age, perhaps only where a place is free."""

    services: Sequence[str]
    national: Sequence[str]
    age: int | None
    language: str | None
    only_free: bool
    today: date


@dataclass(frozen=True)
class Place:
    """Where a page ended: its last municipality, and the place in it (or among all offices)."""

    municipality_code: str
    name_order: str
    office_id: str
    contract_id: str


async def find_offerings_near(
    tx: Transaction, wanted: Wanted, origin: Municipality, after: Place | None, limit: int
) -> list[asyncpg.Record]:
    """The next `limit` offerings, nearest municipality first.

    National services are found everywhere, regional ones in the client's region (E-48).
    """
    await tx.execute(_KEEP_THE_PLAN)
    return await tx.fetch(
        _OFFERINGS_NEAR,
        *_filters(wanted, after, limit),
        *_nearest_first(origin.code),
        wanted.national,
        after and after.municipality_code,
    )


async def find_offerings_by_name(
    tx: Transaction, wanted: Wanted, after: Place | None, limit: int
) -> list[asyncpg.Record]:
    """The next `limit` offerings in the order of their offices' names, without a municipality to start from."""
    await tx.execute(_KEEP_THE_PLAN)
    return await tx.fetch(_OFFERINGS_BY_NAME, *_filters(wanted, after, limit))


async def find_course(tx: Transaction, course_number: int) -> asyncpg.Record | None:
    """A course that has been published and not deleted, with the offering it belongs to."""
    return await tx.fetchrow(_COURSE, course_number)


async def find_services(tx: Transaction) -> list[asyncpg.Record]:
    """Every service with its description in force today, in the order of the codes."""
    return await tx.fetch(_SERVICES, tx.today)


async def find_services_in_region(tx: Transaction, municipality_codes: Sequence[str]) -> set[str]:
    """The services that an office in one of the municipalities offers."""
    rows = await tx.fetch(
        "SELECT DISTINCT service FROM offerings WHERE municipality_code = ANY($1)", municipality_codes
    )
    return {row["service"] for row in rows}


async def find_quotas(tx: Transaction, from_year: int) -> list[asyncpg.Record]:
    """Quotas and estimates of `from_year` and later years."""
    return await tx.fetch(_QUOTAS, from_year)


@cache
def _nearest_first(code: str) -> tuple[str, str, str]:
    """Codes, distances and whether in the same region, as array literals: asyncpg encodes lists element by element."""
    register = municipality_register()
    near = register.nearest_first(register[code])
    return (
        _array_literal(n.code for n in near),
        _array_literal(n.distance_km for n in near),
        _array_literal(n.same_region for n in near),
    )


def _array_literal(values: Iterable[object]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _filters(wanted: Wanted, after: Place | None, limit: int) -> tuple[Any, ...]:
    return (
        wanted.services,
        wanted.language,
        wanted.today,
        wanted.age,
        wanted.only_free,
        after and after.name_order,
        after and after.office_id,
        after and after.contract_id,
        limit,
    )


# One plan is right for every question here, and planning anew costs more than the question.
_KEEP_THE_PLAN = "SET LOCAL plan_cache_mode = force_generic_plan"

_PLACE = "f.name_order, f.office_id, f.contract_id"

# Offered: published or confirmed, not begun, and for the client's age; mixed courses are for all (E-47).
_OFFERED = """
    k.office_id = f.office_id AND k.contract_id = f.contract_id
    AND k.state IN ('published', 'confirmed') AND k.first_day > $3
    AND ($4::integer IS NULL OR coalesce(k.min_age, 0) <= $4 AND coalesce(k.max_age, 999) >= $4)
"""

_FITTING = f"""
    f.service = ANY($1::text[]) AND ($2::text IS NULL OR f.language = $2)
    AND f.valid_from <= $3 AND (f.valid_to IS NULL OR f.valid_to >= $3)
    AND (NOT $5::boolean OR EXISTS (SELECT FROM courses k WHERE {_OFFERED} AND k.free_places > 0))
"""

_PARTIES = """
    o.municipality_code, o.name AS office_name, o.street_address, o.postal_address, o.phone AS office_phone,
    p.provider_id, p.name AS provider_name, c.email, c.phone, c.web
"""

_COURSE_JSON = """json_build_object(
    'course_number', k.course_number, 'state', k.state, 'confirmed', k.confirmed_on IS NOT NULL,
    'first_day', k.first_day, 'last_day', k.last_day, 'periods', k.periods,
    'group_size', k.group_size, 'free_places', k.free_places, 'target_groups', k.target_groups,
    'age_group', k.age_group, 'min_age', k.min_age, 'max_age', k.max_age)"""

# A page is found first, from the index alone; then its rows are completed.
_COMPLETED = f"""
SELECT f.office_id, f.contract_id, f.service, f.language, f.name_order, f.km, {_PARTIES},
    b.average, b.answers, i.answers AS choices, coalesce(k.courses, '[]') AS courses
FROM found f
JOIN offices o USING (office_id)
JOIN contracts c USING (contract_id)
JOIN providers p ON p.provider_id = f.provider_id
LEFT JOIN feedback_averages b ON b.office_id = f.office_id AND b.service = f.service
LEFT JOIN choice_information i ON i.office_id = f.office_id AND i.service = f.service
LEFT JOIN LATERAL (
    SELECT json_agg({_COURSE_JSON} ORDER BY k.first_day, k.course_number) AS courses
    FROM courses k WHERE {_OFFERED}
) k ON true
ORDER BY f.place, {_PLACE}
"""  # noqa: S608 - made of constants

# One municipality after the other, nearest first, until the page is full.
_OFFERINGS_NEAR = f"""
WITH found AS MATERIALIZED (
    SELECT near.place, near.km, offered.*
    FROM unnest($10::text::text[], $11::text::float8[], $12::text::boolean[]) WITH ORDINALITY
        AS near (code, km, same_region, place)
    CROSS JOIN LATERAL (
        SELECT f.* FROM offerings f
        WHERE f.municipality_code = near.code AND {_FITTING}
            AND (near.same_region OR f.service = ANY($13::text[]))
            AND ($14::text IS NULL OR near.code <> $14 OR ({_PLACE}) > ($6, $7, $8))
        ORDER BY {_PLACE} LIMIT $9
    ) AS offered
    WHERE $14::text IS NULL OR near.place >= array_position($10::text::text[], $14)
    ORDER BY near.place, offered.name_order, offered.office_id, offered.contract_id LIMIT $9
)
{_COMPLETED}
"""  # noqa: S608 - made of constants

_OFFERINGS_BY_NAME = f"""
WITH found AS MATERIALIZED (
    SELECT 1 AS place, NULL::float8 AS km, f.* FROM offerings f
    WHERE {_FITTING} AND ($6::text IS NULL OR ({_PLACE}) > ($6, $7, $8))
    ORDER BY {_PLACE} LIMIT $9
)
{_COMPLETED}
"""  # noqa: S608 - made of constants

_COURSE = f"""
SELECT k.office_id, k.contract_id, k.service, k.language, {_PARTIES}, k.first_day, {_COURSE_JSON} AS course
FROM courses k
JOIN contracts c USING (contract_id)
JOIN offices o ON o.office_id = k.office_id AND o.provider_id = c.provider_id
JOIN providers p ON p.provider_id = c.provider_id
WHERE k.course_number = $1 AND k.state IN ('published', 'confirmed', 'running', 'completed')
"""  # noqa: S608 - made of constants

_SERVICES = """
SELECT DISTINCT ON (service) service, coverage, is_course, languages, min_age, max_age,
    names, age_groups, target_groups, choice_questions
FROM service_descriptions JOIN services USING (service)
WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to >= $1)
ORDER BY service, valid_from DESC, description_version DESC
"""

_QUOTAS = """
SELECT service, year, estimate, quota_limit, suspended, scopes,
    quota_limit IS NOT NULL AND used >= quota_limit AS filled
FROM quotas WHERE year >= $1 ORDER BY service, year
"""
