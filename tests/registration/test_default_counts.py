"""The default of 1 November: from the value of 30 October, once, whenever the timer fires."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from chassis.auth import SYSTEM
from contracts.registration import AnnouncedCount, AnnouncedCountChanged
from contracts.values import CountChange
from services.registration import store
from services.registration.counts import handlers
from services.registration.counts.handlers import DEFAULT_COUNT, PLAN_DEFAULTS, due_at
from services.registration.starting import prepare
from tests.races import meet
from tests.registration.builders import announce, registered_contract, year_of

NOVEMBER = due_at(2025)
"""1 November 2024, 00:00 in Helsinki."""

SERVICES = ("CARDIAC_ADULT", "CANCER_ADULT", "RHEUMA_ADULT", "CAREGIVER", "AUTISM_SEVERE_FAMILY", "OMA_VAYLA")


async def on(registration, month: int, day: int, hour: int = 9, year: int = 2024) -> None:
    await registration.clock.set(datetime(year, month, day, hour, tzinfo=UTC))


async def a_contract_with(registration, count: int = 20, **differences) -> str:
    """A contract whose count of 2024 stands at `count` since January."""
    contract_id = await registered_contract(registration, **differences)
    assert (await announce(registration, contract_id, 2024, count)).status_code == 200
    return contract_id


async def counts_of(registration, contract_id: str) -> dict[int, int]:
    async with registration.transaction() as tx:
        return dict((await store.get_contract(tx, contract_id)).counts)


async def planned(registration) -> list[tuple]:
    async with registration.transaction() as tx:
        rows = await tx.fetch("SELECT kind, key, due_at FROM timers ORDER BY kind, key")
    return [tuple(row) for row in rows]


async def defaults_told(registration) -> list[tuple[str, int, int]]:
    events = await registration.published(AnnouncedCountChanged)
    return [(e.key, e.year, e.count) for e in events if e.change is CountChange.DEFAULTED]


async def test_acceptance_example_7_20_on_the_30th_raised_to_26_on_the_31st_gives_20(registration):
    """Section 10 example 7, E-2, E-3, P1: nothing announced for 2025, so it begins with 20; the raise stays in 2024."""
    contract_id = await registered_contract(registration)
    await on(registration, 10, 30)
    await announce(registration, contract_id, 2024, 20)
    await on(registration, 10, 31)
    await announce(registration, contract_id, 2024, 26)
    await registration.fire_timers()
    assert await counts_of(registration, contract_id) == {2024: 26}
    await registration.clock.set(NOVEMBER)
    await registration.fire_timers()
    assert await counts_of(registration, contract_id) == {2024: 26, 2025: 20}
    event = (await registration.published(AnnouncedCountChanged))[-1]
    assert (event.version, event.year, event.count, event.change) == (4, 2025, 20, CountChange.DEFAULTED)
    assert event.contract.announced_counts == (
        AnnouncedCount(year=2024, count=26),
        AnnouncedCount(year=2025, count=20, defaulted=True),
    )
    assert (await year_of(registration, contract_id, 2025))["state"] == "defaulted"
    assert (await year_of(registration, contract_id, 2024))["state"] == "announced"


async def test_the_instant_before_midnight_of_the_30th_still_counts(registration):
    """E-2, E-16: 21:59:59Z is 30 October in Helsinki, 22:00:00Z is the 31st."""
    contract_id = await a_contract_with(registration, 10)
    await registration.clock.set(datetime(2024, 10, 30, 21, 59, 59, tzinfo=UTC))
    await announce(registration, contract_id, 2024, 20)
    await registration.clock.set(datetime(2024, 10, 30, 22, 0, 0, tzinfo=UTC))
    await announce(registration, contract_id, 2024, 26)
    await registration.clock.set(NOVEMBER)
    await registration.fire_timers()
    assert await counts_of(registration, contract_id) == {2024: 26, 2025: 20}


async def test_nothing_is_defaulted_before_the_first_of_november(registration):
    """E-2: 31 October 23:59:59 in Helsinki is still the provider's."""
    contract_id = await a_contract_with(registration)
    await registration.clock.set(NOVEMBER - timedelta(seconds=1))
    await registration.fire_timers()
    assert await counts_of(registration, contract_id) == {2024: 20}
    assert (await announce(registration, contract_id, 2025, 12)).status_code == 200
    await registration.clock.set(NOVEMBER)
    await registration.fire_timers()
    assert await counts_of(registration, contract_id) == {2024: 20, 2025: 12}
    assert await defaults_told(registration) == []


async def test_what_was_announced_stands_also_where_it_is_zero(registration):
    """E-3: zero is a count, and the default does not touch it; a zero of this year is a default too."""
    announced = await a_contract_with(registration)
    await announce(registration, announced, 2025, 0)
    zero = await a_contract_with(registration, 0, language="sv")
    await registration.clock.set(NOVEMBER)
    await registration.fire_timers()
    assert await counts_of(registration, announced) == {2024: 20, 2025: 0}
    assert await counts_of(registration, zero) == {2024: 0, 2025: 0}


async def test_a_contract_without_a_value_or_without_next_year_gets_no_default(registration):
    """E-2, E-45: there is nothing to take over, or nothing to take it over for."""
    silent = await registered_contract(registration)
    ends = await a_contract_with(registration, language="sv", valid_to="2024-12-31")
    late = await registered_contract(registration, service="RHEUMA_ADULT")
    await on(registration, 10, 31)
    await announce(registration, late, 2024, 20)
    await registration.clock.set(NOVEMBER)
    await registration.fire_timers()
    assert [await counts_of(registration, each) for each in (silent, ends, late)] == [{}, {2024: 20}, {2024: 20}]
    assert await defaults_told(registration) == []


async def test_after_three_days_out_the_default_is_the_value_of_the_30th(registration):
    """E-2: nothing ran from 31 October to 3 November; the count holds from the 1st and is known from the 3rd."""
    contract_id = await a_contract_with(registration)
    await on(registration, 10, 31)
    await announce(registration, contract_id, 2024, 26)
    await on(registration, 11, 3)
    await registration.db.run(prepare)
    raised = await announce(registration, contract_id, 2024, 30)
    assert raised.status_code == 200
    await registration.fire_timers()
    assert await counts_of(registration, contract_id) == {2024: 30, 2025: 20}
    history = await registration.http().get(f"/contracts/{contract_id}/announced-counts/2025")
    [entry] = history.json()["items"]
    assert (entry["kind"], entry["effective_at"], entry["recorded_at"]) == (
        "defaulted",
        "2024-10-31T22:00:00Z",
        "2024-11-03T09:00:00Z",
    )
    assert len(await defaults_told(registration)) == 1


async def test_a_count_is_raised_from_its_default_also_before_the_timer_has_fired(registration):
    """E-2, P1: after the window the default stands and is raised, however far behind the timers are."""
    contract_id = await a_contract_with(registration)
    await on(registration, 11, 2)
    lowered = await announce(registration, contract_id, 2025, 19)
    assert lowered.json()["values"] == {"current": 20, "wanted": 19}
    assert await counts_of(registration, contract_id) == {2024: 20}
    assert (await announce(registration, contract_id, 2025, 24)).status_code == 200
    await registration.fire_timers()
    assert await counts_of(registration, contract_id) == {2024: 20, 2025: 24}
    told = [(e.version, e.year, e.count, e.change) for e in await registration.published(AnnouncedCountChanged)]
    assert told[1:] == [(3, 2025, 20, CountChange.DEFAULTED), (4, 2025, 24, CountChange.ANNOUNCED)]
    async with registration.transaction() as tx:
        authors = await tx.fetch("SELECT announced_by FROM announced_counts WHERE year = 2025 ORDER BY revision")
    assert authors[0]["announced_by"] == SYSTEM.subject != authors[1]["announced_by"]


async def test_firing_again_and_again_changes_nothing(registration):
    """E-2: idempotent and re-runnable."""
    contract_id = await a_contract_with(registration)
    await registration.clock.set(NOVEMBER)
    await registration.fire_timers()
    for _ in range(3):
        async with registration.transaction() as tx:
            await tx.schedule(PLAN_DEFAULTS, "2024", NOVEMBER)
            payload = {"contract_id": contract_id, "year": 2025}
            await tx.schedule(DEFAULT_COUNT, f"2025/{contract_id}", NOVEMBER, payload)
        assert await registration.fire_timers() == 2
    assert await defaults_told(registration) == [(contract_id, 2025, 20)]
    assert await planned(registration) == [(PLAN_DEFAULTS, "2025", due_at(2026))]


async def test_two_instances_share_the_defaults_and_do_each_once(registration):
    """E-2: contracts are defaulted one by one, whoever comes first."""
    contracts = [await a_contract_with(registration, 10 + n, service=each) for n, each in enumerate(SERVICES)]
    await registration.clock.set(NOVEMBER)
    fired = await asyncio.gather(*(registration.fire_timers() for _ in range(2)))
    await registration.fire_timers()
    assert sum(fired) >= len(contracts)
    told = sorted(await defaults_told(registration))
    assert told == sorted((each, 2025, 10 + n) for n, each in enumerate(contracts))


async def default_twice_at_once(registration, contract_id: str, monkeypatch, *, locked: bool) -> list[object]:
    """Two firings of one contract's timer that have both read it, unless the lock makes the second wait."""

    async def fire() -> None:
        async with registration.transaction() as tx:
            await handlers.default_count(tx, "", {"contract_id": contract_id, "year": 2025})

    meet(registration, monkeypatch, store, "lock_contract", "get_contract", locking=locked)
    outcomes = await asyncio.gather(fire(), fire(), return_exceptions=True)
    monkeypatch.undo()
    return list(outcomes)


async def test_one_contracts_default_fired_twice_at_once_is_written_once(registration, monkeypatch):
    """E-2: the contract's row lock puts the two in line."""
    contract_id = await a_contract_with(registration)
    await registration.clock.set(NOVEMBER)
    assert await default_twice_at_once(registration, contract_id, monkeypatch, locked=True) == [None, None]
    assert await defaults_told(registration) == [(contract_id, 2025, 20)]


async def test_without_the_row_lock_the_two_collide(registration, monkeypatch):
    """Negative control: the guard off, both write the first entry of the year; only the constraints stop them."""
    contract_id = await a_contract_with(registration)
    await registration.clock.set(NOVEMBER)
    outcomes = await default_twice_at_once(registration, contract_id, monkeypatch, locked=False)
    assert any(isinstance(outcome, asyncpg.IntegrityConstraintViolationError) for outcome in outcomes)


@pytest.mark.parametrize("seed", range(3))
async def test_raises_and_defaults_at_once_end_alike_in_whatever_order(registration, seed):
    """E-2, E-3: a raise builds on the default, never the other way round."""
    dice = random.Random(seed)
    contracts = [await a_contract_with(registration, service=each) for each in SERVICES]
    await registration.clock.set(NOVEMBER)

    async def raise_soon(contract_id: str) -> int:
        for _ in range(dice.randint(0, 30)):
            await asyncio.sleep(0)
        return (await announce(registration, contract_id, 2025, 24)).status_code

    firing = [registration.fire_timers() for _ in range(2)]
    _, _, *statuses = await asyncio.gather(*firing, *(raise_soon(each) for each in contracts))
    await registration.fire_timers()
    assert statuses == [200] * len(contracts)
    async with registration.transaction() as tx:
        rows = await tx.fetch(
            "SELECT count, kind FROM announced_counts WHERE year = 2025 ORDER BY contract_id, revision"
        )
    assert [tuple(row) for row in rows] == [(20, "defaulted"), (24, "announced")] * len(contracts)


async def test_every_start_makes_sure_that_the_yearly_timer_is_there(registration):
    """E-2: planned by the first start, by no other, and from then on by itself."""
    assert await planned(registration) == [(PLAN_DEFAULTS, "2023", due_at(2024))]
    await registration.fire_timers()
    await asyncio.gather(*(registration.db.run(prepare) for _ in range(4)))
    assert await planned(registration) == [(PLAN_DEFAULTS, "2024", due_at(2025))]
    async with registration.transaction() as tx:
        await tx.execute("DELETE FROM timers")
    await registration.clock.set(NOVEMBER + timedelta(days=4))
    await asyncio.gather(*(registration.db.run(prepare) for _ in range(4)))
    assert await planned(registration) == [(PLAN_DEFAULTS, "2024", due_at(2025))]


async def test_a_first_start_after_the_first_of_november_makes_up_for_it(registration):
    """E-2: a release that knows the default for the first time on 5 November, or in January, catches up."""
    contract_id = await a_contract_with(registration)
    async with registration.transaction() as tx:
        await tx.execute("DELETE FROM timers")
    await on(registration, 1, 4, year=2025)
    await registration.db.run(prepare)
    await registration.fire_timers()
    assert await counts_of(registration, contract_id) == {2024: 20, 2025: 20}
