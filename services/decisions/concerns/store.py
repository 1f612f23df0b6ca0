"""The SQL of concerns; a concern is locked after its decision."""

from dataclasses import dataclass

import asyncpg

from chassis.db import Transaction
from contracts.refusals import NotFound
from services.decisions.concerns.domain import Concern, ConcernOutcome, ConcernState, Reason
from services.decisions.domain import GivenBy

_CONCERN = (
    "SELECT concern_id, decision_ref, client_ref, provider_id, service, reason, sealed_words, state, filed_at,"
    " filed_by, discussed_on, discussed_with, outcome, closed_on, closed_by, version FROM concerns"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which concerns: None is any."""

    state: ConcernState | None = None
    service: str | None = None
    decision_ref: str | None = None


async def add_concern(tx: Transaction, concern: Concern) -> None:
    """Store a new concern about a locked decision."""
    await tx.execute(
        "INSERT INTO concerns (concern_id, decision_ref, client_ref, provider_id, service, reason, sealed_words, state,"
        " filed_at, filed_by, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        concern.concern_id,
        concern.decision_ref,
        concern.client_ref,
        concern.provider_id,
        concern.service,
        concern.reason,
        concern.sealed_words,
        concern.state,
        concern.filed_at,
        concern.filed_by,
        concern.version,
    )


async def find_pending(tx: Transaction, decision_ref: str) -> Concern | None:
    """The decision's concern that is not closed; there is at most one."""
    row = await tx.fetchrow(f"{_CONCERN} WHERE decision_ref = $1 AND state <> 'closed'", decision_ref)
    return None if row is None else _concern(row)


async def get_concern(tx: Transaction, concern_id: str) -> Concern:
    """A concern.

    Raises:
        NotFound: CONCERN_UNKNOWN, also where it is another provider's.
    """
    return await _one(tx, f"{_CONCERN} WHERE concern_id = $1", concern_id)


async def lock_concern(tx: Transaction, concern_id: str) -> Concern:
    """A concern, its row locked.

    Raises:
        NotFound: CONCERN_UNKNOWN.
    """
    return await _one(tx, f"{_CONCERN} WHERE concern_id = $1 FOR NO KEY UPDATE", concern_id)


async def set_concern(tx: Transaction, concern: Concern) -> None:
    """Store what may change of a locked concern."""
    await tx.execute(
        "UPDATE concerns SET state = $2, discussed_on = $3, discussed_with = $4, outcome = $5, closed_on = $6,"
        " closed_by = $7, version = $8 WHERE concern_id = $1",
        concern.concern_id,
        concern.state,
        concern.discussed_on,
        concern.discussed_with,
        concern.outcome,
        concern.closed_on,
        concern.closed_by,
        concern.version,
    )


async def find_concerns(tx: Transaction, wanted: Wanted, *, after: str = "", limit: int) -> list[Concern]:
    """Concerns in the order they were filed (their ids grow with time); what the caller may see of them."""
    rows = await tx.fetch(
        f"{_CONCERN} WHERE concern_id > $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR service = $3)"
        " AND ($4::text IS NULL OR decision_ref = $4) ORDER BY concern_id LIMIT $5",
        after,
        wanted.state,
        wanted.service,
        wanted.decision_ref,
        limit,
    )
    return [_concern(row) for row in rows]


async def _one(tx: Transaction, sql: str, concern_id: str) -> Concern:
    row = await tx.fetchrow(sql, concern_id)
    if row is None:
        raise NotFound("CONCERN_UNKNOWN")
    return _concern(row)


def _concern(row: asyncpg.Record) -> Concern:
    return Concern(
        **{
            **row,
            "reason": Reason(row["reason"]),
            "state": ConcernState(row["state"]),
            "discussed_with": row["discussed_with"] and GivenBy(row["discussed_with"]),
            "outcome": row["outcome"] and ConcernOutcome(row["outcome"]),
        }
    )
