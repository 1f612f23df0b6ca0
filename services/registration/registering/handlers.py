"""Registering an office for a service, one function per command: load, decide, save, emit."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from chassis.calendar import start_of_day
from chassis.db import Transaction
from contracts.envelope import new_event_id
from contracts.refusals import IfMatch, Refusal, expect_version
from contracts.values import Language, RegistrationState
from services.registration import descriptions
from services.registration import store as registry
from services.registration.acts import Act
from services.registration.domain import Contract
from services.registration.ending.handlers import save_end
from services.registration.handlers import register_contract
from services.registration.registering import domain, store
from services.registration.registering.domain import Composition, DecisionDelivery, Grounds, Outcome, Registration
from services.registration.registering.events import registration_changed

END_REGISTRATION = "end-registration"

_LAST_ENDS = "The last of the contract's registrations ends."


async def draft_registration(
    tx: Transaction,
    *,
    office_id: str,
    service: str,
    language: Language,
    composition: Composition,
    conditions_accepted: bool,
    decision_delivery: DecisionDelivery,
) -> Registration:
    """Begin to register an office for a service in a language; every office on its own (P3).

    Raises:
        NotFound: OFFICE_UNKNOWN or SERVICE_UNKNOWN.
        Invalid: PARTY_NAMED_TWICE.
        Refusal: LANGUAGE_NOT_OFFERED or REGISTRATION_EXISTS.
    """
    office = await registry.get_office(tx, office_id)
    domain.require_offered(await descriptions.find_offers(tx, service), language)
    domain.require_well_named(office.provider_id, composition)
    registration = Registration(
        registration_id=str(new_event_id()),
        provider_id=office.provider_id,
        office_id=office_id,
        service=service,
        language=language,
        composition=composition,
        conditions_accepted=conditions_accepted,
        decision_delivery=decision_delivery,
    )
    if not await store.add_registration(tx, registration):
        raise Refusal("REGISTRATION_EXISTS")
    tx.audit(Act.DRAFT_REGISTRATION, _subject(registration), office=office_id, service=service, language=language.value)
    return registration


async def revise_draft(
    tx: Transaction,
    registration_id: str,
    composition: Composition,
    *,
    conditions_accepted: bool,
    decision_delivery: DecisionDelivery,
    if_match: IfMatch | None,
) -> Registration:
    """Replace what a draft says; the same content again changes nothing.

    Raises:
        NotFound: REGISTRATION_UNKNOWN.
        Stale: the registration has another version.
        Invalid: PARTY_NAMED_TWICE.
        Refusal: REGISTRATION_STATE.
    """
    before = await _lock(tx, registration_id, if_match)
    revised = domain.revise(
        before, composition, conditions_accepted=conditions_accepted, decision_delivery=decision_delivery
    )
    if revised is not before:
        await store.set_registration(tx, revised)
        tx.audit(Act.REVISE_DRAFT, _subject(revised), **_named(composition))
    return revised


async def submit_registration(tx: Transaction, registration_id: str, *, if_match: IfMatch | None) -> Registration:
    """Hand a draft in to Kela, with the question about subcontracting answered (R-REG-3, R-REG-4).

    Raises:
        NotFound: REGISTRATION_UNKNOWN.
        Stale: the registration has another version.
        Refusal: REGISTRATION_STATE, CONDITIONS_NOT_ACCEPTED, SUBCONTRACTING_UNDECLARED, SUBCONTRACTORS_MISSING
            or SUBCONTRACTORS_UNEXPECTED.
    """
    submitted = await _save(tx, domain.submit(await _lock(tx, registration_id, if_match)))
    tx.audit(Act.SUBMIT_REGISTRATION, _subject(submitted), **_named(submitted.composition))
    return submitted


async def decide_registration(
    tx: Transaction, registration_id: str, grounds: Grounds, *, approved: bool, if_match: IfMatch | None
) -> Registration:
    """Kela approves or rejects a submitted registration, once, and says why (P3).

    Raises:
        NotFound: REGISTRATION_UNKNOWN.
        Stale: the registration has another version.
        Refusal: REGISTRATION_STATE.
    """
    decided = domain.decide(await _lock(tx, registration_id, if_match), approved=approved)
    outcome = Outcome.APPROVED if approved else Outcome.REJECTED
    await _save(tx, decided)
    await store.add_decision(tx, decided, outcome, grounds)
    tx.audit(Act.DECIDE_REGISTRATION, _subject(decided), outcome=outcome.value, reason=grounds.code)
    return decided


async def put_under_contract(
    tx: Transaction, registration_id: str, *, valid_from: date, valid_to: date | None, if_match: IfMatch | None
) -> Registration:
    """Kela registers the signed contract of an approved registration: the service may begin (P3).

    The provider's contract for the service and language is made with these dates, or joined as it is
    where another office has brought it about already (E-4).

    Raises:
        NotFound: REGISTRATION_UNKNOWN.
        Stale: the registration has another version.
        Invalid: VALIDITY_INVERTED.
        Refusal: REGISTRATION_STATE, SERVICE_NOT_OPEN, LANGUAGE_NOT_OFFERED or CONTRACT_ENDED.
    """
    before = await _lock(tx, registration_id, if_match)
    domain.require_state(before, RegistrationState.APPROVED)
    contract = await _contract_for(tx, before, valid_from, valid_to)
    domain.require_open_on(contract, max(valid_from, tx.today))
    registration = await _save(tx, domain.under_contract(before, contract.contract_id))
    tx.audit(Act.PUT_UNDER_CONTRACT, _subject(registration), contract=contract.contract_id)
    return registration


async def end_registration(
    tx: Transaction, registration_id: str, last_day: date, grounds: Grounds, *, if_match: IfMatch | None
) -> Registration:
    """Kela sets a registration's last day; the contract ends with the last of its registrations (E-45).

    Raises:
        NotFound: REGISTRATION_UNKNOWN.
        Stale: the registration has another version.
        Invalid: DATE_IN_PAST or VALIDITY_INVERTED.
        Refusal: REGISTRATION_STATE or REGISTRATION_ENDING.
    """
    before = await _lock(tx, registration_id, if_match)
    registration = domain.end_on(before, last_day, on=tx.today)
    await _save(tx, registration)
    await store.add_decision(tx, registration, Outcome.ENDED, grounds)
    await _end_contract_with_its_last(tx, registration)
    await tx.schedule(END_REGISTRATION, registration_id, start_of_day(last_day + timedelta(days=1)))
    tx.audit(Act.END_REGISTRATION, _subject(registration), last_day=str(last_day), reason=grounds.code)
    return registration


async def finish_registration(tx: Transaction, registration_id: str, _payload: Mapping[str, Any]) -> None:
    """The timer of the day after a registration's last day, however late it fires (E-45)."""
    before = await store.lock_registration(tx, registration_id)
    after = domain.ended(before, on=tx.today)
    if after is not before:
        await _save(tx, after)
        tx.audit(Act.FINISH_REGISTRATION, _subject(after))


async def _lock(tx: Transaction, registration_id: str, if_match: IfMatch | None) -> Registration:
    registration = await store.lock_registration(tx, registration_id)
    expect_version(registration.version, if_match)
    return registration


async def _save(tx: Transaction, registration: Registration) -> Registration:
    await store.set_registration(tx, registration)
    tx.emit(registration_changed(registration))
    return registration


async def _contract_for(
    tx: Transaction, registration: Registration, valid_from: date, valid_to: date | None
) -> Contract:
    contract = await store.lock_contract_for(tx, registration)
    if contract is not None:
        return contract
    try:
        return await register_contract(
            tx,
            provider_id=registration.provider_id,
            service=registration.service,
            language=registration.language,
            valid_from=valid_from,
            valid_to=valid_to,
        )
    except Refusal as refusal:
        # Another office's registration was put under contract meanwhile: its contract is ours as well.
        contract = await store.lock_contract_for(tx, registration) if refusal.code == "CONTRACT_EXISTS" else None
        if contract is None:
            raise
        return contract


async def _end_contract_with_its_last(tx: Transaction, registration: Registration) -> None:
    """Under the contract's lock, so that of two registrations ending at once the second sees the first."""
    if registration.contract_id is None:
        return
    contract = await registry.lock_contract(tx, registration.contract_id)
    after = domain.closed_with(contract, await store.find_last_days(tx, contract.contract_id))
    if after is not contract:
        await save_end(tx, contract, after, reason=_LAST_ENDS)


def _named(composition: Composition) -> dict[str, Any]:
    return {
        "subcontracting": composition.subcontracting,
        "subcontractors": [each.business_id for each in composition.subcontractors],
        "consortium": [each.business_id for each in composition.consortium],
    }


def _subject(registration: Registration) -> str:
    return f"registration:{registration.registration_id}"
