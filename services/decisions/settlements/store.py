"""The SQL of payments."""

from collections.abc import Sequence
from datetime import date

from chassis.db import Transaction
from services.decisions.copies.store import CourseCopy


async def find_decisions(tx: Transaction, decision_refs: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Client and contract of each decision."""
    rows = await tx.fetch(
        "SELECT decision_ref, client_ref, contract_id FROM decisions WHERE decision_ref = ANY ($1)", list(decision_refs)
    )
    return {row["decision_ref"]: (row["client_ref"], row["contract_id"]) for row in rows}


async def add_payments(
    tx: Transaction, course: CourseCopy, period_number: int, decision_refs: Sequence[str], paid_on: date, *, last: bool
) -> set[str]:
    """Add what was not paid before; the decisions that are paid now. Once per decision and period (E-29, E-60)."""
    rows = await tx.fetch(
        "INSERT INTO payments (decision_ref, period_number, course_id, provider_id, paid_on, last)"
        " SELECT ref, $2, $3, $4, $5, $6 FROM unnest($1::text[]) AS ref ORDER BY ref"
        " ON CONFLICT DO NOTHING RETURNING decision_ref",
        list(decision_refs),
        period_number,
        course.course_id,
        course.provider_id,
        paid_on,
        last,
    )
    return {row["decision_ref"] for row in rows}
