"""Figures as files and pages, in the reader's language."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from chassis.http import Caller
from chassis.tables import MEDIA_TYPES, TableFormat, download_headers, write_table
from chassis.texts import LANGUAGES
from services.decisions.statistics.charts import Chart, svg
from services.decisions.statistics.reported import ReportedTable
from services.decisions.statistics.sheets import Reader, Sheet, sheet_of_reported

_FOLDER = Path(__file__).parent / "templates"
_PAGES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
STYLE = (_FOLDER / "style.css").read_bytes()
SVG, HTML = "image/svg+xml", "text/html; charset=utf-8"


class FileKind(StrEnum):
    """What a figure is given as, besides JSON."""

    CSV = "csv"
    XLSX = "xlsx"
    SVG = "svg"
    HTML = "html"


class PageLanguage(StrEnum):
    """Languages of pages and files."""

    FI = "fi"
    SV = "sv"
    EN = "en"


Lang = Annotated[PageLanguage | None, Query(description="Language of the file; without it, that of Accept-Language")]

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, with what was counted in words",
        "content": {media_type: {} for media_type in (*MEDIA_TYPES.values(), SVG, HTML)},
    }
}


def reader(caller: Caller, lang: PageLanguage | None) -> Reader:
    """The texts of the language asked for."""
    return Reader(caller.runtime.texts, caller.language if lang is None else lang.value)


async def file_response(
    kind: FileKind,
    sheet: Sheet,
    say: Reader,
    query: Mapping[str, object],
    *,
    reported: Sequence[ReportedTable] = (),
    deep: bool = False,
) -> Response:
    """The sheet as a file or a page; `query` is what its links ask for, `deep` one folder below the style sheet."""
    headers = {"content-language": say.language}
    if kind is FileKind.SVG:
        charts = sheet.charts or (Chart(sheet.title, say("page-nothing"), (), ()),)
        return Response(svg(charts, sheet.name), 200, headers, SVG)
    if kind is FileKind.HTML:
        return Response(_page(sheet, say, query, reported, deep=deep), 200, headers, HTML)
    table = TableFormat(kind.value)
    lines = sheet.lines(say("page-measures"), say("page-source"))
    # The library of spreadsheets takes a while to load, and other requests go on meanwhile.
    content = await asyncio.to_thread(write_table, table, sheet.name, sheet.columns, lines)
    return Response(content, 200, headers | download_headers(table, sheet.name))


def _pictures(sheet: Sheet) -> list[str]:
    return [svg([chart], f"{sheet.name}-{nth}") for nth, chart in enumerate(sheet.charts, 1)]


def _page(
    sheet: Sheet, say: Reader, query: Mapping[str, object], reported: Sequence[ReportedTable], *, deep: bool
) -> str:
    file = sheet.name.removeprefix("reported-")
    kinds = [kind for kind in FileKind if kind is not FileKind.HTML and (sheet.charts or kind is not FileKind.SVG)]
    tables = [sheet_of_reported(table, say) for table in reported]
    return _PAGES.get_template("page.html").render(
        language=say.language,
        say=say,
        root="../" if deep else "",
        sheet=sheet,
        pictures=_pictures(sheet),
        languages=[
            (code, say.texts.text(code, "language-name"), f"{file}.html?{urlencode({**query, 'lang': code})}")
            for code in LANGUAGES
        ],
        files=[
            (say(f"page-file-{kind}"), f"{file}.{kind}?{urlencode({**query, 'lang': say.language})}") for kind in kinds
        ],
        reported=[(table, _pictures(table)) for table in tables],
    )
