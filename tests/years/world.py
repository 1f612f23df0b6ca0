"""Registration and courses on one database and one clock, without a bus between and without anybody waiting."""

import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import asyncpg

from chassis.bus import Record
from chassis.clock import set_simulated_now
from chassis.db import Database, Transaction
from chassis.embedded import SUPERUSER
from chassis.runtime import Runtime
from chassis.service import Service, TimerHandler
from chassis.testing import CLOCK_START, ClusterUnderTest, ServiceUnderTest, SimulatedClock
from chassis.vault import Vault
from services.courses.app import SERVICE as COURSES
from services.registration.app import SERVICE as REGISTRATION

Act = Callable[[], Awaitable[None]]

_NEXT_DUE = "SELECT least((SELECT min(due_at) FROM registration.timers), (SELECT min(due_at) FROM courses.timers))"
_OUTBOX = "SELECT id, topic, key, header_names, header_values, value FROM outbox WHERE id > $1 ORDER BY id"
_TOPIC = itemgetter("topic")


@dataclass(frozen=True)
class Away:
    """Both services are down from `start` until just before `end`."""

    start: datetime
    end: datetime

    def covers(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


@dataclass(frozen=True)
class Fired:
    """A timer that fired."""

    service: str
    kind: str
    key: str
    payload: Mapping[str, Any]


class World:
    """Two services, what is planned to be done with them, and the years that pass.

    `forgetful` switches the catching up off: timers that come due while both are away are lost.
    """

    def __init__(
        self,
        registration: ServiceUnderTest,
        courses: ServiceUnderTest,
        admin: asyncpg.Connection,
        fired: list[Fired],
        away: Sequence[Away],
        *,
        forgetful: bool,
    ) -> None:
        self.registration = registration
        self.courses = courses
        self.fired = fired
        self.away = away
        self.forgetful = forgetful
        self._admin = admin
        self._carried = {registration.service.name: 0, courses.service.name: 0}
        self._plans: list[tuple[datetime, int, Act]] = []
        self._order = count()

    @property
    def now(self) -> datetime:
        return self.registration.clock.now

    def plan(self, when: datetime, act: Act) -> None:
        """Something to be done at an instant, or as soon as the services are back."""
        heapq.heappush(self._plans, (when, next(self._order), act))

    async def pass_until(self, end: datetime) -> None:
        """Jump from what is due next to what is due then; nothing is ever waited for."""
        await self.fire()
        while (soonest := await self._soonest()) <= end:
            missed = next((away for away in self.away if away.covers(soonest)), None)
            await self.set_clock(max(self.now, missed.end if missed else soonest))
            if missed and self.forgetful:
                await self._lose(missed)
            await self.fire()
            while self._plans and self._plans[0][0] <= self.now:
                await heapq.heappop(self._plans)[2]()
                await self.carry()
        await self.set_clock(end)

    async def set_clock(self, now: datetime) -> None:
        await set_simulated_now(self._admin, now)
        self.registration.clock.now = now

    async def fire(self) -> int:
        """Fire everything that is due in both services and hand on what follows; how many timers fired."""
        fired = await self.registration.fire_timers() + await self.courses.fire_timers()
        if fired:
            await self.carry()
        return fired

    async def fire_again(self, *timers: Fired) -> int:
        """Plan timers that have fired once more, for now; how many timers fired."""
        for timer in timers:
            service = self.courses if timer.service == self.courses.service.name else self.registration
            async with service.transaction() as tx:
                await tx.schedule(timer.kind, timer.key, tx.now, timer.payload)
        return await self.fire()

    async def overdue(self) -> list[tuple[str, str]]:
        """Timers that should have fired, or have failed."""
        late = []
        for one in (self.registration, self.courses):
            async with one.transaction() as tx:
                late += await tx.fetch("SELECT kind, key FROM timers WHERE due_at <= $1 OR attempts > 0", tx.now)
        return [(row["kind"], row["key"]) for row in late]

    async def carry(self) -> None:
        """Hand each service what the other has published since: a batch of each topic, in order, as a bus does."""
        for giver, taker in ((self.registration, self.courses), (self.courses, self.registration)):
            async with giver.transaction() as tx:
                rows = await tx.fetch(_OUTBOX, self._carried[giver.service.name])
            for _, batch in groupby(sorted(rows, key=_TOPIC), key=_TOPIC):
                await taker.deliver_records(*(_record(row, next(taker._positions)) for row in batch))
            if rows:
                self._carried[giver.service.name] = rows[-1]["id"]

    async def published(self) -> int:
        """How many events both have published."""
        counts = "SELECT (SELECT count(*) FROM registration.outbox) + (SELECT count(*) FROM courses.outbox)"
        return await self._admin.fetchval(counts)

    async def _soonest(self) -> datetime:
        far = datetime.max.replace(tzinfo=UTC)
        due = await self._admin.fetchval(_NEXT_DUE)
        assert due is None or due > self.now, f"a timer does not fire: {await self.overdue()}"
        return min(due or far, self._plans[0][0] if self._plans else far)

    async def _lose(self, away: Away) -> None:
        for schema in self._carried:
            sql = f"DELETE FROM {schema}.timers WHERE due_at >= $1 AND due_at < $2"
            await self._admin.execute(sql, away.start, away.end)


@asynccontextmanager
async def a_world(
    cluster: ClusterUnderTest, home: Path, away: Sequence[Away], *, forgetful: bool = False
) -> AsyncIterator[World]:
    """Both services on a fresh database, started up, the clock at `CLOCK_START`."""
    fired: list[Fired] = []
    async with cluster.database([REGISTRATION, COURSES]) as name, AsyncExitStack() as stack:
        url = cluster.cluster.url(SUPERUSER, name)
        clock = SimulatedClock(url)
        await clock.set(CLOCK_START)
        admin = await asyncpg.connect(url)
        stack.push_async_callback(admin.close)
        running = []
        for service in (REGISTRATION, COURSES):
            settings = cluster.settings(service.name, name, home)
            vault = Vault(settings.keys_database_url.get_secret_value())
            database = await Database.connect(
                settings.database_url.get_secret_value(), service.name, settings.clock, vault
            )
            watched = _watched(service, fired)
            running.append(ServiceUnderTest(watched, Runtime(watched, settings, database), database, clock))
            stack.push_async_callback(running[-1].close)
            if service.startup is not None:
                await database.run(service.startup)
        world = World(*running, admin, fired, away, forgetful=forgetful)
        await world.carry()
        yield world


def _record(row: asyncpg.Record, position: int) -> Record:
    headers = tuple(zip(row["header_names"], row["header_values"], strict=True))
    return Record(row["topic"], 0, position, row["key"], headers, row["value"])


def _watched(service: Service, fired: list[Fired]) -> Service:
    """The service, with every timer that fires written down."""

    async def fire(tx: Transaction, key: str, payload: Mapping[str, Any], *, kind: str, handler: TimerHandler) -> None:
        await handler(tx, key, payload)
        fired.append(Fired(service.name, kind, key, payload))

    timers = {kind: partial(fire, kind=kind, handler=handler) for kind, handler in service.timers.items()}
    return replace(service, timers=timers)
