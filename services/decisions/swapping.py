"""A change of provider in one transaction: the old decision is revoked, the new one granted, or nothing (E-65)."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.db import Transaction
from contracts.municipalities import Municipality
from contracts.refusals import IfMatch, Refusal, expect_version
from services.decisions import domain, store
from services.decisions.acts import Act
from services.decisions.domain import Application, ClientNotice, Decision, GrantBasis, Outcome
from services.decisions.events import decision_event
from services.decisions.guardians import require_guardian
from services.decisions.handlers import count_is_full, grant, grant_basis, pending_decision
from services.decisions.quotas import slots
from services.decisions.quotas.events import count_event
from services.decisions.reasonings.catalogue import ReasoningKind, choose

_REVOKED = "REVOKE_PROVIDER_CHANGED"
_GRANTED = "GRANT_PROVIDER_CHANGED"


@dataclass(frozen=True, slots=True)
class Swap:
    """The old decision as it ended and the one the client has now."""

    revoked: Decision
    granted: Decision


async def swap_provider(
    tx: Transaction,
    decision_ref: str,
    contract_id: str,
    notice: ClientNotice,
    *,
    application_ref: str,
    if_match: IfMatch | None = None,
    valid_to: date | None = None,
    home: Municipality | None = None,
) -> Swap:
    """The client goes on with another provider of the service: both decisions change, or neither (E-65).

    `notice` is the client's answer and revokes the old decision; `application_ref` is under which Kela
    filed it, and the same swap again gets the same answer. The new decision takes a slot of its own
    contract's count and none of the quota, so that a full quota does not stop it (E-8, E-54). Its
    deadline starts anew (E-26); its validity is the old one's unless `valid_to` says another. `home` is
    where the client lives now, None where it is not told.

    Raises:
        Refusal: ALREADY_REVOKED, NOT_GRANTED, OTHER_SERVICE, SAME_PROVIDER, CONTRACT_NOT_IN_FORCE,
            ANNOUNCED_COUNT_FULL with others that have room, DECIDING_SUSPENDED, or APPLICATION_DECIDED.
        Invalid: GUARDIAN_NEEDED, NOTICE_IN_FUTURE or VALIDITY_IN_PAST.
        NotFound: DECISION_UNKNOWN or CONTRACT_UNKNOWN.
        NotYetKnown: SERVICE_DESCRIPTION_UNKNOWN.
        Stale: it changed meanwhile.
    """
    old = await store.get_decision(tx, decision_ref)
    repeated = await store.find_application(tx, application_ref)
    if repeated is not None:
        return _same_answer(old, repeated, contract_id)
    application = Application(
        application_ref=application_ref,
        client_ref=old.client_ref,
        contract_id=contract_id,
        applied_on=notice.received_on,
        outcome=Outcome.GRANTED,
        valid_to=valid_to or old.valid_to,
        municipality_code=home.code if home else None,
        area=home.area if home else old.area,
    )
    _revoked(old, notice, tx.today, if_match)
    await require_guardian(tx, old, notice.given_by)
    basis = await grant_basis(tx, application)
    granted = await _granted(tx, old, application, basis)
    count, _ = await slots.add_grant(tx, basis.contract, granted)
    # Counters before decisions, as the lock order wants it; if the old one has changed, all of this is undone.
    revoked = _revoked(await store.lock_decision(tx, decision_ref), notice, tx.today, if_match)
    await store.set_decision(tx, revoked)
    tx.audit(Act.SWAP_PROVIDER, f"decision:{decision_ref}", replaced_by=granted.decision_ref, contract_id=contract_id)
    tx.audit(Act.GRANT_DECISION, f"decision:{granted.decision_ref}", replaces=decision_ref)
    tx.emit(decision_event(revoked))
    tx.emit(decision_event(granted))
    if count.filled:
        tx.emit(count_event(count))
    return Swap(revoked, granted)


async def _granted(tx: Transaction, old: Decision, application: Application, basis: GrantBasis) -> Decision:
    domain.check_swap(old, basis.contract)
    pending = pending_decision(application, basis, choose(ReasoningKind.GRANT, _GRANTED, tx.today), tx.today)
    if basis.quota.suspended:
        raise Refusal("DECIDING_SUSPENDED")
    if basis.count is None or basis.count.full:
        raise await count_is_full(tx, basis, application, leaving=old.provider_id)
    granted = grant(pending, replace(basis, new_client=False), tx.today)
    return replace(granted, replaces=old.decision_ref)


def _revoked(decision: Decision, notice: ClientNotice, on: date, if_match: IfMatch | None) -> Decision:
    expect_version(decision.version, if_match)
    reasoning = choose(ReasoningKind.REVOCATION, _REVOKED, on)
    return domain.revoke(decision, notice, on, reasoning=reasoning, provider_changed=True)


def _same_answer(old: Decision, granted: Decision, contract_id: str) -> Swap:
    if (granted.replaces, granted.contract_id) != (old.decision_ref, contract_id):
        raise Refusal("APPLICATION_DECIDED", decision_ref=granted.decision_ref, state=granted.state)
    return Swap(old, granted)
