"""The SQL of the figures."""

from dataclasses import dataclass
from datetime import date

from chassis.db import Transaction
from contracts.values import Language


@dataclass(frozen=True, slots=True)
class DecisionCount:
    """Decisions of one month and service language (R-STA-1, R-DEC-22)."""

    month: int
    language: Language
    granted: int
    rejected: int


async def count_new_clients(tx: Transaction, service: str, year: int) -> list[int]:
    """New clients of each month, by the day of their first grant (E-8); twelve figures."""
    rows = await tx.fetch(
        "SELECT extract(month FROM granted_on)::integer AS month, count(*) AS clients FROM first_grants"
        " WHERE service = $1 AND granted_on BETWEEN $2 AND $3 GROUP BY month",
        service,
        date(year, 1, 1),
        date(year, 12, 31),
    )
    by_month = {row["month"]: row["clients"] for row in rows}
    return [by_month.get(month, 0) for month in range(1, 13)]


async def count_decisions(tx: Transaction, service: str, year: int) -> list[DecisionCount]:
    """Grants and rejections of each month and language; a grant stays counted when it is revoked (E-7)."""
    rows = await tx.fetch(
        "SELECT extract(month FROM decided_on)::integer AS month, language,"
        " count(*) FILTER (WHERE state <> 'rejected') AS granted,"
        " count(*) FILTER (WHERE state = 'rejected') AS rejected"
        " FROM decisions WHERE service = $1 AND decided_on BETWEEN $2 AND $3"
        " GROUP BY month, language ORDER BY month, language",
        service,
        date(year, 1, 1),
        date(year, 12, 31),
    )
    return [DecisionCount(row["month"], Language(row["language"]), row["granted"], row["rejected"]) for row in rows]
