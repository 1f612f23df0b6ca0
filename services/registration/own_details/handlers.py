"""What a provider changes alone and at once (P2), one function per command: load, decide, save, emit."""

from dataclasses import asdict

from chassis.db import Transaction
from contracts.refusals import IfMatch, expect_version
from contracts.registration import OfficeChanged
from services.registration import store as registry
from services.registration.acts import Act
from services.registration.domain import Office
from services.registration.handlers import office_snapshot
from services.registration.own_details import domain, store
from services.registration.own_details.domain import Administration, Biller, OfficeContact, Responsible


async def set_office_contact(
    tx: Transaction, office_id: str, contact: OfficeContact, *, if_match: IfMatch | None
) -> Office:
    """Change how an office is reached; the same details again change nothing.

    Raises:
        NotFound: OFFICE_UNKNOWN.
        Stale: the office has another version.
    """
    before = await store.lock_office(tx, office_id)
    expect_version(before.version, if_match)
    office = domain.with_office_contact(before, contact)
    if office is not before:
        await store.set_office(tx, office)
        tx.audit(Act.SET_OFFICE_CONTACT, f"office:{office_id}", **asdict(contact))
        tx.emit(OfficeChanged(version=office.version, office=office_snapshot(office)))
    return office


async def get_administration(tx: Transaction, contract_id: str) -> Administration:
    """Who answers for a contract and who invoices under it.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
    """
    return await store.get_administration(tx, await registry.get_contract(tx, contract_id))


async def set_responsible(
    tx: Transaction, contract_id: str, responsible: Responsible, *, if_match: IfMatch | None
) -> Administration:
    """Say who answers for the contract, and in which language Kela writes to them.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: the administration has another version.
    """
    before = await _lock(tx, contract_id, if_match)
    after = domain.with_responsible(before, responsible)
    if after is not before:
        await store.set_administration(tx, after)
        tx.audit(Act.SET_RESPONSIBLE, f"contract:{contract_id}", contact_language=responsible.contact_language.value)
    return after


async def set_biller(tx: Transaction, contract_id: str, biller: Biller, *, if_match: IfMatch | None) -> Administration:
    """Say who invoices from a day on, today at the earliest: with the next invoice.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: the administration has another version.
        Invalid: DATE_IN_PAST.
    """
    before = await _lock(tx, contract_id, if_match)
    after = domain.with_biller(before, biller, today=tx.today)
    if after is not before:
        await store.set_administration(tx, after)
        await store.set_biller(tx, after, biller)
        tx.audit(
            Act.SET_BILLER, f"contract:{contract_id}", business_id=biller.business_id, since=str(biller.effective_from)
        )
    return after


async def _lock(tx: Transaction, contract_id: str, if_match: IfMatch | None) -> Administration:
    """Under the contract's lock, so that two changes at once are made one after the other."""
    administration = await store.get_administration(tx, await registry.lock_contract(tx, contract_id))
    expect_version(administration.version, if_match)
    return administration
