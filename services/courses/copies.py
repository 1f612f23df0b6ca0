"""Our copies of what other services own. A newer version wins, whatever the order of arrival (E-19)."""

# ruff: noqa: S608 - only names of this package are put into SQL text; values are bound parameters

from datetime import date
from typing import Any

from asyncpg import Record

from chassis.db import Transaction
from contracts.decisions import Decision as DecisionSnapshot
from contracts.registration import Contract as ContractSnapshot
from contracts.registration import Office as OfficeSnapshot
from contracts.registration import ServiceDescription
from contracts.values import DecisionState, Language
from services.courses.creation import AgeGroup, Description, PlannedPeriod
from services.courses.domain import Contract, Office, Terms
from services.courses.pins import Decision

_DECISION = """
    decision_ref, version, provider_id, service, state, confirm_by, pinned_to, pin_version, provider_changed,
    (SELECT course_number FROM courses WHERE course_id = pinned_to) AS pinned_to_number
"""


async def merge_contract(tx: Transaction, snapshot: ContractSnapshot, version: int) -> bool:
    """Take the snapshot unless ours is as new; with it the announced counts of its place ledgers.

    The contract's row stays locked. True where the snapshot was newer.
    """
    newer = await tx.fetchval(
        "INSERT INTO contracts AS ours (contract_id, version, provider_id, service, language, valid_from, valid_to,"
        " contact_email, contact_phone, contact_web) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (contract_id) DO UPDATE SET version = excluded.version, valid_from = excluded.valid_from,"
        " valid_to = excluded.valid_to, contact_email = excluded.contact_email,"
        " contact_phone = excluded.contact_phone, contact_web = excluded.contact_web"
        " WHERE ours.version < excluded.version RETURNING true",
        snapshot.contract_id,
        version,
        snapshot.provider_id,
        snapshot.service,
        snapshot.language,
        snapshot.valid_from,
        snapshot.valid_to,
        snapshot.contact and snapshot.contact.email,
        snapshot.contact and snapshot.contact.phone,
        snapshot.contact and snapshot.contact.web,
    )
    if newer and snapshot.announced_counts:
        await tx.execute(
            "INSERT INTO place_ledgers (contract_id, provider_id, year, announced)"
            " SELECT $1, $2, counts.year, counts.count "
            " FROM unnest($3::integer[], $4::integer[]) AS counts (year, count) ORDER BY counts.year"
            " ON CONFLICT (contract_id, year) DO UPDATE SET announced = excluded.announced",
            snapshot.contract_id,
            snapshot.provider_id,
            [announced.year for announced in snapshot.announced_counts],
            [announced.count for announced in snapshot.announced_counts],
        )
    return bool(newer)


async def merge_office(tx: Transaction, snapshot: OfficeSnapshot, version: int) -> None:
    """Take the snapshot unless ours is as new."""
    await tx.execute(
        "INSERT INTO offices AS ours (office_id, version, provider_id, open) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (office_id) DO UPDATE SET version = excluded.version, open = excluded.open"
        " WHERE ours.version < excluded.version",
        snapshot.office_id,
        version,
        snapshot.provider_id,
        snapshot.open,
    )


async def merge_descriptions(
    tx: Transaction, service: str, descriptions: tuple[ServiceDescription, ...], version: int
) -> None:
    """Take all versions of a service's description unless ours are as new."""
    await tx.execute(
        "INSERT INTO service_descriptions AS ours (service, version, descriptions) VALUES ($1, $2, $3)"
        " ON CONFLICT (service) DO UPDATE SET version = excluded.version, descriptions = excluded.descriptions"
        " WHERE ours.version < excluded.version",
        service,
        version,
        [description.model_dump(mode="json") for description in descriptions],
    )


async def merge_decision(tx: Transaction, snapshot: DecisionSnapshot, version: int) -> Decision:
    """What our copy says after the snapshot: the newer of the two, its row locked."""
    row = await tx.fetchrow(
        "INSERT INTO decisions AS ours"
        " (decision_ref, version, provider_id, service, state, confirm_by, client_ref, provider_changed)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (decision_ref) DO UPDATE SET version = excluded.version, state = excluded.state,"
        " confirm_by = excluded.confirm_by, client_ref = excluded.client_ref,"
        " provider_changed = excluded.provider_changed WHERE ours.version < excluded.version"
        f" RETURNING {_DECISION}",
        snapshot.decision_ref,
        version,
        snapshot.provider_id,
        snapshot.service,
        snapshot.state,
        snapshot.confirm_by,
        snapshot.client_ref,
        snapshot.provider_changed,
    )
    decision = _decision(row) if row else await lock_decision(tx, snapshot.decision_ref)
    if decision is None:
        raise LookupError("a decision vanished between merging and reading it")
    return decision


async def lock_decision(tx: Transaction, decision_ref: str) -> Decision | None:
    """Our copy, locked against a revocation on its way in (E-19); None while it is unknown."""
    row = await tx.fetchrow(
        f"SELECT {_DECISION} FROM decisions WHERE decision_ref = $1 FOR UPDATE OF decisions", decision_ref
    )
    return _decision(row) if row else None


async def find_contract(tx: Transaction, contract_id: str) -> Contract | None:
    """Our copy of a contract of this principal's scope."""
    row = await tx.fetchrow(
        "SELECT contract_id, version, provider_id, service, language, valid_from, valid_to"
        " FROM contracts WHERE contract_id = $1",
        contract_id,
    )
    return Contract(**{**row, "language": Language(row["language"])}) if row else None


async def find_office(tx: Transaction, office_id: str) -> Office | None:
    """Our copy of an office of this principal's scope."""
    row = await tx.fetchrow("SELECT office_id, version, provider_id, open FROM offices WHERE office_id = $1", office_id)
    return Office(**row) if row else None


async def find_descriptions(tx: Transaction, service: str) -> tuple[ServiceDescription, ...]:
    """All known versions of a service's description; none while they have not arrived."""
    found: list[Any] | None = await tx.fetchval(
        "SELECT descriptions FROM service_descriptions WHERE service = $1", service
    )
    return tuple(ServiceDescription.model_validate(description) for description in found or ())


async def find_description(tx: Transaction, service: str, version: int) -> ServiceDescription | None:
    """One version of a service's description: of a course, the one it was created under (E-13)."""
    found = await tx.fetchval(
        "SELECT described FROM service_descriptions, jsonb_array_elements(descriptions) AS described"
        " WHERE service = $1 AND (described ->> 'description_version')::integer = $2",
        service,
        version,
    )
    return None if found is None else ServiceDescription.model_validate(found)


async def is_family_course(tx: Transaction, service: str, version: int) -> bool:
    """Whether a version of a service's description is of a family course (E-58)."""
    found = await find_description(tx, service, version)
    return found is not None and found.family_course


async def find_version(tx: Transaction, subject: str, *, table: str, column: str) -> int | None:
    """The version of our copy of a subject (`Rekku-Known`); table and column are ours, never input."""
    version: int | None = await tx.fetchval(
        f"SELECT version FROM {table} WHERE {column} = $1",
        subject,
    )
    return version


async def find_pinnable(
    tx: Transaction,
    *,
    service: str | None,
    provider_id: str | None,
    pinnable: bool | None,
    after: tuple[date, str] | None,
    limit: int,
) -> list[Decision]:
    """The provider's clients with a decision, the most urgent first (E-25).

    Decisions that were never granted are not among them. `after` is (confirm-by date, reference)
    of the last one seen.
    """
    rows = await tx.fetch(
        f"SELECT {_DECISION} FROM decisions"
        " WHERE state IN ('granted', 'revoked', 'annulled', 'expired', 'used')"
        " AND ($1::text IS NULL OR service = $1) AND ($2::text IS NULL OR provider_id = $2)"
        " AND ($3::boolean IS NULL OR $3 = (state = 'granted' AND pinned_to IS NULL))"
        " AND (coalesce(confirm_by, '9999-12-31'), decision_ref) > ($4::text::date, $5)"
        " ORDER BY coalesce(confirm_by, '9999-12-31'), decision_ref LIMIT $6",
        service,
        provider_id,
        pinnable,
        str(after[0]) if after else "0001-01-01",
        after[1] if after else "",
        limit,
    )
    return [_decision(row) for row in rows]


def described(description: ServiceDescription) -> Description:
    """What the rules of creation need of a service description."""
    return Description(
        is_course=description.is_course,
        terms=Terms(
            description_version=description.description_version,
            group_min=description.group_min,
            group_max=description.group_max,
            confirm_min=description.confirm_min,
            must_run_at=description.must_run_at,
            move_notice_days=description.move_notice_days,
        ),
        min_age=description.min_age,
        max_age=description.max_age,
        target_groups=tuple(group.code for group in description.target_groups),
        target_groups_min=description.target_groups_min,
        target_groups_max=description.target_groups_max,
        age_groups=tuple(AgeGroup(group.code, group.min_age, group.max_age) for group in description.age_groups),
        periods=tuple(PlannedPeriod(plan.kind, plan.mode, plan.days) for plan in description.periods),
        total_duration_months=description.total_duration_months,
        total_duration_enforced=description.total_duration_enforced,
    )


def _decision(row: Record) -> Decision:
    return Decision(**{**row, "state": DecisionState(row["state"])})
