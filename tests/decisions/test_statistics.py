"""The figures over HTTP; how they are shown is in test_statistics_shown.py."""

from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from chassis.auth import Role
from contracts.values import Language, PinState
from tests.decisions.builders import (
    HEART,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    RARE,
    expect,
    pinned,
    refusal,
    registered,
    unpinned,
)
from tests.decisions.counting import EVERY, OF_2024, OF_SERVICE, asked_of, figures, on_the_course, record_clients
from tests.decisions.settling import PRICE, a_line, accept, accepted, credit
from tests.decisions.test_statistics_rules import Y2022, Y2023, Y2024


async def test_acceptance_example_9_from_the_records_by_every_method(heart):
    """E-56, R-STA-1: 942 by the line, 950 by 2022, 861 by 2023; the range is said, and which exceed the estimate."""
    found = await figures(heart, "new-clients", service=HEART)
    assert (found["months"], found["total"], found["estimate"], found["complete_months"]) == (Y2024, 628, 930, 8)
    assert [tuple(each.values()) for each in found["forecasts"]] == [
        ("straight_line", None, 942, True),
        ("seasonality", 2022, 950, True),
        ("seasonality", 2023, 861, False),
    ]
    assert (found["forecast_low"], found["forecast_high"]) == (861, 950)
    assert found["earlier"] == [{"year": 2022, "months": Y2022}, {"year": 2023, "months": Y2023}]
    assert found["service_names"]["sv"] == "Hjärtkurs"


async def test_the_year_is_drawn_beside_the_estimate_and_every_forecast(heart):
    """E-56, R-STA-1: in one picture with the months, each named by its method."""
    query = {"service": HEART, "year": 2024, "lang": "en"}
    picture = ElementTree.fromstring((await heart.officer.get("/statistics/new-clients.svg", params=query)).text)
    _, beside = picture.findall("{http://www.w3.org/2000/svg}svg")
    said = [text.text for text in beside.iter("{http://www.w3.org/2000/svg}text")]
    assert said == [
        "2024", "Total", "628", "Kela's estimate", "930", "Forecast, straight line", "942",
        "Forecast, seasonality of 2022", "950", "Forecast, seasonality of 2023", "861",
    ]  # fmt: skip


async def test_a_year_that_the_records_do_not_have_whole_is_no_basis(decisions):
    """E-56: records that begin in the middle of a year say nothing of its seasons."""
    await record_clients(decisions, RARE, {2022: [0] * 6 + [9] * 6, 2023: [3] * 12, 2024: [5] + [0] * 11})
    await decisions.clock.set(datetime(2024, 2, 1, 9, tzinfo=UTC))
    found = await figures(decisions, "new-clients")
    assert [(each["basis_year"], each["total"]) for each in found["forecasts"]] == [(None, 60), (2023, 60)]


async def test_new_clients_by_month_with_a_forecast(decisions):
    """R-STA-1, E-8, E-56: a client counts once, in the month of the first grant."""
    for month, clients in ((1, 2), (2, 1), (3, 2)):
        await decisions.clock.set(datetime(2024, month, 20, 9, tzinfo=UTC))
        for number in range(clients):
            await decisions.grant(client_ref=f"client-{month}-{number}")
    await decisions.grant(client_ref="client-1-0")
    found = await figures(decisions, "new-clients")
    assert (found["months"], found["total"], found["complete_months"]) == ([2, 1, 2] + [0] * 9, 5, 2)
    assert [tuple(each.values()) for each in found["forecasts"]] == [("straight_line", None, 18, None)]


async def test_decisions_by_month_kind_and_language(decisions):
    """R-DEC-21, R-DEC-22, R-STA-1: a revoked grant was a grant."""
    swedish = {"contract_id": OTHER_CONTRACT, "provider_id": OTHER_PROVIDER, "language": Language.SV}
    await decisions.know(registered({2024: 9}, **swedish))
    await decisions.revoke(await decisions.grant())
    await decisions.grant()
    await decisions.apply(outcome="rejected")
    await decisions.clock.set(datetime(2024, 2, 1, 9, tzinfo=UTC))
    await decisions.grant(contract_id=OTHER_CONTRACT)
    found = await figures(decisions, "decisions")
    assert found["items"] == [
        {"month": 1, "language": "fi", "granted": 2, "rejected": 1},
        {"month": 2, "language": "sv", "granted": 1, "rejected": 0},
    ]
    assert (found["granted"], found["rejected"]) == (3, 1)


async def test_persons_paid_for_are_different_clients_of_a_half_year(decisions):
    """R-BIL-10, R-STA-1: two periods of one client in one half are one person; the next half counts anew."""
    refs = await on_the_course(decisions, [None] * 3)
    for day, period, paid in (((2024, 4, 20), 1, refs), ((2024, 4, 20), 2, refs[:1]), ((2024, 7, 1), 3, refs[:2])):
        await decisions.clock.set(datetime(*day, 9, tzinfo=UTC))
        body = {"course_id": "course-1", "period_number": period, "decision_refs": paid}
        expect(201, await decisions.system.post("/payments", json=body))
    found = await figures(decisions, "half-years")
    assert [tuple(each.values()) for each in found["items"]] == [
        (2022, 1, 0, 0, None), (2022, 2, 0, 0, None), (2023, 1, 0, 0, None), (2023, 2, 0, 0, None),
        (2024, 1, 3, 4, None), (2024, 2, 2, 2, None),
    ]  # fmt: skip


async def test_costs_are_what_was_settled_without_what_was_given_back(decisions, clients):
    """R-BIL-10, E-29, E-85, P19: a refunded period has no person paid for."""
    original = await accepted(decisions, a_line(clients[0]), a_line(clients[1]))
    found = (await figures(decisions, "half-years"))["items"][-2]
    assert (found["persons"], found["periods"], Decimal(found["cost"])) == (2, 2, 2 * Decimal(PRICE))
    given_back = expect(201, await credit(decisions, original, a_line(clients[0])))
    await accept(decisions, given_back)
    found = (await figures(decisions, "half-years"))["items"][-2]
    assert (found["persons"], found["periods"], Decimal(found["cost"])) == (1, 1, Decimal(PRICE))


async def test_a_period_paid_again_belongs_to_the_day_of_its_first_payment(decisions, clients):
    """R-BIL-10, E-29, E-61: the costs of each half are those of the settlements accepted in it."""
    original = await accepted(decisions, a_line(clients[0]))
    await decisions.clock.set(datetime(2024, 7, 1, 9, tzinfo=UTC))
    await accept(decisions, expect(201, await credit(decisions, original, a_line(clients[0]))))
    halves = (await figures(decisions, "half-years"))["items"][-2:]
    assert [(half["persons"], Decimal(half["cost"])) for half in halves] == [(0, Decimal(PRICE)), (0, -Decimal(PRICE))]
    assert (await decisions.officer.get("/statistics/half-years.svg", params=OF_2024)).status_code == 200
    await accepted(decisions, a_line(clients[0]))
    halves = (await figures(decisions, "half-years"))["items"][-2:]
    assert [(half["persons"], Decimal(half["cost"])) for half in halves] == [(1, Decimal(PRICE)), (0, Decimal(0))]


async def test_months_that_have_not_begun_have_no_figures(decisions):
    """E-61: no decision was made in February, and nobody knows of March; nor is a year forecast that is over."""
    await decisions.grant()
    await decisions.clock.set(datetime(2024, 2, 1, 9, tzinfo=UTC))
    rows = (await decisions.officer.get("/statistics/decisions.csv", params=OF_2024)).text.splitlines()
    assert [row.split(";")[1] for row in rows[1:4]] == ["1", "0", ""]
    running = await decisions.officer.get("/statistics/new-clients.csv", params=OF_2024 | {"lang": "en"})
    assert "Forecast (complete months: 1): 12–12" in running.text
    await decisions.clock.set(datetime(2025, 1, 1, 9, tzinfo=UTC))
    over = await decisions.officer.get("/statistics/new-clients.csv", params=OF_2024 | {"lang": "en"})
    assert "Forecast," not in over.text
    assert "Forecast (" not in over.text


async def test_ages_come_from_the_sealed_data_and_small_groups_are_left_out(decisions):
    """R-STA-2, E-24, E-63: aggregated; a group of three is not shown, nor the next smallest that would tell it."""
    await on_the_course(decisions, [1954] * 6 + [1964] * 7 + [1974] * 3)
    found = await figures(decisions, "ages")
    shown = {each["youngest"]: (each["started"], each["participated"]) for each in found["items"]}
    assert (shown[50], shown[60], shown[70], shown[80]) == ((None, None), (7, 7), (None, None), (0, 0))
    assert (found["started"], found["participated"], found["age_unknown"]) == (16, 16, 0)
    assert "client-" not in str(found) + (await decisions.officer.get("/statistics/ages.csv", params=OF_2024)).text


async def test_a_client_whose_key_was_erased_has_no_age(decisions):
    """E-63: whoever cannot be read any more is counted with those whose age is not known."""
    refs = await on_the_course(decisions, [1954] * 5 + [None] * 4)
    client = (await decisions.get({"decision_ref": refs[0]}))["client_ref"]
    before = await figures(decisions, "ages")
    await decisions.service.runtime.database.vault.erase(client)
    after = await figures(decisions, "ages")
    assert (before["age_unknown"], before["started"]) == (None, 9)
    assert (after["age_unknown"], after["started"]) == (None, 9)
    assert [each["started"] for each in after["items"] if each["started"] != 0] == [None]


async def test_group_sizes_at_the_start_and_moves_before_and_after(decisions):
    """R-CRS-51: who came later or left before is not of the group that began; moves are counted apart."""
    refs = await on_the_course(decisions, [None] * 8)
    moved = {"state": PinState.MOVED, "occupies_place": False}
    await decisions.know(
        unpinned(refs[0], **moved),
        unpinned(refs[1], **(moved | {"occupies_place": True}), attended=(1,)),
        unpinned(refs[2]),
        pinned(refs[3], 2, planned=(2, 3)),
    )
    found = await figures(decisions, "group-sizes")
    assert (found["items"], found["courses"]) == ([{"clients": 5, "courses": 1}], 1)
    assert (found["moved_before"], found["moved_after"]) == (1, 1)


async def test_contracts_in_force_by_service_beside_those_reported(decisions):
    """R-STA-1, R-REG-2, E-61: T5 is shown with its source, and our own count is our own."""
    swedish = {"contract_id": OTHER_CONTRACT, "provider_id": OTHER_PROVIDER, "language": Language.SV}
    await decisions.know(
        registered({2024: 9}, **swedish), registered({}, contract_id="ended", valid_to=date(2024, 1, 14))
    )
    found = expect(200, await decisions.officer.get("/statistics/contracts"))
    assert [(each["service"], each["contracts"], each["swedish"]) for each in found["items"]] == [(RARE, 2, 1)]
    [reported] = found["reported"]
    assert reported["table"] == "T5"
    assert sum(row[1] for row in reported["rows"]) == 65
    assert sum(row[2] or 0 for row in reported["rows"]) == 3
    assert "2.10.2025" in reported["source"]["fi"]


async def test_what_kela_has_published_is_public(decisions):
    """R-DEC-8, R-DEC-14: estimate, quota and fill, without a token; fewer than five clients are not shown."""
    for _ in range(6):
        await decisions.grant()
    await decisions.officer.put(f"/estimates/{RARE}/2024", json={"estimate": 16})
    await decisions.set_quota(12)
    public = decisions.service.http(role=None)
    [line] = expect(200, await public.get("/statistics/quotas", params={"year": 2024}))["items"]
    assert line == {
        "service": RARE, "service_names": {"fi": "kurssi", "sv": "kurs", "en": "course"}, "estimate": 16, "limit": 12,
        "used": 6, "estimate_fill": 37.5, "limit_fill": 50.0,
    }  # fmt: skip
    page = await public.get("/statistics/quotas.html", params={"year": 2024, "lang": "fi"})
    assert "37,5 %" in page.text
    await decisions.alter("UPDATE quotas SET used = 4")
    [line] = expect(200, await public.get("/statistics/quotas", params={"year": 2024}))["items"]
    assert (line["used"], line["estimate_fill"], line["limit_fill"]) == (None, None, None)


async def test_reported_tables_are_public_with_their_source_and_exactly_as_reported(decisions):
    """E-61, E-64, R-DEC-15, R-RES-1, R-RES-2, R-STA-1, R-STA-5: T1 to T5 and the survey's n; nothing derived."""
    public = decisions.service.http(role=None)
    tables = {each["table"]: each for each in expect(200, await public.get("/statistics/reported"))["items"]}
    assert set(tables) == {"T1", "T2", "T3", "T4", "T4B", "T4C", "T5", "REKKU"}
    assert all(all(table["source"].values()) and all(table["title"].values()) for table in tables.values())
    assert [row[1:] for row in tables["T1"]["rows"]] == [[518, 16], [389, 11], [94, 1]]
    assert [sum(row[column] for row in tables["T2"]["rows"]) for column in (1, 2)] == [435, 45]
    assert [list(column) for column in zip(*tables["T3"]["rows"], strict=True)][1:] == [
        Y2022, Y2023, [*Y2024[:8], None, None, None, None],
    ]  # fmt: skip
    assert [row[1:] for row in tables["T3"]["totals"]] == [[708, 914, None], [810, 780, 930]]
    assert tables["T4"]["rows"] == tables["T4B"]["rows"] == tables["T4C"]["rows"] == []
    assert [row[1] for row in tables["REKKU"]["rows"]] == [188, 2, 60]
    assert "%" not in str(tables["REKKU"])
    for kind, part in (("csv", "2021-03;63;4"), ("html", "<td>63</td>"), ("svg", "<desc")):
        assert part in (await public.get(f"/statistics/reported/T2.{kind}")).text
    assert refusal(await public.get("/statistics/reported/T9"), 404)[0] == "REPORTED_TABLE_UNKNOWN"


async def test_reported_tables_are_loaded_once_and_a_newer_edition_wins(decisions, tmp_path):
    """E-61: idempotent at every start; an older release of this service takes nothing back."""
    from services.decisions.statistics.reported import load_tables, read_tables

    [table] = [each for each in read_tables() if each.table == "T2"]
    newer = table.model_copy(update={"edition": 2, "rows": []})
    (tmp_path / "t2.json").write_text(newer.model_dump_json())
    for folder in ({}, {"folder": tmp_path}, {}, {"folder": tmp_path}):
        async with decisions.service.transaction() as tx:
            await load_tables(tx, **folder)
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT edition FROM reported_tables WHERE table_id = 'T2'") == 2
        assert await tx.fetchval("SELECT count(*) FROM audit WHERE subject = 'reported-table:T2'") == 2


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kind", ["", ".csv", ".html", ".svg"])
async def test_unpublished_figures_are_for_officers_and_systems(decisions, name, kind):
    """R-STA-5: neither for providers nor for strangers."""
    path = f"/statistics/{name}{kind}"
    asked = asked_of(name)
    assert expect(403, await decisions.provider.get(path, params=asked))["code"] == "NOT_ALLOWED"
    assert (await decisions.service.http(role=None).get(path, params=asked)).status_code == 401
    assert (await decisions.service.http(Role.SYSTEM).get(path, params=asked)).status_code == 200


@pytest.mark.parametrize("name", OF_SERVICE)
async def test_figures_of_an_unknown_service_are_not_found(decisions, name):
    answer = await decisions.officer.get(f"/statistics/{name}", params=OF_2024 | {"service": "NOBODY"})
    assert refusal(answer, 404)[0] == "SERVICE_UNKNOWN"
