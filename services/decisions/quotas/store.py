"""The SQL of the two counters, the suspensions and the queue. The lock order stands in `decisions/store.py`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

import asyncpg

from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.values import Language
from services.decisions.domain import Contract, Decision, Description
from services.decisions.quotas.domain import CountUse, Quota, QuotaStatus, Suspension
from services.decisions.store import as_contract, as_decision

# A suspension stops the decisions of now: it is this year's, and the next one's once that has come.
_QUOTA = (
    "SELECT quotas.*, year = $4 AND deciding_is_stopped(service, $3) AS suspended FROM quotas"
    " WHERE service = $1 AND year = $2"
)


async def check_service(tx: Transaction, service: str) -> None:
    """The service is one that has been described.

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    if not await tx.fetchval("SELECT true FROM services WHERE service = $1", service):
        raise NotFound("SERVICE_UNKNOWN")


async def find_quota(tx: Transaction, service: str, year: int) -> Quota:
    """The quota of a service and year as of now; all zero before anything happened in the year."""
    row = await tx.fetchrow(_QUOTA, service, year, tx.now, tx.today.year)
    if row is not None:
        return _quota(row)
    suspended = await tx.fetchval("SELECT deciding_is_stopped($1, $2)", service, tx.now)
    return Quota(service, year, suspended=suspended and year == tx.today.year)


async def add_quota(tx: Transaction, service: str, year: int) -> None:
    """Make sure that the counter of the service's new clients in `year` is there (E-52)."""
    await tx.execute("INSERT INTO quotas (service, year) VALUES ($1, $2) ON CONFLICT DO NOTHING", service, year)


async def set_releasing(tx: Transaction, service: str, year: int) -> None:
    """Have new clients of a year to come queue up until those who wait have been looked at (E-54)."""
    await add_quota(tx, service, year)
    await tx.execute(
        "UPDATE quotas SET releasing = true WHERE service = $1 AND year = $2 AND NOT releasing", service, year
    )


async def lock_quota(tx: Transaction, service: str, year: int) -> Quota:
    """The quota with its row locked; the row is added where it was missing."""
    await add_quota(tx, service, year)
    await tx.execute("SELECT FROM quotas WHERE service = $1 AND year = $2 FOR NO KEY UPDATE", service, year)
    # A statement of its own, so that it sees what was committed while the lock was awaited.
    row = await tx.fetchrow(_QUOTA, service, year, tx.now, tx.today.year)
    if row is None:
        raise AssertionError("the locked quota is gone")
    return _quota(row)


async def set_quota(tx: Transaction, quota: Quota) -> None:
    """Store a locked quota. Set below what is used, it takes nothing away and lets no grant pass (E-52)."""
    await tx.execute(
        "UPDATE quotas SET estimate = $3, quota_limit = $4, releasing = $5, status = $6, version = $7,"
        " ceiling = CASE WHEN $4::integer IS NOT NULL THEN greatest($4, used) END WHERE service = $1 AND year = $2",
        quota.service,
        quota.year,
        quota.estimate,
        quota.limit,
        quota.releasing,
        quota.status,
        quota.version,
    )


async def set_quota_used(tx: Transaction, quota: Quota) -> None:
    """Store what grants have changed of a locked quota; the table refuses to let them pass its ceiling."""
    await tx.execute(
        "UPDATE quotas SET used = $3, releasing = $4, status = $5, version = $6 WHERE service = $1 AND year = $2",
        quota.service,
        quota.year,
        quota.used,
        quota.releasing,
        quota.status,
        quota.version,
    )


async def find_count(tx: Transaction, contract_id: str, year: int) -> CountUse | None:
    """The use of a contract's announced count, as far as the caller may see it."""
    row = await tx.fetchrow("SELECT * FROM announced_counts WHERE contract_id = $1 AND year = $2", contract_id, year)
    return None if row is None else as_count(row)


async def lock_counts(tx: Transaction, contract_ids: Iterable[str], year: int) -> dict[str, CountUse]:
    """The counts of several contracts in one year, locked in the order of the contract."""
    rows = await tx.fetch(
        "SELECT * FROM announced_counts WHERE contract_id = ANY ($1) AND year = $2"
        " ORDER BY contract_id FOR NO KEY UPDATE",
        list(set(contract_ids)),
        year,
    )
    return {row["contract_id"]: as_count(row) for row in rows}


async def set_announced(tx: Transaction, count: CountUse) -> None:
    """Store what an announcement has changed of a locked count; below what is used it takes nothing away (E-3)."""
    await tx.execute(
        "UPDATE announced_counts SET announced = $3, ceiling = greatest($3, used), filled = $4, version = $5"
        " WHERE contract_id = $1 AND year = $2",
        count.contract_id,
        count.year,
        count.announced,
        count.filled,
        count.version,
    )


async def set_counts_used(tx: Transaction, counts: Iterable[CountUse]) -> None:
    """Store what grants have changed of locked counts; the table refuses to let them pass their ceiling."""
    await tx.executemany(
        "UPDATE announced_counts SET used = $3, filled = $4, version = $5 WHERE contract_id = $1 AND year = $2",
        [(count.contract_id, count.year, count.used, count.filled, count.version) for count in counts],
    )


async def recount(tx: Transaction, count: CountUse) -> None:
    """Store what a locked count really uses, be it more than was announced."""
    await tx.execute(
        "UPDATE announced_counts SET used = $3, ceiling = greatest(announced, $3), filled = $4, version = $5"
        " WHERE contract_id = $1 AND year = $2",
        count.contract_id,
        count.year,
        count.used,
        count.filled,
        count.version,
    )


async def recount_quota(tx: Transaction, quota: Quota) -> None:
    """Store how many new clients a locked quota really counts, be it more than the quota."""
    await tx.execute(
        "UPDATE quotas SET used = $3, ceiling = CASE WHEN quota_limit IS NOT NULL THEN greatest(quota_limit, $3) END"
        " WHERE service = $1 AND year = $2",
        quota.service,
        quota.year,
        quota.used,
    )


async def add_count(tx: Transaction, count: CountUse) -> bool:
    """Add a year's count; False where it is there already."""
    added = await tx.fetchval(
        "INSERT INTO announced_counts (contract_id, year, provider_id, service, language, announced, ceiling, filled)"
        " VALUES ($1, $2, $3, $4, $5, $6, $6, $7) ON CONFLICT DO NOTHING RETURNING true",
        count.contract_id,
        count.year,
        count.provider_id,
        count.service,
        count.language,
        count.announced,
        count.filled,
    )
    return bool(added)


async def merge_suspension(tx: Transaction, told: Suspension) -> Suspension | None:
    """Add what a signal tells; each half counts once, the first word stands. None where it was known.

    Raises:
        ValueError: the signal's id belongs to another service, or to another scope of it.
    """
    row = await tx.fetchrow(
        "SELECT * FROM suspensions WHERE source = $1 AND signal_id = $2 FOR NO KEY UPDATE", told.source, told.signal_id
    )
    if row is None:
        await tx.execute(
            "INSERT INTO suspensions (source, signal_id, service, area, language, effective_at, lifted_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            told.source,
            told.signal_id,
            told.service,
            *told.scope.columns,
            told.effective_at,
            told.lifted_at,
        )
        return told
    if (row["service"], row["area"], row["language"]) != (told.service, *told.scope.columns):
        raise ValueError("the signal belongs to another service or scope")
    merged = replace(
        told,
        effective_at=row["effective_at"] or told.effective_at,
        lifted_at=row["lifted_at"] or told.lifted_at,
    )
    if (merged.effective_at, merged.lifted_at) == (row["effective_at"], row["lifted_at"]):
        return None
    await tx.execute(
        "UPDATE suspensions SET effective_at = $3, lifted_at = $4 WHERE source = $1 AND signal_id = $2",
        merged.source,
        merged.signal_id,
        merged.effective_at,
        merged.lifted_at,
    )
    return merged


async def is_anyone_waiting(tx: Transaction, service: str) -> bool:
    """Whether applications wait for the service's quota."""
    return bool(
        await tx.fetchval(
            "SELECT EXISTS (SELECT FROM decisions WHERE service = $1 AND state = 'awaiting_quota')", service
        )
    )


_WAITING = (
    "SELECT * FROM decisions WHERE service = $1 AND state = 'awaiting_quota' AND (applied_on, number) > ($2, $3)"
    " ORDER BY applied_on, number LIMIT $4"
)


async def find_waiting(tx: Transaction, service: str, applied_on: date, number: int, limit: int) -> list[Decision]:
    """The queue behind a place: by day of application, then by arrival (E-54)."""
    return [as_decision(row) for row in await tx.fetch(_WAITING, service, applied_on, number, limit)]


async def lock_waiting(tx: Transaction, service: str, applied_on: date, number: int, limit: int) -> list[Decision]:
    """The queue behind a place, its rows locked."""
    rows = await tx.fetch(f"{_WAITING} FOR NO KEY UPDATE", service, applied_on, number, limit)
    return [as_decision(row) for row in rows]


async def find_newest_waiting(tx: Transaction, service: str) -> int:
    """The number of the latest arrival that waits; 0 where nobody does."""
    return int(
        await tx.fetchval(
            "SELECT coalesce(max(number), 0) FROM decisions WHERE service = $1 AND state = 'awaiting_quota'", service
        )
    )


async def set_granted(tx: Transaction, granted: Sequence[Decision]) -> None:
    """Store waiting applications that have been granted; a new client's first grant is remembered (E-8)."""
    await tx.executemany(
        "UPDATE decisions SET state = $2, version = $3, decided_on = $4, confirm_by = $5, description_version = $6,"
        " new_client = $7, reasoning_code = $8, reasoning_version = $9 WHERE decision_ref = $1",
        [
            (
                d.decision_ref,
                d.state,
                d.version,
                d.decided_on,
                d.confirm_by,
                d.description_version,
                d.new_client,
                d.reasoning and d.reasoning.code,
                d.reasoning and d.reasoning.version,
            )
            for d in granted
        ],
    )
    await tx.executemany(
        "INSERT INTO first_grants (client_ref, service, decision_ref, provider_id, granted_on)"
        " VALUES ($1, $2, $3, $4, $5)",
        [(d.client_ref, d.service, d.decision_ref, d.provider_id, d.decided_on) for d in granted if d.new_client],
    )


async def find_contracts(tx: Transaction, contract_ids: Iterable[str]) -> dict[str, Contract]:
    """Our copies of several contracts."""
    rows = await tx.fetch("SELECT * FROM contracts WHERE contract_id = ANY ($1)", list(set(contract_ids)))
    return {row["contract_id"]: as_contract(row) for row in rows}


async def find_description(tx: Transaction, service: str, on: date) -> Description | None:
    """The service description in force on a day (E-13)."""
    row = await tx.fetchrow(
        "SELECT description_version, confirm_within_months FROM service_descriptions"
        " WHERE service = $1 AND valid_from <= $2 AND (valid_to IS NULL OR valid_to >= $2)"
        " ORDER BY valid_from DESC, description_version DESC LIMIT 1",
        service,
        on,
    )
    return None if row is None else Description(row["description_version"], row["confirm_within_months"])


async def find_old_clients(tx: Transaction, service: str, client_refs: Sequence[str]) -> set[str]:
    """Those of the clients who have been granted in the service before (E-8); held, so that it stays true."""
    rows = await tx.fetch(
        "SELECT client_ref FROM first_grants WHERE service = $1 AND client_ref = ANY ($2)"
        " ORDER BY client_ref FOR KEY SHARE",
        service,
        list(client_refs),
    )
    return {row["client_ref"] for row in rows}


def _quota(row: asyncpg.Record) -> Quota:
    return Quota(
        service=row["service"],
        year=row["year"],
        estimate=row["estimate"],
        limit=row["quota_limit"],
        used=row["used"],
        scopes=row["scopes"],
        suspended=row["suspended"],
        releasing=row["releasing"],
        status=QuotaStatus(row["status"]),
        version=row["version"],
    )


def as_count(row: asyncpg.Record) -> CountUse:
    """A row of `announced_counts`."""
    return CountUse(
        contract_id=row["contract_id"],
        provider_id=row["provider_id"],
        service=row["service"],
        language=Language(row["language"]),
        year=row["year"],
        announced=row["announced"],
        used=row["used"],
        filled=row["filled"],
        version=row["version"],
    )
