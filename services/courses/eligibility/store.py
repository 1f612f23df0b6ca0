"""SQL of what is known of clients, sealed as it came."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.db import Transaction


@dataclass(frozen=True, slots=True)
class SealedClient:
    """One client's data under the client's own key."""

    client_ref: str
    sealed: str


async def merge_eligibility(tx: Transaction, client_ref: str, sealed: str | None, version: int) -> None:
    """Take the sealed data, or that there are none any more, unless what we have is as new."""
    await tx.execute(
        "INSERT INTO client_eligibility AS ours (client_ref, version, sealed) VALUES ($1, $2, $3)"
        " ON CONFLICT (client_ref) DO UPDATE SET version = excluded.version, sealed = excluded.sealed"
        " WHERE ours.version < excluded.version",
        client_ref,
        version,
        sealed,
    )


async def find_sealed(tx: Transaction, decision_refs: Sequence[str]) -> dict[str, SealedClient]:
    """What is kept of the decisions' clients in the caller's scope, by decision."""
    rows = await tx.fetch(
        "SELECT decision_ref, client_ref, sealed FROM decisions JOIN client_eligibility USING (client_ref)"
        " WHERE decision_ref = ANY($1::text[]) AND sealed IS NOT NULL",
        decision_refs,
    )
    return {row["decision_ref"]: SealedClient(row["client_ref"], row["sealed"]) for row in rows}
