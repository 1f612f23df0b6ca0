"""Quotas of an area or a language beside the national one."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from contracts.decisions import (
    DecisionGranted,
    EstimateSet,
    QuotaFilled,
    QuotaScopeFilled,
    QuotaScopeReopened,
    QuotaScopeSet,
)
from contracts.values import Language
from services.decisions.quotas import scoped, slots
from tests.decisions.builders import (
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    RARE,
    DecisionsUnderTest,
    an_application,
    expect,
    lifted,
    refusal,
    registered,
    suspended,
)
from tests.decisions.races import decide_alone

TAMPERE, NOKIA, KUOPIO, SIILINJARVI, MANTYHARJU = "837", "536", "297", "749", "507"
PIRKANMAA, ETELA_SAVO, POHJOIS_SAVO = "08", "12", "13"
AT_ONCE = 8


@pytest.fixture
async def bilingual(decisions: DecisionsUnderTest) -> DecisionsUnderTest:
    """A second contract, in Swedish."""
    other = {"contract_id": OTHER_CONTRACT, "provider_id": OTHER_PROVIDER, "language": Language.SV}
    await decisions.know(registered({2024: 100, 2025: 100}, **other))
    return decisions


async def used(decisions: DecisionsUnderTest) -> dict[str, int]:
    """Every gauge of the year by its scope."""
    listed = expect(200, await decisions.officer.get(f"/quotas/{RARE}/2024/scopes"))
    return {f"{one['area'] or '*'}/{one['language'] or '*'}": one["used"] for one in listed["items"]}


async def test_an_areas_quota_stops_its_own_clients_only(decisions):
    """E-55, P6: the area is that of the client's municipality."""
    await decisions.set_quota(2, area=PIRKANMAA)
    await decisions.grant(municipality_code=TAMPERE)
    await decisions.grant(municipality_code=NOKIA)
    await decisions.wait(municipality_code=TAMPERE)
    await decisions.grant(municipality_code=KUOPIO)
    quota = await decisions.quota(area=PIRKANMAA)
    assert (quota["limit"], quota["used"], quota["remaining"], quota["language"]) == (2, 2, 0, None)
    assert (await decisions.quota())["used"] == 3


async def test_a_languages_quota_stops_decisions_in_that_language_only(bilingual):
    """E-55."""
    await bilingual.set_quota(1, language="sv")
    await bilingual.grant(contract_id=OTHER_CONTRACT)
    await bilingual.wait(contract_id=OTHER_CONTRACT)
    await bilingual.grant()
    assert await used(bilingual) == {"*/*": 2, "*/sv": 1}


@pytest.mark.parametrize(("national", "narrow"), [(1, 5), (5, 1)])
async def test_the_narrowest_and_the_national_quota_must_both_have_room(bilingual, national, narrow):
    """E-55, P6: whichever is full, the next one waits, and takes no slot of the other."""
    await bilingual.set_quota(national)
    await bilingual.set_quota(narrow, area=PIRKANMAA, language="fi")
    await bilingual.grant(municipality_code=TAMPERE)
    await bilingual.wait(municipality_code=TAMPERE)
    assert await used(bilingual) == {"*/*": 1, f"{PIRKANMAA}/fi": 1}
    assert await bilingual.count() == (100, 1, 99)


async def test_a_scope_set_mid_year_counts_from_the_first_of_january(bilingual):
    """E-52, E-55, acceptance example 8 for an area: all grants stay, nothing remains, the next one waits."""
    granted = [await bilingual.grant(municipality_code=TAMPERE) for _ in range(3)]
    await bilingual.grant(municipality_code=KUOPIO)
    await bilingual.grant(municipality_code=TAMPERE, contract_id=OTHER_CONTRACT)
    assert (await bilingual.quota(area=PIRKANMAA, language="fi"))["used"] == 3
    quota = await bilingual.set_quota(2, area=PIRKANMAA, language="fi")
    assert (quota["limit"], quota["used"], quota["remaining"]) == (2, 3, 0)
    await bilingual.wait(municipality_code=TAMPERE)
    await bilingual.grant(municipality_code=TAMPERE, contract_id=OTHER_CONTRACT)
    assert await bilingual.states(*granted) == ["granted"] * 3
    names = [name for name in await bilingual.said() if name.startswith("QuotaScope")]
    assert names == ["QuotaScopeSet", "QuotaScopeFilled"]


async def test_an_estimate_of_a_scope_only_colours(decisions):
    """E-51, E-55, R-DEC-8."""
    url = f"/estimates/{RARE}/2024"
    answer = await decisions.officer.put(url, json={"estimate": 1}, params={"area": PIRKANMAA})
    assert (expect(200, answer)["estimate"], answer.json()["limit"]) == (1, None)
    for _ in range(3):
        await decisions.grant(municipality_code=TAMPERE)
    await decisions.grant()
    assert await used(decisions) == {"*/*": 4, f"{PIRKANMAA}/*": 3}


async def test_where_a_quota_is_an_areas_the_municipality_is_needed(decisions):
    """E-55: nobody passes it by not saying where they live; an old client needs no slot at all (E-8)."""
    old = await decisions.grant(client_ref="client-old")
    assert old["new_client"]
    await decisions.set_quota(0, area=PIRKANMAA)
    assert refusal(await decisions.apply(), 422) == ("MUNICIPALITY_NEEDED", {})
    assert (await decisions.grant(client_ref="client-old"))["new_client"] is False


async def test_what_is_no_place_is_refused(decisions):
    """E-48, E-55: by a code, and what was sent is not repeated; a dissolved municipality is its successor."""
    assert refusal(await decisions.apply(municipality_code="999"), 422)[0] == "MUNICIPALITY_UNKNOWN"
    answer = await decisions.officer.put(f"/quotas/{RARE}/2024", json={"limit": 1}, params={"area": "77"})
    assert refusal(answer, 422)[0] == "AREA_UNKNOWN"
    await decisions.set_quota(1, area=ETELA_SAVO)
    await decisions.grant(municipality_code="588")  # Pertunmaa, part of Mäntyharju since 2026
    await decisions.wait(municipality_code=MANTYHARJU)


async def test_room_in_a_scope_goes_to_those_who_wait_for_it_in_order(bilingual):
    """E-54, E-55: by day of application; who waits for another scope, or a full contract, keeps its place."""
    for area in (PIRKANMAA, POHJOIS_SAVO):
        await bilingual.set_quota(0, area=area)
    second = await bilingual.wait(municipality_code=TAMPERE, applied_on="2024-01-09")
    elsewhere = await bilingual.wait(municipality_code=KUOPIO, applied_on="2024-01-01")
    first = await bilingual.wait(municipality_code=NOKIA, applied_on="2024-01-05", contract_id=OTHER_CONTRACT)
    third = await bilingual.wait(municipality_code=TAMPERE, applied_on="2024-01-10")
    await bilingual.set_quota(2, area=PIRKANMAA)
    latecomer = await bilingual.wait(municipality_code=SIILINJARVI)
    await bilingual.service.fire_timers()
    states = await bilingual.states(first, second, third, elsewhere, latecomer)
    assert states == ["granted"] * 2 + ["awaiting_quota"] * 3
    granted = [e.decision.decision_ref for e in await bilingual.service.published(DecisionGranted)]
    assert granted == [first["decision_ref"], second["decision_ref"]]
    assert await used(bilingual) == {"*/*": 2, f"{PIRKANMAA}/*": 2, f"{POHJOIS_SAVO}/*": 0}
    await bilingual.set_quota(None, area=POHJOIS_SAVO)
    await bilingual.service.fire_timers()
    assert await bilingual.states(elsewhere, latecomer, third) == ["granted", "granted", "awaiting_quota"]
    [reopened] = [e for e in await bilingual.service.published(QuotaScopeReopened) if e.area == POHJOIS_SAVO]
    assert reopened.language is None


async def test_what_is_published_carries_every_scope_with_its_fill(decisions):
    """R-DEC-8, R-DEC-14, E-55: one key and one row of versions for a service and year."""
    await decisions.set_quota(2, area=PIRKANMAA)
    await decisions.set_quota(3)
    for _ in range(2):
        await decisions.grant(municipality_code=TAMPERE)
    await decisions.grant(municipality_code=KUOPIO)
    expect(200, await decisions.officer.put(f"/estimates/{RARE}/2024", json={"estimate": 9}))
    [was_set] = await decisions.service.published(QuotaScopeSet)
    [scope_filled] = await decisions.service.published(QuotaScopeFilled)
    [filled] = await decisions.service.published(QuotaFilled)
    [estimate] = await decisions.service.published(EstimateSet)
    assert {e.key for e in (was_set, scope_filled, filled, estimate)} == {f"{RARE}/2024"}
    assert was_set.version < scope_filled.version < filled.version < estimate.version
    assert (scope_filled.area, scope_filled.language, scope_filled.quota.used) == (PIRKANMAA, None, 2)
    for event in (scope_filled, filled, estimate):
        [scope] = event.quota.scopes
        assert (scope.area, scope.language, scope.limit, scope.used) == (PIRKANMAA, None, 2, 2)


async def test_a_suspension_stops_every_scope_and_its_lift_lets_in_by_scope(decisions):
    """E-54, E-55."""
    await decisions.set_quota(1, area=PIRKANMAA)
    await decisions.signal(suspended())
    waiting = [await decisions.wait(municipality_code=TAMPERE) for _ in range(2)]
    assert (await decisions.quota(area=PIRKANMAA))["suspended"] is True
    await decisions.signal(lifted())
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting) == ["granted", "awaiting_quota"]


@pytest.mark.parametrize("scope", [{}, {"area": PIRKANMAA}])
async def test_next_years_quota_opens_by_itself_on_the_first_of_january(decisions, scope):
    """E-54: nobody has to do anything, and those who wait are let in within next year's quota."""
    await decisions.set_quota(0, **scope)
    await decisions.set_quota(1, year=2025, **scope)
    waiting = [await decisions.wait(municipality_code=TAMPERE) for _ in range(2)]
    await decisions.clock.set(datetime(2024, 12, 31, 21, 59, tzinfo=UTC))
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting) == ["awaiting_quota"] * 2
    await decisions.clock.set(datetime(2024, 12, 31, 22, 0, tzinfo=UTC))
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting) == ["granted", "awaiting_quota"]
    assert (await decisions.quota(2025, **scope))["used"] == 1


async def test_a_provider_reads_what_was_set_and_the_same_figures_as_kela(bilingual):
    """R-DEC-8, R-DEC-14, E-55: its own clients are not taken for everybody's; what was not set is not published."""
    await bilingual.grant(municipality_code=TAMPERE)
    await bilingual.grant(municipality_code=TAMPERE, contract_id=OTHER_CONTRACT)
    url = f"/quotas/{RARE}/2024"
    assert (await bilingual.quota(area=PIRKANMAA))["used"] == 2
    unset = await bilingual.provider.get(url, params={"area": PIRKANMAA})
    assert refusal(unset, 404) == ("QUOTA_UNKNOWN", {})
    await bilingual.set_quota(5, area=PIRKANMAA)
    for who in (bilingual.provider, bilingual.other_provider, bilingual.officer):
        quota = expect(200, await who.get(url, params={"area": PIRKANMAA}))
        assert (quota["used"], quota["remaining"]) == (2, 3)


async def test_what_a_scope_says_it_knows_is_what_others_can_hear_of(decisions):
    """E-55: a scope is published under the key and the version of its national quota."""
    url = f"/quotas/{RARE}/2024"
    await decisions.set_quota(9)
    answer = await decisions.officer.put(url, json={"limit": 5}, params={"area": PIRKANMAA})
    [was_set] = await decisions.service.published(QuotaScopeSet)
    marks = answer.headers["rekku-known"].split(", ")
    assert f"quota:{RARE}/2024@{was_set.version}" in marks
    assert [mark.partition(":")[0] for mark in marks] == ["quota-scope", "quota"]
    assert answer.headers["etag"] == '"1"'


async def test_a_scope_changed_by_somebody_else_is_not_overwritten(decisions):
    """If-Match, on the scope's own version."""
    url, scope, stale = f"/quotas/{RARE}/2024", {"area": PIRKANMAA}, {"if-match": '"0"'}
    expect(200, await decisions.officer.put(url, json={"limit": 5}, params=scope, headers=stale))
    answer = await decisions.officer.put(url, json={"limit": 6}, params=scope, headers=stale)
    assert refusal(answer, 412) == ("STALE_VERSION", {"current": 1})


async def at_once(decisions: DecisionsUnderTest, count: int = AT_ONCE) -> Counter[str]:
    """What became of applications from one area sent at the same time."""
    bodies = [an_application(municipality_code=TAMPERE) for _ in range(count)]
    answers = await asyncio.gather(*(decisions.officer.post("/decisions", json=body) for body in bodies))
    return Counter(answer.json().get("state") or answer.json()["code"] for answer in answers)


async def test_the_last_slot_of_a_scope_is_given_once(decisions):
    """E-53, E-55."""
    await decisions.set_quota(3, area=PIRKANMAA)
    assert await at_once(decisions) == {"granted": 3, "awaiting_quota": AT_ONCE - 3}
    assert await used(decisions) == {"*/*": 3, f"{PIRKANMAA}/*": 3}
    assert len(await decisions.service.published(QuotaScopeFilled)) == 1


async def test_control_without_the_condition_the_last_slot_of_a_scope_is_given_twice(decisions, monkeypatch):
    """E-53, E-55: the test above fails with the guard off."""
    await decisions.alter("ALTER TABLE scoped_quotas DROP CONSTRAINT no_grant_beyond_the_scoped_quota")
    monkeypatch.setattr(scoped, "_TAKE", scoped._TAKE.replace("AND (quota_limit IS NULL OR used < quota_limit)", ""))
    await decisions.set_quota(3, area=PIRKANMAA)
    for _ in range(20):
        if (await at_once(decisions))["granted"] > 3:
            return
        await decisions.alter("DELETE FROM decisions", "DELETE FROM first_grants", "UPDATE scoped_quotas SET used = 0")
    pytest.fail("the guard was off and the slots held all the same: the test above proves nothing")


async def switched_on_under_way(decisions: DecisionsUnderTest) -> bool:
    """Whether grants under way while a scope is switched on all count in it; everything is as before then."""
    granting = [
        asyncio.create_task(decisions.officer.post("/decisions", json=an_application(municipality_code=TAMPERE)))
        for _ in range(24)
    ]
    await decisions.set_quota(500, area=PIRKANMAA)
    await asyncio.gather(*granting)
    gauges = await used(decisions)
    await decisions.alter(
        *("DELETE FROM scoped_quotas", "DELETE FROM decisions", "DELETE FROM first_grants"),
        "UPDATE quotas SET scopes = 0, used = 0",
        "UPDATE announced_counts SET used = 0, filled = false",
    )
    return gauges["*/*"] == gauges[f"{PIRKANMAA}/*"] == len(granting)


@pytest.mark.usefixtures("either_way")
async def test_grants_under_way_when_a_scope_is_switched_on_count_in_it(decisions):
    """E-52, E-53, E-55: counted by the switch, or taken from it; none in between."""
    for _ in range(4):
        assert await switched_on_under_way(decisions)


async def test_control_without_the_number_of_scopes_a_grant_under_way_counts_nowhere(decisions, monkeypatch):
    """E-53, E-55: the test above fails with the guard off."""
    decide_alone(monkeypatch)
    monkeypatch.setattr(slots, "TAKE_SLOTS", slots.TAKE_SLOTS.replace("AND scopes = $22", "AND $22::integer >= 0"))
    for _ in range(20):
        if not await switched_on_under_way(decisions):
            return
    pytest.fail("the guard was off and every grant counted all the same: the test above proves nothing")
