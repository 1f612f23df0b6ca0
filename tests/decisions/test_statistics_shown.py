"""How figures are shown: in words, as spreadsheets, as charts and as pages."""

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from chassis.texts import Texts
from services.decisions.app import SERVICE
from services.decisions.statistics import views
from services.decisions.statistics.sheets import Reader, sheet_of
from tests.decisions.builders import HEART, expect
from tests.decisions.counting import EVERY, OF_2024, asked_of, on_the_course

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class Page(HTMLParser):
    """What stands in a page, by tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize(("language", "shown"), [("fi", "1\xa0234,50"), ("sv", "1\xa0234,50"), ("en", "1,234.50")])
def test_costs_stand_beside_the_persons_where_they_are_known(language, shown):
    """R-BIL-10: and a dash where they are not."""
    texts = Texts(SERVICE.root / "texts")
    halves = [
        views.HalfYear(year=2024, half=1, persons=3, periods=4, cost=Decimal("1234.50")),
        views.HalfYear(year=2024, half=2, persons=2, periods=2, cost=None),
    ]
    found = views.HalfYears(
        counted_on=date(2024, 9, 2),
        measures=[],
        reported=[],
        service=HEART,
        service_names=None,
        year=2024,
        items=halves,
    )
    say = Reader(texts, language)
    rows = sheet_of(found, say).rows
    assert rows == [("1–6/2024", 3, 4, Decimal("1234.50")), ("7–12/2024", 2, 2, None)]
    assert [say.shown(row[-1]) for row in rows] == [shown, "–"]


def half_years(counted_on, *items):
    return views.HalfYears(
        counted_on=counted_on, measures=[], reported=[], service=HEART, service_names=None, year=2024,
        items=[
            views.HalfYear(year=year, half=half, persons=persons, periods=persons, cost=cost)
            for year, half, persons, cost in items
        ],
    )  # fmt: skip


def test_costs_have_a_chart_of_their_own_and_the_title_names_the_years():
    """R-BIL-10, R-STA-1, E-61: in thousands of euros, half up; what has not begun has no figure."""
    say = Reader(Texts(SERVICE.root / "texts"), "en")
    found = half_years(
        date(2024, 3, 1), (2022, 1, 3, Decimal("1234500.00")), (2023, 1, 2, Decimal(-10)), (2024, 1, 1, None),
        (2024, 2, 0, None),
    )  # fmt: skip
    sheet = sheet_of(found, say)
    assert sheet.title.endswith(f"{HEART}, 2022–2024")
    assert [chart.series[-1].values for chart in sheet.charts] == [(3, 2, 1, None), (1235, None, None, None)]
    assert "€1,000" in sheet.charts[1].title
    assert sheet.rows[-1] == ("7–12/2024", None, None, None)
    assert len(sheet_of(half_years(date(2024, 3, 1), (2024, 1, 3, None)), say).charts) == 1


@pytest.mark.parametrize("name", EVERY)
async def test_what_is_counted_is_said_in_words_in_three_languages_wherever_it_is_shown(heart, name):
    """E-61: in the answer, in the file, on the page."""
    query = asked_of(name) and asked_of(name, service=HEART)
    found = expect(200, await heart.officer.get(f"/statistics/{name}", params=query))
    assert found["measures"]
    for language in ("fi", "sv", "en"):
        said = [each["definition"][language] for each in found["measures"]]
        assert all(len(text) > 20 for text in said)
        for kind in ("csv", "html"):
            file = await heart.officer.get(f"/statistics/{name}.{kind}", params=query | {"lang": language})
            assert file.headers["content-language"] == language
            assert all(text in unescape(file.text) for text in said), kind


@pytest.mark.parametrize("name", EVERY)
async def test_every_figure_is_a_spreadsheet_and_a_chart(heart, name):
    """R-STA-1."""
    await on_the_course(heart, [1954] * 6)
    await heart.clock.set(datetime(2024, 9, 2, 9, tzinfo=UTC))
    book = await heart.officer.get(f"/statistics/{name}.xlsx", params=asked_of(name))
    sheet = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(book.content)).read("xl/worksheets/sheet1.xml"))
    widths = [float(column.get("width", 0)) for column in sheet.iter(f"{MAIN}col")]
    assert max(widths[1:]) < 30, "words push the figures away"
    assert f'filename="{name}.xlsx"' in book.headers["content-disposition"]
    picture = await heart.officer.get(f"/statistics/{name}.svg", params=asked_of(name))
    assert picture.headers["content-type"].startswith("image/svg+xml")
    root = ElementTree.fromstring(picture.text)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}rect"))) > 2


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
async def test_a_page_has_the_picture_a_real_table_and_the_reported_tables_and_needs_no_script(heart, language):
    """R-STA-1, E-61; WCAG 2.2 AA: language, one h1, captions, scopes, named picture, unique ids, nothing inline."""
    answer = await heart.officer.get(
        "/statistics/new-clients.html", params={"service": HEART, "year": 2024, "lang": language}
    )
    page = Page(answer.text)
    assert page.all("html")[0]["lang"] == language
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert len(page.all("caption")) == len(page.all("table")) == 2
    assert {cell["scope"] for cell in page.all("th")} == {"col", "row"}
    assert all(picture["role"] == "img" and picture["aria-labelledby"] for picture in page.all("svg"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {name for picture in page.all("svg") for name in picture["aria-labelledby"].split()} <= set(ids)
    assert not page.all("script")
    assert not page.all("style")
    assert not any("style" in attributes for _, attributes in page.tags)
    assert "861–950" in answer.text
    assert "T3" in answer.text
    style = await heart.service.http(role=None).get("/statistics/style.css")
    assert style.status_code == 200


async def test_where_there_are_no_figures_the_picture_and_the_page_say_so(decisions):
    """E-61: nothing is invented where the source has a chart without numbers."""
    public = decisions.service.http(role=None)
    picture = ElementTree.fromstring((await public.get("/statistics/reported/T4.svg", params={"lang": "en"})).text)
    assert [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")] == ["There are no figures."]
    page = await public.get("/statistics/reported/T4.html", params={"lang": "en"})
    assert "The source has a chart only, without numbers." in page.text
    assert "<table" not in page.text
    empty = await decisions.officer.get("/statistics/group-sizes.html", params=OF_2024)
    assert empty.status_code == 200
