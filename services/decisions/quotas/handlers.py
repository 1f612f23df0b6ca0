"""Estimates, quotas, and the signals of Kela's systems that follow the money."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from chassis.auth import Role
from chassis.calendar import start_of_day
from chassis.db import Transaction
from chassis.inbox import Unacceptable
from contracts.decisions import DecisionsSuspended, EstimateSet, QuotaScopeSet, QuotaSet, SuspensionLifted
from contracts.municipalities import areas
from contracts.refusals import IfMatch, NotFound, expect_version
from contracts.values import Language
from services.decisions.acts import Act
from services.decisions.quotas import release, scoped, store
from services.decisions.quotas.domain import CountUse, Quota, QuotaStatus, Scope, ScopedQuota, Suspension
from services.decisions.quotas.events import count_news, quota_snapshot, status_news

REVIEW_TIMER = "review-quota"


async def get_quota(tx: Transaction, service: str, year: int) -> Quota:
    """The gauge: estimate, quota, use.

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    await store.check_service(tx, service)
    return await store.find_quota(tx, service, year)


async def set_limit(tx: Transaction, service: str, year: int, limit: int | None, *, if_match: IfMatch | None) -> Quota:
    """Take a quota into use, change it, or give it up (None); room in it goes to those who wait (E-52).

    Raises:
        NotFound: SERVICE_UNKNOWN.
        Stale: somebody changed it meanwhile.
    """
    await store.check_service(tx, service)
    await release.plan(tx, service)
    before = await _lock(tx, service, year, if_match)
    if before.limit == limit:
        return before
    after = replace(before, limit=limit, version=before.version + 1)
    tx.audit(Act.SET_QUOTA, f"quota:{service}/{year}", before=before.limit, after=limit)
    tx.emit(QuotaSet(version=after.version, quota=quota_snapshot(after, await _scopes_of(tx, after))))
    return await _publish(tx, before, after)


async def set_estimate(tx: Transaction, service: str, year: int, estimate: int, *, if_match: IfMatch | None) -> Quota:
    """Publish Kela's estimate of the year's new clients; it informs and never blocks (R-DEC-8, E-51).

    Raises:
        NotFound: SERVICE_UNKNOWN.
        Stale: somebody changed it meanwhile.
    """
    await store.check_service(tx, service)
    before = await _lock(tx, service, year, if_match)
    if before.estimate == estimate:
        return before
    after = replace(before, estimate=estimate, version=before.version + 1)
    await store.set_quota(tx, after)
    tx.audit(Act.SET_ESTIMATE, f"quota:{service}/{year}", before=before.estimate, after=estimate)
    tx.emit(EstimateSet(version=after.version, quota=quota_snapshot(after, await _scopes_of(tx, after))))
    return after


async def get_scopes(tx: Transaction, service: str, year: int) -> list[ScopedQuota]:
    """Every narrower gauge of a service and year (E-55).

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    await store.check_service(tx, service)
    return await scoped.find_scopes(tx, service, year)


async def get_scope(tx: Transaction, service: str, year: int, scope: Scope) -> ScopedQuota:
    """The gauge of an area, a language or both; where nothing was set, what it would count, which Kela alone sees.

    Raises:
        NotFound: SERVICE_UNKNOWN, or QUOTA_UNKNOWN.
    """
    await store.check_service(tx, service)
    found = await scoped.find_scope(tx, service, year, scope)
    if found.version == 0 and tx.principal.role is Role.PROVIDER:
        raise NotFound("QUOTA_UNKNOWN")
    return found


async def set_scope_limit(
    tx: Transaction, service: str, year: int, scope: Scope, limit: int | None, *, if_match: IfMatch | None
) -> ScopedQuota:
    """Take the quota of a scope into use, change it, or give it up; as with the national one (E-52, E-55).

    Raises:
        NotFound: SERVICE_UNKNOWN.
        Stale: somebody changed it meanwhile.
    """
    return await _set_scope(tx, service, year, scope, if_match, lambda before: replace(before, limit=limit))


async def set_scope_estimate(
    tx: Transaction, service: str, year: int, scope: Scope, estimate: int, *, if_match: IfMatch | None
) -> ScopedQuota:
    """Publish the estimate of a scope; it informs and never blocks (E-51, E-55).

    Raises:
        NotFound: SERVICE_UNKNOWN.
        Stale: somebody changed it meanwhile.
    """
    return await _set_scope(tx, service, year, scope, if_match, lambda before: replace(before, estimate=estimate))


async def _set_scope(
    tx: Transaction,
    service: str,
    year: int,
    scope: Scope,
    if_match: IfMatch | None,
    change: Callable[[ScopedQuota], ScopedQuota],
) -> ScopedQuota:
    await store.check_service(tx, service)
    await release.plan(tx, service)
    # The lock of every scope: a grant commits before this one counts, or finds another number of scopes.
    national = await store.lock_quota(tx, service, year)
    before = await scoped.find_scope(tx, service, year, scope)
    expect_version(before.version, if_match)
    changed = change(before)
    if changed == before:
        return before
    after = replace(changed, version=before.version + 1).published()
    await scoped.set_scope(tx, after)
    of_scope = f"quota-scope:{service}/{year}/{scope.area or '*'}/{scope.language or '*'}"
    if after.limit != before.limit:
        tx.audit(Act.SET_QUOTA, of_scope, before=before.limit, after=after.limit)
    else:
        tx.audit(Act.SET_ESTIMATE, of_scope, before=before.estimate, after=after.estimate)
    quota = await scoped.count_scopes(tx, replace(national, version=national.version + 1))
    scopes = await scoped.find_scopes(tx, service, year)
    tx.emit(
        QuotaScopeSet(
            version=quota.version, quota=quota_snapshot(quota, scopes), area=scope.area, language=scope.language
        )
    )
    quota = scoped.publish_scopes(tx, quota, scopes, [after] if after.filled is not before.filled else [])
    if after.limit == before.limit:
        await store.set_quota(tx, quota)
    else:
        await _publish(tx, national, quota)
    return after


async def makes_room(tx: Transaction, told: CountUse) -> bool:
    """Whether an announcement of this year's count gives room that those who wait may have been missing."""
    if told.year != tx.today.year:
        return False
    ours = await store.find_count(tx, told.contract_id, told.year)
    return told.announced > (ours.announced if ours else 0)


async def follow_announcement(tx: Transaction, told: CountUse) -> None:
    """Our copy of an announced count takes the announced figure; those who wait for its contract go first (E-6).

    A raise gives room; a correction below what is used takes nothing away (E-3).
    """
    if await store.add_count(tx, told.published()):
        if not told.full:
            await _make_way(tx, told)
        return
    before = (await store.lock_counts(tx, [told.contract_id], told.year))[told.contract_id]
    if before.announced == told.announced:
        return
    after = before.with_announced(told.announced)
    await store.set_announced(tx, after)
    for event in count_news(before, after):
        tx.emit(event)
    if before.full and not after.full:
        await _make_way(tx, told)


async def give_back(
    tx: Transaction, count: CountUse, quotas: Mapping[int, Quota], given_in: int | None, inherited_in: int | None
) -> None:
    """An annulment gives its slots back, and nothing else does (E-7); those who wait go first (E-54).

    The count and the years' quotas are locked, and a release is planned. `given_in` is the year that
    counted the client as new; `inherited_in` the one that does from now on, because a later grant has
    become the first (E-8): a recount, so it may end above the quota.
    """
    after = count.with_grants(-1)
    await store.recount(tx, after)
    for event in count_news(count, after):
        tx.emit(event)
    for year, before in sorted(quotas.items()):
        recounted = replace(before, used=before.used - (year == given_in) + (year == inherited_in))
        await store.recount_quota(tx, recounted)
        await _publish(tx, before, recounted)


async def recount(tx: Transaction, count: CountUse, used: int) -> None:
    """A locked count uses what its decisions say; a release is planned, so room goes to those who wait."""
    after = count.with_grants(used - count.used)
    await store.recount(tx, after)
    for event in count_news(count, after):
        tx.emit(event)
    if count.full and not after.full:
        await _make_way(tx, count)


async def recount_quota(tx: Transaction, quota: Quota, used: int) -> None:
    """A locked quota counts the new clients that the decisions say; a release is planned."""
    after = replace(quota, used=used)
    await store.recount_quota(tx, after)
    await _publish(tx, quota, after)


async def recount_scopes(tx: Transaction, quota: Quota) -> None:
    """Every scope of a locked quota counts the new clients that the decisions say; a release is planned."""
    before = await scoped.find_scopes(tx, quota.service, quota.year)
    after = []
    for one in before:
        used = await scoped.count_clients(tx, one.service, one.year, Scope(one.area, one.language))
        after.append(one.with_grants(used - one.used))
        await scoped.set_scope(tx, after[-1])
    changed = [now for was, now in zip(before, after, strict=True) if was.filled is not now.filled]
    await _publish(tx, quota, scoped.publish_scopes(tx, quota, after, changed))


async def on_suspended(tx: Transaction, event: DecisionsSuspended) -> None:
    """A signal from outside stops every new decision of the service, or of an area or a language of it.

    Now, or from a later instant on (E-54, E-55).

    Raises:
        Unacceptable: the service, the area or the language is not known, or the signal's id is another's.
    """
    await _take_signal(tx, event, effective_at=event.effective_at)


async def on_lifted(tx: Transaction, event: SuspensionLifted) -> None:
    """Deciding may go on; the lift may also come before the suspension it ends.

    Raises:
        Unacceptable: as `on_suspended` does.
    """
    await _take_signal(tx, event, lifted_at=event.effective_at)


async def review_quota(tx: Transaction, _key: str, payload: Mapping[str, Any]) -> None:
    """Publish whether new clients can be granted, if that is news; let those who wait in, if they can come in."""
    service = payload["service"]
    await release.plan(tx, service)
    quota = await store.lock_quota(tx, service, tx.today.year)
    after = await _publish(tx, quota, await scoped.review(tx, quota))
    if after != quota:
        tx.audit(Act.REVIEW_QUOTA, f"quota:{service}/{quota.year}", status=after.status)
    await _plan_new_year_if_needed(tx, after)


async def plan_new_year(tx: Transaction, service: str) -> None:
    """Whoever waits now is looked at again when next year's quota opens by itself on 1 January (E-54).

    So is a suspension that is still in effect then, so that it is published of the new year as well.
    Until then has come and they have been looked at, nobody overtakes them in the new year.
    """
    year = tx.today.year + 1
    await tx.schedule(REVIEW_TIMER, f"{service}/{year}", start_of_day(date(year, 1, 1)), {"service": service})
    await store.set_releasing(tx, service, year)


async def _take_signal(tx: Transaction, event: DecisionsSuspended | SuspensionLifted, **when: datetime) -> None:
    if tx.cause is None:
        raise TypeError("a signal has a source")
    try:
        await store.check_service(tx, event.service)
    except NotFound as error:
        raise Unacceptable("the signal's service is not known") from error
    told = Suspension(tx.cause.source, event.signal_id, event.service, _scope_of(event), **when)
    await release.plan(tx, told.service)
    # The lock: a grant commits before this signal or sees it.
    before = await store.lock_quota(tx, told.service, tx.today.year)
    try:
        merged = await store.merge_suspension(tx, told)
    except ValueError as error:
        raise Unacceptable("the signal's id belongs to another service or scope") from error
    if merged is None:
        return
    tx.audit(Act.TAKE_QUOTA_SIGNAL, f"service:{told.service}", source=told.source, signal=told.signal_id)
    after = await scoped.review(tx, await store.find_quota(tx, told.service, before.year))
    await _plan_new_year_if_needed(tx, await _publish(tx, before, after))
    for instant in (told.effective_at, told.lifted_at):
        await _review_at(tx, told, instant)


def _scope_of(event: DecisionsSuspended | SuspensionLifted) -> Scope:
    if event.area is not None and event.area not in areas():
        raise Unacceptable("the signal's area is not known")
    if event.language is not None and event.language not in set(Language):
        raise Unacceptable("the signal's language is not known")
    return Scope(event.area, Language(event.language) if event.language else None)


async def _plan_new_year_if_needed(tx: Transaction, quota: Quota) -> None:
    stopped = quota.suspended or await scoped.find_stops(tx, quota.service)
    if stopped or await store.is_anyone_waiting(tx, quota.service):
        await plan_new_year(tx, quota.service)


async def _review_at(tx: Transaction, told: Suspension, instant: datetime | None) -> None:
    if instant is None or instant <= tx.now:
        return
    half = "suspend" if told.lifted_at is None else "lift"
    key = f"{told.service}/{told.source}/{told.signal_id}/{half}"
    await tx.schedule(REVIEW_TIMER, key, instant, {"service": told.service})


async def _lock(tx: Transaction, service: str, year: int, if_match: IfMatch | None) -> Quota:
    quota = await store.lock_quota(tx, service, year)
    expect_version(quota.version, if_match)
    return quota


async def _make_way(tx: Transaction, count: CountUse) -> None:
    """A count has room where it had none: those who wait for its contract go before anybody new (E-54)."""
    if count.year == tx.today.year:
        quota = await store.lock_quota(tx, count.service, count.year)
        await _publish(tx, quota, quota)


async def _publish(tx: Transaction, before: Quota, after: Quota) -> Quota:
    """Store a locked quota, say what is news of its status, and make way for those who wait.

    A release has to be planned by then, next year's by `plan_new_year`: it is what ends `releasing` again.
    """
    after = after.published()
    can_come_in = after.status is QuotaStatus.OPEN and after.year >= tx.today.year
    after = replace(after, releasing=can_come_in and await store.is_anyone_waiting(tx, after.service))
    await store.set_quota(tx, after)
    for event in status_news(before, after, await _scopes_of(tx, after)):
        tx.emit(event)
    return after


async def _scopes_of(tx: Transaction, quota: Quota) -> list[ScopedQuota]:
    return await scoped.find_scopes(tx, quota.service, quota.year) if quota.scopes else []
