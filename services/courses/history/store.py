"""The SQL of the reasons people gave: they are words, and stand with what they are about, not in the audit rows."""

from collections.abc import Sequence

from chassis.db import Transaction


async def find_reasons_of_reports(tx: Transaction, report_ids: Sequence[str]) -> dict[str, str]:
    """What Kela was told, by report."""
    rows = await tx.fetch(
        "SELECT report_id, reason FROM reports WHERE report_id = ANY($1::text[]) AND reason IS NOT NULL",
        list(report_ids),
    )
    return {row["report_id"]: row["reason"] for row in rows}


async def find_reasons_of_moves(tx: Transaction, decision_ref: str, left_versions: Sequence[int]) -> dict[int, str]:
    """Why a decision's client left a course for another, by the version of the pin that ended."""
    rows = await tx.fetch(
        "SELECT left_version, reason FROM client_moves"
        " WHERE decision_ref = $1 AND left_version = ANY($2::bigint[]) AND reason IS NOT NULL",
        decision_ref,
        list(left_versions),
    )
    return {row["left_version"]: row["reason"] for row in rows}


async def find_reason_of_end(tx: Transaction, course_id: str) -> str | None:
    """Why the course was deleted or cancelled."""
    found: str | None = await tx.fetchval("SELECT reason FROM course_endings WHERE course_id = $1", course_id)
    return found


async def find_reason_of_late_confirmation(tx: Transaction, course_id: str) -> str | None:
    """Why fewer clients than needed were enough for the course (E-40)."""
    found: str | None = await tx.fetchval("SELECT override_reason FROM courses WHERE course_id = $1", course_id)
    return found
