"""Taking slots: what a grant is decided on in one statement, everything it leaves in another.

Between the two the rules decide, without a lock. The second statement takes a slot only where
there still is one, so that a full count is never overrun, and holds the counters no longer than it
must (E-5, E-53). Where a service has narrower quotas, a third one takes from them while the national
row is still held (`scoped.take`, E-55). Whoever is to be refused or to wait is looked at again with the
counters locked.
"""

from collections.abc import Iterable, Sequence

import asyncpg

from chassis.db import Transaction
from services.decisions.domain import Application, Contract, Decision, Description, GrantBasis
from services.decisions.quotas import scoped
from services.decisions.quotas.domain import CountUse, Quota, QuotaStatus, ScopedQuota
from services.decisions.quotas.store import add_quota
from services.decisions.store import RaceLost, as_contract

_READ_BASES = """
WITH counts AS (
    SELECT * FROM announced_counts WHERE contract_id = ANY ($1) AND year = $2 {lock}
)
SELECT asked.place, contract.contract_id, contract.provider_id, contract.service, contract.language,
    contract.valid_from, contract.valid_to,
    count.announced, count.used AS count_used, count.filled, count.version AS count_version,
    quota.estimate, quota.quota_limit, quota.used AS quota_used, quota.releasing, quota.status,
    quota.version AS quota_version, quota.scopes,
    description.description_version, description.confirm_within_months,
    (SELECT f.client_ref FROM first_grants f
     WHERE f.client_ref = asked.client_ref AND f.service = contract.service) IS NULL AS new_client,
    deciding_is_stopped(contract.service, $5, asked.area, contract.language) AS suspended,
    (SELECT decision_ref FROM decisions
     WHERE application_ref = asked.application_ref AND state <> 'annulled') AS earlier_ref
FROM unnest($1::text[], $3::text[], $4::text[], $7::text[]) WITH ORDINALITY
    AS asked (contract_id, client_ref, application_ref, area, place)
JOIN contracts contract ON contract.contract_id = asked.contract_id
LEFT JOIN counts count ON count.contract_id = contract.contract_id
LEFT JOIN quotas quota ON quota.service = contract.service AND quota.year = $2
LEFT JOIN LATERAL (
    SELECT description_version, confirm_within_months FROM service_descriptions d
    WHERE d.service = contract.service AND d.valid_from <= $6 AND (d.valid_to IS NULL OR d.valid_to >= $6)
    ORDER BY d.valid_from DESC, d.description_version DESC LIMIT 1
) description ON true
"""
_READ_AND_LOCK_COUNTS = _READ_BASES.format(lock="ORDER BY contract_id FOR NO KEY UPDATE")
_READ_BASES = _READ_BASES.format(lock="")

TAKE_SLOTS = """
WITH taken AS (
    UPDATE announced_counts
    SET used = used + 1, filled = used + 1 >= announced, version = version + (used + 1 >= announced)::integer
    WHERE contract_id = $6 AND year = $1 AND used < announced
    RETURNING announced, used AS count_used, filled, version AS count_version
), slot AS (
    UPDATE quotas
    SET used = used + 1,
        status = CASE WHEN used + 1 >= quota_limit THEN 'full' ELSE 'open' END,
        version = version + coalesce((used + 1 >= quota_limit)::integer, 0)
    WHERE EXISTS (SELECT FROM taken) -- after the announced count: the lock order
      AND service = $5 AND year = $1 AND $14 AND status = 'open' AND NOT releasing AND scopes = $22
      AND (quota_limit IS NULL OR used < quota_limit)
    RETURNING estimate, quota_limit, used AS quota_used, releasing, status, version AS quota_version, scopes
), client AS (
    INSERT INTO first_grants (client_ref, service, decision_ref, provider_id, granted_on)
    SELECT $4, $5, $2, $7, $11 WHERE $14 AND EXISTS (SELECT FROM slot) ON CONFLICT DO NOTHING RETURNING true
), known_client AS (
    -- Held, so that it is not annulled meanwhile: then this client would be new, and counted nowhere (E-8).
    SELECT true FROM first_grants WHERE client_ref = $4 AND service = $5 AND NOT $14 AND EXISTS (SELECT FROM taken)
    FOR KEY SHARE
), decision AS (
    INSERT INTO decisions (
        decision_ref, application_ref, client_ref, service, contract_id, provider_id, language, state, applied_on,
        decided_on, confirm_by, description_version, new_client, version, valid_to, replaces,
        reasoning_code, reasoning_version, area
    )
    SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17, $18, $19, $20, $21
    WHERE EXISTS (SELECT FROM taken) AND (EXISTS (SELECT FROM client) OR EXISTS (SELECT FROM known_client))
      AND NOT deciding_is_stopped($5, $16, $21, $8)
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT taken.*, slot.*, false AS suspended FROM decision, taken LEFT JOIN slot ON true
"""


async def find_basis(tx: Transaction, application: Application) -> GrantBasis | None:
    """What a grant of today is decided on, read in one round trip; None where the contract is not known."""
    row = (await _read_bases(tx, _READ_BASES, [application])).get(1)
    if row is not None and row["quota_version"] is None:
        # The first application of the service this year: its counter is there from now on (E-52).
        await add_quota(tx, row["service"], tx.today.year)
        row = (await _read_bases(tx, _READ_BASES, [application])).get(1)
    if row is None:
        return None
    scopes = await scoped.find_scopes(tx, row["service"], tx.today.year) if row["scopes"] else ()
    return _basis(row, tx.today.year, scopes)


async def find_bases(tx: Transaction, applications: Sequence[Application]) -> list[GrantBasis | None]:
    """The same for several applications, in one round trip for all; the contracts' counts are locked.

    None also for one whose service has no counter this year yet, or narrower ones beside it (E-55):
    those take a look of their own.
    """
    rows = await _read_bases(tx, _READ_AND_LOCK_COUNTS, applications)
    return [
        None if row is None or row["quota_version"] is None or row["scopes"] else _basis(row, tx.today.year)
        for row in (rows.get(place) for place in range(1, len(applications) + 1))
    ]


async def _read_bases(tx: Transaction, sql: str, applications: Sequence[Application]) -> dict[int, asyncpg.Record]:
    rows = await tx.fetch(
        sql,
        [application.contract_id for application in applications],
        tx.today.year,
        [application.client_ref for application in applications],
        [application.application_ref for application in applications],
        tx.now,
        tx.today,
        [application.area for application in applications],
    )
    return {row["place"]: row for row in rows}


def _basis(row: asyncpg.Record, year: int, scopes: Iterable[ScopedQuota] = ()) -> GrantBasis:
    contract = as_contract(row)
    described = row["description_version"] is not None
    return GrantBasis(
        contract=contract,
        count=None if row["announced"] is None else _count(row, contract, year),
        quota=_quota(row, contract.service, year),
        description=Description(row["description_version"], row["confirm_within_months"]) if described else None,
        new_client=row["new_client"],
        earlier_ref=row["earlier_ref"],
        scopes=tuple(scopes),
    )


async def add_grant(
    tx: Transaction, contract: Contract, granted: Decision, *, scopes: int = 0
) -> tuple[CountUse, Quota | None]:
    """Take the slots and add the decision, in one statement; the counters after it, no quota for an old client.

    `scopes` is how many narrower counters a new client's grant was decided on.

    Raises:
        RaceLost: a slot is gone, others wait before this client, the client or the application got
            in elsewhere, or deciding was suspended. Nothing is kept.
    """
    row = await tx.fetchrow(TAKE_SLOTS, *_to_take(tx, granted, scopes))
    if row is None:
        raise RaceLost("what the grant was decided on has changed")
    return _taken(row, contract, granted, tx.today.year)


async def add_grants(
    tx: Transaction, grants: Sequence[tuple[Contract, Decision]]
) -> list[tuple[CountUse, Quota | None]]:
    """As `add_grant`, for several grants that no narrower quota counts, in the given order and one round trip.

    Services have to come in the order of their names, as their quotas are locked in this order.

    Raises:
        RaceLost: one of them would have lost. Nothing is kept of any.
    """
    rows = await tx.fetchmany(TAKE_SLOTS, [_to_take(tx, granted, 0) for _, granted in grants])
    if len(rows) < len(grants):
        raise RaceLost("what one of the grants was decided on has changed")
    return [
        _taken(row, contract, granted, tx.today.year) for row, (contract, granted) in zip(rows, grants, strict=True)
    ]


def _to_take(tx: Transaction, granted: Decision, scopes: int) -> tuple[object, ...]:
    return (
        tx.today.year,
        granted.decision_ref,
        granted.application_ref,
        granted.client_ref,
        granted.service,
        granted.contract_id,
        granted.provider_id,
        granted.language,
        granted.state,
        granted.applied_on,
        granted.decided_on,
        granted.confirm_by,
        granted.description_version,
        granted.new_client,
        granted.version,
        tx.now,
        granted.valid_to,
        granted.replaces,
        granted.reasoning and granted.reasoning.code,
        granted.reasoning and granted.reasoning.version,
        granted.area,
        scopes,
    )


def _taken(row: asyncpg.Record, contract: Contract, granted: Decision, year: int) -> tuple[CountUse, Quota | None]:
    quota = _quota(row, contract.service, year) if granted.new_client else None
    return _count(row, contract, year), quota


def _count(row: asyncpg.Record, contract: Contract, year: int) -> CountUse:
    return CountUse(
        contract_id=contract.contract_id,
        provider_id=contract.provider_id,
        service=contract.service,
        language=contract.language,
        year=year,
        announced=row["announced"],
        used=row["count_used"],
        filled=row["filled"],
        version=row["count_version"],
    )


def _quota(row: asyncpg.Record, service: str, year: int) -> Quota:
    return Quota(
        service=service,
        year=year,
        estimate=row["estimate"],
        limit=row["quota_limit"],
        used=row["quota_used"],
        suspended=row["suspended"],
        releasing=row["releasing"],
        status=QuotaStatus(row["status"]),
        version=row["quota_version"],
        scopes=row["scopes"],
    )
