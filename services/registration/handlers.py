"""What registration does, one function per command: load, decide, save, emit."""

from dataclasses import asdict
from datetime import date
from typing import Any

from chassis.auth import Role
from chassis.db import Transaction
from contracts import registration as contracts
from contracts.envelope import new_event_id
from contracts.refusals import IfMatch, Refusal, expect_version
from contracts.values import Language
from services.registration import descriptions, domain, store
from services.registration.acts import Act
from services.registration.domain import Contact, Contract, Office, Provider
from services.registration.reviews.planning import plan_review
from services.registration.snapshots import contract_snapshot


async def register_provider(tx: Transaction, provider_id: str, name: str) -> Provider:
    """Register a provider under its business ID; a provider registers itself only.

    Raises:
        Forbidden: OTHER_PROVIDER.
        Refusal: PROVIDER_EXISTS.
    """
    domain.act_for(tx.principal.provider_id if tx.principal.role is Role.PROVIDER else None, provider_id)
    provider = Provider(provider_id, name)
    if not await store.add_provider(tx, provider):
        raise Refusal("PROVIDER_EXISTS")
    tx.audit(Act.REGISTER_PROVIDER, f"provider:{provider_id}", name=name)
    tx.emit(
        contracts.ProviderRegistered(
            version=provider.version, provider=contracts.Provider(provider_id=provider_id, name=name)
        )
    )
    return provider


async def register_office(
    tx: Transaction,
    provider_id: str,
    *,
    name: str,
    municipality_code: str,
    street_address: str,
    postal_address: str,
    phone: str | None,
    if_match: IfMatch | None,
) -> Office:
    """Register an office in one of today's municipalities (P3, E-48); `if_match` is the provider's version.

    Raises:
        NotFound: PROVIDER_UNKNOWN.
        Invalid: MUNICIPALITY_UNKNOWN.
        Stale: the provider has another version.
    """
    provider = await store.get_provider(tx, provider_id)
    expect_version(provider.version, if_match)
    domain.require_of_today(municipality_code)
    office = Office(str(new_event_id()), provider_id, name, municipality_code, street_address, postal_address, phone)
    await store.add_office(tx, office)
    tx.audit(Act.REGISTER_OFFICE, f"office:{office.office_id}", **_values_of(office))
    await plan_review(tx, office.office_id, tx.today)
    tx.emit(contracts.OfficeRegistered(version=office.version, office=office_snapshot(office)))
    return office


async def register_contract(
    tx: Transaction, *, provider_id: str, service: str, language: Language, valid_from: date, valid_to: date | None
) -> Contract:
    """Kela registers a contract for a provider, a service and a language; one of each kind (E-4).

    Raises:
        NotFound: PROVIDER_UNKNOWN or SERVICE_UNKNOWN.
        Invalid: VALIDITY_INVERTED.
        Refusal: SERVICE_NOT_OPEN, LANGUAGE_NOT_OFFERED or CONTRACT_EXISTS.
    """
    await store.get_provider(tx, provider_id)
    contract = domain.contract_for(
        await descriptions.find_offers(tx, service),
        contract_id=str(new_event_id()),
        provider_id=provider_id,
        service=service,
        language=language,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    if not await store.add_contract(tx, contract):
        raise Refusal("CONTRACT_EXISTS")
    tx.audit(
        Act.REGISTER_CONTRACT,
        f"contract:{contract.contract_id}",
        service=service,
        language=language,
        valid_from=valid_from.isoformat(),
        valid_to=None if valid_to is None else valid_to.isoformat(),
    )
    tx.emit(contracts.ContractRegistered(version=contract.version, contract=contract_snapshot(contract)))
    return contract


async def set_contact(tx: Transaction, contract_id: str, contact: Contact, *, if_match: IfMatch | None) -> Contract:
    """Publish a contract's contact details (R-REG-10); the same details again change nothing.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: the contract has another version.
    """
    before = await store.lock_contract(tx, contract_id)
    expect_version(before.version, if_match)
    contract = domain.with_contact(before, contact)
    if contract is before:
        return before
    await store.set_contact(tx, contract)
    tx.audit(Act.SET_CONTACT, f"contract:{contract_id}", **asdict(contact))
    tx.emit(contracts.ContactChanged(version=contract.version, contract=contract_snapshot(contract)))
    return contract


def _values_of(office: Office) -> dict[str, Any]:
    return {
        "name": office.name,
        "municipality_code": office.municipality_code,
        "street_address": office.street_address,
        "postal_address": office.postal_address,
        "phone": office.phone,
    }


def office_snapshot(office: Office) -> contracts.Office:
    """The office as others see it."""
    return contracts.Office(
        office_id=office.office_id,
        provider_id=office.provider_id,
        name=office.name,
        municipality_code=office.municipality_code,
        street_address=office.street_address,
        postal_address=office.postal_address,
        phone=office.phone,
        open=office.open,
        email=office.email,
        web=office.web,
    )
