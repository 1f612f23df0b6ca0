"""Tables as files for spreadsheets: CSV and XLSX.

Both are made whole in memory, so whoever calls keeps the number of rows bounded.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

Cell = str | int | Decimal | date | None
"""A date, not an instant; None is an empty cell."""

_BOM = "\ufeff"
_WIDEST_PIXELS = 300
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


class TableFormat(StrEnum):
    """The formats a table is given in."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES = {
    TableFormat.CSV: "text/csv; charset=utf-8",
    TableFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write_table(kind: TableFormat, title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table as a file of the format; `title` names the sheet of an XLSX."""
    if kind is TableFormat.CSV:
        return csv_bytes(header, rows)
    return xlsx_bytes(title, header, rows)


def download_headers(kind: TableFormat, name: str) -> dict[str, str]:
    """The headers under which a browser saves the file as `name` with the format's ending."""
    return {"content-type": MEDIA_TYPES[kind], "content-disposition": f'attachment; filename="{name}.{kind}"'}


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """CSV as spreadsheets in Finland open it: UTF-8 with a byte order mark, semicolons, 2024-11-01, 12,50."""
    text = io.StringIO(_BOM)
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, delimiter=";")
    writer.writerow([_plain(cell) for cell in header])
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def xlsx_bytes(title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """One sheet with a frozen header; text stays text, and numbers and dates are numbers and dates."""
    # Only exports need the library, so it is loaded with the first of them.
    from xlsxwriter import Workbook

    file = io.BytesIO()
    with Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        bold, day = workbook.add_format({"bold": True}), workbook.add_format({"num_format": "yyyy-mm-dd"})
        sheet = workbook.add_worksheet(title)
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(header):
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, cell)
                elif isinstance(cell, date):
                    sheet.write_datetime(number, column, cell, day)
                elif cell is not None:
                    sheet.write_number(number, column, cell)
        # A long text is read over the empty cells beside it, and does not push the other columns away.
        sheet.autofit(_WIDEST_PIXELS)
    return file.getvalue()


def _plain(cell: Cell) -> str | int:
    """What is not a formula to any spreadsheet: a text that would begin one is shown with an apostrophe before it."""
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return str(cell).replace(".", ",")
    if isinstance(cell, str) and cell.startswith(_FORMULA_BEGINS):
        return f"'{cell}"
    return cell
