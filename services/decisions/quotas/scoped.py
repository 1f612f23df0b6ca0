"""Quotas and estimates of an area, a language or both, beside the national one (E-55, P6).

A service without any pays for them with one comparison: `quotas.scopes`, which a grant must find as
it was when it was decided on. Every change here is made with the national row locked, which therefore
is the lock of them all, and carries that row's next version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import asyncpg

from chassis.db import Transaction
from contracts.values import Language
from services.decisions.domain import Decision
from services.decisions.quotas.domain import Quota, Scope, ScopedQuota
from services.decisions.quotas.events import scope_event, status_event
from services.decisions.store import RaceLost

_TAKE = """
UPDATE scoped_quotas
SET used = used + 1, filled = coalesce(used + 1 >= quota_limit, false),
    version = version + coalesce((used + 1 >= quota_limit)::integer, 0)
WHERE service = $1 AND year = $2 AND area IN ('', $3) AND language IN ('', $4)
  AND (quota_limit IS NULL OR used < quota_limit) AND NOT deciding_is_stopped($1, $5, $3, $4)
RETURNING area, language, filled
"""

# A stop of the whole service is published of the national quota, not of each scope.
_SCOPES = """
SELECT scoped.*, scoped.year = $4 AND EXISTS (
    SELECT FROM suspensions s
    WHERE s.service = scoped.service AND s.effective_at <= $3 AND (s.lifted_at IS NULL OR s.lifted_at > $3)
      AND s.area IN ('', scoped.area) AND s.language IN ('', scoped.language) AND (s.area <> '' OR s.language <> '')
) AS suspended
FROM scoped_quotas scoped WHERE service = $1 AND year = $2
"""

_STOPS = """
SELECT DISTINCT area, language FROM suspensions
WHERE service = $1 AND effective_at <= $2 AND (lifted_at IS NULL OR lifted_at > $2)
  AND (area <> '' OR language <> '')
ORDER BY area, language
"""

_COUNT_CLIENTS = """
SELECT count(*) FROM decisions
WHERE service = $1 AND is_in_year(decided_on, $2) AND new_client
  AND state <> 'annulled' AND ($3 = '' OR area = $3) AND ($4 = '' OR language = $4)
"""

_SET = """
INSERT INTO scoped_quotas AS ours (service, year, area, language, estimate, quota_limit, used, ceiling, filled, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $6::integer IS NOT NULL THEN greatest($6, $7) END, $8, $9)
ON CONFLICT (service, year, area, language) DO UPDATE SET estimate = excluded.estimate,
    quota_limit = excluded.quota_limit, used = excluded.used, ceiling = excluded.ceiling, filled = excluded.filled,
    version = excluded.version
"""

_COUNT_SCOPES = """
UPDATE quotas SET scopes = (SELECT count(*) FROM scoped_quotas s WHERE s.service = $1 AND s.year = $2)
WHERE service = $1 AND year = $2 RETURNING scopes
"""


async def find_scopes(tx: Transaction, service: str, year: int) -> list[ScopedQuota]:
    """All narrower counters of a service and year, in a fixed order."""
    rows = await tx.fetch(f"{_SCOPES} ORDER BY area, language", service, year, tx.now, tx.today.year)
    return [_scoped(row) for row in rows]


async def find_stops(tx: Transaction, service: str) -> list[Scope]:
    """The scopes that a suspension from outside stops now; one of the whole service is not among them (E-54)."""
    rows = await tx.fetch(_STOPS, service, tx.now)
    return [Scope(row["area"] or None, Language(row["language"]) if row["language"] else None) for row in rows]


async def find_scope(tx: Transaction, service: str, year: int, scope: Scope) -> ScopedQuota:
    """One narrower counter; where there is none yet, what it would count."""
    row = await tx.fetchrow(
        f"{_SCOPES} AND area = $5 AND language = $6", service, year, tx.now, tx.today.year, *scope.columns
    )
    if row is not None:
        return _scoped(row)
    used = await count_clients(tx, service, year, scope)
    return ScopedQuota(service, year, scope.area, scope.language, used=used)


async def count_clients(tx: Transaction, service: str, year: int, scope: Scope) -> int:
    """The year's new clients of a scope, counted from 1 January (E-52)."""
    return int(await tx.fetchval(_COUNT_CLIENTS, service, year, *scope.columns))


async def set_scope(tx: Transaction, scoped: ScopedQuota) -> None:
    """Store a scope of a locked quota, a new one as well.

    Set below what is used, it takes nothing away and lets no grant pass (E-52).
    """
    await tx.execute(
        _SET,
        scoped.service,
        scoped.year,
        *Scope(scoped.area, scoped.language).columns,
        scoped.estimate,
        scoped.limit,
        scoped.used,
        scoped.filled,
        scoped.version,
    )


async def count_scopes(tx: Transaction, quota: Quota) -> Quota:
    """The locked quota with the number of its scopes, which is stored with it."""
    return replace(quota, scopes=await tx.fetchval(_COUNT_SCOPES, quota.service, quota.year))


async def set_scopes_used(tx: Transaction, scopes: Iterable[ScopedQuota]) -> None:
    """Store what grants have changed of locked scopes; the table refuses to let them pass their ceiling."""
    await tx.executemany(
        "UPDATE scoped_quotas SET used = $5, filled = $6, version = $7"
        " WHERE service = $1 AND year = $2 AND area = $3 AND language = $4",
        [(s.service, s.year, *Scope(s.area, s.language).columns, s.used, s.filled, s.version) for s in scopes],
    )


async def take(tx: Transaction, quota: Quota, granted: Decision, decided_on: Sequence[ScopedQuota]) -> None:
    """Take a new client's slots of every scope that covers it, and say which counters are full now.

    To be called right after the national slot was taken, whose row lock keeps everybody else out.

    Raises:
        RaceLost: one of the scopes has no slot left, or was stopped meanwhile. Nothing is kept.
    """
    wanted = sum(scope.covers(granted.area, granted.language) for scope in decided_on)
    taken = await tx.fetch(_TAKE, granted.service, quota.year, granted.area or "", granted.language, tx.now)
    if len(taken) < wanted:
        raise RaceLost("a slot of a scope is gone")
    filled = [row for row in taken if row["filled"]]
    if not (quota.full or filled):
        return
    scopes = await find_scopes(tx, granted.service, quota.year)
    if quota.full:
        tx.emit(status_event(quota, scopes))
    full = {(row["area"], row["language"]) for row in filled}
    changed = [scope for scope in scopes if Scope(scope.area, scope.language).columns in full]
    after = publish_scopes(tx, quota, scopes, changed)
    if after is not quota:
        await tx.execute(
            "UPDATE quotas SET version = $3 WHERE service = $1 AND year = $2", quota.service, quota.year, after.version
        )


def publish_scopes(
    tx: Transaction, quota: Quota, scopes: Sequence[ScopedQuota], changed: Iterable[ScopedQuota]
) -> Quota:
    """Say of each scope in `changed` that it has filled or reopened; the quota with the version of the last word."""
    for scope in changed:
        quota = replace(quota, version=quota.version + 1)
        tx.emit(scope_event(quota, scopes, scope))
    return quota


async def review(tx: Transaction, quota: Quota) -> Quota:
    """Publish the scopes of a locked quota that a stop has closed or opened; the quota with its next versions.

    A scope that is stopped has a counter from then on, in which others see it.
    """
    before = await find_scopes(tx, quota.service, quota.year)
    counted = {Scope(one.area, one.language) for one in before}
    stops = await find_stops(tx, quota.service)
    added = [await find_scope(tx, quota.service, quota.year, stop) for stop in stops if stop not in counted]
    changed = [one.published() for one in before if one.closed is not one.filled]
    changed += [replace(one, suspended=True).published() for one in added]
    for one in changed:
        await set_scope(tx, one)
    if added:
        quota = await count_scopes(tx, quota)
    return publish_scopes(tx, quota, await find_scopes(tx, quota.service, quota.year), changed) if changed else quota


def _scoped(row: asyncpg.Record) -> ScopedQuota:
    return ScopedQuota(
        service=row["service"],
        year=row["year"],
        area=row["area"] or None,
        language=Language(row["language"]) if row["language"] else None,
        estimate=row["estimate"],
        limit=row["quota_limit"],
        used=row["used"],
        suspended=row["suspended"],
        filled=row["filled"],
        version=row["version"],
    )
