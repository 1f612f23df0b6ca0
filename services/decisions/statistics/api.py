"""HTTP of the figures."""

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from chassis.db import Transaction
from chassis.http import Answer, problems
from contracts.values import Language
from services.decisions import fields
from services.decisions.quotas.handlers import get_quota
from services.decisions.quotas.store import check_service
from services.decisions.statistics import domain, store

router = APIRouter(prefix="/statistics", tags=["statistics"])


class NewClients(BaseModel):
    """New clients of each month against the estimate (R-STA-1); the forecast says how it was made (E-56)."""

    service: str
    year: int
    months: list[int]
    total: int
    estimate: int | None
    complete_months: int
    forecast_method: str
    forecast_straight_line: int | None


class MonthOfDecisions(BaseModel):
    """Decisions of one month and language."""

    month: int
    language: Language
    granted: int
    rejected: int


@router.get("/new-clients", response_model=NewClients, responses=problems("SERVICE_UNKNOWN"))
async def show_new_clients(service: fields.QueryService, year: fields.QueryYear, caller: fields.Kela) -> Response:
    """New clients by the month of their first grant (E-8), with the straight-line forecast."""

    async def read(tx: Transaction) -> Answer:
        quota = await get_quota(tx, service, year)
        months = await store.count_new_clients(tx, service, year)
        complete = domain.complete_months(year, tx.today)
        view = NewClients(
            service=service,
            year=year,
            months=months,
            total=sum(months),
            estimate=quota.estimate,
            complete_months=complete,
            forecast_method=domain.STRAIGHT_LINE,
            forecast_straight_line=domain.straight_line(months, complete),
        )
        return Answer(200, view)

    return await caller.query(read)


@router.get("/decisions", response_model=list[MonthOfDecisions], responses=problems("SERVICE_UNKNOWN"))
async def show_decisions(service: fields.QueryService, year: fields.QueryYear, caller: fields.Kela) -> Response:
    """Grants and rejections by month and service language (R-DEC-21, R-DEC-22)."""

    async def read(tx: Transaction) -> Answer:
        await check_service(tx, service)
        rows = [
            MonthOfDecisions(
                month=found.month, language=found.language, granted=found.granted, rejected=found.rejected
            ).model_dump(mode="json")
            for found in await store.count_decisions(tx, service, year)
        ]
        return Answer(200, rows)

    return await caller.query(read)
