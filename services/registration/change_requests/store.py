"""The SQL of change requests. The lock order stands in `registration/store.py`."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.values import ChangeKind, ChangeState
from services.registration.change_requests.domain import ChangeRequest, change_of, detail_of
from services.registration.registering.domain import Grounds

_REQUESTS = (
    "SELECT request_id, provider_id, kind, detail, effective_from, registration_id, office_id, explanation, state,"
    " applied_at, version FROM change_requests "
)


@dataclass(frozen=True)
class Ended:
    """How a request ended; a withdrawal has no grounds."""

    outcome: ChangeState
    grounds: Grounds | None
    decided_at: datetime


async def add_request(tx: Transaction, request: ChangeRequest) -> bool:
    """Add a request; False where one that it would contradict is open or still to take effect."""
    added = await tx.fetchval(
        "INSERT INTO change_requests (request_id, provider_id, kind, registration_id, office_id, detail, explanation,"
        " effective_from, contradicts, state, version, submitted_at, submitted_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " ON CONFLICT (contradicts) WHERE state = 'submitted' OR (state = 'approved' AND applied_at IS NULL)"
        " DO NOTHING RETURNING true",
        request.request_id,
        request.provider_id,
        request.kind,
        request.registration_id,
        request.office_id,
        detail_of(request.change),
        request.explanation,
        request.effective_from,
        request.contradicts,
        request.state,
        request.version,
        tx.now,
        tx.principal.subject,
    )
    return added is not None


async def get_request(tx: Transaction, request_id: str) -> ChangeRequest:
    """The request, if the caller may see it.

    Raises:
        NotFound: CHANGE_UNKNOWN.
    """
    return await _request(tx, request_id, "")


async def lock_request(tx: Transaction, request_id: str) -> ChangeRequest:
    """The same, held against other writers until the transaction ends.

    Raises:
        NotFound: CHANGE_UNKNOWN.
    """
    return await _request(tx, request_id, " FOR UPDATE")


async def find_requests(
    tx: Transaction,
    *,
    provider_id: str | None,
    state: ChangeState | None,
    kind: ChangeKind | None,
    after: str,
    limit: int,
) -> list[ChangeRequest]:
    """Requests in the order they were made, from the one after `after`."""
    rows = await tx.fetch(
        _REQUESTS + "WHERE ($1::text IS NULL OR provider_id = $1) AND ($2::text IS NULL OR state = $2)"
        " AND ($3::text IS NULL OR kind = $3) AND request_id > $4 ORDER BY request_id LIMIT $5",
        provider_id,
        state,
        kind,
        after,
        limit,
    )
    return [_request_of(row) for row in rows]


async def set_request(tx: Transaction, request: ChangeRequest) -> None:
    """Store what has changed of a locked request."""
    await tx.execute(
        "UPDATE change_requests SET state = $2, applied_at = CASE WHEN $3 THEN coalesce(applied_at, $4) END,"
        " version = $5 WHERE request_id = $1",
        request.request_id,
        request.state,
        request.applied,
        tx.now,
        request.version,
    )


async def add_outcome(tx: Transaction, request: ChangeRequest, grounds: Grounds | None) -> None:
    """Keep how the request ended and why; it ends once."""
    await tx.execute(
        "INSERT INTO change_outcomes (request_id, provider_id, outcome, reason_code, reason_text, decided_at,"
        " decided_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        request.request_id,
        request.provider_id,
        request.state,
        grounds and grounds.code,
        grounds and grounds.text,
        tx.now,
        tx.principal.subject,
    )


async def find_outcome(tx: Transaction, request_id: str) -> Ended | None:
    """How a request ended; None while it is open."""
    row = await tx.fetchrow(
        "SELECT outcome, reason_code, reason_text, decided_at FROM change_outcomes WHERE request_id = $1", request_id
    )
    if row is None:
        return None
    grounds = None if row["reason_code"] is None else Grounds(row["reason_code"], row["reason_text"])
    return Ended(ChangeState(row["outcome"]), grounds, row["decided_at"])


async def _request(tx: Transaction, request_id: str, lock: str) -> ChangeRequest:
    row = await tx.fetchrow(_REQUESTS + "WHERE request_id = $1" + lock, request_id)
    if row is None:
        raise NotFound("CHANGE_UNKNOWN")
    return _request_of(row)


def _request_of(row: asyncpg.Record) -> ChangeRequest:
    kind = ChangeKind(row["kind"])
    return ChangeRequest(
        request_id=row["request_id"],
        provider_id=row["provider_id"],
        kind=kind,
        change=change_of(kind, row["detail"]),
        effective_from=row["effective_from"],
        registration_id=row["registration_id"],
        office_id=row["office_id"],
        explanation=row["explanation"],
        state=ChangeState(row["state"]),
        applied=row["applied_at"] is not None,
        version=row["version"],
    )
