"""The SQL of audit findings. A finding's row is locked alone; its steps are only written under it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

import asyncpg

from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.values import FindingState, Severity
from services.registration.audits.domain import Category, Finding, Step

_COLUMNS = (
    "finding_id, provider_id, office_id, service, category, severity, corrective_action, opened_on, due_on, state,"
    " version"
)
_FINDINGS = f"SELECT {_COLUMNS} FROM audit_findings "  # noqa: S608 - constants

_PAGE = f"""
{_FINDINGS}
WHERE ($1::text IS NULL OR provider_id = $1) AND ($2::text IS NULL OR state = $2)
    AND ($3::date IS NULL OR (state = 'open' AND due_on < $3))
    AND ($4::text = ''
        OR (due_on, finding_id) > (SELECT due_on, finding_id FROM audit_findings WHERE finding_id = $4))
ORDER BY due_on, finding_id LIMIT $5
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class TakenStep:
    """One step of a finding: who took it when, and in which words."""

    version: int
    step: Step
    due_on: date
    said: str | None
    taken_at: datetime
    taken_by: str
    role: str


@dataclass(frozen=True)
class Wanted:
    """Which findings are looked for; `overdue_on` leaves those that are overdue on that day."""

    provider_id: str | None = None
    state: FindingState | None = None
    overdue_on: date | None = None


async def add_finding(tx: Transaction, finding: Finding) -> None:
    """Add a finding with its first step."""
    await tx.execute(
        f"INSERT INTO audit_findings ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",  # noqa: S608
        *asdict(finding).values(),
    )
    await _add_step(tx, finding, Step.OPENED, finding.corrective_action)


async def set_finding(tx: Transaction, finding: Finding, step: Step, said: str | None) -> None:
    """Store what a step has changed of a locked finding, and the step."""
    await tx.execute(
        "UPDATE audit_findings SET state = $2, corrective_action = $3, due_on = $4, version = $5 WHERE finding_id = $1",
        finding.finding_id,
        finding.state,
        finding.corrective_action,
        finding.due_on,
        finding.version,
    )
    await _add_step(tx, finding, step, said)


async def get_finding(tx: Transaction, finding_id: str) -> Finding:
    """The finding, if the caller may see it.

    Raises:
        NotFound: FINDING_UNKNOWN.
    """
    return _finding(await tx.fetchrow(_FINDINGS + "WHERE finding_id = $1", finding_id))


async def lock_finding(tx: Transaction, finding_id: str) -> Finding:
    """The same, held against other writers until the transaction ends.

    Raises:
        NotFound: FINDING_UNKNOWN.
    """
    return _finding(await tx.fetchrow(_FINDINGS + "WHERE finding_id = $1 FOR UPDATE", finding_id))


async def find_findings(tx: Transaction, wanted: Wanted, *, after: str, limit: int) -> list[Finding]:
    """Findings the caller may see, those due first in front, from the one after `after`."""
    rows = await tx.fetch(
        _PAGE,
        wanted.provider_id,
        wanted.state,
        wanted.overdue_on,
        after,
        limit,
    )
    return [_finding(row) for row in rows]


async def find_steps(tx: Transaction, finding_id: str) -> list[TakenStep]:
    """The steps of a finding, oldest first."""
    rows = await tx.fetch(
        "SELECT version, step, due_on, said, taken_at, taken_by, role FROM audit_finding_steps"
        " WHERE finding_id = $1 ORDER BY version",
        finding_id,
    )
    return [TakenStep(**{**row, "step": Step(row["step"])}) for row in rows]


async def count_by_category(tx: Transaction, on: date) -> Mapping[Category, asyncpg.Record]:
    """How many findings of each category are open, reported, closed, and overdue on `on`."""
    rows = await tx.fetch(
        "SELECT category, count(*) FILTER (WHERE state = 'open') AS open,"
        " count(*) FILTER (WHERE state = 'action_reported') AS action_reported,"
        " count(*) FILTER (WHERE state = 'closed') AS closed,"
        " count(*) FILTER (WHERE state = 'open' AND due_on < $1) AS overdue FROM audit_findings GROUP BY category",
        on,
    )
    return {Category(row["category"]): row for row in rows}


async def _add_step(tx: Transaction, finding: Finding, step: Step, said: str | None) -> None:
    await tx.execute(
        "INSERT INTO audit_finding_steps"
        " (finding_id, version, provider_id, step, due_on, said, taken_at, taken_by, role)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        finding.finding_id,
        finding.version,
        finding.provider_id,
        step,
        finding.due_on,
        said,
        tx.now,
        tx.principal.subject,
        tx.principal.role,
    )


def _finding(row: asyncpg.Record | None) -> Finding:
    if row is None:
        raise NotFound("FINDING_UNKNOWN")
    return Finding(
        **{
            **row,
            "category": Category(row["category"]),
            "severity": Severity(row["severity"]),
            "state": FindingState(row["state"]),
        }
    )
