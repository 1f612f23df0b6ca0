"""SQL of erasing a client's messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.db import Transaction

KEY_ERASED = "KEY_ERASED"
"""Why a message cannot be delivered any more."""


@dataclass(frozen=True, slots=True)
class Removal:
    """An SMS that the gateway is to remove; `created_at` is when its message was written."""

    message_id: str
    created_at: datetime


async def find_decisions(tx: Transaction, client_ref: str) -> list[str]:
    """The client's decisions, in the order in which they are locked."""
    rows = await tx.fetch("SELECT decision_ref FROM decisions WHERE client_ref = $1 ORDER BY decision_ref", client_ref)
    return [row["decision_ref"] for row in rows]


async def plan_removals(tx: Transaction, client_ref: str) -> None:
    """Have everything removed that was or may have been handed over for this client."""
    await tx.execute(
        "INSERT INTO sms_removals (message_id)"
        " SELECT m.message_id FROM messages m JOIN decisions d ON d.decision_ref = m.decision_ref"
        " WHERE d.client_ref = $1 AND m.channel = 'sms' AND m.claimed_by IS NOT NULL ON CONFLICT DO NOTHING",
        client_ref,
    )


async def find_removals(tx: Transaction, *, limit: int) -> list[Removal]:
    """What is to be removed and cannot be handed over meanwhile: it is settled, or whoever claimed it is gone."""
    rows = await tx.fetch(
        "SELECT m.message_id, m.created_at FROM sms_removals JOIN messages m USING (message_id)"
        " WHERE m.state <> 'waiting' OR m.claimed_until < clock_timestamp() ORDER BY m.message_id LIMIT $1",
        limit,
    )
    return [Removal(row["message_id"], row["created_at"]) for row in rows]


async def set_removed(tx: Transaction, message_ids: Sequence[str]) -> list[str]:
    """They are removed; those that had been claimed and never settled are given up: which ones."""
    rows = await tx.fetch(
        "UPDATE messages SET state = 'undeliverable', problem = $2"
        " WHERE message_id = ANY ($1) AND state = 'waiting' RETURNING message_id",
        message_ids,
        KEY_ERASED,
    )
    await tx.execute("DELETE FROM sms_removals WHERE message_id = ANY ($1)", message_ids)
    return sorted(row["message_id"] for row in rows)
