"""What the public asks: offices near a municipality, services, a course, quotas."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis.db import Transaction
from contracts.municipalities import Municipality
from contracts.refusals import Invalid, NotFound
from contracts.values import Coverage, Language
from services.search import domain, listings
from services.search.domain import AgeGroup, OfferedService
from services.search.listings import Place, Wanted
from services.search.municipalities import municipality_register


@dataclass(frozen=True)
class OfficeSearch:
    """A client's question: municipality of residence, age, service language (R-SRCH-2), and more."""

    municipality: Municipality | None = None
    age: int | None = None
    language: Language | None = None
    service: str | None = None
    only_free: bool = False


@dataclass(frozen=True)
class Page:
    """Offerings in order, the services they belong to, and where the next page begins."""

    offerings: Sequence[asyncpg.Record]
    services: Mapping[str, asyncpg.Record]
    next: str | None


async def find_offices(tx: Transaction, search: OfficeSearch, *, after: str | None, limit: int) -> Page:
    """Offices that offer what fits the client, nearest first, each with its open courses.

    Raises:
        Invalid: SERVICE_UNKNOWN, CURSOR_INVALID.
    """
    services = await _services_in_force(tx)
    if search.service is not None and search.service not in services:
        raise Invalid("SERVICE_UNKNOWN")
    fitting = [
        offered
        for offered in map(_offered, services.values())
        if search.service in (None, offered.service) and domain.fits(offered, age=search.age, language=search.language)
    ]
    wanted = Wanted(
        services=[offered.service for offered in fitting],
        national=domain.services_of(Coverage.NATIONAL, fitting),
        age=search.age,
        language=search.language,
        only_free=search.only_free,
        today=tx.today,
    )
    place = None if after is None else _read_cursor(after)
    if search.municipality is None:
        rows = await listings.find_offerings_by_name(tx, wanted, place, limit + 1)
    elif place is not None and place.municipality_code not in municipality_register():
        raise Invalid("CURSOR_INVALID")
    else:
        rows = await listings.find_offerings_near(tx, wanted, search.municipality, place, limit + 1)
    more = len(rows) > limit
    return Page(rows[:limit], services, _write_cursor(rows[limit - 1]) if more else None)


async def find_fitting_services(
    tx: Transaction, *, municipality: Municipality | None, age: int | None, language: Language | None
) -> list[asyncpg.Record]:
    """Services for a client; regional ones only where an office of the client's region offers them (E-48)."""
    services = await _services_in_force(tx)
    fitting = [o for o in map(_offered, services.values()) if domain.fits(o, age=age, language=language)]
    reached = {offered.service for offered in fitting}
    if municipality is not None:
        near = municipality_register().nearest_first(municipality)
        in_region = await listings.find_services_in_region(tx, [n.code for n in near if n.same_region])
        reached &= in_region | set(domain.services_of(Coverage.NATIONAL, fitting))
    return [services[service] for service in services if service in reached]


async def get_course(tx: Transaction, course_number: int) -> tuple[asyncpg.Record, Mapping[str, asyncpg.Record]]:
    """A published course by its number, with the services in force.

    Raises:
        NotFound: COURSE_UNKNOWN: never published, deleted, or not known here yet.
    """
    course = await listings.find_course(tx, course_number)
    if course is None:
        raise NotFound("COURSE_UNKNOWN", course_number=course_number)
    return course, await _services_in_force(tx)


async def find_quotas(tx: Transaction) -> tuple[list[asyncpg.Record], Mapping[str, asyncpg.Record]]:
    """Quotas and estimates of this year and later, with the services in force."""
    return await listings.find_quotas(tx, tx.today.year), await _services_in_force(tx)


async def _services_in_force(tx: Transaction) -> dict[str, asyncpg.Record]:
    return {row["service"]: row for row in await listings.find_services(tx)}


def _offered(row: asyncpg.Record) -> OfferedService:
    return OfferedService(
        service=row["service"],
        coverage=Coverage(row["coverage"]),
        languages=frozenset(row["languages"]),
        ages=AgeGroup(row["min_age"], row["max_age"]),
        age_groups=tuple(AgeGroup(group["min_age"], group["max_age"]) for group in row["age_groups"]),
    )


def _write_cursor(last: asyncpg.Record) -> str:
    place = [last["municipality_code"], last["name_order"], last["office_id"], last["contract_id"]]
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def _read_cursor(text: str) -> Place:
    try:
        parts: Any = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Invalid("CURSOR_INVALID") from error
    if not (isinstance(parts, list) and len(parts) == 4 and all(_is_storable(part) for part in parts)):
        raise Invalid("CURSOR_INVALID")
    return Place(*parts)


def _is_storable(part: object) -> bool:
    """Text that PostgreSQL can compare: it takes no NUL and no lone surrogates."""
    return isinstance(part, str) and part.isprintable()
