"""The SQL of decisions and client contacts.

Lock order of the whole service, never the other way round:

0. the client (`lock_client`), whose data and keys a transaction writes or erases,
1. `timers` (plan a release before locking what it will lock),
2. `contracts`, 3. `announced_counts` by contract, 4. `quotas` by year, each before
its `scoped_quotas`, 5. `suspensions`, 6. `first_grants`, 7. `decisions` by number, 8. `settlements` by
number, 9. `settlement_lines`, 10. `payments`, 11. `follow_ups`, `concerns`.

A grant updates 3 and 4 in one statement, adds to 6 or holds on to what is there, and adds to 7; a change
of one decision takes 7 only. Grants that share a transaction lock all their counts before the first of them,
and come by service, so that quotas are locked in the order of service and year.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import asyncpg

from chassis.db import Transaction
from contracts.refusals import IfMatch, NotFound, expect_version
from contracts.values import DecisionState, Language
from services.decisions.domain import (
    AnnulmentReason,
    ClientNotice,
    Contract,
    Decision,
    GivenBy,
    NoticeChannel,
    Reasoning,
)

Sealed = Literal["contacts", "eligibility"]
"""What is known of clients, each in a table of its own."""

_ADD_DECISION = """
INSERT INTO decisions (
    decision_ref, application_ref, client_ref, service, contract_id, provider_id, language, state, applied_on,
    decided_on, version, valid_to, reasoning_code, reasoning_version, area
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING RETURNING number
"""

_WRITE_SEALED = """
INSERT INTO client_{} AS ours (client_ref, sealed, version) VALUES ($1, $2, 1)
ON CONFLICT (client_ref) DO UPDATE SET sealed = excluded.sealed, version = ours.version + 1 RETURNING version
"""


_ERASE_SEALED = """
UPDATE client_{} SET sealed = NULL, version = version + 1 WHERE client_ref = $1 AND sealed IS NOT NULL
RETURNING version
"""


class RaceLost(asyncpg.SerializationError):
    """Somebody else changed what this transaction had read; it is run again from the start."""


async def add_decision(tx: Transaction, decision: Decision) -> None:
    """Add a rejection or a waiting application.

    Raises:
        RaceLost: the application was decided meanwhile.
    """
    number = await tx.fetchval(
        _ADD_DECISION,
        decision.decision_ref,
        decision.application_ref,
        decision.client_ref,
        decision.service,
        decision.contract_id,
        decision.provider_id,
        decision.language,
        decision.state,
        decision.applied_on,
        decision.decided_on,
        decision.version,
        decision.valid_to,
        decision.reasoning and decision.reasoning.code,
        decision.reasoning and decision.reasoning.version,
        decision.area,
    )
    if number is None:
        raise RaceLost("the application was decided meanwhile")


async def find_contract(tx: Transaction, contract_id: str) -> Contract | None:
    """Our copy of a contract."""
    row = await tx.fetchrow("SELECT * FROM contracts WHERE contract_id = $1", contract_id)
    return None if row is None else as_contract(row)


async def is_family_course(tx: Transaction, service: str, on: date) -> bool:
    """Whether the service's description in force on a day is of a family course (E-58)."""
    return bool(
        await tx.fetchval(
            "SELECT family_course FROM service_descriptions"
            " WHERE service = $1 AND valid_from <= $2 AND (valid_to IS NULL OR valid_to >= $2)"
            " ORDER BY valid_from DESC, description_version DESC LIMIT 1",
            service,
            on,
        )
    )


async def find_application(tx: Transaction, application_ref: str) -> Decision | None:
    """The decision on an application, whatever its state; one that was annulled answers nothing."""
    row = await tx.fetchrow(
        "SELECT * FROM decisions WHERE application_ref = $1 AND state <> 'annulled'", application_ref
    )
    return None if row is None else as_decision(row)


async def get_decision(tx: Transaction, decision_ref: str) -> Decision:
    """A decision.

    Raises:
        NotFound: DECISION_UNKNOWN, also where it is another provider's.
    """
    return await _one(tx, "SELECT * FROM decisions WHERE decision_ref = $1", decision_ref)


async def lock_decision(tx: Transaction, decision_ref: str) -> Decision:
    """A decision, its row locked.

    Raises:
        NotFound: DECISION_UNKNOWN.
    """
    return await _one(tx, "SELECT * FROM decisions WHERE decision_ref = $1 FOR NO KEY UPDATE", decision_ref)


async def _one(tx: Transaction, sql: str, decision_ref: str) -> Decision:
    row = await tx.fetchrow(sql, decision_ref)
    if row is None:
        raise NotFound("DECISION_UNKNOWN")
    return as_decision(row)


async def lock_decisions(tx: Transaction, decision_refs: Sequence[str]) -> list[Decision]:
    """Decisions in the order of arrival, their rows locked."""
    rows = await tx.fetch(
        "SELECT * FROM decisions WHERE decision_ref = ANY ($1) ORDER BY number FOR NO KEY UPDATE", list(decision_refs)
    )
    return [as_decision(row) for row in rows]


async def set_decision(tx: Transaction, decision: Decision) -> None:
    """Store what may change of a locked decision."""
    notice, reasoning, revoked_for = decision.notice, decision.reasoning, decision.revocation_reasoning
    await tx.execute(
        "UPDATE decisions SET state = $2, version = $3, decided_on = $4, confirm_by = $5, description_version = $6,"
        " new_client = $7, notice_received_on = $8, notice_channel = $9, notice_given_by = $10, valid_to = $11,"
        " annulment_reason = $12, provider_changed = $13, replaces = $14, reasoning_code = $15,"
        " reasoning_version = $16, revocation_reasoning_code = $17, revocation_reasoning_version = $18"
        " WHERE decision_ref = $1",
        decision.decision_ref,
        decision.state,
        decision.version,
        decision.decided_on,
        decision.confirm_by,
        decision.description_version,
        decision.new_client,
        notice and notice.received_on,
        notice and notice.channel,
        notice and notice.given_by,
        decision.valid_to,
        decision.annulment_reason,
        decision.provider_changed,
        decision.replaces,
        reasoning and reasoning.code,
        reasoning and reasoning.version,
        revoked_for and revoked_for.code,
        revoked_for and revoked_for.version,
    )


async def find_decisions(
    tx: Transaction,
    *,
    contract_id: str | None,
    service: str | None,
    state: DecisionState | None,
    after: str | None,
    limit: int,
) -> list[Decision]:
    """Decisions in the order of arrival, behind the decision `after`; what the caller may see of them.

    Raises:
        NotFound: DECISION_UNKNOWN, there is no decision `after`: behind it there would never be anything.
    """
    rows = await tx.fetch(
        "SELECT * FROM decisions"
        " WHERE ($1::text IS NULL OR number > (SELECT number FROM decisions WHERE decision_ref = $1))"
        " AND ($2::text IS NULL OR contract_id = $2)"
        " AND ($3::text IS NULL OR service = $3) AND ($4::text IS NULL OR state = $4) ORDER BY number LIMIT $5",
        after,
        contract_id,
        service,
        state,
        limit,
    )
    if after is not None and not rows:
        await get_decision(tx, after)
    return [as_decision(row) for row in rows]


async def lock_client(tx: Transaction, client_ref: str) -> None:
    """Let nobody else write or erase a client's data and keys until this transaction ends; there may be no row yet."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('rekku client ' || $1, 0))", client_ref)


async def erase_sealed(tx: Transaction, what: Sealed, client_ref: str) -> int | None:
    """Keep nothing of a client but the version, which is a new one; None where nothing was kept."""
    version: int | None = await tx.fetchval(_ERASE_SEALED.format(what), client_ref)
    return version


async def set_sealed(tx: Transaction, what: Sealed, client_ref: str, sealed: str, *, if_match: IfMatch | None) -> int:
    """Store what is known of a client, sealed; its new version.

    Raises:
        Stale: it changed meanwhile.
    """
    version = await write_sealed(tx, what, client_ref, sealed)
    # Looked at after the write: before it, two who write first have no row to wait for.
    expect_version(version - 1, if_match)
    return version


async def write_sealed(tx: Transaction, what: Sealed, client_ref: str, sealed: str) -> int:
    """Store what is known of a client, whatever was; its new version."""
    return int(await tx.fetchval(_WRITE_SEALED.format(what), client_ref, sealed))


async def plan_first(tx: Transaction, kind: str, due_at: datetime) -> None:
    """A timer that plans itself, where there is none; one that is due already stays due."""
    await tx.execute(
        "INSERT INTO timers (kind, key, due_at, payload) VALUES ($1, '', $2, $3) ON CONFLICT DO NOTHING",
        kind,
        due_at,
        {},
    )


def as_decision(row: asyncpg.Record) -> Decision:
    """A row of `decisions`."""
    notice = None
    if row["notice_received_on"] is not None:
        given_by = GivenBy(row["notice_given_by"] or GivenBy.CLIENT)
        notice = ClientNotice(row["notice_received_on"], NoticeChannel(row["notice_channel"]), given_by)
    return Decision(
        decision_ref=row["decision_ref"],
        application_ref=row["application_ref"],
        client_ref=row["client_ref"],
        service=row["service"],
        contract_id=row["contract_id"],
        provider_id=row["provider_id"],
        language=Language(row["language"]),
        state=DecisionState(row["state"]),
        applied_on=row["applied_on"],
        decided_on=row["decided_on"],
        confirm_by=row["confirm_by"],
        description_version=row["description_version"],
        new_client=row["new_client"],
        valid_to=row["valid_to"],
        notice=notice,
        annulment_reason=row["annulment_reason"] and AnnulmentReason(row["annulment_reason"]),
        provider_changed=row["provider_changed"],
        replaces=row["replaces"],
        reasoning=_reasoning(row["reasoning_code"], row["reasoning_version"]),
        revocation_reasoning=_reasoning(row["revocation_reasoning_code"], row["revocation_reasoning_version"]),
        version=row["version"],
        number=row["number"],
        area=row["area"],
    )


def _reasoning(code: str | None, version: int | None) -> Reasoning | None:
    return None if code is None or version is None else Reasoning(code, version)


def as_contract(row: asyncpg.Record) -> Contract:
    """A row of `contracts`."""
    return Contract(
        contract_id=row["contract_id"],
        provider_id=row["provider_id"],
        service=row["service"],
        language=Language(row["language"]),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
    )
