"""The SQL of registrations. The lock order stands in `registration/store.py`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import asyncpg

from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.values import Language, RegistrationState
from services.registration import store
from services.registration.domain import Contract
from services.registration.registering.domain import (
    Composition,
    ConsortiumMember,
    DecisionDelivery,
    Grounds,
    Outcome,
    Registration,
    Subcontractor,
)

_REGISTRATIONS = (
    "SELECT registration_id, provider_id, office_id, service, language, state, subcontracting, subcontractors,"
    " consortium, conditions_accepted, decision_delivery, contract_id, ends_on, version FROM registrations "
)


@dataclass(frozen=True)
class Decided:
    """One decision about a registration, as it was given."""

    outcome: Outcome
    grounds: Grounds
    decided_at: datetime


@dataclass(frozen=True)
class Undeclared:
    """A contract in force under which nobody has said whether there is subcontracting."""

    contract_id: str
    provider_id: str
    service: str
    language: Language


async def add_registration(tx: Transaction, registration: Registration) -> bool:
    """Add a draft; False where the office has an open registration for the service and language already."""
    added = await tx.fetchval(
        "INSERT INTO registrations (registration_id, provider_id, office_id, service, language, state, subcontracting,"
        " subcontractors, consortium, conditions_accepted, decision_delivery, version, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " ON CONFLICT (office_id, service, language) WHERE state NOT IN ('rejected', 'ended') DO NOTHING"
        " RETURNING true",
        registration.registration_id,
        registration.provider_id,
        registration.office_id,
        registration.service,
        registration.language,
        registration.state,
        *_composition_columns(registration.composition),
        registration.conditions_accepted,
        registration.decision_delivery,
        registration.version,
        tx.now,
    )
    return added is not None


async def get_registration(tx: Transaction, registration_id: str) -> Registration:
    """The registration, if the caller may see it.

    Raises:
        NotFound: REGISTRATION_UNKNOWN.
    """
    return await _registration(tx, registration_id, "")


async def lock_registration(tx: Transaction, registration_id: str) -> Registration:
    """The same, held against other writers until the transaction ends.

    Raises:
        NotFound: REGISTRATION_UNKNOWN.
    """
    return await _registration(tx, registration_id, " FOR UPDATE")


async def find_registrations(
    tx: Transaction,
    *,
    provider_id: str | None,
    state: RegistrationState | None,
    service: str | None,
    after: str,
    limit: int,
) -> list[Registration]:
    """Registrations in the order they were drafted, from the one after `after`."""
    rows = await tx.fetch(
        _REGISTRATIONS + "WHERE ($1::text IS NULL OR provider_id = $1) AND ($2::text IS NULL OR state = $2)"
        " AND ($3::text IS NULL OR service = $3) AND registration_id > $4 ORDER BY registration_id LIMIT $5",
        provider_id,
        state,
        service,
        after,
        limit,
    )
    return [_registration_of(row) for row in rows]


async def set_registration(tx: Transaction, registration: Registration) -> None:
    """Store what has changed of a locked registration."""
    await tx.execute(
        "UPDATE registrations SET state = $2, subcontracting = $3, subcontractors = $4, consortium = $5,"
        " conditions_accepted = $6, decision_delivery = $7, contract_id = $8, ends_on = $9, version = $10"
        " WHERE registration_id = $1",
        registration.registration_id,
        registration.state,
        *_composition_columns(registration.composition),
        registration.conditions_accepted,
        registration.decision_delivery,
        registration.contract_id,
        registration.ends_on,
        registration.version,
    )


async def add_decision(tx: Transaction, registration: Registration, outcome: Outcome, grounds: Grounds) -> None:
    """Keep what was decided and why; a registration is approved or rejected once, and ended once."""
    await tx.execute(
        "INSERT INTO registration_decisions"
        " (registration_id, provider_id, outcome, reason_code, reason_text, decided_at, decided_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        registration.registration_id,
        registration.provider_id,
        outcome,
        grounds.code,
        grounds.text,
        tx.now,
        tx.principal.subject,
    )


async def find_decisions(tx: Transaction, registration_id: str) -> list[Decided]:
    """What was decided about a registration, oldest first."""
    rows = await tx.fetch(
        "SELECT outcome, reason_code, reason_text, decided_at FROM registration_decisions"
        " WHERE registration_id = $1 ORDER BY decided_at, outcome",
        registration_id,
    )
    return [
        Decided(Outcome(row["outcome"]), Grounds(row["reason_code"], row["reason_text"]), row["decided_at"])
        for row in rows
    ]


async def lock_contract_for(tx: Transaction, registration: Registration) -> Contract | None:
    """The provider's contract for the service and language, locked; None where it has none (E-4)."""
    contract_id = await tx.fetchval(
        "SELECT contract_id FROM contracts WHERE provider_id = $1 AND service = $2 AND language = $3",
        registration.provider_id,
        registration.service,
        registration.language,
    )
    return None if contract_id is None else await store.lock_contract(tx, contract_id)


async def find_last_days(tx: Transaction, contract_id: str) -> list[date | None]:
    """The last day of every registration under a contract that has not ended; None where it has no last day."""
    rows = await tx.fetch(
        "SELECT ends_on FROM registrations WHERE contract_id = $1 AND state = 'contract_registered'", contract_id
    )
    return [row["ends_on"] for row in rows]


async def find_undeclared(
    tx: Transaction, *, provider_id: str | None, on: date, after: str, limit: int
) -> list[Undeclared]:
    """Contracts in force without a registration that answers the question about subcontracting (R-REG-3)."""
    rows = await tx.fetch(
        "SELECT contract_id, provider_id, service, language FROM contracts c"
        " WHERE ($1::text IS NULL OR provider_id = $1) AND (valid_to IS NULL OR valid_to >= $2) AND contract_id > $3"
        " AND NOT EXISTS (SELECT FROM registrations r WHERE r.provider_id = c.provider_id AND r.service = c.service"
        " AND r.language = c.language AND r.state IN ('submitted', 'approved', 'contract_registered'))"
        " ORDER BY contract_id LIMIT $4",
        provider_id,
        on,
        after,
        limit,
    )
    return [Undeclared(**{**row, "language": Language(row["language"])}) for row in rows]


async def _registration(tx: Transaction, registration_id: str, lock: str) -> Registration:
    row = await tx.fetchrow(_REGISTRATIONS + "WHERE registration_id = $1" + lock, registration_id)
    if row is None:
        raise NotFound("REGISTRATION_UNKNOWN")
    return _registration_of(row)


def _composition_columns(composition: Composition) -> Sequence[Any]:
    return (
        composition.subcontracting,
        [asdict(each) for each in composition.subcontractors],
        [asdict(each) for each in composition.consortium],
    )


def _registration_of(row: asyncpg.Record) -> Registration:
    return Registration(
        registration_id=row["registration_id"],
        provider_id=row["provider_id"],
        office_id=row["office_id"],
        service=row["service"],
        language=Language(row["language"]),
        composition=Composition(
            row["subcontracting"],
            tuple(Subcontractor(**each) for each in row["subcontractors"]),
            tuple(ConsortiumMember(**each) for each in row["consortium"]),
        ),
        conditions_accepted=row["conditions_accepted"],
        decision_delivery=DecisionDelivery(row["decision_delivery"]),
        state=RegistrationState(row["state"]),
        contract_id=row["contract_id"],
        ends_on=row["ends_on"],
        version=row["version"],
    )
