"""HTTP of the figures: each as JSON, as files for spreadsheets, as a chart and as a page (R-STA-1).

What Kela has published is public; the rest is for officers and systems.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from chassis.db import Transaction
from chassis.http import Answer, Caller, problems, public_caller
from contracts.identity_codes import TextKind
from services.decisions import fields
from services.decisions.statistics import handlers, views
from services.decisions.statistics.files import FILE, STYLE, FileKind, Lang, file_response, reader
from services.decisions.statistics.handlers import Asked
from services.decisions.statistics.reported import ReportedTable, find_tables, get_table
from services.decisions.statistics.sheets import sheet_of, sheet_of_reported

router = APIRouter(prefix="/statistics", tags=["statistics"])

Anybody = Annotated[Caller, Depends(public_caller)]
TableId = Annotated[str, TextKind.MACHINE, Path(pattern=r"^[A-Z0-9]{1,20}$", examples=["T3"])]

Read = Callable[[Caller, Asked], Awaitable[views.OfService]]


def _in_one_transaction(get: Callable[[Transaction, Asked], Awaitable[views.OfService]]) -> Read:
    async def read(caller: Caller, asked: Asked) -> views.OfService:
        return await caller.read(lambda tx: get(tx, asked))

    return read


async def _ages(caller: Caller, asked: Asked) -> views.Ages:
    found = await caller.read(lambda tx: handlers.find_sealed_ages(tx, asked))
    return await handlers.count_ages(found, caller.runtime.database.vault)


def _offer(name: str, model: type[views.OfService], read: Read) -> None:
    """Two routes: the figures of a service and year as JSON, and the same as a file or page."""

    async def show(service: fields.QueryService, year: fields.Year, caller: fields.Kela) -> Response:
        return Answer(200, await read(caller, Asked(service, year, caller.runtime.texts))).response()

    async def export(
        kind: FileKind, service: fields.QueryService, year: fields.Year, caller: fields.Kela, lang: Lang = None
    ) -> Response:
        say = reader(caller, lang)
        found = await read(caller, Asked(service, year, caller.runtime.texts))
        query = {"service": service, "year": year}
        return await file_response(kind, sheet_of(found, say), say, query, reported=found.reported)

    operation = name.replace("-", "_")
    router.add_api_route(
        f"/{name}",
        show,
        name=f"show_{operation}",
        response_model=model,
        responses=problems("SERVICE_UNKNOWN"),
        description=model.__doc__,
    )
    router.add_api_route(
        f"/{name}.{{kind}}",
        export,
        name=f"export_{operation}",
        response_class=Response,
        responses=problems("SERVICE_UNKNOWN") | FILE,
        description=f"The same as a file or page. {model.__doc__}",
    )


_offer("new-clients", views.NewClients, _in_one_transaction(handlers.get_new_clients))
_offer("decisions", views.Decisions, _in_one_transaction(handlers.get_decisions))
_offer("half-years", views.HalfYears, _in_one_transaction(handlers.get_half_years))
_offer("ages", views.Ages, _ages)
_offer("group-sizes", views.GroupSizes, _in_one_transaction(handlers.get_group_sizes))


@router.get("/contracts", response_model=views.Contracts, responses=problems())
async def show_contracts(caller: fields.Kela) -> Response:
    """Contracts in force today, by service, beside those reported (R-STA-1, R-REG-2)."""
    return Answer(200, await _contracts(caller)).response()


@router.get("/contracts.{kind}", response_class=Response, responses=problems() | FILE)
async def export_contracts(kind: FileKind, caller: fields.Kela, lang: Lang = None) -> Response:
    """Contracts by service as a file or page."""
    say, found = reader(caller, lang), await _contracts(caller)
    return await file_response(kind, sheet_of(found, say), say, {}, reported=found.reported)


@router.get("/quotas", response_model=views.Quotas, responses=problems())
async def show_quotas(year: fields.Year, caller: Anybody) -> Response:
    """Kela's estimates and quotas of a year and how far they have been used, for everybody (R-DEC-8, R-DEC-14)."""
    return Answer(200, await _quotas(caller, year)).response()


@router.get("/quotas.{kind}", response_class=Response, responses=problems() | FILE)
async def export_quotas(kind: FileKind, year: fields.Year, caller: Anybody, lang: Lang = None) -> Response:
    """Estimates and quotas of a year as a file or page, for everybody."""
    say, found = reader(caller, lang), await _quotas(caller, year)
    return await file_response(kind, sheet_of(found, say), say, {"year": year})


@router.get("/reported", response_model=views.ReportedTables, responses=problems())
async def list_reported(caller: Anybody) -> Response:
    """Every table that was reported before this system counted, with its source, for everybody (E-61)."""

    async def read(tx: Transaction) -> Answer:
        return Answer(200, views.ReportedTables(items=await find_tables(tx)))

    return await caller.query(read)


@router.get("/reported/{table}.{kind}", response_class=Response, responses=problems("REPORTED_TABLE_UNKNOWN") | FILE)
async def export_reported(table: TableId, kind: FileKind, caller: Anybody, lang: Lang = None) -> Response:
    """One reported table as a file or page, its source with it."""
    found, say = await caller.read(lambda tx: get_table(tx, table)), reader(caller, lang)
    return await file_response(kind, sheet_of_reported(found, say), say, {}, deep=True)


@router.get("/reported/{table}", response_model=ReportedTable, responses=problems("REPORTED_TABLE_UNKNOWN"))
async def show_reported(table: TableId, caller: Anybody) -> Response:
    """One reported table."""

    async def read(tx: Transaction) -> Answer:
        return Answer(200, await get_table(tx, table))

    return await caller.query(read)


@router.get("/style.css", include_in_schema=False)
async def show_style() -> Response:
    """How the pages look; they work without it."""
    return Response(STYLE, 200, {"cache-control": "public, max-age=600"}, "text/css")


async def _contracts(caller: Caller) -> views.Contracts:
    return await caller.read(lambda tx: handlers.get_contracts(tx, caller.runtime.texts))


async def _quotas(caller: Caller, year: int) -> views.Quotas:
    return await caller.read(lambda tx: handlers.get_quotas(tx, year, caller.runtime.texts))
