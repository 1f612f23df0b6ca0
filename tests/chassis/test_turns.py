"""Turns: two of one aggregate's commands at a time, in the order of arrival, and nobody waits for a stranger."""

import asyncio

import pytest

from chassis import turns
from chassis.failures import of_the_moment
from chassis.turns import MOST_AT_ONCE, Turns
from tests.chassis.test_bus import until


class Work:
    """Commands that hold their turn until they are let go; `working` are those that have one, in order."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.working: list[str] = []
        self.may_end: dict[str, asyncio.Event] = {}

    async def do(self, name: str, *on: str) -> str:
        self.may_end[name] = asyncio.Event()
        async with self.turns.of(on):
            self.working.append(name)
            await self.may_end[name].wait()
        return name

    def begin(self, name: str, *on: str) -> "asyncio.Task[str]":
        return asyncio.create_task(self.do(name, *on))

    async def until_working(self, *names: str) -> None:
        async def working() -> bool:
            return self.working == list(names)

        await until(working)


async def test_two_of_one_aggregate_work_and_the_others_come_in_the_order_of_arrival():
    work = Work()
    tasks = [work.begin(name, "course") for name in "abcd"]
    await work.until_working("a", "b")
    work.may_end["b"].set()
    await work.until_working("a", "b", "c")
    for name in "acd":
        work.may_end[name].set()
    await asyncio.gather(*tasks)
    assert work.working == ["a", "b", "c", "d"]
    assert not work.turns._queues, "a queue that nobody needs is let go"


async def test_strangers_and_commands_without_an_aggregate_do_not_wait():
    work = Work()
    tasks = [work.begin(f"here {n}", "course") for n in range(MOST_AT_ONCE + 1)]
    tasks += [work.begin("there", "other"), *(work.begin(f"nowhere {n}") for n in range(3))]
    await work.until_working("here 0", "here 1", "there", "nowhere 0", "nowhere 1", "nowhere 2")
    for may_end in work.may_end.values():
        may_end.set()
    await asyncio.gather(*tasks)


async def test_one_spelling_of_an_id_is_as_good_as_another():
    work = Work()
    tasks = [work.begin(name, on) for name, on in (("a", "0197a3c2-Ab"), ("b", "0197A3C2-AB"), ("c", "0197a3c2-ab"))]
    await work.until_working("a", "b")
    for may_end in work.may_end.values():
        may_end.set()
    await asyncio.gather(*tasks)


async def test_who_needs_two_aggregates_waits_for_both_and_nobody_for_ever():
    work = Work()
    pairs = [("x", "y"), ("y", "x")] * 20
    tasks = [work.begin(str(n), *pair) for n, pair in enumerate(pairs)]
    while not all(task.done() for task in tasks):
        assert len(work.working) - sum(task.done() for task in tasks) <= MOST_AT_ONCE
        for name in work.working:
            work.may_end[name].set()
        await asyncio.sleep(0)
    assert len(work.working) == len(pairs)


async def test_who_waits_too_long_or_goes_away_leaves_the_queue(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "TURN_WITHIN_S", 0.05)
    work = Work()
    first = [work.begin(name, "course") for name in "ab"]
    await work.until_working("a", "b")
    late, gone = work.begin("late", "course"), work.begin("gone", "course")
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(TimeoutError) as error:
        await late
    assert of_the_moment(error.value)
    for name in "ab":
        work.may_end[name].set()
    await asyncio.gather(*first)
    assert not work.turns._queues
