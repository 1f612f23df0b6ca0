"""The SQL of contracts' last days. Written under the contract's row lock only (`registration/store.py`)."""

from collections.abc import Sequence
from datetime import date

from chassis.db import Transaction
from services.registration.domain import Contract


async def set_end(tx: Transaction, contract: Contract, *, before: date | None, reason: str) -> int:
    """Store the contract's last day and version, and the change with its reason; the change's number."""
    await tx.execute(
        "UPDATE contracts SET valid_to = $2, version = $3 WHERE contract_id = $1",
        contract.contract_id,
        contract.valid_to,
        contract.version,
    )
    revision: int = await tx.fetchval(
        "INSERT INTO contract_ends"
        " (contract_id, provider_id, revision, valid_to, valid_to_before, reason, set_at, set_by)"
        " SELECT $1, $2, coalesce(max(revision), 0) + 1, $3, $4, $5, $6, $7"
        " FROM contract_ends WHERE contract_id = $1 RETURNING revision",
        contract.contract_id,
        contract.provider_id,
        contract.valid_to,
        before,
        reason,
        tx.now,
        tx.principal.subject,
    )
    return revision


async def find_reasons(tx: Transaction, contract_id: str, revisions: Sequence[int]) -> dict[int, str]:
    """Why the last day was changed, by the change's number."""
    rows = await tx.fetch(
        "SELECT revision, reason FROM contract_ends WHERE contract_id = $1 AND revision = ANY ($2)",
        contract_id,
        list(revisions),
    )
    return {row["revision"]: row["reason"] for row in rows}
