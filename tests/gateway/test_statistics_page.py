"""The public page of statistics, with the real decisions service behind it."""

from datetime import date

import pytest

from chassis.auth import Role
from contracts.registration import Contract, ContractRegistered
from contracts.values import Language
from services.decisions.app import SERVICE as DECISIONS
from tests.gateway.builders import CONTRACT, PROVIDER, SERVICE_CODE, a_description_event
from tests.gateway.test_search_pages import words


@pytest.fixture
async def statistics(gateway, search, new_service):
    """A decisions service that has heard of the heart course and of Kela's estimate, behind the gateway."""
    decisions = await new_service(DECISIONS)
    contract = Contract(
        contract_id=CONTRACT,
        provider_id=PROVIDER,
        service=SERVICE_CODE,
        language=Language.FI,
        valid_from=date(2020, 1, 1),
    )
    await decisions.deliver(a_description_event(), ContractRegistered(version=1, contract=contract))
    officer = decisions.http(Role.OFFICER)
    answer = await officer.put(f"/estimates/{SERVICE_CODE}/2023", json={"estimate": 930})
    assert answer.status_code == 200
    gateway.put_behind(search, decisions)
    return gateway


async def test_anybody_reads_estimates_quotas_and_reported_tables_in_three_languages(statistics):
    """R-DEC-8, R-DEC-14, E-61: with sources, definitions and files, without a script."""
    for language, title, source in (
        ("fi", "Arviot ja asiakaskiintiöt 2023", "Lähde: Kelan rekisteröitymismenettelyllä"),
        ("sv", "Uppskattningar och klientkvoter 2023", "Källa: FPA:s partnerskapsmöte"),
        ("en", "Estimates and client quotas 2023", "Source: Kela's partnership meeting"),
    ):
        page = await statistics.browser(language).get("/statistics", params={"year": 2023})
        assert page.status_code == 200, page.text
        assert title in words(page)
        assert source in words(page).replace("&#39;", "'")
        assert all(figure in words(page) for figure in ("930", "0", "138", "708", "188"))
        assert "<script" not in page.text
        assert page.text.count("<caption") == page.text.count("<table") == 6
        assert "/statistics/ages.html" not in page.text


async def test_charts_and_files_are_reached_through_the_gateway(statistics):
    """R-DEC-14, E-61: without a token."""
    browser = statistics.browser()
    picture = await browser.get("/api/decisions/statistics/reported/T3.svg", params={"lang": "sv"})
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert "Antal nya klienter" in picture.text
    page = await browser.get("/api/decisions/statistics/quotas.html", params={"year": 2023, "lang": "fi"})
    assert "Sydänkurssi" in page.text
    assert (await browser.get("/api/decisions/statistics/style.css")).status_code == 200
    hidden = await browser.get("/api/decisions/statistics/ages.html", params={"service": SERVICE_CODE, "year": 2023})
    assert hidden.status_code == 401


async def test_an_officer_finds_every_statistic(statistics):
    """R-STA-1, R-STA-5: linked from the page, and opened with the session."""
    browser = await statistics.signed_in(Role.OFFICER)
    page = await browser.get("/statistics", params={"year": 2023})
    for name in ("new-clients", "decisions", "half-years", "ages", "group-sizes"):
        address = f"/api/decisions/statistics/{name}.html?service={SERVICE_CODE}&amp;year=2023&amp;lang=en"
        assert address in page.text
        assert (await browser.get(address.replace("&amp;", "&"))).status_code == 200
    assert (await browser.get("/api/decisions/statistics/contracts.html")).status_code == 200


async def test_without_the_decisions_service_the_page_says_so(gateway, search):
    gateway.put_behind(search, decisions="http://127.0.0.1:9")
    page = await gateway.browser().get("/statistics")
    assert page.status_code == 503
    assert "<h1" in page.text
