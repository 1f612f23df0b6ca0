"""Commands on decisions: load, decide, save, emit."""

import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Any

from chassis.db import Transaction
from contracts.identity_codes import TextKind, holds_identity_code
from contracts.keys import Purpose
from contracts.refusals import IfMatch, NotFound, NotYetKnown, Refusal, expect_version
from services.decisions import domain, identifiers, store
from services.decisions.acts import Act
from services.decisions.domain import Application, ClientNotice, Decision, GrantBasis, Outcome, Reasoning
from services.decisions.events import decision_event
from services.decisions.followup.deadlines import confirm_by
from services.decisions.guardians import require_guardian
from services.decisions.quotas import handlers as quota_handlers
from services.decisions.quotas import nearby, scoped, slots
from services.decisions.quotas import store as quotas
from services.decisions.quotas.events import count_event, status_event
from services.decisions.reasonings.catalogue import ReasoningKind, choose


async def decide(tx: Transaction, application: Application) -> Decision:
    """Grant or reject an application; the same application again gets the same answer.

    A grant takes one decision of the contract's announced count and, for a new client, one slot of
    the national quota and of every narrower one that covers the client, or waits (R-DEC-1, R-DEC-13,
    E-54, E-55).

    Raises:
        Refusal: ANNOUNCED_COUNT_FULL, CONTRACT_NOT_IN_FORCE or APPLICATION_DECIDED.
        Invalid: APPLIED_IN_FUTURE, MUNICIPALITY_NEEDED, REASONING_UNKNOWN or VALIDITY_IN_PAST.
        NotFound: CONTRACT_UNKNOWN.
        NotYetKnown: SERVICE_DESCRIPTION_UNKNOWN.
    """
    if application.outcome is Outcome.REJECTED:
        return await _reject_at_once(tx, application)
    reasoning = choose(ReasoningKind.GRANT, application.reasoning, tx.today)
    basis = await grant_basis(tx, application)
    if basis.earlier_ref is not None:
        return _same_answer(await store.get_decision(tx, basis.earlier_ref), application)
    pending = pending_decision(application, basis, reasoning, tx.today)
    if basis.count is None or basis.count.full:
        raise await count_is_full(tx, basis, application)
    domain.check_area(basis, application.area)
    if basis.must_queue(application.area):
        waiting = domain.wait_for_quota(pending)
        await store.add_decision(tx, waiting)
        await quota_handlers.plan_new_year(tx, waiting.service)
        tx.audit(Act.QUEUE_APPLICATION, _subject(waiting))
        tx.emit(decision_event(waiting))
        return waiting
    granted = grant(pending, basis, tx.today)
    count, quota = await slots.add_grant(tx, basis.contract, granted, scopes=basis.quota.scopes)
    tx.audit(Act.GRANT_DECISION, _subject(granted))
    tx.emit(decision_event(granted))
    if count.filled:
        tx.emit(count_event(count))
    if quota is not None and basis.scopes:
        await scoped.take(tx, quota, granted, basis.scopes)
    elif quota is not None and quota.full:
        tx.emit(status_event(quota))
    return granted


async def revoke_decision(
    tx: Transaction,
    ref: str,
    notice: ClientNotice,
    *,
    if_match: IfMatch | None,
    reasoning: str | None = None,
    concern_id: str | None = None,
) -> Decision:
    """Revoke a grant on the client's own notice; the slots stay used (R-DEC-16, E-7).

    `concern_id` is the concern in which the notice was given, where it was in one.

    Raises:
        Refusal: ALREADY_REVOKED or NOT_GRANTED.
        Invalid: GUARDIAN_NEEDED, NOTICE_IN_FUTURE or REASONING_UNKNOWN.
        NotFound: DECISION_UNKNOWN.
        Stale: it changed meanwhile.
    """
    why = choose(ReasoningKind.REVOCATION, reasoning, tx.today)

    def revoke(decision: Decision) -> Decision:
        return domain.revoke(decision, notice, tx.today, reasoning=why)

    in_concern = {} if concern_id is None else {"concern_id": concern_id}
    return await _change(tx, Act.REVOKE_DECISION, ref, if_match, revoke, notice, **in_concern)


async def reject_application(
    tx: Transaction, ref: str, *, if_match: IfMatch | None, reasoning: str | None = None
) -> Decision:
    """Reject on merit what waits for the quota (E-54).

    Raises:
        Refusal: NOT_WAITING.
        Invalid: REASONING_UNKNOWN.
        NotFound: DECISION_UNKNOWN.
        Stale: it changed meanwhile.
    """
    why = choose(ReasoningKind.REJECTION, reasoning, tx.today)
    return await _change(
        tx, Act.REJECT_APPLICATION, ref, if_match, lambda decision: domain.reject(decision, tx.today, why)
    )


async def withdraw_application(
    tx: Transaction, ref: str, notice: ClientNotice, *, if_match: IfMatch | None
) -> Decision:
    """The client withdraws what waits for the quota (E-54).

    Raises:
        Refusal: NOT_WAITING.
        Invalid: GUARDIAN_NEEDED or NOTICE_IN_FUTURE.
        NotFound: DECISION_UNKNOWN.
        Stale: it changed meanwhile.
    """

    def withdraw(decision: Decision) -> Decision:
        return domain.withdraw(decision, notice, tx.today)

    return await _change(tx, Act.WITHDRAW_APPLICATION, ref, if_match, withdraw, notice)


async def _change(
    tx: Transaction,
    act: Act,
    ref: str,
    if_match: IfMatch | None,
    rule: Callable[[Decision], Decision],
    notice: ClientNotice | None = None,
    **detail: Any,
) -> Decision:
    decision = await store.lock_decision(tx, ref)
    expect_version(decision.version, if_match)
    changed = rule(decision)
    if notice is not None:
        await require_guardian(tx, decision, notice.given_by)
    await store.set_decision(tx, changed)
    tx.audit(act, _subject(changed), **detail)
    tx.emit(decision_event(changed))
    return changed


async def _reject_at_once(tx: Transaction, application: Application) -> Decision:
    earlier = await store.find_application(tx, application.application_ref)
    if earlier is not None:
        return _same_answer(earlier, application)
    contract = await store.find_contract(tx, application.contract_id)
    if contract is None:
        raise NotFound("CONTRACT_UNKNOWN")
    why = choose(ReasoningKind.REJECTION, application.reasoning, tx.today)
    pending = domain.pending_decision(new_ref(), application, contract, tx.today)
    rejected = domain.reject(pending, tx.today, why)
    await store.add_decision(tx, rejected)
    tx.audit(Act.REJECT_APPLICATION, _subject(rejected))
    tx.emit(decision_event(rejected))
    return rejected


async def grant_basis(tx: Transaction, application: Application) -> GrantBasis:
    """What a grant is decided on; looked at with the counters locked where it is to be refused or to wait.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
    """
    basis = await slots.find_basis(tx, application)
    if basis is not None and not basis.has_room(application.area):
        if basis.count is None or basis.count.full:
            # A refusal looks at the client's age: nobody waits for the key store with the counters locked.
            await tx.vault.fetch_keys(Purpose.ELIGIBILITY, [application.client_ref])
        # Nobody is refused or made to wait on what may have changed: once more, with the counters locked.
        await quotas.lock_counts(tx, [application.contract_id], tx.today.year)
        await quotas.lock_quota(tx, basis.contract.service, tx.today.year)
        basis = await slots.find_basis(tx, application)
    if basis is None:
        raise NotFound("CONTRACT_UNKNOWN")
    return basis


def pending_decision(application: Application, basis: GrantBasis, reasoning: Reasoning, on: date) -> Decision:
    """The application before its grant.

    Raises:
        Refusal: CONTRACT_NOT_IN_FORCE.
        Invalid: APPLIED_IN_FUTURE or VALIDITY_IN_PAST.
    """
    domain.check_contract(basis.contract, on)
    return domain.pending_decision(new_ref(), application, basis.contract, on, reasoning=reasoning)


def grant(pending: Decision, basis: GrantBasis, on: date) -> Decision:
    """The grant of an application for which there is room.

    Raises:
        NotYetKnown: SERVICE_DESCRIPTION_UNKNOWN.
    """
    if basis.description is None:
        raise NotYetKnown("SERVICE_DESCRIPTION_UNKNOWN", service=basis.contract.service)
    deadline = confirm_by(basis.description, on)
    return domain.grant(pending, basis.description, on, confirm_by=deadline, new_client=basis.new_client)


def _same_answer(earlier: Decision, application: Application) -> Decision:
    if not earlier.answers(application):
        raise Refusal("APPLICATION_DECIDED", decision_ref=earlier.decision_ref, state=earlier.state)
    return earlier


async def count_is_full(
    tx: Transaction, basis: GrantBasis, application: Application, *, leaving: str | None = None
) -> Refusal:
    """ANNOUNCED_COUNT_FULL, with other providers that have room, the nearest first (R-DEC-2, E-5).

    `leaving` is the provider that the client has and does not go on with (E-65).
    """
    others = await nearby.find_others(tx, basis.contract, application, leaving=leaving)
    count = basis.count
    return Refusal(
        "ANNOUNCED_COUNT_FULL",
        year=tx.today.year,
        announced=count.announced if count else 0,
        used=count.used if count else 0,
        version=count.version if count else 0,
        others=[asdict(other) for other in others],
    )


def _subject(decision: Decision) -> str:
    return f"decision:{decision.decision_ref}"


def new_ref() -> str:
    """An opaque identifier for one more decision (R-DEC-19); never one that by chance reads like a person's (E-59)."""
    while True:
        ref = identifiers.decision_ref(secrets.randbits(identifiers.RANDOM_BITS))
        if not holds_identity_code(ref, TextKind.IDENTIFIER):
            return ref
