"""Price annexes and versions of the billing form: what a settlement is priced by and written on."""

from datetime import UTC, date, datetime

import pytest

from contracts.courses import Period
from contracts.values import DeliveryMode, PeriodKind
from tests.decisions.builders import (
    CONTRACT,
    course_confirmed,
    expect,
    pinned,
    refusal,
)
from tests.decisions.settling import (
    a_line,
    accept,
    faults,
    prices,
    submit,
    submitted,
)


async def test_the_price_is_that_of_the_annex_in_force_on_the_service_date(decisions, clients):
    """R-BIL-2: each period at its own day's price; the newest version where several are valid."""
    dearer = prices(valid_from="2024-04-15", prices=[{"mode": "face_to_face", "unit": "period", "price": "512.34"}])
    expect(201, await decisions.officer.post(f"/contracts/{CONTRACT}/price-annexes", json=dearer))
    answer = await submit(decisions, a_line(clients[0], 1), a_line(clients[0], 2))
    assert answer.json()["values"]["faults"][0]["price"] == "512.34"
    taken = await submitted(decisions, a_line(clients[0], 1), a_line(clients[0], 2, "512.34"))
    assert [line["annex_version"] for line in taken["lines"]] == [1, 2]
    # What was taken is accepted at the price it was taken at, or not at all.
    expect(201, await decisions.officer.post(f"/contracts/{CONTRACT}/price-annexes", json=prices()))
    answer = await decisions.officer.post(f"/settlements/{taken['settlement_id']}/acceptance")
    assert faults(answer) == [(2, "PRICE_DIFFERS")]


async def test_a_period_without_a_price_is_not_billed(decisions, clients):
    """R-BIL-2: an annex that is not valid yet, or has no price for how the period is carried out."""
    remote = Period(
        number=1,
        kind=PeriodKind.OPENING,
        mode=DeliveryMode.REMOTE,
        first_day=date(2024, 2, 19),
        last_day=date(2024, 2, 23),
    )
    ref = (await decisions.grant())["decision_ref"]
    await decisions.know(
        course_confirmed(course_id="course-2", periods=(remote,)), pinned(ref, course_id="course-2", attended=(1,))
    )
    assert faults(await submit(decisions, a_line(ref))) == [(1, "PRICE_UNKNOWN")]


async def test_an_outdated_form_is_refused(decisions, clients):
    """R-BIL-5, R-BIL-7: Kela's new form is taken into use at once; an old settlement is still decided."""
    old = await submitted(decisions, a_line(clients[0]))
    form = {"form_version": 2, "in_use_from": "2024-04-20"}
    expect(201, await decisions.officer.post("/billing-forms", json=form))
    assert refusal(await submit(decisions, a_line(clients[1]), form_version=2)) == (
        "FORM_OUTDATED",
        {"form_version": 1, "in_use_from": "2000-01-01"},
    )
    await decisions.clock.set(datetime(2024, 4, 19, 21, tzinfo=UTC))
    assert refusal(await submit(decisions, a_line(clients[1]))) == ("FORM_OUTDATED", form)
    await submitted(decisions, a_line(clients[1]), form_version=2)
    await accept(decisions, old)
    listed = expect(200, await decisions.provider.get("/billing-forms"))["items"]
    assert listed == [{"form_version": 1, "in_use_from": "2000-01-01"}, form]


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"form_version": 1, "in_use_from": "2024-06-01"}, 409, "FORM_NOT_NEWER"),
        ({"form_version": 2, "in_use_from": "2024-04-18"}, 422, "DATE_IN_PAST"),
    ],
)
async def test_a_form_only_follows_the_one_before(decisions, clients, form, status, code):
    """R-BIL-7."""
    assert refusal(await decisions.officer.post("/billing-forms", json=form), status)[0] == code
    assert refusal(await decisions.provider.post("/billing-forms", json=form), 403)[0] == "NOT_ALLOWED"


async def test_a_price_annex_gains_versions_and_keeps_the_old_ones(decisions, clients):
    """R-BIL-2, R-BIL-5, P4: Kela alone sets prices, knowing the version before."""
    path = f"/contracts/{CONTRACT}/price-annexes"
    stale = await decisions.officer.post(path, json=prices(), headers={"if-match": '"0"'})
    assert refusal(stale, 412) == ("STALE_VERSION", {"current": 1})
    expect(201, await decisions.officer.post(path, json=prices(valid_to="2024-12-31"), headers={"if-match": '"1"'}))
    expect(403, await decisions.provider.post(path, json=prices()))
    expect(404, await decisions.officer.post("/contracts/nowhere/price-annexes", json=prices()))
    items = expect(200, await decisions.provider.get(path))["items"]
    assert [(item["annex_version"], item["valid_to"]) for item in items] == [(1, None), (2, "2024-12-31")]
    assert items[0]["prices"][0] == {"mode": "face_to_face", "unit": "day", "price": "100.00"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"prices": []},
        {"prices": [{"mode": "online", "unit": "day", "price": "1.001"}]},
        {"prices": [{"mode": "online", "unit": "day", "price": "0.00"}]},
        {"prices": [{"mode": "online", "unit": unit, "price": "9.00"} for unit in ("day", "period")]},
        {"valid_to": "2022-12-31"},
    ],
)
async def test_a_price_annex_that_cannot_be_is_refused(decisions, wrong):
    """R-BIL-2."""
    answer = await decisions.officer.post(f"/contracts/{CONTRACT}/price-annexes", json=prices(**wrong))
    assert refusal(answer, 422)[0] == "VALIDATION"
