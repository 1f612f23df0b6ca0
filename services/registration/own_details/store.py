"""The SQL of details that a provider changes alone. The lock order stands in `registration/store.py`."""

from dataclasses import astuple

from chassis.db import Transaction
from contracts.values import Language
from services.registration import store
from services.registration.domain import Contract, Office
from services.registration.own_details.domain import Administration, Biller, Responsible


async def lock_office(tx: Transaction, office_id: str) -> Office:
    """The office, held against other writers until the transaction ends.

    Raises:
        NotFound: OFFICE_UNKNOWN.
    """
    await tx.execute("SELECT FROM offices WHERE office_id = $1 FOR UPDATE", office_id)
    return await store.get_office(tx, office_id)


async def set_office(tx: Transaction, office: Office) -> None:
    """Store what has changed of a locked office."""
    await tx.execute(
        "UPDATE offices SET municipality_code = $2, street_address = $3, postal_address = $4, phone = $5, email = $6,"
        " web = $7, version = $8 WHERE office_id = $1",
        office.office_id,
        office.municipality_code,
        office.street_address,
        office.postal_address,
        office.phone,
        office.email,
        office.web,
        office.version,
    )


async def get_administration(tx: Transaction, contract: Contract) -> Administration:
    """What is kept of a contract besides its public facts; version 0 before anything was."""
    row = await tx.fetchrow(
        "SELECT contact_language, responsible_email, responsible_phone, version FROM contract_administration"
        " WHERE contract_id = $1",
        contract.contract_id,
    )
    billers = await tx.fetch(
        "SELECT name, business_id, effective_from FROM billers WHERE contract_id = $1 ORDER BY effective_from",
        contract.contract_id,
    )
    responsible = None
    if row is not None and row["responsible_email"] is not None:
        language = Language(row["contact_language"])
        responsible = Responsible(language, row["responsible_email"], row["responsible_phone"])
    return Administration(
        contract.contract_id,
        contract.provider_id,
        responsible,
        tuple(Biller(**each) for each in billers),
        0 if row is None else row["version"],
    )


async def set_administration(tx: Transaction, administration: Administration) -> None:
    """Store the administration of a locked contract."""
    responsible = administration.responsible
    await tx.execute(
        "INSERT INTO contract_administration"
        " (contract_id, provider_id, contact_language, responsible_email, responsible_phone, version)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (contract_id) DO UPDATE"
        " SET contact_language = excluded.contact_language, responsible_email = excluded.responsible_email,"
        " responsible_phone = excluded.responsible_phone, version = excluded.version",
        administration.contract_id,
        administration.provider_id,
        responsible and responsible.contact_language,
        responsible and responsible.email,
        responsible and responsible.phone,
        administration.version,
    )


async def set_biller(tx: Transaction, administration: Administration, biller: Biller) -> None:
    """Store who invoices from a day on, under the contract's lock."""
    await tx.execute(
        "INSERT INTO billers (contract_id, provider_id, name, business_id, effective_from) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (contract_id, effective_from) DO UPDATE"
        " SET name = excluded.name, business_id = excluded.business_id",
        administration.contract_id,
        administration.provider_id,
        *astuple(biller),
    )
