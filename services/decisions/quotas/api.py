"""HTTP of estimates, quotas and announced counts."""

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from chassis.db import Transaction
from chassis.http import Answer, Command, problems
from contracts.refusals import NotFound
from contracts.values import Language
from services.decisions import fields
from services.decisions.quotas import handlers, store
from services.decisions.quotas.domain import Quota

router = APIRouter(tags=["quotas"])


class SetQuota(Command):
    """A quota of new clients; null gives it up."""

    limit: fields.Count | None


class SetEstimate(Command):
    """Kela's estimate of new clients."""

    estimate: fields.Count


class QuotaView(BaseModel):
    """The gauge of a service and year: estimate and quota against the new clients granted."""

    service: str
    year: int
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
            estimate=quota.estimate,
            limit=quota.limit,
            used=quota.used,
            remaining=quota.remaining,
            suspended=quota.suspended,
            version=quota.version,
        )


class CountView(BaseModel):
    """How much of a contract's announced count decisions have used (R-DEC-3)."""

    contract_id: str
    service: str
    language: Language
    year: int
    announced: int
    used: int
    left: int


@router.get("/quotas/{service}/{year}", response_model=QuotaView, responses=problems("SERVICE_UNKNOWN"))
async def show_quota(service: fields.PathService, year: fields.PathYear, caller: fields.Anyone) -> Response:
    """Estimate, quota and use of a service and year."""

    async def read(tx: Transaction) -> Answer:
        return _answer(await handlers.get_quota(tx, service, year))

    return await caller.query(read)


@router.put(
    "/quotas/{service}/{year}", response_model=QuotaView, responses=problems("SERVICE_UNKNOWN", "STALE_VERSION")
)
async def set_quota(
    service: fields.PathService, year: fields.PathYear, body: SetQuota, caller: fields.Official
) -> Response:
    """Take a quota into use, change it, or give it up (R-DEC-11, E-52)."""

    async def act(tx: Transaction) -> Answer:
        return _answer(await handlers.set_limit(tx, service, year, body.limit, if_match=caller.if_match))

    return await caller.command(act)


@router.put(
    "/estimates/{service}/{year}", response_model=QuotaView, responses=problems("SERVICE_UNKNOWN", "STALE_VERSION")
)
async def set_estimate(
    service: fields.PathService, year: fields.PathYear, body: SetEstimate, caller: fields.Official
) -> Response:
    """Publish Kela's estimate; it informs and never blocks (E-51)."""

    async def act(tx: Transaction) -> Answer:
        return _answer(await handlers.set_estimate(tx, service, year, body.estimate, if_match=caller.if_match))

    return await caller.command(act)


@router.get(
    "/announced-counts/{contract_id}/{year}", response_model=CountView, responses=problems("ANNOUNCED_COUNT_UNKNOWN")
)
async def show_count(contract_id: fields.PathId, year: fields.PathYear, caller: fields.Anyone) -> Response:
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
