"""Timers: planned and fired in transactions, once each, also after an outage."""

import asyncio
from datetime import timedelta

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


async def test_a_rolled_back_plan_never_fires(toy: ServiceUnderTest):
    try:
        async with toy.transaction() as tx:
            await tx.schedule("remember", "never", tx.now)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert await toy.fire_timers() == 0
