"""Gauges in bulk, and as files."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from xml.etree import ElementTree

import pytest

from chassis import exports
from chassis.auth import Role
from chassis.testing import ServiceUnderTest, service_under_test
from services.registration.app import SERVICE
from tests.registration.builders import (
    OURS,
    THEIRS,
    a_course,
    a_grant,
    announce,
    registered_contract,
)

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
async def filled(cluster, tmp_path_factory) -> AsyncIterator[ServiceUnderTest]:
    """Registration with the gauges of `three_contracts`, shared by tests that only read."""
    async with service_under_test(cluster, SERVICE, tmp_path_factory.mktemp("gauges")) as registration:
        await fill(registration)
        yield registration


@pytest.fixture
async def three_contracts(filled) -> dict[str, str]:
    """Ours in Finnish: 2 of 2 decisions; ours in Swedish: overdrawn by a place; theirs: room."""
    items = (await filled.http().get("/contracts")).json()["items"]
    return dict(zip(("ours", "swedish", "theirs"), (each["contract_id"] for each in items), strict=True))


async def fill(registration) -> str:
    ours = await registered_contract(registration)
    swedish = await registered_contract(registration, language="sv")
    theirs = await registered_contract(registration, provider_id=THEIRS, service="RHEUMA_ADULT")
    for contract_id, count, provider_id in ((ours, 2, OURS), (swedish, 7, OURS), (theirs, 30, THEIRS)):
        await announce(registration, contract_id, 2024, count, provider_id=provider_id)
    await announce(registration, ours, 2025, 9)
    await registration.deliver(
        a_grant(ours), a_grant(ours), a_course(swedish, group_size=8), a_grant(theirs, provider_id=THEIRS)
    )
    return ours


async def asked(registration, *, by: str | None = None, **query) -> list[tuple[str, int]]:
    """What an officer is told, or the provider `by`."""
    client = registration.http(Role.PROVIDER, by) if by else registration.http()
    answer = await client.get("/gauges", params=query)
    assert answer.status_code == 200, answer.text
    return [(each["contract_id"], each["year"]) for each in answer.json()["items"]]


async def test_an_officer_reads_every_gauge_and_narrows_it(filled, three_contracts):
    """R-DEC-3, E-1: one line per contract and year, by provider, service, language, year, full, overdrawn."""
    ours, swedish, theirs = three_contracts.values()
    everything = [(ours, 2024), (ours, 2025), (swedish, 2024), (theirs, 2024)]
    assert await asked(filled) == everything == sorted(everything)
    assert await asked(filled, provider_id=THEIRS) == [(theirs, 2024)]
    assert await asked(filled, service="RHEUMA_ADULT") == [(theirs, 2024)]
    assert await asked(filled, language="sv") == [(swedish, 2024)]
    assert await asked(filled, year=2025) == [(ours, 2025)]
    assert await asked(filled, only="full") == [(ours, 2024), (swedish, 2024)]
    assert await asked(filled, only="overdrawn") == [(swedish, 2024)]


async def test_a_line_says_whose_it_is_and_both_ledgers(filled, three_contracts):
    """E-1, E-3, E-4: the Swedish contract has a count of its own."""
    answer = await filled.http().get("/gauges", params={"language": "sv"})
    assert answer.json()["items"] == [
        {
            "contract_id": three_contracts["swedish"],
            "provider_id": OURS,
            "provider_name": "Sydänkunto Oy",
            "service": "CARDIAC_ADULT",
            "language": "sv",
            "year": 2024,
            "announced": 7,
            "state": "announced",
            "decisions_used": 0,
            "decisions_left": 7,
            "decisions_overdrawn": 0,
            "places_used": 8,
            "places_left": 0,
            "places_overdrawn": 1,
        }
    ]


async def test_the_bulk_gauge_and_a_contracts_own_gauge_are_the_same(filled, three_contracts):
    """R-DEC-3: two readings, one truth."""
    contracts = (await filled.http().get("/contracts")).json()["items"]
    own = [year | {"contract_id": each["contract_id"]} for each in contracts for year in each["years"]]
    bulk = (await filled.http().get("/gauges")).json()["items"]
    extra = {"provider_id", "provider_name", "service", "language"}
    assert [{name: value for name, value in each.items() if name not in extra} for each in bulk] == own


async def test_uses_without_a_count_are_lines_as_well(registration):
    """E-1: what is used shows where nothing was announced; it is overdrawn and never full."""
    contract_id = await registered_contract(registration)
    await registration.deliver(a_grant(contract_id, decided_on=date(2023, 12, 30)))
    [line] = (await registration.http().get("/gauges")).json()["items"]
    assert (line["year"], line["announced"], line["state"], line["decisions_overdrawn"]) == (2023, None, None, 1)
    assert await asked(registration, only="full") == []
    assert await asked(registration, only="overdrawn") == [(contract_id, 2023)]


async def test_gauges_come_page_by_page(filled, three_contracts):
    """A page ends between the years of a contract as well."""
    seen, after = [], None
    for _ in range(5):
        query = {"limit": 1} | ({"after": after} if after else {})
        page = (await filled.http().get("/gauges", params=query)).json()
        seen += [(each["contract_id"], each["year"]) for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == await asked(filled)


async def test_a_provider_reads_its_own_gauges_only(filled, three_contracts):
    """R-DEC-3: also where it asks for another's."""
    assert await asked(filled, by=THEIRS) == [(three_contracts["theirs"], 2024)]
    stranger = filled.http(Role.PROVIDER, THEIRS)
    assert (await stranger.get("/gauges", params={"provider_id": OURS})).json() == {"items": [], "next": None}
    assert (await filled.http(None).get("/gauges")).status_code == 401


async def test_unchanged_gauges_are_not_sent_again(registration):
    """The ETag is of the content: 304 while it is the same, 200 once a decision is given."""
    contract_id = await fill(registration)
    officer = registration.http()
    first = await officer.get("/gauges")
    known = {"if-none-match": first.headers["etag"]}
    same = await officer.get("/gauges", headers=known)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    await registration.deliver(a_grant(contract_id))
    assert (await officer.get("/gauges", headers=known)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [{"after": "x"}, {"after": "x/24"}, {"only": "half"}, {"year": "1999"}, {"service": "x; drop"}, {"limit": 0}],
)
async def test_what_cannot_be_asked_for_is_refused(filled, query):
    """VALIDATION, before any SQL."""
    answer = await filled.http().get("/gauges", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION")


async def test_an_officer_takes_all_gauges_home_as_csv(filled, three_contracts):
    """R-DEC-3: UTF-8 with a byte order mark, semicolons, the header in the language that was asked for."""
    answer = await filled.http().get("/gauges.csv", headers={"accept-language": "fi"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="gauges.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    header, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")
    assert header[:3] == ["Y-tunnus", "Palveluntuottaja", "Sopimus"]
    assert len(lines) == 4
    ours = lines[0]
    assert ours[:2] == [OURS, "Sydänkunto Oy"]
    assert ours[3:] == [
        "CARDIAC_ADULT",
        "Aikuisen sydänsairauksia sairastavien kuntoutuskurssi",
        *("fi", "2024", "2", "ilmoitettu", "2", "0", "0", "0", "2", "0"),
    ]


@pytest.mark.parametrize(("language", "name"), [("fi", "Vuosi"), ("sv", "År"), ("en", "Year")])
async def test_the_header_speaks_the_callers_language_and_every_column_has_a_name(filled, language, name):
    answer = await filled.http().get("/gauges.csv", headers={"accept-language": language})
    header = answer.content.decode("utf-8-sig").splitlines()[0]
    assert name in header.split(";")
    assert "column-" not in header
    assert answer.headers["content-language"] == language


async def test_a_provider_takes_its_own_gauges_home(filled, three_contracts):
    """Filters count here too; nothing of another provider's is in the file."""
    answer = await filled.http(Role.PROVIDER, OURS).get("/gauges.csv", params={"year": 2024})
    text = answer.content.decode("utf-8-sig")
    assert (text.count(OURS), text.count(THEIRS)) == (2, 0)


async def test_an_export_is_bounded_and_says_how_to_get_the_rest(filled, three_contracts, monkeypatch):
    """EXPORT_TOO_LARGE: an export is made in memory."""
    monkeypatch.setattr(exports, "MOST_ROWS", 3)
    refused = await filled.http().get("/gauges.csv")
    assert (refused.status_code, refused.json()["code"]) == (409, "EXPORT_TOO_LARGE")
    assert refused.json()["values"] == {"allowed_rows": 3}
    assert (await filled.http().get("/gauges.csv", params={"year": 2024})).status_code == 200


async def test_the_same_gauges_come_as_a_spreadsheet(filled, three_contracts):
    """R-DEC-3: numbers are numbers in it."""
    answer = await filled.http().get("/gauges.xlsx", headers={"accept-language": "sv"})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="gauges.xlsx"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
        texts = ElementTree.fromstring(file.read("xl/sharedStrings.xml"))
    words = [text.text for text in texts.iter(f"{SHEET}t")]
    rows = list(sheet.iter(f"{SHEET}row"))
    assert len(rows) == 5
    assert {"Serviceproducent", "Sydänkunto Oy"} <= set(words)
    year, announced = (rows[1][column] for column in (6, 7))
    assert [(cell.get("t"), cell[0].text) for cell in (year, announced)] == [(None, "2024"), (None, "2")]
