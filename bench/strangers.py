"""What strangers wait for a row that somebody keeps locked: a stranger's read, a stranger's command, the probe.

A hundred commands want the row: pins on one course, which queue before they take a connection, and completions of
drafts of one contract, which find out only after loading. Measured over HTTP alone and beside them, and beside the
same by the bare driver on a connection of its own. Target: a read takes at most 100 ms more, and the service stays
ready.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from bench.freshness import TODAY, People
from bench.stage import keep, machine, new_home, quantiles, say
from chassis.calendar import start_of_day
from chassis.embedded import SUPERUSER
from rekku.demo.api import Api, Refused, at_rest
from rekku.home import Home
from rekku.up import Launch, System, free_ports, system

WAITING = 100
READS = 200
READ_FOR_S = 2.0
COMMANDS = 10
PROBES = 20
CALM_S = 0.03
_PATIENCE_S = 20.0

_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


async def run() -> dict[str, Any]:
    """Both rows in turn; the figures are also written to `bench/results/strangers.json`."""
    facts = machine()
    with new_home() as home:
        launch = Launch(Home(home), free_ports(1)[0], start_of_day(TODAY), say=say)
        async with system(launch) as running, Api(running.run, running.settings) as api:
            scene = await _Scene.of(api, running)
            figures: dict[str, Any] = {"waiting": WAITING}
            figures["pins_on_a_locked_course"] = await scene.measured(await scene.pins())
            figures["drafts_of_a_locked_contract"] = await scene.measured(await scene.drafts())
            await scene.database.close()
    return keep("strangers", facts, figures, kafka=False)


class _Scene:
    """A course that strangers read, and what a hundred others want."""

    def __init__(self, api: Api, people: People, database: asyncpg.Connection, stranger: str) -> None:
        self.api = api
        self.people = people
        self.database = database
        self.stranger = stranger
        self._grants = 0

    @classmethod
    async def of(cls, api: Api, running: System) -> "_Scene":
        people = People(api)
        await people.register()
        stranger = await people.create(COMMANDS)
        await at_rest(api, ("registration", "courses", "decisions", "notifications", "search"))
        return cls(api, people, await asyncpg.connect(running.cluster.url(SUPERUSER)), stranger["course_id"])

    async def pins(self) -> tuple[str, Sequence[Callable[[], Awaitable[object]]]]:
        """The lock of a course, and pins on it."""
        [course] = await self.people.hold_courses(1)
        decisions = await self._granted(WAITING)
        lock = f"SELECT FROM courses.courses WHERE course_id = '{course['course_id']}' FOR UPDATE"
        return lock, [lambda ref=ref: self.people.pin(course["course_id"], ref) for ref in decisions]

    async def drafts(self) -> tuple[str, Sequence[Callable[[], Awaitable[object]]]]:
        """The lock of a contract's places, and completions of its drafts."""
        drafts = await asyncio.gather(*(self.people.draft(number) for number in range(WAITING)))
        lock = f"SELECT FROM courses.place_ledgers WHERE contract_id = '{self.people.contract}' FOR UPDATE"
        return lock, [lambda draft=draft: self.people.complete(draft) for draft in drafts]

    async def measured(self, wanted: tuple[str, Sequence[Callable[[], Awaitable[object]]]]) -> dict[str, Any]:
        lock, commands = wanted
        [here, there], decisions = await self.people.hold_courses(2), await self._granted(2 * COMMANDS)
        alone, driver = await self._reads(), await self._by_driver()
        commands_alone = await self._commands(here, decisions[:COMMANDS])
        async with self._locked(lock, commands):
            beside, ready = await self._reads(), await self._ready()
            commands_beside = await self._commands(there, decisions[COMMANDS:])
            driver_beside = await self._by_driver()
        figures = {
            **{f"read_alone_{name}": value for name, value in quantiles(alone).items()},
            **{f"read_beside_{name}": value for name, value in quantiles(beside).items()},
            "more_p99_ms": round(quantiles(beside)["p99_ms"] - quantiles(alone)["p99_ms"], 1),
            "driver_alone_p50_ms": quantiles(driver)["p50_ms"],
            "driver_beside_p50_ms": quantiles(driver_beside)["p50_ms"],
            "command_alone_p50_ms": quantiles(commands_alone)["p50_ms"],
            "command_beside_p50_ms": quantiles(commands_beside)["p50_ms"],
            "command_beside_longest_ms": quantiles(commands_beside)["longest_ms"],
            "readyz_green": ready,
        }
        say(f"a read takes {figures['more_p99_ms']} ms more at the 99th percentile beside {WAITING} that wait")
        return figures

    async def _granted(self, count: int) -> list[str]:
        numbers = range(self._grants, self._grants + count)
        self._grants += count
        granted = await asyncio.gather(*(self.people.grant(number) for number in numbers))
        await at_rest(self.api, ("decisions", "courses"))
        return [decision_ref for decision_ref, _ in granted]

    @asynccontextmanager
    async def _locked(self, lock: str, commands: Sequence[Callable[[], Awaitable[object]]]) -> AsyncIterator[None]:
        """While the row is locked and all commands have been sent, some of which wait inside PostgreSQL."""
        transaction = self.database.transaction()
        await transaction.start()
        await self.database.execute(lock)
        sent = [asyncio.create_task(_refused_or_done(command)) for command in commands]
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not await self.database.fetchval(_WAITING):
                    await asyncio.sleep(0.01)
                while not all([await self._calm() for _ in range(3)]):
                    pass
            yield
            for task in sent:
                if task.done():
                    raise RuntimeError("a command was answered although its row was locked") from task.exception()
        finally:
            await transaction.rollback()
            await asyncio.gather(*sent, return_exceptions=True)

    async def _calm(self) -> bool:
        """Whether the service has taken in what was sent: that costs it its processor, whatever is locked."""
        return await _timed(self.api.get("courses", "/version")) < CALM_S

    async def _reads(self) -> list[float]:
        """As many as fit in a while: who waits for the lock is to be waiting all the time, and gives up in the end."""
        until, took = time.monotonic() + READ_FOR_S, []
        while len(took) < READS and time.monotonic() < until:
            took.append(await _timed(self.api.get("courses", f"/courses/{self.stranger}")))
        return took

    async def _by_driver(self) -> list[float]:
        sql = "SELECT * FROM courses.courses WHERE course_id = $1"
        return [await _timed(self.database.fetchrow(sql, self.stranger)) for _ in range(READS)]

    async def _commands(self, course: dict[str, Any], decisions: Sequence[str]) -> list[float]:
        return [await _timed(self.people.pin(course["course_id"], ref)) for ref in decisions]

    async def _ready(self) -> float:
        """The share of probes that found the service ready."""
        green = 0
        for _ in range(PROBES):
            with suppress(Refused):
                await self.api.get("courses", "/readyz")
                green += 1
        return green / PROBES


async def _refused_or_done(command: Callable[[], Awaitable[object]]) -> None:
    """There are not places for all of them."""
    try:
        await command()
    except Refused as refused:
        if refused.code not in {"COURSE_FULL", "PLACE_LEDGER_FULL"}:
            raise


async def _timed(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
