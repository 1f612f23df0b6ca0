"""Signals that stop an area, a language or both, and leave the rest of their service alone."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from contracts.decisions import QuotaFilled, QuotaScopeFilled, QuotaScopeReopened
from contracts.values import Language
from services.decisions.quotas import scoped
from tests.decisions.builders import (
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    RARE,
    START,
    DecisionsUnderTest,
    an_application,
    expect,
    lifted,
    refusal,
    registered,
    suspended,
)
from tests.decisions.test_scopes import KUOPIO, NOKIA, PIRKANMAA, TAMPERE
from tests.decisions.test_signals import dead_letters
from tests.races import count_waiting

HERE = {"area": PIRKANMAA}


@pytest.fixture
async def bilingual(decisions: DecisionsUnderTest) -> DecisionsUnderTest:
    """A second contract, in Swedish."""
    other = {"contract_id": OTHER_CONTRACT, "provider_id": OTHER_PROVIDER, "language": Language.SV}
    await decisions.know(registered({2024: 100, 2025: 100}, **other))
    return decisions


async def shown(decisions: DecisionsUnderTest) -> dict[str, bool]:
    """Every gauge of the year by its scope: whether a signal stops it."""
    listed = expect(200, await decisions.officer.get(f"/quotas/{RARE}/2024/scopes"))
    return {f"{one['area'] or '*'}/{one['language'] or '*'}": one["suspended"] for one in listed["items"]}


async def test_a_stop_of_an_area_stops_its_clients_only(decisions):
    """E-54, E-55: what was decided on before stays, and the country is not published as stopped."""
    await decisions.grant(municipality_code=TAMPERE)
    await decisions.signal(suspended(**HERE))
    waiting = await decisions.wait(municipality_code=NOKIA)
    await decisions.grant(municipality_code=KUOPIO)
    assert await shown(decisions) == {"*/*": False, f"{PIRKANMAA}/*": True}
    [filled] = await decisions.service.published(QuotaScopeFilled)
    [scope] = filled.quota.scopes
    assert (filled.area, filled.language, filled.quota.suspended) == (PIRKANMAA, None, False)
    assert (scope.area, scope.suspended, scope.limit, scope.used) == (PIRKANMAA, True, None, 1)
    assert await decisions.service.published(QuotaFilled) == []
    await decisions.signal(lifted(**HERE))
    await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["granted"]
    [reopened] = await decisions.service.published(QuotaScopeReopened)
    assert (reopened.area, reopened.quota.scopes[0].suspended) == (PIRKANMAA, False)
    assert await shown(decisions) == {"*/*": False, f"{PIRKANMAA}/*": False}
    assert await dead_letters(decisions) == []


async def test_a_stop_of_a_language_stops_decisions_in_that_language_only(bilingual):
    await bilingual.signal(suspended(language="sv"))
    await bilingual.wait(contract_id=OTHER_CONTRACT)
    await bilingual.grant()
    assert await shown(bilingual) == {"*/*": False, "*/sv": True}


async def test_a_stop_of_an_area_and_a_language_stops_what_is_in_both(bilingual):
    await bilingual.signal(suspended(area=PIRKANMAA, language="sv"))
    await bilingual.wait(municipality_code=TAMPERE, contract_id=OTHER_CONTRACT)
    await bilingual.grant(municipality_code=TAMPERE)
    await bilingual.grant(municipality_code=KUOPIO, contract_id=OTHER_CONTRACT)


async def test_nobody_passes_the_stop_of_an_area_by_not_saying_where_they_live(decisions):
    """E-55: a new client is asked for it; an old one, whose area is not known, waits."""
    await decisions.grant(client_ref="client-old")
    await decisions.signal(suspended(**HERE))
    assert refusal(await decisions.apply(), 422) == ("MUNICIPALITY_NEEDED", {})
    await decisions.wait(client_ref="client-old")
    await decisions.grant(client_ref="client-old", municipality_code=KUOPIO)


async def test_an_old_client_of_the_area_is_stopped_as_well(decisions):
    """E-54: every new decision, unlike a full quota, which an old client needs no slot of (E-8)."""
    await decisions.grant(client_ref="client-x", municipality_code=TAMPERE)
    await decisions.signal(suspended(**HERE))
    await decisions.wait(client_ref="client-x", municipality_code=TAMPERE)


async def test_a_stop_ahead_is_published_when_it_comes_and_when_it_ends(decisions):
    await decisions.signal(suspended(at=START + timedelta(days=2), **HERE))
    await decisions.signal(lifted(at=START + timedelta(days=4), **HERE))
    await decisions.grant(municipality_code=TAMPERE)
    assert await decisions.service.published(QuotaScopeFilled) == []
    await decisions.clock.set(START + timedelta(days=2))
    await decisions.service.fire_timers()
    assert [event.area for event in await decisions.service.published(QuotaScopeFilled)] == [PIRKANMAA]
    waiting = await decisions.wait(municipality_code=TAMPERE)
    await decisions.clock.set(START + timedelta(days=4))
    await decisions.service.fire_timers()
    assert [event.area for event in await decisions.service.published(QuotaScopeReopened)] == [PIRKANMAA]
    assert await decisions.states(waiting) == ["granted"]


async def test_a_stop_goes_on_into_the_next_year(decisions):
    await decisions.signal(suspended(**HERE))
    await decisions.clock.set(datetime(2024, 12, 31, 22, 0, tzinfo=UTC))
    await decisions.service.fire_timers()
    await decisions.wait(municipality_code=TAMPERE)
    await decisions.grant(municipality_code=KUOPIO)
    assert (await decisions.quota(2025, **HERE))["suspended"] is True


async def test_a_scope_that_two_signals_stop_reopens_with_the_second_lift(decisions):
    """Of the whole service and of the area: each has its own lift."""
    await decisions.signal(suspended(**HERE), suspended("signal-2"))
    await decisions.signal(lifted("signal-2"))
    await decisions.service.fire_timers()
    waiting = await decisions.wait(municipality_code=TAMPERE)
    await decisions.grant(municipality_code=KUOPIO)
    assert await decisions.service.published(QuotaScopeReopened) == []
    await decisions.signal(lifted(**HERE))
    await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["granted"]


@pytest.mark.parametrize("other", [{}, {"language": "fi"}, {"area": "12"}, {"area": PIRKANMAA, "language": "fi"}])
async def test_a_signal_id_belongs_to_one_scope(decisions, other):
    """A lift of another scope than was stopped is a mistake, and lifts nothing."""
    await decisions.signal(suspended(**HERE))
    await decisions.signal(lifted(**other))
    await decisions.wait(municipality_code=TAMPERE)
    assert await dead_letters(decisions) == [
        ("permanent", "Unacceptable: the signal's id belongs to another service or scope")
    ]


@pytest.mark.parametrize("guarded", [True, False], ids=["looked at again", "control: decided on what was seen"])
async def test_a_grant_under_way_does_not_pass_the_stop_of_a_scope_that_has_a_counter(
    decisions, monkeypatch, guarded: bool
):
    """E-54: whoever waits for the national row is behind the stop that holds it."""
    if not guarded:
        monkeypatch.setattr(scoped, "_TAKE", scoped._TAKE.replace("AND NOT deciding_is_stopped($1, $5, $3, $4)", ""))
        monkeypatch.setattr(
            scoped, "_TAKE", scoped._TAKE.replace("RETURNING", "AND $5::timestamptz > '-infinity' RETURNING")
        )
    await decisions.set_quota(9, **HERE)
    other = await asyncpg.connect(
        decisions.service.settings.owner_database_url.get_secret_value(), server_settings={"search_path": "decisions"}
    )
    try:
        async with other.transaction():
            await other.execute("SELECT set_config('rekku.scope', '*', true)")
            await other.execute("SELECT FROM quotas FOR NO KEY UPDATE")
            granting = asyncio.create_task(
                decisions.officer.post("/decisions", json=an_application(municipality_code=TAMPERE))
            )
            async with asyncio.timeout(20):
                while not await count_waiting(decisions.service):
                    await asyncio.sleep(0)
            await other.execute(
                "INSERT INTO suspensions (source, signal_id, service, area, effective_at)"
                " VALUES ('/x', 'x', $1, $2, $3)",
                RARE,
                PIRKANMAA,
                START,
            )
        assert expect(201, await granting)["state"] == ("awaiting_quota" if guarded else "granted")
    finally:
        await other.close()
