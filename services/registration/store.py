"""All SQL of registration.

Lock order: a change request's row, a registration's row, the contract's row, an office's row; what
belongs to a contract (announced counts, last days, administration, billers) is only written under the
contract's lock. Providers, offices, contracts and registrations are added by a conditional insert,
which needs no lock before it. A service's row in `services` is locked alone, while its descriptions
are published. An audit finding and an office's choice information are locked before their timers;
nothing else is locked with them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import asyncpg

from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.values import Language
from services.registration.domain import Contact, Contract, CourseCopy, DecisionCopy, Office, Provider

_PROVIDERS = "SELECT provider_id, name, version FROM providers "
_OFFICES = (
    "SELECT office_id, provider_id, name, municipality_code, street_address, postal_address, phone, open, email, web,"
    " version FROM offices "
)
_CONTRACTS = (
    "SELECT contract_id, provider_id, service, language, valid_from, valid_to, email, phone, web, version"
    " FROM contracts "
)


async def add_provider(tx: Transaction, provider: Provider) -> bool:
    """Add the provider; False where it was registered already."""
    added = await tx.fetchval(
        "INSERT INTO providers (provider_id, name, version, registered_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (provider_id) DO NOTHING RETURNING true",
        provider.provider_id,
        provider.name,
        provider.version,
        tx.now,
    )
    return added is not None


async def get_provider(tx: Transaction, provider_id: str) -> Provider:
    """The provider, if the caller may see it.

    Raises:
        NotFound: PROVIDER_UNKNOWN.
    """
    row = await tx.fetchrow(_PROVIDERS + "WHERE provider_id = $1", provider_id)
    if row is None:
        raise NotFound("PROVIDER_UNKNOWN")
    return Provider(**row)


async def find_providers(tx: Transaction, *, after: str, limit: int) -> list[Provider]:
    """Providers in the order of their ids, from the one after `after`."""
    rows = await tx.fetch(_PROVIDERS + "WHERE provider_id > $1 ORDER BY provider_id LIMIT $2", after, limit)
    return [Provider(**row) for row in rows]


async def add_office(tx: Transaction, office: Office) -> None:
    """Add an office of a registered provider."""
    await tx.execute(
        "INSERT INTO offices (office_id, provider_id, name, municipality_code, street_address, postal_address, phone,"
        " open, version, registered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        office.office_id,
        office.provider_id,
        office.name,
        office.municipality_code,
        office.street_address,
        office.postal_address,
        office.phone,
        office.open,
        office.version,
        tx.now,
    )


async def get_office(tx: Transaction, office_id: str) -> Office:
    """The office, if the caller may see it.

    Raises:
        NotFound: OFFICE_UNKNOWN.
    """
    row = await tx.fetchrow(_OFFICES + "WHERE office_id = $1", office_id)
    if row is None:
        raise NotFound("OFFICE_UNKNOWN")
    return Office(**row)


async def find_offices(tx: Transaction, provider_id: str, *, after: str, limit: int) -> list[Office]:
    """Offices of a provider in the order of their ids, from the one after `after`."""
    rows = await tx.fetch(
        _OFFICES + "WHERE provider_id = $1 AND office_id > $2 ORDER BY office_id LIMIT $3",
        provider_id,
        after,
        limit,
    )
    return [Office(**row) for row in rows]


async def add_contract(tx: Transaction, contract: Contract) -> bool:
    """Add a contract without contact and counts; False where the provider has this one already (E-4)."""
    added = await tx.fetchval(
        "INSERT INTO contracts"
        " (contract_id, provider_id, service, language, valid_from, valid_to, version, registered_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (provider_id, service, language) DO NOTHING RETURNING true",
        contract.contract_id,
        contract.provider_id,
        contract.service,
        contract.language,
        contract.valid_from,
        contract.valid_to,
        contract.version,
        tx.now,
    )
    return added is not None


async def get_contract(tx: Transaction, contract_id: str) -> Contract:
    """The contract with its counts, if the caller may see it.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
    """
    return await _contract(tx, contract_id, "")


async def lock_contract(tx: Transaction, contract_id: str) -> Contract:
    """The same, held against other writers until the transaction ends.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
    """
    return await _contract(tx, contract_id, " FOR UPDATE")


async def _contract(tx: Transaction, contract_id: str, lock: str) -> Contract:
    row = await tx.fetchrow(_CONTRACTS + "WHERE contract_id = $1" + lock, contract_id)
    if row is None:
        raise NotFound("CONTRACT_UNKNOWN")
    # A statement of its own: the counts another writer committed while we waited for the lock are seen.
    counts = await _counts_of(tx, [contract_id])
    return _contract_of(row, counts[contract_id])


async def find_contracts(
    tx: Transaction, provider_id: str | None, *, after: str = "", limit: int = 500
) -> list[Contract]:
    """Contracts of one provider, or of all, in the order of their ids, from the one after `after`."""
    rows = await tx.fetch(
        _CONTRACTS + "WHERE ($1::text IS NULL OR provider_id = $1) AND contract_id > $2 ORDER BY contract_id LIMIT $3",
        provider_id,
        after,
        limit,
    )
    counts = await _counts_of(tx, [row["contract_id"] for row in rows])
    return [_contract_of(row, counts[row["contract_id"]]) for row in rows]


async def set_contact(tx: Transaction, contract: Contract) -> None:
    """Store the contract's contact and version."""
    contact = contract.contact
    await tx.execute(
        "UPDATE contracts SET email = $2, phone = $3, web = $4, version = $5 WHERE contract_id = $1",
        contract.contract_id,
        contact and contact.email,
        contact and contact.phone,
        contact and contact.web,
        contract.version,
    )


async def _counts_of(tx: Transaction, contract_ids: Sequence[str]) -> Mapping[str, "_Counts"]:
    rows = await tx.fetch(
        "SELECT contract_id, year, (array_agg(count ORDER BY revision DESC))[1] AS count,"
        " bool_or(kind = 'defaulted') AS defaulted FROM announced_counts"
        " WHERE contract_id = ANY($1) GROUP BY contract_id, year",
        contract_ids,
    )
    found: dict[str, _Counts] = defaultdict(_Counts)
    for row in rows:
        counts = found[row["contract_id"]]
        counts.by_year[row["year"]] = row["count"]
        if row["defaulted"]:
            counts.defaulted.add(row["year"])
    return found


async def count_decisions(tx: Transaction, contract_ids: Sequence[str]) -> Mapping[str, dict[int, int]]:
    """Decisions that use up the announced count, by contract and year (E-1, E-7)."""
    rows = await tx.fetch(
        "SELECT contract_id, year, count(*)::integer AS used FROM decisions"
        " WHERE uses_count AND contract_id = ANY($1) GROUP BY contract_id, year",
        contract_ids,
    )
    return _by_contract(rows, "used")


async def count_places(tx: Transaction, contract_ids: Sequence[str]) -> Mapping[str, dict[int, int]]:
    """Places on courses that are not deleted, by contract and year (E-1)."""
    rows = await tx.fetch(
        "SELECT contract_id, year, sum(places)::integer AS used FROM courses"
        " WHERE contract_id = ANY($1) GROUP BY contract_id, year HAVING sum(places) > 0",
        contract_ids,
    )
    return _by_contract(rows, "used")


async def set_decisions(tx: Transaction, copies: Sequence[DecisionCopy]) -> None:
    """Merge copies of decisions: the newer version wins."""
    await tx.executemany(
        "INSERT INTO decisions AS known (decision_ref, contract_id, provider_id, year, uses_count, version)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (decision_ref) DO UPDATE"
        " SET contract_id = excluded.contract_id, provider_id = excluded.provider_id, year = excluded.year,"
        " uses_count = excluded.uses_count, version = excluded.version WHERE known.version < excluded.version",
        [astuple(copy) for copy in copies],
    )


async def set_courses(tx: Transaction, copies: Sequence[CourseCopy]) -> None:
    """Merge copies of courses: the newer version wins."""
    await tx.executemany(
        "INSERT INTO courses AS known (course_id, contract_id, provider_id, year, places, version)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (course_id) DO UPDATE"
        " SET contract_id = excluded.contract_id, provider_id = excluded.provider_id, year = excluded.year,"
        " places = excluded.places, version = excluded.version WHERE known.version < excluded.version",
        [astuple(copy) for copy in copies],
    )


async def known_decision_version(tx: Transaction, decision_ref: str) -> int | None:
    """Version of our copy of a decision."""
    return _version(await tx.fetchval("SELECT version FROM decisions WHERE decision_ref = $1", decision_ref))


async def known_course_version(tx: Transaction, course_id: str) -> int | None:
    """Version of our copy of a course."""
    return _version(await tx.fetchval("SELECT version FROM courses WHERE course_id = $1", course_id))


async def lock_service(tx: Transaction, service: str) -> int:
    """The version of a service's descriptions, held until the transaction ends; 0 before the first ones."""
    await tx.execute("INSERT INTO services (service, version) VALUES ($1, 0) ON CONFLICT DO NOTHING", service)
    version: int = await tx.fetchval("SELECT version FROM services WHERE service = $1 FOR UPDATE", service)
    return version


async def set_descriptions(tx: Transaction, service: str, version: int, documents: Sequence[Mapping[str, Any]]) -> None:
    """Store all versions of one service's description."""
    await tx.executemany(
        "INSERT INTO service_descriptions (service, description_version, valid_from, valid_to, description)"
        " VALUES ($1, $2, ($3::jsonb->>'valid_from')::date, ($3::jsonb->>'valid_to')::date, $3)"
        " ON CONFLICT (service, description_version) DO UPDATE SET valid_from = excluded.valid_from,"
        " valid_to = excluded.valid_to, description = excluded.description",
        [(service, document["description_version"], document) for document in documents],
    )
    await tx.execute("UPDATE services SET version = $2 WHERE service = $1", service, version)


async def find_descriptions(tx: Transaction, service: str | None) -> Mapping[str, list[dict[str, Any]]]:
    """The description documents of one service, or of all, by service, oldest version first."""
    rows = await tx.fetch(
        "SELECT service, description FROM service_descriptions"
        " WHERE $1::text IS NULL OR service = $1 ORDER BY service, description_version",
        service,
    )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["service"]].append(row["description"])
    return found


async def get_service_version(tx: Transaction, service: str) -> int:
    """Version of a service's published descriptions.

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    version = _version(await tx.fetchval("SELECT version FROM services WHERE service = $1", service))
    if version is None:
        raise NotFound("SERVICE_UNKNOWN")
    return version


@dataclass
class _Counts:
    by_year: dict[int, int] = field(default_factory=dict)
    defaulted: set[int] = field(default_factory=set)


def _contract_of(row: asyncpg.Record, counts: _Counts) -> Contract:
    return Contract(
        contract_id=row["contract_id"],
        provider_id=row["provider_id"],
        service=row["service"],
        language=Language(row["language"]),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        contact=None if row["email"] is None else Contact(row["email"], row["phone"], row["web"]),
        counts=counts.by_year,
        defaulted=frozenset(counts.defaulted),
        version=row["version"],
    )


def _by_contract(rows: Iterable[asyncpg.Record], value: str) -> Mapping[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for row in rows:
        found[row["contract_id"]][row["year"]] = row[value]
    return found


def _version(value: Any) -> int | None:
    return None if value is None else int(value)
