"""SQL of the copies this service keeps of what others own: newer version wins."""

from dataclasses import dataclass

import asyncpg

from chassis.db import Transaction
from contracts import courses, decisions, registration
from contracts.values import CourseState, DecisionState
from services.notifications.domain import Template


@dataclass(frozen=True)
class DecisionCopy:
    """A decision as we know it; a stub (version 0) has nothing but its reference."""

    decision_ref: str
    version: int
    provider_id: str | None
    language: str | None
    state: DecisionState | None


async def merge_service(tx: Transaction, event: registration.ServiceDescriptionPublished) -> None:
    """Keep what the service is called in its newest description."""
    await tx.execute(
        "INSERT INTO services (service, version, names) VALUES ($1, $2, $3)"
        " ON CONFLICT (service) DO UPDATE SET version = excluded.version, names = excluded.names"
        " WHERE services.version < excluded.version",
        event.service,
        event.version,
        event.descriptions[-1].names.model_dump(),
    )


async def lock_service(tx: Transaction, service: str) -> None:
    """Lock the service, known or not, so that its contracts and quotas see one another's news."""
    await tx.execute(
        "INSERT INTO services (service, version, names) VALUES ($1, 0, '{}') ON CONFLICT (service) DO NOTHING", service
    )
    await tx.execute("SELECT FROM services WHERE service = $1 FOR UPDATE", service)


async def find_service_names(tx: Transaction, service: str) -> dict[str, str] | None:
    """The service's names by language, once its description has arrived."""
    names: dict[str, str] | None = await tx.fetchval("SELECT names FROM services WHERE service = $1", service)
    return names or None


async def merge_contract(tx: Transaction, version: int, contract: registration.Contract) -> None:
    """Keep the newest of a contract; its row is locked afterwards."""
    await tx.execute(
        "INSERT INTO contracts (contract_id, version, provider_id, service, language, valid_from, valid_to)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (contract_id) DO UPDATE"
        " SET version = excluded.version, valid_from = excluded.valid_from, valid_to = excluded.valid_to"
        " WHERE contracts.version < excluded.version",
        contract.contract_id,
        version,
        contract.provider_id,
        contract.service,
        contract.language,
        contract.valid_from,
        contract.valid_to,
    )


async def merge_decision(tx: Transaction, version: int, decision: decisions.Decision) -> DecisionCopy:
    """The newest of a decision, its row locked."""
    await tx.execute(
        "INSERT INTO decisions (decision_ref, version, client_ref, provider_id, service, language, state)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (decision_ref) DO UPDATE"
        " SET version = excluded.version, client_ref = excluded.client_ref, provider_id = excluded.provider_id,"
        " service = excluded.service, language = excluded.language, state = excluded.state"
        " WHERE decisions.version < excluded.version",
        decision.decision_ref,
        version,
        decision.client_ref,
        decision.provider_id,
        decision.service,
        decision.language,
        decision.state,
    )
    return await lock_decision(tx, decision.decision_ref)


async def lock_decision(tx: Transaction, decision_ref: str) -> DecisionCopy:
    """The decision, or a stub of one that is still on its way; its row locked."""
    await tx.execute(
        "INSERT INTO decisions (decision_ref, version) VALUES ($1, 0) ON CONFLICT (decision_ref) DO NOTHING",
        decision_ref,
    )
    row = await get_row(
        tx,
        "SELECT decision_ref, version, provider_id, language, state FROM decisions WHERE decision_ref = $1 FOR UPDATE",
        decision_ref,
    )
    state = None if row["state"] is None else DecisionState(row["state"])
    return DecisionCopy(row["decision_ref"], row["version"], row["provider_id"], row["language"], state)


@dataclass(frozen=True)
class CourseCopy:
    """What we know of a course; of a stub neither number nor state."""

    course_number: int | None
    state: CourseState | None
    late_confirmed: bool


_COURSE = "SELECT course_number, state, late_confirmed FROM courses WHERE course_id = $1"


async def merge_course(tx: Transaction, version: int, course: courses.Course) -> CourseCopy:
    """The newest of a course, its row locked."""
    await tx.execute(
        "INSERT INTO courses (course_id, version, course_number, provider_id, state, late_confirmed)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (course_id) DO UPDATE SET version = excluded.version,"
        " course_number = excluded.course_number, provider_id = excluded.provider_id, state = excluded.state,"
        " late_confirmed = excluded.late_confirmed WHERE courses.version < excluded.version",
        course.course_id,
        version,
        course.course_number,
        course.provider_id,
        course.state,
        course.late_confirmed,
    )
    return _course(await get_row(tx, f"{_COURSE} FOR UPDATE", course.course_id))


async def lock_course(tx: Transaction, course_id: str) -> CourseCopy:
    """The course, or a stub of one that is still on its way; locked against changes, shared with other pins."""
    await tx.execute(
        "INSERT INTO courses (course_id, version) VALUES ($1, 0) ON CONFLICT (course_id) DO NOTHING", course_id
    )
    return _course(await get_row(tx, f"{_COURSE} FOR SHARE", course_id))


def _course(row: asyncpg.Record) -> CourseCopy:
    state = None if row["state"] is None else CourseState(row["state"])
    return CourseCopy(row["course_number"], state, row["late_confirmed"])


async def merge_pin(tx: Transaction, version: int, pin: courses.Pin) -> bool:
    """Keep the newest pin of its decision, its row locked; whether it is this one. Lock its course before."""
    await tx.execute(
        "INSERT INTO pins (decision_ref, version, course_id, provider_id, state, reason, occupies_place)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (decision_ref) DO UPDATE"
        " SET version = excluded.version, course_id = excluded.course_id, provider_id = excluded.provider_id,"
        " state = excluded.state, reason = excluded.reason, occupies_place = excluded.occupies_place"
        " WHERE pins.version < excluded.version",
        pin.decision_ref,
        version,
        pin.course_id,
        pin.provider_id,
        pin.state,
        pin.reason,
        pin.occupies_place,
    )
    row = await get_row(tx, "SELECT version FROM pins WHERE decision_ref = $1 FOR UPDATE", pin.decision_ref)
    return bool(row["version"] == version)


async def find_clients_on_course(tx: Transaction, course_id: str) -> list[str]:
    """The decisions with an active pin on the course that have not been told of its confirmation."""
    rows = await tx.fetch(
        "SELECT decision_ref FROM pins WHERE course_id = $1 AND state = 'active' ORDER BY decision_ref", course_id
    )
    occasions = {f"{Template.COURSE_CONFIRMED}/{row['decision_ref']}/{course_id}": row["decision_ref"] for row in rows}
    # Asked for by value, not joined: a plan made while the table was small would read all of it per client.
    told = await tx.fetch("SELECT occasion FROM messages WHERE occasion = ANY ($1)", list(occasions))
    for row in told:
        del occasions[row["occasion"]]
    return list(occasions.values())


async def set_client_contact(tx: Transaction, version: int, client_ref: str, sealed: str | None) -> None:
    """Keep the newest sealed contact of a client, or that there is none any more."""
    await tx.execute(
        "INSERT INTO client_contacts (client_ref, version, sealed) VALUES ($1, $2, $3)"
        " ON CONFLICT (client_ref) DO UPDATE SET version = excluded.version, sealed = excluded.sealed"
        " WHERE client_contacts.version < excluded.version",
        client_ref,
        version,
        sealed,
    )


async def merge_count_use(tx: Transaction, version: int, count: decisions.CountUse) -> tuple[int, int]:
    """Announced and used, as the newest news of the contract's year has them."""
    await tx.execute(
        "INSERT INTO count_uses (contract_id, year, version, announced, used) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (contract_id, year) DO UPDATE"
        " SET version = excluded.version, announced = excluded.announced, used = excluded.used"
        " WHERE count_uses.version < excluded.version",
        count.contract_id,
        count.year,
        version,
        count.announced,
        count.used,
    )
    row = await get_row(
        tx,
        "SELECT announced, used FROM count_uses WHERE contract_id = $1 AND year = $2",
        count.contract_id,
        count.year,
    )
    return row["announced"], row["used"]


@dataclass(frozen=True)
class QuotaCopy:
    """A quota and since which version its present limit and its present stop are in force."""

    service: str
    year: int
    limit: int | None
    limit_version: int | None
    stopped_version: int | None


_QUOTA = "SELECT service, year, quota_limit, limit_version, stopped_version FROM quotas"


async def merge_quota(tx: Transaction, version: int, quota: decisions.Quota, *, stopped: bool) -> QuotaCopy:
    """The newest of a quota; lock its service before."""
    await tx.execute(
        "INSERT INTO quotas AS q (service, year, version, quota_limit, stopped, limit_version, stopped_version)"
        " VALUES ($1, $2, $3, $4, $5, CASE WHEN $4::integer IS NOT NULL THEN $3::bigint END,"
        " CASE WHEN $5::boolean THEN $3::bigint END)"
        " ON CONFLICT (service, year) DO UPDATE"
        " SET version = excluded.version, quota_limit = excluded.quota_limit, stopped = excluded.stopped,"
        " limit_version = CASE WHEN q.quota_limit = excluded.quota_limit THEN q.limit_version"
        " ELSE excluded.limit_version END,"
        " stopped_version = CASE WHEN q.stopped AND excluded.stopped THEN q.stopped_version"
        " ELSE excluded.stopped_version END"
        " WHERE q.version < excluded.version",
        quota.service,
        quota.year,
        version,
        quota.limit,
        stopped,
    )
    row = await get_row(tx, f"{_QUOTA} WHERE service = $1 AND year = $2", quota.service, quota.year)
    return _quota(row)


async def find_quotas(tx: Transaction, service: str, from_year: int) -> list[QuotaCopy]:
    """The service's quotas of this and later years; lock the service before."""
    rows = await tx.fetch(f"{_QUOTA} WHERE service = $1 AND year >= $2 ORDER BY year", service, from_year)
    return [_quota(row) for row in rows]


def _quota(row: asyncpg.Record) -> QuotaCopy:
    return QuotaCopy(row["service"], row["year"], row["quota_limit"], row["limit_version"], row["stopped_version"])


async def find_providers_of(tx: Transaction, service: str, year: int) -> list[tuple[str, str]]:
    """Providers with a contract for the service in the year, each with a language they serve in."""
    rows = await tx.fetch(
        "SELECT provider_id, min(language) AS language FROM contracts WHERE service = $1"
        " AND valid_from <= make_date($2, 12, 31) AND coalesce(valid_to, 'infinity') >= make_date($2, 1, 1)"
        " GROUP BY provider_id ORDER BY provider_id",
        service,
        year,
    )
    return [(row["provider_id"], row["language"]) for row in rows]


async def find_language_of(tx: Transaction, provider_id: str) -> str | None:
    """A language the provider serves in, Finnish before Swedish; None while we know no contract of its."""
    language: str | None = await tx.fetchval("SELECT min(language) FROM contracts WHERE provider_id = $1", provider_id)
    return language


async def find_decision_version(tx: Transaction, decision_ref: str) -> int | None:
    """The version of our copy, for callers that say what they know."""
    version: int | None = await tx.fetchval("SELECT version FROM decisions WHERE decision_ref = $1", decision_ref)
    return version


async def find_pin_version(tx: Transaction, decision_ref: str) -> int | None:
    """The version of our copy of a decision's pin."""
    version: int | None = await tx.fetchval("SELECT version FROM pins WHERE decision_ref = $1", decision_ref)
    return version


async def find_course_version(tx: Transaction, course_id: str) -> int | None:
    """The version of our copy."""
    version: int | None = await tx.fetchval("SELECT version FROM courses WHERE course_id = $1", course_id)
    return version


async def get_row(tx: Transaction, sql: str, *args: object) -> asyncpg.Record:
    """The row of a query that must have one."""
    row = await tx.fetchrow(sql, *args)
    if row is None:
        raise AssertionError("a row that was just written is not there")
    return row
