"""Timers: planned and fired in transactions, once each, also after an outage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import timedelta

import pytest

from chassis import db, timers
from chassis.testing import CLOCK_START, ServiceUnderTest
from chassis.timers import fire_one


async def plan(toy: ServiceUnderTest, key: str, after: timedelta, **payload: object) -> None:
    async with toy.transaction() as tx:
        await tx.schedule("remember", key, CLOCK_START + after, payload)


async def fired(toy: ServiceUnderTest) -> list[str]:
    async with toy.transaction() as tx:
        return [row["key"] for row in await tx.fetch("SELECT key FROM fired ORDER BY seq")]


async def test_a_timer_fires_when_it_is_due_and_only_once(toy: ServiceUnderTest):
    await plan(toy, "a", timedelta(hours=1))
    assert await toy.fire_timers() == 0
    await toy.clock.advance(timedelta(hours=1))
    assert await toy.fire_timers() == 1
    assert await toy.fire_timers() == 0
    assert await fired(toy) == ["a"]


async def test_planning_again_replaces_and_cancelling_drops(toy: ServiceUnderTest):
    await plan(toy, "a", timedelta(hours=1))
    await plan(toy, "a", timedelta(hours=5))
    await plan(toy, "b", timedelta(hours=1))
    async with toy.transaction() as tx:
        await tx.cancel("remember", "b")
    await toy.clock.advance(timedelta(hours=2))
    assert await toy.fire_timers() == 0
    await toy.clock.advance(timedelta(hours=4))
    assert await fired(toy) == []
    assert await toy.fire_timers() == 1


async def test_after_an_outage_every_missed_timer_fires_once_in_the_order_it_was_due(toy: ServiceUnderTest):
    for day in (3, 1, 2):
        await plan(toy, f"day {day}", timedelta(days=day))
    await toy.clock.advance(timedelta(days=10))
    assert await toy.fire_timers() == 3
    assert await fired(toy) == ["day 1", "day 2", "day 3"]


async def test_several_processes_fire_each_timer_once(toy: ServiceUnderTest):
    for n in range(40):
        await plan(toy, f"t{n}", timedelta(0))

    async def work() -> None:
        while await fire_one(toy.service, toy.db):
            pass

    await asyncio.gather(*(work() for _ in range(6)))
    assert sorted(await fired(toy)) == sorted(f"t{n}" for n in range(40))


async def test_a_failing_timer_is_kept_for_later_and_holds_up_nobody(toy: ServiceUnderTest):
    await plan(toy, "bad", timedelta(0), fails=True)
    await plan(toy, "good", timedelta(minutes=1))
    await toy.clock.advance(timedelta(hours=1))
    assert await toy.fire_timers() == 2
    assert await fired(toy) == ["good"]
    async with toy.transaction() as tx:
        left = await tx.fetchrow("SELECT key, attempts, retry_at IS NOT NULL AS later FROM timers")
    assert left is not None
    assert tuple(left) == ("bad", 1, True)


@pytest.fixture
async def locked(toy: ServiceUnderTest) -> AsyncIterator[None]:
    """Another transaction holds the row that the timers of the key `locked` want."""
    async with toy.transaction() as tx:
        await tx.execute("INSERT INTO notes VALUES ('locked', '2828286-3', 'x')")
    async with toy.transaction() as tx:
        await tx.execute("SELECT FROM notes WHERE note_id = 'locked' FOR UPDATE")
        yield


async def left(toy: ServiceUnderTest) -> list[tuple[str, int, bool]]:
    """Timers that are still planned: the key, how often it was tried, and whether it rests."""
    async with toy.transaction() as tx:
        rows = await tx.fetch("SELECT key, attempts, retry_at > clock_timestamp() FROM timers ORDER BY key")
    return [(row[0], row[1], row[2]) for row in rows]


async def test_a_timer_that_meets_a_lock_is_put_off_and_the_next_ones_fire(toy: ServiceUnderTest, locked: None):
    await plan(toy, "first", timedelta(0), locks="locked")
    await plan(toy, "good", timedelta(minutes=1))
    await plan(toy, "also good", timedelta(minutes=2))
    await toy.clock.advance(timedelta(hours=1))
    assert await toy.fire_timers() == 3
    assert await fired(toy) == ["good", "also good"]
    assert await left(toy) == [("first", 1, True)]


async def test_so_is_one_whose_statement_takes_too_long(toy: ServiceUnderTest):
    """As after the 30 s of every statement, which a test cannot wait for."""
    await plan(toy, "slow", timedelta(0), sleeps=True)
    await plan(toy, "good", timedelta(minutes=1))
    await toy.clock.advance(timedelta(hours=1))
    assert await toy.fire_timers() == 2
    assert await fired(toy) == ["good"]
    assert [(key, attempts) for key, attempts, _ in await left(toy)] == [("slow", 1)]


async def test_so_is_one_that_is_cancelled_from_within(toy: ServiceUnderTest):
    """It would end the task of all timers, and again after its next start."""
    await plan(toy, "cancelled", timedelta(0), cancelled=True)
    await plan(toy, "good", timedelta(minutes=1))
    await toy.clock.advance(timedelta(hours=1))
    assert await toy.fire_timers() == 2
    assert await fired(toy) == ["good"]
    assert [(key, attempts) for key, attempts, _ in await left(toy)] == [("cancelled", 1)]


async def test_control_where_that_counts_as_an_end_all_timers_end(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(db, "cancelled_from_outside_only", nullcontext)
    await plan(toy, "cancelled", timedelta(0), cancelled=True)
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            await toy.fire_timers()


@pytest.mark.parametrize("first", [True, False], ids=["those that have not failed first", "control: by when due"])
async def test_any_number_of_timers_that_fail_leave_the_others_their_time(
    toy: ServiceUnderTest, locked: None, monkeypatch: pytest.MonkeyPatch, first: bool
):
    """Their next tries are due again before all of them have been tried, as of hundreds on one lock."""
    if not first:
        either = "(retry_at IS NULL OR retry_at <= clock_timestamp()) ORDER BY due_at, kind, key"
        monkeypatch.setattr(timers, "_FIRST_TRY", timers._CLAIM.format(which=either))
    for n in range(3):
        await plan(toy, f"stuck {n}", timedelta(minutes=n), locks="locked")
    await plan(toy, "good", timedelta(minutes=9))
    async with toy.transaction() as tx:
        await tx.execute(
            "UPDATE timers SET attempts = 7, retry_at = clock_timestamp() - interval '1 s' WHERE key LIKE 'stuck%'"
        )
    await toy.clock.advance(timedelta(hours=1))
    assert await fire_one(toy.service, toy.db)
    assert await fired(toy) == (["good"] if first else [])


async def test_those_that_have_failed_are_tried_in_turn(toy: ServiceUnderTest):
    for n, key in enumerate("cab"):
        await plan(toy, key, timedelta(0))
        async with toy.transaction() as tx:
            await tx.execute(
                "UPDATE timers SET attempts = 1, retry_at = clock_timestamp() - make_interval(secs => $2)"
                " WHERE key = $1",
                key,
                60.0 - n,
            )
    assert await toy.fire_timers() == 3
    assert await fired(toy) == ["c", "a", "b"]


async def test_control_where_it_is_not_put_off_nobody_else_fires(
    toy: ServiceUnderTest, locked: None, monkeypatch: pytest.MonkeyPatch
):
    async def leave_it(*_: object) -> None:
        """As if the failure was the loop's own: the same timer is the oldest one again."""

    monkeypatch.setattr(timers, "_put_off", leave_it)
    await plan(toy, "first", timedelta(0), locks="locked")
    await plan(toy, "good", timedelta(minutes=1))
    await toy.clock.advance(timedelta(hours=1))
    assert await fire_one(toy.service, toy.db)
    assert await fire_one(toy.service, toy.db)
    assert await fired(toy) == []


async def test_pauses_grow_to_a_minute_and_after_a_fault_to_an_hour(toy: ServiceUnderTest):
    await plan(toy, "lost race", timedelta(0), loses=True)
    await plan(toy, "bad", timedelta(0), fails=True)
    async with toy.transaction() as tx:
        await tx.execute("UPDATE timers SET attempts = 1000")
    await toy.clock.advance(timedelta(hours=1))
    assert await toy.fire_timers() == 2
    async with toy.transaction() as tx:
        rests = await tx.fetch(
            "SELECT round(extract(epoch FROM retry_at - clock_timestamp())) FROM timers ORDER BY key"
        )
    assert [round(row[0], -1) for row in rests] == [3600, 60]


async def test_a_rolled_back_plan_never_fires(toy: ServiceUnderTest):
    try:
        async with toy.transaction() as tx:
            await tx.schedule("remember", "never", tx.now)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert await toy.fire_timers() == 0
