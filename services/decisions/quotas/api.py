"""HTTP of estimates, quotas and announced counts."""

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.http import Answer, Command, problems
from contracts.municipalities import areas
from contracts.refusals import Invalid, NotFound
from contracts.registration import LocalisedText
from contracts.values import Language
from services.decisions import fields
from services.decisions.acts import Act
from services.decisions.quotas import handlers, store
from services.decisions.quotas.domain import Quota, Scope, ScopedQuota

router = APIRouter(tags=["quotas"])


class SetQuota(Command):
    """A quota of new clients; null gives it up."""

    limit: fields.Count | None


class SetEstimate(Command):
    """Kela's estimate of new clients."""

    estimate: fields.Count


class QuotaView(BaseModel):
    """The gauge of a service and year, or of one scope of it: estimate and quota against the new clients granted.

    `area` null is the whole country, `language` null every language (E-55). An area has no name in English:
    there stands the Finnish one.
    """

    service: str
    year: int
    area: str | None
    area_names: LocalisedText | None
    language: Language | None
    estimate: int | None
    limit: int | None
    used: int
    remaining: int | None
    suspended: bool
    version: int

    @classmethod
    def of(cls, quota: Quota) -> "QuotaView":
        """The quota as of now."""
        return cls(
            service=quota.service,
            year=quota.year,
            area=None,
            area_names=None,
            language=None,
            estimate=quota.estimate,
            limit=quota.limit,
            used=quota.used,
            remaining=quota.remaining,
            suspended=quota.suspended,
            version=quota.version,
        )

    @classmethod
    def of_scope(cls, scoped: ScopedQuota, national: Quota) -> "QuotaView":
        """A scope as of now; a suspension of the whole service is one of each scope."""
        return cls(
            service=scoped.service,
            year=scoped.year,
            area=scoped.area,
            area_names=None if scoped.area is None else LocalisedText(**areas()[scoped.area]),
            language=scoped.language,
            estimate=scoped.estimate,
            limit=scoped.limit,
            used=scoped.used,
            remaining=scoped.remaining,
            suspended=scoped.suspended or national.suspended,
            version=scoped.version,
        )


class QuotaList(BaseModel):
    """The gauges of a service and year: the national one first, then every scope that has a counter."""

    items: list[QuotaView]
    next: None = None


class CountView(BaseModel):
    """How much of a contract's announced count decisions have used (R-DEC-3)."""

    contract_id: str
    service: str
    language: Language
    year: int
    announced: int
    used: int
    left: int


@router.get(
    "/quotas/{service}/{year}",
    response_model=QuotaView,
    responses=problems("AREA_UNKNOWN", "QUOTA_UNKNOWN", "SERVICE_UNKNOWN"),
)
async def show_quota(
    service: fields.PathService,
    year: fields.Year,
    caller: fields.Anyone,
    area: fields.QueryArea | None = None,
    language: Language | None = None,
) -> Response:
    """Estimate, quota and use of a service and year; with `area` or `language`, of that scope (E-55)."""
    scope = _scope(area, language)

    async def read(tx: Transaction) -> Answer:
        national = await handlers.get_quota(tx, service, year)
        if scope is None:
            return _answer(national)
        return _scope_answer(await handlers.get_scope(tx, service, year, scope), national)

    return await caller.query(read)


@router.get("/quotas/{service}/{year}/scopes", response_model=QuotaList, responses=problems("SERVICE_UNKNOWN"))
async def list_scopes(service: fields.PathService, year: fields.Year, caller: fields.Anyone) -> Response:
    """The national gauge and every narrower one with its fill (R-DEC-14, E-55)."""

    async def read(tx: Transaction) -> Answer:
        national = await handlers.get_quota(tx, service, year)
        scopes = await handlers.get_scopes(tx, service, year)
        views = [QuotaView.of(national), *(QuotaView.of_scope(scoped, national) for scoped in scopes)]
        return Answer(200, QuotaList(items=views))

    return await caller.query(read)


@router.put(
    "/quotas/{service}/{year}",
    response_model=QuotaView,
    responses=problems("AREA_UNKNOWN", "SERVICE_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.SET_QUOTA),
)
async def set_quota(
    service: fields.PathService,
    year: fields.Year,
    body: SetQuota,
    caller: fields.Official,
    area: fields.QueryArea | None = None,
    language: Language | None = None,
) -> Response:
    """Take a quota into use, change it, or give it up; national, or of an area or a language (R-DEC-11, E-52, E-55)."""
    scope = _scope(area, language)

    async def act(tx: Transaction) -> Answer:
        if scope is None:
            return _answer(await handlers.set_limit(tx, service, year, body.limit, if_match=caller.if_match))
        scoped = await handlers.set_scope_limit(tx, service, year, scope, body.limit, if_match=caller.if_match)
        return _scope_answer(scoped, await handlers.get_quota(tx, service, year))

    return await caller.command(act)


@router.put(
    "/estimates/{service}/{year}",
    response_model=QuotaView,
    responses=problems("AREA_UNKNOWN", "SERVICE_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.SET_ESTIMATE),
)
async def set_estimate(
    service: fields.PathService,
    year: fields.Year,
    body: SetEstimate,
    caller: fields.Official,
    area: fields.QueryArea | None = None,
    language: Language | None = None,
) -> Response:
    """Publish Kela's estimate, national or of a scope; it informs and never blocks (E-51, E-55)."""
    scope = _scope(area, language)

    async def act(tx: Transaction) -> Answer:
        if scope is None:
            return _answer(await handlers.set_estimate(tx, service, year, body.estimate, if_match=caller.if_match))
        scoped = await handlers.set_scope_estimate(tx, service, year, scope, body.estimate, if_match=caller.if_match)
        return _scope_answer(scoped, await handlers.get_quota(tx, service, year))

    return await caller.command(act)


@router.get(
    "/announced-counts/{contract_id}/{year}", response_model=CountView, responses=problems("ANNOUNCED_COUNT_UNKNOWN")
)
async def show_count(contract_id: fields.PathId, year: fields.Year, caller: fields.Anyone) -> Response:
    """The use of a contract's announced count; a provider follows its own (R-DEC-3, E-9)."""

    async def read(tx: Transaction) -> Answer:
        count = await store.find_count(tx, contract_id, year)
        if count is None:
            raise NotFound("ANNOUNCED_COUNT_UNKNOWN")
        view = CountView(
            contract_id=count.contract_id,
            service=count.service,
            language=count.language,
            year=count.year,
            announced=count.announced,
            used=count.used,
            left=count.left,
        )
        return Answer(200, view)

    return await caller.query(read)


def _answer(quota: Quota) -> Answer:
    subject = ("quota", f"{quota.service}/{quota.year}")
    return Answer(200, QuotaView.of(quota), version=quota.version, subject=subject)


def _scope_answer(scoped: ScopedQuota, national: Quota) -> Answer:
    of_year = f"{scoped.service}/{scoped.year}"
    subject = ("quota-scope", f"{of_year}/{scoped.area or '*'}/{scoped.language or '*'}")
    # What is published of a scope carries the national version: that is what others can have heard of.
    also = (("quota", of_year, national.version),)
    return Answer(200, QuotaView.of_scope(scoped, national), version=scoped.version, subject=subject, also=also)


def _scope(area: str | None, language: Language | None) -> Scope | None:
    if area is not None and area not in areas():
        raise Invalid("AREA_UNKNOWN")
    return None if area is None and language is None else Scope(area, language)
