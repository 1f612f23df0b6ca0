"""Turns: two of one aggregate's commands at a time, in the order of arrival, and nobody waits for a stranger."""

import asyncio

import asyncpg
import pytest

from chassis import turns
from chassis.db import BRIEFLY, HURRIEDLY
from chassis.failures import of_the_moment
from chassis.turns import MOST_AT_ONCE, Turns
from tests.chassis.test_bus import until


class Work:
    """Commands that hold their turn until they are let go; `working` are those that have one, in order."""

    def __init__(self, connections: int = 1_000) -> None:
        self.turns = Turns(connections)
        self.working: list[str] = []
        self.may_end: dict[str, asyncio.Event] = {}

    async def do(self, name: str, *on: str) -> str:
        self.may_end[name] = asyncio.Event()

        async def work(_lock_wait: str) -> str:
            self.working.append(name)
            await self.may_end[name].wait()
            return name

        return await self.turns.run(on, work)

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


async def test_all_commands_together_leave_connections_to_others():
    work = Work(connections=3)
    tasks = [work.begin(f"{n}", f"course {n}") for n in range(5)]
    await work.until_working("0", "1", "2")
    work.may_end["1"].set()
    await work.until_working("0", "1", "2", "3")
    for may_end in work.may_end.values():
        may_end.set()
    await asyncio.gather(*tasks)


class Lock:
    """What commands want that nobody could know before: each tries for a moment, holding a connection."""

    def __init__(self, connections: int) -> None:
        self.turns = Turns(connections)
        self.held = True
        self.trying = self.most = 0
        self.tried: list[str] = []
        self.waits: list[str] = []

    async def want(self, name: str, *on: str) -> str:
        async def work(lock_wait: str) -> str:
            again = name in self.tried
            self.waits.append(lock_wait)
            self.tried.append(name)
            self.trying += again
            self.most = max(self.most, self.trying)
            for _ in range(5):
                await asyncio.sleep(0)
            self.trying -= again
            if self.held:
                raise asyncpg.LockNotAvailableError("somebody else holds it")
            return name

        return await self.turns.run(on, work)


async def test_those_that_have_met_a_lock_share_half_and_the_others_come_at_once():
    """Any number of them, each on an aggregate of its own; they are tried in turn until it is let go."""
    lock = Lock(connections=4)
    stuck = [asyncio.create_task(lock.want(f"{n}", f"draft {n}")) for n in range(30)]

    async def all_again() -> bool:
        return all(lock.tried.count(f"{n}") > 2 for n in range(30))

    await until(all_again)
    assert lock.most == 2
    # The first four begin together; from then on one of them is known to have met it.
    assert lock.waits[:4] == [BRIEFLY] * 4
    assert set(lock.waits[8:]) == {HURRIEDLY}
    went_through = asyncio.Event()

    async def quick(_lock_wait: str) -> None:
        went_through.set()

    before = len(lock.tried)
    await lock.turns.run(["stranger"], quick)
    assert went_through.is_set()
    assert len(lock.tried) - before < 30
    lock.held = False
    assert await asyncio.gather(*stuck) == [f"{n}" for n in range(30)]


async def test_a_lock_that_is_not_let_go_is_a_failure_of_the_moment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "LOCK_WITHIN_S", 0.05)
    lock = Lock(connections=1)
    outcomes = await asyncio.gather(*(lock.want(f"{n}", f"draft {n}") for n in range(4)), return_exceptions=True)
    assert all(isinstance(error, BaseException) and of_the_moment(error) for error in outcomes)
    assert not lock.turns._queues
    assert not lock.turns._connections.locked()
    assert not lock.turns._again.locked()
    assert not lock.turns._met_a_lock


async def test_who_alone_has_met_a_lock_waits_for_it_longer_each_time():
    lock = Lock(connections=4)
    alone = asyncio.create_task(lock.want("a", "draft"))

    async def tried() -> bool:
        return len(lock.waits) > 3

    await until(tried)
    lock.held = False
    await alone
    assert set(lock.waits) == {BRIEFLY}
