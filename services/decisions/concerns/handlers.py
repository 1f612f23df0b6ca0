"""Commands on concerns: load, decide, save. Only the client's own notice reaches the decision (R-DEC-16)."""

from datetime import date

from chassis.db import Transaction
from contracts.envelope import new_event_id
from contracts.keys import Purpose
from contracts.refusals import IfMatch, Refusal, expect_version
from services.decisions import handlers as decisions
from services.decisions import store as decided
from services.decisions.acts import Act
from services.decisions.concerns import domain, store
from services.decisions.concerns.domain import Concern, ConcernOutcome, ConcernState, Reason
from services.decisions.domain import ClientNotice, Decision, GivenBy


async def file_concern(tx: Transaction, decision_ref: str, reason: Reason, words: str) -> Concern:
    """A provider's concern about its own client's decision, which stays as it is (R-DEC-16, R-DEC-17).

    Raises:
        Refusal: CONCERN_PENDING or DECISION_NOT_IN_FORCE.
        NotFound: DECISION_UNKNOWN, also where it is another provider's.
    """
    # Words that were sealed before the client is erased, and stored after, nobody could ever read.
    await decided.lock_client(tx, (await decided.get_decision(tx, decision_ref)).client_ref)
    decision = await decided.lock_decision(tx, decision_ref)
    domain.check_in_force(decision)
    pending = await store.find_pending(tx, decision_ref)
    if pending is not None:
        raise Refusal("CONCERN_PENDING", concern_id=pending.concern_id)
    concern = Concern(
        concern_id=str(new_event_id()),
        decision_ref=decision_ref,
        client_ref=decision.client_ref,
        provider_id=decision.provider_id,
        service=decision.service,
        reason=reason,
        sealed_words=await tx.vault.seal(Purpose.CONCERNS, decision.client_ref, words.encode()),
        state=ConcernState.OPEN,
        filed_at=tx.now,
        filed_by=tx.principal.subject,
    )
    await store.add_concern(tx, concern)
    tx.audit(Act.FILE_CONCERN, f"concern:{concern.concern_id}", decision_ref=decision_ref, reason=reason)
    return concern


async def begin_discussion(
    tx: Transaction, concern_id: str, spoken_on: date, spoken_with: GivenBy, *, if_match: IfMatch | None
) -> Concern:
    """Kela speaks with the client or the guardian about the concern (R-DEC-17, E-58).

    Raises:
        Refusal: CONCERN_CLOSED or CONCERN_IN_DISCUSSION.
        Invalid: DISCUSSION_DAY_INVALID.
        NotFound: CONCERN_UNKNOWN.
        Stale: it changed meanwhile.
    """
    concern = await store.lock_concern(tx, concern_id)
    expect_version(concern.version, if_match)
    discussed = domain.discuss(concern, spoken_on, spoken_with, tx.today)
    await store.set_concern(tx, discussed)
    tx.audit(Act.BEGIN_DISCUSSION, f"concern:{concern_id}")
    return discussed


async def close_concern(
    tx: Transaction, concern_id: str, outcome: ConcernOutcome, notice: ClientNotice | None, *, if_match: IfMatch | None
) -> tuple[Concern, Decision]:
    """End a concern; where the client gives notice, the decision is revoked in the same transaction (E-57).

    The decision is answered as it is now.

    Raises:
        Refusal: CONCERN_CLOSED, CONCERN_NOT_DISCUSSED, DECISION_NOT_IN_FORCE, or as a revocation.
        Invalid: CLIENT_NOTICE_REQUIRED or CLIENT_NOTICE_NOT_USED, or as a revocation.
        NotFound: CONCERN_UNKNOWN.
        Stale: it changed meanwhile.
    """
    used = domain.required_notice(outcome, notice)
    decision_ref = (await store.get_concern(tx, concern_id)).decision_ref
    decision = await decided.lock_decision(tx, decision_ref)
    concern = await store.lock_concern(tx, concern_id)
    expect_version(concern.version, if_match)
    closed = domain.close(concern, outcome, tx.principal.subject, tx.today)
    if outcome is ConcernOutcome.CONTINUE:
        domain.check_in_force(decision)
    if used is not None:
        decision = await decisions.revoke_decision(tx, decision_ref, used, if_match=None, concern_id=concern_id)
    await store.set_concern(tx, closed)
    tx.audit(Act.CLOSE_CONCERN, f"concern:{concern_id}", outcome=outcome)
    return closed, decision
