"""A running system under failpoints: told to die somewhere, waited for, brought to rest and looked at."""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import asyncpg
import httpx

from chassis.clock import set_simulated_now
from chassis.embedded import SUPERUSER
from chassis.settings import BusKind
from contracts.topics import SERVICES
from rekku.home import Home
from rekku.up import Launch, System, free_ports, system
from tests.failpoints.bus_seen import BusSeen, bus_of
from tests.failpoints.digest import Digest, State
from tests.failpoints.workload import WITHIN_S, CarefulClient, Year, yes

BEFORE_ALL = datetime(2030, 12, 29, 8, tzinfo=UTC)
FIRST_YEAR = 2031
"""No data file speaks of this year or a later one."""
LEASE_S = 0.5
"""Short, because an SMS whose sender died waits for ten of them."""

YearT = TypeVar("YearT", bound=Year)

_POLL_S = 0.02
_IN_MOTION = " UNION ALL ".join(
    f"SELECT '{service}', '{what}', (SELECT count(*) FROM {service}.{rows})"
    for service in SERVICES
    for what, rows in (
        ("outbox", "outbox"),
        ("timers", "timers, rekku_clock.simulated WHERE due_at <= now"),
        ("handled", "inbox"),
    )
)
_UNSENT = "SELECT count(*) FROM notifications.messages WHERE state = 'waiting'"


class Failpoint(NamedTuple):
    """A step of a service at which it can be killed."""

    service: str
    name: str


async def until(condition: Callable, what: str, within_s: float = WITHIN_S) -> None:
    """Wait until `await condition()` is true."""
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(_POLL_S)


@dataclass
class Grounds:
    """A running system, the folder of its failpoints, and everything about it that can be seen."""

    bus_kind: BusKind
    system: System
    client: CarefulClient
    admin: asyncpg.Connection
    bus: BusSeen
    digest: Digest
    folder: Path
    kills: int = 0
    report: list[str] = field(default_factory=list)
    _next_year: int = FIRST_YEAR

    async def new_year(self, kind: type[YearT] = Year) -> YearT:
        """A year that nothing has happened in yet; what the last one had planned has been done."""
        for day in (30, 31):  # courses come to their end on the first, and their decisions are reviewed by the second
            await set_simulated_now(self.admin, datetime(self._next_year - 1, 12, day, 8, tzinfo=UTC))
            await self.at_rest()
        # To look earlier years' offices through is no part of this one (R-REG-7).
        await self.admin.execute("UPDATE registration.timers SET due_at = '2199-01-01' WHERE kind = 'remind-of-review'")
        year = kind(self._next_year, self.client, self.admin, self.system.settings.home)
        self._next_year += 1
        await year.open()
        await self.at_rest()  # what earlier years had planned for 1 January is done before anything is counted
        await self.digest.begin()
        return year

    async def tell(self, year: Year, phase: Callable, killed: Sequence[Failpoint] = ()) -> tuple[State, set[Failpoint]]:
        """One phase, with processes killed on their way; the state at rest, and what was reached.

        Every process that was to die did so at its failpoint, and is back.
        """
        for seen in (self.folder / "seen").glob("*"):
            seen.unlink()
        deaths = [asyncio.create_task(self.kill(failpoint)) for failpoint in killed]
        await asyncio.sleep(0)
        await phase(year)
        await asyncio.gather(*deaths)
        await self.at_rest()
        self.digest.add_records(await self.bus.new_records())
        return await self.digest.state(year), self._reached()

    async def kill(self, failpoint: Failpoint, nth: int = 1) -> None:
        """Let the service's first process die at the failpoint, when it comes there for the nth time, and come back."""
        process = self.system.program(failpoint.service).process
        order, draft = self.folder / f"{failpoint.service}-1", self.folder / f".{failpoint.service}"
        draft.write_text(f"{failpoint.name} {nth}")
        draft.rename(order)

        async def gone() -> bool:
            return process.returncode is not None

        await until(gone, f"{failpoint.service} reaches {failpoint.name}")
        assert process.returncode == -signal.SIGKILL, f"{failpoint.service} ended with {process.returncode}"
        assert not order.exists(), f"{failpoint} was not where it died"
        self.kills += 1
        await self.ready(failpoint.service)

    async def ready(self, service: str) -> None:
        """Wait until a service answers."""
        yes(await self.client.ask("GET", f"{self.client.url(service)}/readyz"))

    def _reached(self) -> set[Failpoint]:
        seen = (path.name.partition(" ") for path in (self.folder / "seen").glob("*"))
        return {Failpoint(process.removesuffix("-1"), name) for process, _, name in seen}

    async def look_again(self) -> None:
        """There are tables that were not there before."""
        records, self.digest = self.digest.records, await Digest.of(self.admin)
        self.digest.add_records(records)

    async def sent(self, service: str) -> None:
        """Wait until everything that the service has committed is on the bus."""

        async def empty() -> bool:
            return not await self.admin.fetchval(f"SELECT count(*) FROM {service}.outbox")

        await until(empty, f"{service} has sent everything")

    async def nothing_behind(self) -> None:
        """Wait until every record counts as finished."""

        async def none() -> bool:
            return not await self.bus.behind()

        await until(none, "every record counts as finished")

    def sms(self) -> list[Path]:
        """The file of every SMS that has come."""
        return list((self.system.settings.home / "sms").glob("*/*.txt"))

    async def at_rest(self, within_s: float = WITHIN_S) -> None:
        """Wait until nothing is on its way, which has to look the same twice."""
        looks: deque[tuple[int, list[str]]] = deque(maxlen=2)

        async def still() -> bool:
            rows = await self.admin.fetch(_IN_MOTION)
            behind, unsent = await self.bus.behind(), await self.admin.fetchval(_UNSENT)
            moving = [f"{what} of {service}: {count}" for service, what, count in rows if count and what != "handled"]
            moving += [f"records behind: {behind}"] * bool(behind) + [f"SMS unsent: {unsent}"] * bool(unsent)
            looks.append((sum(count for _, what, count in rows if what == "handled"), moving))
            return len(looks) == 2 and looks[0] == looks[1] and not moving

        try:
            await until(still, "the system is at rest", within_s)
        except AssertionError as error:
            error.add_note(str(looks[-1][1]))
            raise


@contextlib.asynccontextmanager
async def grounds(home: Path, bus: BusKind, **differences: object) -> AsyncIterator[Grounds]:
    """A system started for failpoints; `differences` are further arguments of its launch."""
    folder = home / "failpoints"
    folder.mkdir()
    launch = Launch(
        Home(home),
        free_ports(1)[0],
        BEFORE_ALL,
        bus=bus,
        say=lambda _: None,
        environment={"REKKU_FAILPOINTS": str(folder), "REKKU_LEASE_S": str(LEASE_S)},
        pauses_s=(0.01, 0.01),
        **differences,
    )
    async with contextlib.AsyncExitStack() as stack:
        started = await stack.enter_async_context(system(launch))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30, limits=httpx.Limits(keepalive_expiry=2)))
        admin = await asyncpg.connect(started.cluster.url(SUPERUSER))
        stack.push_async_callback(admin.close)
        seen = await stack.enter_async_context(bus_of(started, admin))
        prepared = Grounds(bus, started, CarefulClient(started, http), admin, seen, await Digest.of(admin), folder)
        await prepared.at_rest()
        yield prepared
