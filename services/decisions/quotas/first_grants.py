"""Whose grant made a client a new client of a service (E-8), and who it is when that grant is annulled."""

from chassis.db import Transaction
from services.decisions.domain import Decision
from services.decisions.store import as_decision


async def lock(tx: Transaction, decision: Decision) -> None:
    """Hold on to what made the decision's client a new one: no grant counts on it meanwhile."""
    await tx.execute(
        "SELECT FROM first_grants WHERE client_ref = $1 AND service = $2 FOR UPDATE",
        decision.client_ref,
        decision.service,
    )


async def find_heir(tx: Transaction, first: Decision) -> Decision | None:
    """The client's next grant after the first one, whatever became of it but an annulment.

    None where there is none, or `first` was not the first grant.
    """
    if not first.new_client:
        return None
    row = await tx.fetchrow(
        "SELECT * FROM decisions WHERE client_ref = $1 AND service = $2 AND decision_ref <> $3"
        " AND state IN ('granted', 'revoked', 'expired', 'used') ORDER BY decided_on, number LIMIT 1",
        first.client_ref,
        first.service,
        first.decision_ref,
    )
    return None if row is None else as_decision(row)


async def hand_on(tx: Transaction, annulled: Decision, heir: Decision | None) -> None:
    """The client is new by `heir` from now on, or has never been granted where there is none."""
    if heir is None:
        await tx.execute(
            "DELETE FROM first_grants WHERE client_ref = $1 AND service = $2", annulled.client_ref, annulled.service
        )
        return
    await tx.execute(
        "UPDATE first_grants SET decision_ref = $3, provider_id = $4, granted_on = $5"
        " WHERE client_ref = $1 AND service = $2",
        annulled.client_ref,
        annulled.service,
        heir.decision_ref,
        heir.provider_id,
        heir.decided_on,
    )
