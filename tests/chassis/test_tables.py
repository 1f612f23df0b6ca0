"""Tables as files: what a spreadsheet reads is what was written, and nothing in it is a formula."""

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tables import TableFormat, csv_bytes, download_headers, xlsx_bytes

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HEADER = ("Päivä", "Nimi", "Määrä")
TEXTS = st.text(st.characters(exclude_categories=["C"]), max_size=20)


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def read_xlsx(content: bytes) -> list[list[tuple[str | None, str]]]:
    """Each cell as (type, value), strings as their text."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
        shared = ElementTree.fromstring(file.read("xl/sharedStrings.xml"))
    words = ["".join(part.text or "" for part in each.iter(f"{SHEET}t")) for each in shared]
    found = []
    for row in sheet.iter(f"{SHEET}row"):
        values = [(cell.get("t"), cell.findtext(f"{SHEET}v")) for cell in row]
        found.append([(kind, words[int(value)] if kind == "s" else value) for kind, value in values])
    return found


def test_csv_begins_with_a_byte_order_mark_and_separates_by_semicolons():
    content = csv_bytes(HEADER, [(date(2024, 11, 1), "Kuopio; keskus", 20), (None, 'sanoi "kyllä"', 0)])
    assert content.startswith(b"\xef\xbb\xbfP\xc3\xa4iv\xc3\xa4;Nimi;")
    assert read_csv(content) == [list(HEADER), ["2024-11-01", "Kuopio; keskus", "20"], ["", 'sanoi "kyllä"', "0"]]


@pytest.mark.parametrize("text", ["=1+1", "+358", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_would_begin_a_formula_is_a_text(text):
    """What others have written is opened by somebody else's spreadsheet."""
    assert read_csv(csv_bytes(HEADER, [(None, text, -1)]))[1] == ["", f"'{text}", "-1"]
    assert read_xlsx(xlsx_bytes("Taulukko", HEADER, [(None, text.strip(), -1)]))[1] == [
        ("s", text.strip()),
        (None, "-1"),
    ]


def test_a_long_text_does_not_push_the_other_columns_away():
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes("Taulukko", HEADER, [("sana " * 100, None, 1)]))) as file:
        sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
    assert max(float(column.get("width") or 0) for column in sheet.iter(f"{SHEET}col")) < 50


@given(st.lists(st.tuples(TEXTS, TEXTS, st.integers(-9, 9)), max_size=5))
def test_whatever_is_written_as_csv_is_read_again(rows):
    read = read_csv(csv_bytes(HEADER, rows))[1:]
    assert [[cell.removeprefix("'") for cell in row[:2]] for row in read] == [
        [cell.removeprefix("'") for cell in row[:2]] for row in rows
    ]


def test_a_spreadsheet_keeps_texts_numbers_and_dates_apart():
    rows = read_xlsx(xlsx_bytes("Taulukko", HEADER, [(date(2024, 11, 1), "https://kela.fi", 20)]))
    assert [value for _, value in rows[0]] == list(HEADER)
    assert rows[1] == [(None, "45597"), ("s", "https://kela.fi"), (None, "20")]


def test_amounts_are_numbers_with_a_decimal_comma_in_csv():
    rows = [(Decimal("1234.50"),), (Decimal("-0.05"),)]
    assert read_csv(csv_bytes(("€",), rows)) == [["€"], ["1234,50"], ["-0,05"]]
    assert read_xlsx(xlsx_bytes("t", ("€",), rows))[1:] == [[(None, "1234.50")], [(None, "-0.05")]]


def test_a_browser_saves_the_file_under_its_name():
    assert download_headers(TableFormat.XLSX, "gauges")["content-disposition"] == 'attachment; filename="gauges.xlsx"'
