"""The SQL of reconciliation. Each comparison is one statement, so that no grant comes between its two sides."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from chassis.db import Transaction
from services.decisions.reconciling.domain import Compared, Difference, DifferenceState, Kind, state_at_first_sight

COMPARISONS = {
    Kind.ANNOUNCED_COUNT: """
        SELECT contract_id AS place, year, contract_id || '/' || year AS subject, used AS shown, (
            SELECT count(*) FROM decisions d
            WHERE d.contract_id = q.contract_id AND is_in_year(d.decided_on, q.year)
              AND d.state NOT IN ('rejected', 'annulled')
        ) AS expected
        FROM announced_counts q WHERE (contract_id, year) > ($1, $2) ORDER BY contract_id, year LIMIT $3""",
    Kind.QUOTA: """
        SELECT service AS place, year, service || '/' || year AS subject, used AS shown, (
            SELECT count(*) FROM decisions d
            WHERE d.service = q.service AND is_in_year(d.decided_on, q.year) AND d.new_client
              AND d.state <> 'annulled'
        ) AS expected
        FROM quotas q WHERE (service, year) > ($1, $2) ORDER BY service, year LIMIT $3""",
    # Those that are right less those that are wrong: one too many does not make up for one that is missing.
    Kind.FIRST_GRANTS: """
        SELECT service AS place, year, service || '/' || year AS subject, (
            SELECT coalesce(sum(CASE WHEN d.new_client THEN 1 ELSE -1 END), 0)
            FROM first_grants f LEFT JOIN decisions d
              ON d.decision_ref = f.decision_ref AND d.client_ref = f.client_ref AND d.service = f.service
              AND d.decided_on = f.granted_on
            WHERE f.service = q.service AND is_in_year(f.granted_on, q.year)
        ) AS shown, (
            SELECT count(*) FROM decisions d
            WHERE d.service = q.service AND is_in_year(d.decided_on, q.year) AND d.new_client
              AND d.state <> 'annulled'
        ) AS expected
        FROM quotas q WHERE (service, year) > ($1, $2) ORDER BY service, year LIMIT $3""",
    Kind.SCOPED_QUOTA: """
        SELECT place, year, subject, used AS shown, (
            SELECT count(*) FROM decisions d
            WHERE d.service = q.service AND is_in_year(d.decided_on, q.year) AND d.new_client AND d.state <> 'annulled'
              AND q.area IN ('', d.area) AND q.language IN ('', d.language)
        ) AS expected
        FROM (
            SELECT *, service || '/' || area || '/' || language AS place,
                concat_ws('/', service, year, coalesce(nullif(area, ''), '*'), coalesce(nullif(language, ''), '*'))
                AS subject
            FROM scoped_quotas
        ) q WHERE (place, year) > ($1, $2) ORDER BY place, year LIMIT $3""",
    Kind.PIN_OF_NO_GRANT: """
        SELECT p.decision_ref AS place, 0 AS year, p.decision_ref AS subject, 1 AS shown,
            coalesce(d.state = 'granted', false)::integer AS expected
        FROM pins p LEFT JOIN decisions d USING (decision_ref)
        WHERE p.state = 'active' AND (p.decision_ref, 0) > ($1, $2) AND NOT EXISTS (
            SELECT FROM pins later WHERE later.decision_ref = p.decision_ref AND later.version > p.version
        ) ORDER BY p.decision_ref LIMIT $3""",
    Kind.USED_WITHOUT_COURSE: """
        SELECT d.decision_ref AS place, 0 AS year, d.decision_ref AS subject, 1 AS shown, coalesce((
            SELECT p.state = 'fulfilled' FROM pins p WHERE p.decision_ref = d.decision_ref
            ORDER BY p.version DESC LIMIT 1
        ), false)::integer AS expected
        FROM decisions d WHERE d.state = 'used' AND (d.decision_ref, 0) > ($1, $2)
        ORDER BY d.decision_ref LIMIT $3""",
}
"""What is shown and what the decisions say, behind a place, in an order that stays."""


async def compare(
    tx: Transaction, kind: Kind, place: str, year: int, limit: int
) -> tuple[list[Compared], tuple[str, int] | None]:
    """The next `limit` of a kind behind a place; the place behind them, None at the end."""
    rows = await tx.fetch(COMPARISONS[kind], place, year, limit)
    compared = [_compared(kind, row) for row in rows]
    return compared, (rows[-1]["place"], rows[-1]["year"]) if len(rows) == limit else None


async def compare_one(tx: Transaction, kind: Kind, subject: str) -> Compared:
    """One counter as it is now."""
    place, year = _place_of(subject)
    [compared], _ = await compare(tx, kind, place, year - 1, 1)
    if compared.subject != subject:
        raise LookupError(f"there is no {kind} {subject}")
    return compared


def _place_of(subject: str) -> tuple[str, int]:
    place, year, *scope = subject.split("/")
    return "/".join([place, *(part.replace("*", "") for part in scope)]), int(year)


async def see(tx: Transaction, seen: Compared) -> tuple[Difference, bool]:
    """Note a difference that is there now; the one that is kept of it, and whether it is new."""
    row = await tx.fetchrow(
        "INSERT INTO differences AS ours (kind, subject, shown, expected, state, found_at, seen_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (kind, subject) WHERE settled_at IS NULL"
        " DO UPDATE SET shown = excluded.shown, expected = excluded.expected, seen_at = excluded.seen_at"
        " RETURNING *, xmax = 0 AS is_new",
        seen.kind,
        seen.subject,
        seen.shown,
        seen.expected,
        state_at_first_sight(seen.kind),
        tx.now,
    )
    if row is None:
        raise AssertionError("an upsert that does something returns its row")
    return _difference(row), row["is_new"]


async def set_state(tx: Transaction, number: int, state: DifferenceState, settled_at: datetime | None = None) -> None:
    """Store what has become of a difference."""
    await tx.execute("UPDATE differences SET state = $2, settled_at = $3 WHERE number = $1", number, state, settled_at)


async def settle_unseen(tx: Transaction, kind: Kind, since: datetime) -> None:
    """What a whole round since then has not seen again is gone by itself."""
    await tx.execute(
        "UPDATE differences SET state = 'gone', settled_at = $3"
        " WHERE kind = $1 AND settled_at IS NULL AND seen_at < $2",
        kind,
        since,
        tx.now,
    )


async def lock_open(tx: Transaction, limit: int) -> list[Difference]:
    """The oldest open differences that can be set right from here, locked: a pin of an unknown decision cannot."""
    rows = await tx.fetch(
        "SELECT * FROM differences f WHERE state = 'open' AND (kind <> 'pin_of_no_grant' OR EXISTS ("
        "  SELECT FROM decisions d WHERE d.decision_ref = f.subject"
        " )) ORDER BY number LIMIT $1 FOR NO KEY UPDATE OF f",
        limit,
    )
    return [_difference(row) for row in rows]


async def find_differences(
    tx: Transaction, *, state: DifferenceState | None, after: int, limit: int
) -> list[Difference]:
    """Differences in the order in which they were found, behind the one numbered `after`."""
    rows = await tx.fetch(
        "SELECT * FROM differences WHERE number > $1 AND ($2::text IS NULL OR state = $2) ORDER BY number LIMIT $3",
        after,
        state,
        limit,
    )
    return [_difference(row) for row in rows]


async def count_open(tx: Transaction) -> int:
    """How many differences nobody has settled."""
    return int(await tx.fetchval("SELECT count(*) FROM differences WHERE state = 'open'"))


async def services_of(tx: Transaction, contract_ids: Sequence[str]) -> list[str]:
    """The services of contracts, in a fixed order."""
    rows = await tx.fetch(
        "SELECT DISTINCT service FROM contracts WHERE contract_id = ANY ($1) ORDER BY service", list(contract_ids)
    )
    return [row["service"] for row in rows]


async def rewrite_first_grants(tx: Transaction, service: str, year: int) -> None:
    """Make a year's first grants what its decisions say: whose grant made a client a new one (E-8)."""
    await tx.execute(
        "DELETE FROM first_grants f WHERE service = $1"
        " AND granted_on BETWEEN make_date($2, 1, 1) AND make_date($2, 12, 31) AND NOT EXISTS ("
        "  SELECT FROM decisions d WHERE d.decision_ref = f.decision_ref AND d.client_ref = f.client_ref"
        "  AND d.service = f.service AND d.decided_on = f.granted_on AND d.new_client)",
        service,
        year,
    )
    await tx.execute(
        "INSERT INTO first_grants AS ours (client_ref, service, decision_ref, provider_id, granted_on)"
        " SELECT client_ref, service, decision_ref, provider_id, decided_on FROM decisions"
        " WHERE service = $1 AND decided_on BETWEEN make_date($2, 1, 1) AND make_date($2, 12, 31)"
        "  AND new_client AND state <> 'annulled'"
        " ON CONFLICT (client_ref, service) DO UPDATE SET decision_ref = excluded.decision_ref,"
        "  provider_id = excluded.provider_id, granted_on = excluded.granted_on",
        service,
        year,
    )


def _compared(kind: Kind, row: asyncpg.Record) -> Compared:
    return Compared(kind, row["subject"], row["shown"], row["expected"])


def _difference(row: asyncpg.Record) -> Difference:
    return Difference(
        number=row["number"],
        kind=Kind(row["kind"]),
        subject=row["subject"],
        shown=row["shown"],
        expected=row["expected"],
        state=DifferenceState(row["state"]),
        found_at=row["found_at"],
        settled_at=row["settled_at"],
    )
