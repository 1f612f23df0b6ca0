"""What this service says to the others: the event of a decision's state, and snapshots."""

from contracts import decisions as said
from contracts.values import DecisionState
from services.decisions.domain import Decision

_EVENTS: dict[DecisionState, type[said.DecisionEvent]] = {
    DecisionState.GRANTED: said.DecisionGranted,
    DecisionState.REJECTED: said.DecisionRejected,
    DecisionState.AWAITING_QUOTA: said.DecisionAwaitsQuota,
    DecisionState.WITHDRAWN: said.DecisionWithdrawn,
    DecisionState.REVOKED: said.DecisionRevoked,
    DecisionState.ANNULLED: said.DecisionAnnulled,
    DecisionState.EXPIRED: said.DecisionExpired,
    DecisionState.USED: said.DecisionUsed,
}


def decision_event(decision: Decision) -> said.DecisionEvent:
    """The event that says what the decision has become."""
    return _EVENTS[decision.state](
        version=decision.version,
        decision=said.Decision(
            decision_ref=decision.decision_ref,
            application_ref=decision.application_ref,
            client_ref=decision.client_ref,
            service=decision.service,
            contract_id=decision.contract_id,
            provider_id=decision.provider_id,
            language=decision.language,
            state=decision.state,
            applied_on=decision.applied_on,
            decided_on=decision.decided_on,
            confirm_by=decision.confirm_by,
            new_client=decision.new_client,
            provider_changed=decision.provider_changed,
            valid_to=decision.valid_to,
        ),
    )
