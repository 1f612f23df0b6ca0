"""What registration does, one function per command: load, decide, save, emit."""

from datetime import date

from chassis.auth import Role
from chassis.db import Transaction
from contracts import registration as contracts
from contracts.envelope import new_event_id
from contracts.refusals import Refusal
from contracts.values import Language
from services.registration import descriptions, domain, municipalities, store
from services.registration.domain import Contact, Contract, Office, Provider
from services.registration.reviews.planning import plan_review


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
    if_match: int | None,
) -> Office:
    """Register an office in one of today's municipalities (P3, E-48); `if_match` is the provider's version.

    Raises:
        NotFound: PROVIDER_UNKNOWN.
        Invalid: MUNICIPALITY_UNKNOWN.
        Stale: the provider has another version.
    """
    provider = await store.get_provider(tx, provider_id)
    domain.expect_version(provider.version, if_match)
    municipality = domain.locate(municipalities.registry(), municipality_code)
    office = Office(str(new_event_id()), provider_id, name, municipality.code, street_address, postal_address, phone)
    await store.add_office(tx, office)
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
    tx.emit(contracts.ContractRegistered(version=contract.version, contract=_contract_snapshot(contract)))
    return contract


async def set_contact(tx: Transaction, contract_id: str, contact: Contact, *, if_match: int | None) -> Contract:
    """Publish a contract's contact details (R-REG-10); the same details again change nothing.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: the contract has another version.
    """
    before = await store.lock_contract(tx, contract_id)
    domain.expect_version(before.version, if_match)
    contract = domain.with_contact(before, contact)
    if contract is before:
        return before
    await store.set_contact(tx, contract)
    tx.emit(contracts.ContactChanged(version=contract.version, contract=_contract_snapshot(contract)))
    return contract


async def announce_count(tx: Transaction, contract_id: str, year: int, count: int, *, if_match: int | None) -> Contract:
    """Announce a year's count of new clients, or raise it (R-REG-8, R-REG-9); the same count again changes nothing.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: the contract has another version.
        Refusal: YEAR_NOT_OPEN, CONTRACT_NOT_IN_FORCE, WINDOW_CLOSED or COUNT_ONLY_RAISED.
    """
    before = await store.lock_contract(tx, contract_id)
    domain.expect_version(before.version, if_match)
    contract = domain.announce(before, year, count, on=tx.today)
    if contract is before:
        return before
    raised_from = before.counts.get(year)
    await store.add_announced_count(tx, contract, year, raised_from)
    tx.audit("announce_count", f"contract:{contract_id}", year=year, count=count, raised_from=raised_from)
    tx.emit(
        contracts.AnnouncedCountChanged(
            version=contract.version, contract=_contract_snapshot(contract), year=year, count=count
        )
    )
    return contract


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
    )


def _contract_snapshot(contract: Contract) -> contracts.Contract:
    contact = contract.contact
    return contracts.Contract(
        contract_id=contract.contract_id,
        provider_id=contract.provider_id,
        service=contract.service,
        language=contract.language,
        valid_from=contract.valid_from,
        valid_to=contract.valid_to,
        contact=None
        if contact is None
        else contracts.Contact(email=contact.email, phone=contact.phone, web=contact.web),
        announced_counts=tuple(
            contracts.AnnouncedCount(year=year, count=count) for year, count in sorted(contract.counts.items())
        ),
    )
