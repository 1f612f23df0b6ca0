"""What is published of the two counters."""

from collections.abc import Iterator, Sequence

from contracts import decisions as said
from services.decisions.quotas.domain import CountUse, Quota, QuotaStatus, ScopedQuota


def quota_snapshot(quota: Quota, scopes: Sequence[ScopedQuota] = ()) -> said.Quota:
    """The quota as others see it, with all its scopes (E-55)."""
    return said.Quota(
        service=quota.service,
        year=quota.year,
        estimate=quota.estimate,
        limit=quota.limit,
        used=quota.used,
        suspended=quota.suspended,
        scopes=tuple(
            said.QuotaScope(
                area=s.area,
                language=s.language,
                estimate=s.estimate,
                limit=s.limit,
                used=s.used,
                suspended=s.suspended,
            )
            for s in scopes
        ),
    )


def status_event(quota: Quota, scopes: Sequence[ScopedQuota] = ()) -> said.QuotaEvent:
    """QuotaFilled where new clients cannot be granted, for whatever reason; QuotaReopened where they can."""
    event = said.QuotaReopened if quota.status is QuotaStatus.OPEN else said.QuotaFilled
    return event(version=quota.version, quota=quota_snapshot(quota, scopes))


def scope_event(quota: Quota, scopes: Sequence[ScopedQuota], changed: ScopedQuota) -> said.QuotaScopeEvent:
    """QuotaScopeFilled where new clients of a scope cannot be granted, QuotaScopeReopened where they can."""
    event = said.QuotaScopeFilled if changed.filled else said.QuotaScopeReopened
    snapshot = quota_snapshot(quota, scopes)
    return event(version=quota.version, quota=snapshot, area=changed.area, language=changed.language)


def count_event(count: CountUse) -> said.CountUseEvent:
    """AnnouncedCountFilled where no decision is left, AnnouncedCountReopened where there is room again."""
    event = said.AnnouncedCountFilled if count.filled else said.AnnouncedCountReopened
    return event(
        version=count.version,
        count=said.CountUse(
            contract_id=count.contract_id,
            provider_id=count.provider_id,
            service=count.service,
            language=count.language,
            year=count.year,
            announced=count.announced,
            used=count.used,
        ),
    )


def status_news(before: Quota, after: Quota, scopes: Sequence[ScopedQuota] = ()) -> Iterator[said.QuotaEvent]:
    """The event of a status that has changed."""
    if before.status is not after.status:
        yield status_event(after, scopes)


def count_news(before: CountUse, after: CountUse) -> Iterator[said.CountUseEvent]:
    """The event of a count that has filled or reopened."""
    if before.filled is not after.filled:
        yield count_event(after)
