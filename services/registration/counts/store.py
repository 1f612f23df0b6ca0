"""The SQL of counts and their history. Written under the contract's row lock only (`registration/store.py`)."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from chassis.auth import SYSTEM
from chassis.db import Transaction
from contracts.values import CountChange
from services.registration.counts.domain import Revision
from services.registration.domain import Contract

_REVISION = "year, revision, count, kind, effective_at, recorded_at, announced_by AS recorded_by, reason"


async def find_revisions(
    tx: Transaction, contract_id: str, year: int, *, after: int = 0, limit: int | None = None
) -> list[Revision]:
    """The history of a contract's count of one year, oldest entry first, from the one after number `after`."""
    rows = await tx.fetch(
        f"SELECT {_REVISION} FROM announced_counts"  # noqa: S608 - a constant
        " WHERE contract_id = $1 AND year = $2 AND revision > $3 ORDER BY revision LIMIT $4",
        contract_id,
        year,
        after,
        limit,
    )
    return [_revision(row) for row in rows]


async def find_in_force(tx: Transaction, contract_id: str, *, at: datetime, known_at: datetime) -> list[Revision]:
    """The entry of each year that was in force at `at` by what was known at `known_at`: `domain.in_force` in SQL."""
    rows = await tx.fetch(
        f"SELECT DISTINCT ON (year) {_REVISION} FROM announced_counts"  # noqa: S608 - a constant
        " WHERE contract_id = $1 AND effective_at <= $2 AND recorded_at <= $3 ORDER BY year, revision DESC",
        contract_id,
        at,
        known_at,
    )
    return [_revision(row) for row in rows]


async def find_reasons(
    tx: Transaction, contract_id: str, entries: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], str]:
    """Why entries (year, revision) were corrected; only those that were."""
    rows = await tx.fetch(
        "SELECT year, revision, reason FROM announced_counts JOIN unnest($2::integer[], $3::integer[])"
        " AS wanted (year, revision) USING (year, revision) WHERE contract_id = $1 AND reason IS NOT NULL",
        contract_id,
        [year for year, _ in entries],
        [revision for _, revision in entries],
    )
    return {(row["year"], row["revision"]): row["reason"] for row in rows}


async def add_revision(
    tx: Transaction,
    contract: Contract,
    year: int,
    kind: CountChange,
    *,
    raised_from: int | None,
    effective_at: datetime,
    reason: str | None = None,
) -> int:
    """Enter the contract's count of the year, known from now, and store the contract's version; the entry's number."""
    revision: int = await tx.fetchval(
        "INSERT INTO announced_counts (contract_id, provider_id, year, revision, count, raised_from, kind,"
        " effective_at, recorded_at, announced_by, reason)"
        " SELECT $1, $2, $3, coalesce(max(revision), 0) + 1, $4, $5, $6, $7, $8, $9, $10"
        " FROM announced_counts WHERE contract_id = $1 AND year = $3 RETURNING revision",
        contract.contract_id,
        contract.provider_id,
        year,
        contract.counts[year],
        raised_from,
        kind,
        effective_at,
        tx.now,
        SYSTEM.subject if kind is CountChange.DEFAULTED else tx.principal.subject,
        reason,
    )
    await tx.execute("UPDATE contracts SET version = $2 WHERE contract_id = $1", contract.contract_id, contract.version)
    return revision


async def plan_first_default(tx: Transaction, kind: str, key: str, due_at: datetime) -> None:
    """Plan the yearly timer unless one is planned already, for whichever year."""
    await tx.execute(
        "INSERT INTO timers (kind, key, due_at) SELECT $1::text, $2::text, $3::timestamptz"
        " WHERE NOT EXISTS (SELECT FROM timers WHERE kind = $1) ON CONFLICT DO NOTHING",
        kind,
        key,
        due_at,
    )
    tx.scheduled = True


async def plan_defaults(tx: Transaction, kind: str, year: int, due_at: datetime) -> None:
    """Plan a timer for every contract in force in `year` that has no count of that year."""
    await tx.execute(
        "INSERT INTO timers (kind, key, due_at, payload)"
        " SELECT $1::text, $2::text || '/' || contract_id, $3::timestamptz,"
        " jsonb_build_object('contract_id', contract_id, 'year', $4::integer)"
        " FROM contracts c WHERE valid_from <= make_date($4, 12, 31)"
        " AND (valid_to IS NULL OR valid_to >= make_date($4, 1, 1)) AND NOT EXISTS ("
        "   SELECT FROM announced_counts a WHERE a.contract_id = c.contract_id AND a.year = $4"
        " ) ON CONFLICT DO NOTHING",
        kind,
        str(year),
        due_at,
        year,
    )
    tx.scheduled = True


def _revision(row: asyncpg.Record) -> Revision:
    return Revision(**{**row, "kind": CountChange(row["kind"])})
