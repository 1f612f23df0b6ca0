"""The SQL of the nightly review."""

from collections.abc import Sequence
from datetime import date

from chassis.db import Transaction
from contracts.values import PinState
from services.decisions.reviewing.domain import Use

_DUE = """
SELECT number, decision_ref FROM decisions d
WHERE number > $1 AND (
    state = 'granted' AND (valid_to < $2 OR EXISTS (
        SELECT FROM pins p WHERE p.decision_ref = d.decision_ref AND p.state = 'fulfilled'
    ))
    OR state = 'expired' AND valid_to >= $3 AND EXISTS (
        SELECT FROM pins p
        WHERE p.decision_ref = d.decision_ref AND (p.state IN ('active', 'fulfilled') OR p.occupies_place)
    )
)
ORDER BY number LIMIT $4
"""


async def find_due(tx: Transaction, after: int, on: date, *, expired_since: date, limit: int) -> list[tuple[int, str]]:
    """Decisions behind a place that may have been used or expired: number and identifier, in the order of arrival.

    Of those that expired only the ones whose validity ended on `expired_since` or later.
    """
    rows = await tx.fetch(_DUE, after, on, expired_since, limit)
    return [(row["number"], row["decision_ref"]) for row in rows]


async def find_uses(tx: Transaction, decision_refs: Sequence[str]) -> dict[str, Use]:
    """What our copies of pins say of decisions; those that were never pinned are missing."""
    rows = await tx.fetch(
        "SELECT decision_ref, (array_agg(state ORDER BY version DESC))[1] AS present,"
        " bool_or(state <> 'active' AND occupies_place) AS took_part"
        " FROM pins WHERE decision_ref = ANY ($1) GROUP BY decision_ref",
        list(decision_refs),
    )
    return {row["decision_ref"]: Use(PinState(row["present"]), row["took_part"]) for row in rows}
