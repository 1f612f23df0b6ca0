"""HTTP of gauges in bulk: lists for Kela and for a provider of its own, and the same as files."""

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from chassis.conditional import UNCHANGED, unless_known
from chassis.db import Transaction
from chassis.exports import MOST_ROWS, Export, file_of, require_exportable
from chassis.http import Answer, Caller, problems
from chassis.tables import TableFormat
from contracts.identity_codes import TextKind
from contracts.values import Language
from services.registration.fields import BusinessId, Limit, Reader, ServiceInQuery, Year
from services.registration.gauges import export, store
from services.registration.gauges.store import ContractYear, Only, Wanted
from services.registration.views import YearView

router = APIRouter()

AfterGauge = Annotated[str | None, TextKind.MACHINE, Query(pattern=r"^[A-Za-z0-9-]{1,64}/[0-9]{4}$")]


class GaugeView(YearView):
    """One contract's gauge of one year."""

    contract_id: str
    provider_id: str
    provider_name: str
    service: str
    language: Language

    @classmethod
    def of(cls, found: ContractYear) -> Self:
        """The view of a gauge with whose it is."""
        return cls(
            contract_id=found.contract_id,
            provider_id=found.provider_id,
            provider_name=found.provider_name,
            service=found.service,
            language=found.language,
            **YearView.model_validate(found.gauge).model_dump(),
        )


class GaugeList(BaseModel):
    """Gauges by contract and year; `next` is the `after` of the following page."""

    items: list[GaugeView]
    next: str | None


@router.get("/gauges", response_model=GaugeList, responses=problems() | UNCHANGED)
async def list_gauges(
    caller: Reader,
    provider_id: BusinessId | None = None,
    service: ServiceInQuery = None,
    language: Language | None = None,
    year: Year | None = None,
    only: Only | None = None,
    limit: Limit = 100,
    after: AfterGauge = None,
) -> Response:
    """Announced, used and left of every contract and year, for decisions and for places; a provider sees its own.

    `only=full` leaves those with nothing left in a ledger, `only=overdrawn` those with more in use than announced.
    """
    wanted = Wanted(provider_id, service, language, year, only)

    async def read(tx: Transaction) -> Answer:
        found = await store.find_gauges(tx, wanted, after=_place(after), limit=limit + 1)
        items = [GaugeView.of(each) for each in found[:limit]]
        following = f"{items[-1].contract_id}/{items[-1].year}" if len(found) > limit else None
        return unless_known(caller, GaugeList(items=items, next=following))

    return await caller.query(read)


@router.get(
    "/gauges.csv",
    response_class=Response,
    responses=problems("EXPORT_TOO_LARGE") | file_of(TableFormat.CSV),
)
async def export_gauges_as_csv(
    caller: Reader,
    provider_id: BusinessId | None = None,
    service: ServiceInQuery = None,
    language: Language | None = None,
    year: Year | None = None,
    only: Only | None = None,
) -> Response:
    """The gauges as CSV, with semicolons and in UTF-8; column names in the language of Accept-Language."""
    return await _export(caller, TableFormat.CSV, Wanted(provider_id, service, language, year, only))


@router.get(
    "/gauges.xlsx",
    response_class=Response,
    responses=problems("EXPORT_TOO_LARGE") | file_of(TableFormat.XLSX),
)
async def export_gauges_as_xlsx(
    caller: Reader,
    provider_id: BusinessId | None = None,
    service: ServiceInQuery = None,
    language: Language | None = None,
    year: Year | None = None,
    only: Only | None = None,
) -> Response:
    """The gauges as a spreadsheet; column names in the language of Accept-Language."""
    return await _export(caller, TableFormat.XLSX, Wanted(provider_id, service, language, year, only))


async def _export(caller: Caller, kind: TableFormat, wanted: Wanted) -> Response:
    file = Export.asked(caller, kind)

    async def read(tx: Transaction) -> tuple[list[ContractYear], dict[str, str]]:
        found = await store.find_gauges(tx, wanted, limit=MOST_ROWS + 1)
        require_exportable(found)
        return found, await store.find_service_names(tx, sorted({each.service for each in found}), file.language)

    found, names = await caller.read(read)
    return await file.response("gauges", export.COLUMNS, export.rows_of(found, names, file.say))


def _place(after: str | None) -> tuple[str, int]:
    contract_id, _, year = (after or "/0").partition("/")
    return contract_id, int(year)
