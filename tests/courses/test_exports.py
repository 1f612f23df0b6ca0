"""Courses and pins as files for spreadsheets."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from chassis import exports
from chassis.testing import service_under_test
from services.courses.app import SERVICE
from tests.courses.builders import CONTRACT, OFFICE, OTHER_PROVIDER, PROVIDER, SERVICE_CODE, CoursesUnderTest, refusal
from tests.courses.bulk import Scene, a_scene

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
async def scene(cluster, tmp_path_factory) -> AsyncIterator[Scene]:
    """Shared by tests that only read."""
    async with service_under_test(cluster, SERVICE, tmp_path_factory.mktemp("exports")) as service:
        yield await a_scene(CoursesUnderTest(service))


async def table(client, path: str, language: str = "en", **query: str) -> list[dict[str, str]]:
    """The lines of a CSV by the names of their columns."""
    answer = await client.get(path, params=query, headers={"accept-language": language})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


async def test_an_officer_takes_all_courses_home_as_csv(scene):
    """UTF-8 with a byte order mark and semicolons; what may be confirmed, must run or is stale can be read in it."""
    answer = await scene.courses.officer.get("/courses.csv", headers={"accept-language": "fi"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="courses.csv"'
    assert answer.headers["content-language"] == "fi"
    assert answer.content.startswith(b"\xef\xbb\xbfY-tunnus;Sopimus;Toimipiste;")
    lines = await table(scene.courses.officer, "/courses.csv")
    assert [line["Course number"] for line in lines] == [
        str(course["course_number"]) for course in (scene.past, scene.full_enough, scene.next_year, scene.theirs)
    ]
    assert lines[1] == {
        "Business ID": PROVIDER,
        "Contract": CONTRACT,
        "Office": OFFICE,
        "Course number": str(scene.full_enough["course_number"]),
        "Course identifier": scene.full_enough["course_id"],
        "Service code": SERVICE_CODE,
        "Service": "'=1+1",
        "Service language": "fi",
        "State": "published",
        "Past its start, not confirmed": "no",
        "Year": "2024",
        "First day": "2024-05-06",
        "Last day": "2024-06-21",
        "Target groups": "group_a",
        "Age group": "",
        "Group size": "12",
        "Clients pinned": "7",
        "Places taken": "7",
        "Places free": "5",
        "Must be carried out": "yes",
        "Has had to be carried out since": "2024-01-15",
        "Confirm by": "2024-07-15",
        "Confirmed on": "",
        "Confirmed after its start": "no",
    }
    assert [line["Past its start, not confirmed"] for line in lines] == ["yes", "no", "no", "yes"]


async def test_pins_are_taken_home_with_what_became_of_them(scene):
    """R-CRS-29: ended ones too, with the numbers of the courses a client came from and went to."""
    lines = await table(scene.courses.officer, "/pins.csv")
    assert len(lines) == 11
    went, came = [line for line in lines if line["Decision identifier"] == scene.moved.decision_ref]
    number, there = str(scene.past["course_number"]), str(scene.full_enough["course_number"])
    assert (went["Course number"], went["State"], went["Moved to course"]) == (number, "moved", there)
    assert (came["Course number"], came["State"], came["Moved from course"]) == (there, "active", number)
    [left] = [line for line in lines if line["Decision identifier"] == scene.unpinned.decision_ref]
    assert (left["State"], left["Why it ended"], left["Takes a place"], left["Pinned on"], left["Ended on"]) == (
        "released",
        "the provider removed the client",
        "no",
        "2024-01-15",
        "2024-01-15",
    )
    assert (left["Periods planned"], left["Periods attended"]) == ("all", "")


async def test_days_in_a_file_are_helsinki_days(courses):
    """E-16: half past ten in the evening of the 31st, UTC, is the 1st."""
    course = await courses.a_course()
    await courses.clock.set(datetime(2024, 1, 31, 22, 30, tzinfo=UTC))
    await courses.pin(course, await courses.grant())
    [line] = await table(courses.officer, "/pins.csv")
    assert line["Pinned on"] == "2024-02-01"


async def test_what_would_begin_a_formula_is_a_text(scene):
    """The names others gave are opened by somebody else's spreadsheet."""
    for path in ("/courses.csv", "/pins.csv"):
        assert {line["Service"] for line in await table(scene.courses.officer, path)} == {"'=1+1"}
    for path in ("/courses.xlsx", "/pins.xlsx"):
        cells, words = await sheet(scene.courses.officer, path)
        assert "=1+1" in words
        assert [cell for cell in cells if cell.find(f"{SHEET}f") is not None] == []


@pytest.mark.parametrize("path", ["/courses", "/pins"])
async def test_a_file_holds_what_the_list_holds(scene, path):
    """The filters are the same, and so is whose rows they are."""
    for client in (scene.courses.officer, scene.courses.provider, scene.other):
        for query in ({}, {"year": "2024"}, {"year": "2025"}, {"provider_id": OTHER_PROVIDER}, {"service": "NONE"}):
            items = (await client.get(path, params={"limit": 500, **query})).json()["items"]
            lines = await table(client, f"{path}.csv", **query)
            assert [line["Course identifier"] for line in lines] == [item["course_id"] for item in items]


async def test_nothing_of_another_provider_is_in_a_file(scene):
    for client, others in ((scene.courses.provider, OTHER_PROVIDER), (scene.other, PROVIDER)):
        for path in ("/courses.csv", "/pins.csv"):
            assert others not in (await client.get(path)).content.decode("utf-8-sig")


@pytest.mark.parametrize("path", ["/courses.csv", "/pins.csv"])
async def test_every_column_and_word_is_in_the_callers_language(scene, path):
    headers = set()
    for language in ("fi", "sv", "en"):
        answer = await scene.courses.officer.get(path, headers={"accept-language": language})
        header = answer.content.decode("utf-8-sig").splitlines()[0]
        headers.add(header)
        assert "column-" not in header
        assert not any(word in answer.text for word in ("course-state-", "pin-state-", "pin-reason-", "every-"))
        assert answer.headers["content-language"] == language
    assert len(headers) == 3


@pytest.mark.parametrize("path", ["/courses", "/pins"])
async def test_an_export_is_bounded_and_says_how_to_get_the_rest(scene, monkeypatch, path):
    """EXPORT_TOO_LARGE: a file is made in memory."""
    monkeypatch.setattr(exports, "MOST_ROWS", 3)
    for kind in ("csv", "xlsx"):
        answer = await scene.courses.officer.get(f"{path}.{kind}")
        assert refusal(answer) == ("EXPORT_TOO_LARGE", {"allowed_rows": 3})
    assert (await scene.courses.officer.get(f"{path}.csv", params={"year": 2025})).status_code == 200


async def test_the_same_comes_as_a_spreadsheet(scene):
    """Numbers are numbers in it."""
    answer = await scene.courses.officer.get("/courses.xlsx")
    assert (answer.headers["content-type"], answer.headers["content-disposition"]) == (
        XLSX,
        'attachment; filename="courses.xlsx"',
    )
    cells, words = await sheet(scene.courses.officer, "/courses.xlsx", language="sv")
    assert {"FO-nummer", "publicerad"} <= set(words)
    assert (None, str(scene.past["course_number"])) in [(c.get("t"), c.findtext(f"{SHEET}v")) for c in cells]


async def sheet(client, path: str, language: str = "en") -> tuple[list[ElementTree.Element], list[str]]:
    """The cells and the texts of a spreadsheet."""
    answer = await client.get(path, headers={"accept-language": language})
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        found = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
        texts = ElementTree.fromstring(file.read("xl/sharedStrings.xml"))
    return list(found.iter(f"{SHEET}c")), [text.text or "" for text in texts.iter(f"{SHEET}t")]
