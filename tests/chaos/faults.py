"""Doing what the plan says, and undoing it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import asyncpg
import psutil
from confluent_kafka import ElectionType, KafkaError, KafkaException
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType

from chassis.embedded import SUPERUSER
from rekku.up import System
from tests.chaos.network import Network, Weather
from tests.chaos.plan import INSTANCES, Fault, Kind, layer
from tests.chaos.recovery import Event
from tests.chaos.rights import Rested, Resting
from tests.chaos.stuck_key import Held, holding
from tests.kafka_rights import give_back, take_away

_FLUSH_WAITS_US = 100_000
_WITHIN_S = 30.0
_ELECTED_WITHIN_S = 10.0
_SLOW_AT_LEAST_S = 0.08
_WEATHER = {
    Kind.SLOW_NETWORK: Weather.SLOW,
    Kind.STALL_NETWORK: Weather.STALLED,
    Kind.CUT_NETWORK: Weather.CUT,
}


class FaultFailed(Exception):
    """The fault could not be made or healed: the run proves nothing."""


class Faults:
    """Breaks a running system as planned; `happened` is what really took place.

    `held` and `rested` are what was seen of stuck keys, and of topics that nobody might write.
    """

    def __init__(self, system: System, network: Network):
        self.happened: list[Event] = []
        self.held: list[Held] = []
        self.rested: list[Rested] = []
        self._layers: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._system = system
        self._network = network
        self._admin = AdminClient(
            {"bootstrap.servers": system.kafka.servers, "log_level": 0, "socket.timeout.ms": 5000}
        )

    async def carry_out(self, fault: Fault):
        """Break, wait, heal, and note when; after the one before in the same layer, should its healing take long."""
        async with self._layers[layer(fault.kind)]:
            began = time.monotonic()
            async with self._broken(fault) as note:
                await asyncio.sleep(fault.lasts_s)
            event = Event(fault, began, time.monotonic(), "; ".join(note))
            self.happened.append(event)
            return event

    def _broken(self, fault: Fault) -> contextlib.AbstractAsyncContextManager[list[str]]:
        match fault.kind:
            case Kind.KILL_INSTANCE | Kind.KILL_SERVICE:
                return self._killed(fault)
            case Kind.FREEZE_INSTANCE:
                return self._frozen_instance(fault)
            case Kind.KILL_BROKER | Kind.FREEZE_BROKER | Kind.MOVE_LEADERS:
                return self._without_broker(fault)
            case Kind.RESTART_POSTGRES:
                return self._without_postgres()
            case Kind.READ_ONLY:
                return self._read_only()
            case Kind.SLOW_DISK:
                return self._slow_disk()
            case Kind.STUCK_KEY:
                return self._stuck_key(fault)
            case Kind.NO_RIGHT:
                return self._no_right(fault)
            case _:
                return self._bad_weather(fault)

    @contextlib.asynccontextmanager
    async def _killed(self, fault) -> AsyncIterator[list[str]]:
        names = [fault.target]
        if fault.kind is Kind.KILL_SERVICE:
            names += [f"{fault.target}-{nth}" for nth in range(2, INSTANCES + 1)]
        note = []
        for name in names:
            process = self._system.program(name).process
            if process is None or process.returncode is not None:
                note.append(f"{name} was down already")
            else:
                process.kill()
        yield note

    @contextlib.asynccontextmanager
    async def _frozen_instance(self, fault) -> AsyncIterator[list[str]]:
        process = self._system.program(fault.target).process
        if process is None or process.returncode is not None:
            yield ["was down already"]
            return
        os.kill(process.pid, signal.SIGSTOP)
        note: list[str] = []
        try:
            yield note
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)

    def _broker(self, target):
        number = int(target.removeprefix("broker-"))
        return next(broker for broker in self._system.kafka.brokers if broker.number == number)

    @contextlib.asynccontextmanager
    async def _without_broker(self, fault) -> AsyncIterator[list[str]]:
        broker = self._broker(fault.target)
        if fault.kind is Kind.FREEZE_BROKER:
            broker.suspend()
            yield []
            broker.resume()
            return
        if fault.kind is Kind.KILL_BROKER:
            broker.kill()
        else:
            await broker.stop()
        yield []
        await broker.start()
        if fault.kind is Kind.MOVE_LEADERS:
            await self._elect_preferred()

    async def _elect_preferred(self):
        """Give the broker its partitions back, as soon as it is in sync with them."""
        deadline = time.monotonic() + _ELECTED_WITHIN_S
        while time.monotonic() < deadline:
            with contextlib.suppress(KafkaException):
                told = await asyncio.wrap_future(self._admin.elect_leaders(ElectionType.PREFERRED))
                refusals = {error.code() for error in told.values() if error is not None}
                if KafkaError.PREFERRED_LEADER_NOT_AVAILABLE not in refusals:
                    return
            await asyncio.sleep(0.5)

    @contextlib.asynccontextmanager
    async def _without_postgres(self) -> AsyncIterator[list[str]]:
        server = self._system.cluster.server
        postmaster = psutil.Process(server.get_pid())
        postmaster.send_signal(signal.SIGQUIT)  # what `pg_ctl stop -m immediate` sends
        await asyncio.to_thread(psutil.wait_procs, [postmaster], _WITHIN_S)
        yield []

        async def started():
            try:
                await asyncio.to_thread(server.ensure_postgres_running)
            except AssertionError as error:  # how the wheel says that it found the server still starting
                raise ConnectionError("PostgreSQL is starting") from error

        await _patiently(started)

    async def _as_superuser(self, *statements: str):
        connection = await asyncpg.connect(self._system.cluster.url(SUPERUSER))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    @contextlib.asynccontextmanager
    async def _read_only(self) -> AsyncIterator[list[str]]:
        """As a server that another one is taking over from: reads are answered, writes refused."""

        async def set_to(value: str):
            await self._as_superuser(
                f"ALTER SYSTEM SET default_transaction_read_only = {value}", "SELECT pg_reload_conf()"
            )

        await _patiently(partial(set_to, "on"))
        try:
            yield []
        finally:
            await _patiently(partial(set_to, "off"))

    @contextlib.asynccontextmanager
    async def _slow_disk(self) -> AsyncIterator[list[str]]:
        async def slow():
            await self._as_superuser(
                f"ALTER SYSTEM SET commit_delay = {_FLUSH_WAITS_US}",
                "ALTER SYSTEM SET commit_siblings = 0",
                "SELECT pg_reload_conf()",
            )

        async def fast():
            await self._as_superuser(
                "ALTER SYSTEM RESET commit_delay", "ALTER SYSTEM RESET commit_siblings", "SELECT pg_reload_conf()"
            )

        await _patiently(slow)
        try:
            slowest = await self._a_commit_takes()
            if slowest < _SLOW_AT_LEAST_S:
                raise FaultFailed(f"a commit took only {slowest:.3f} s although the disk was made slow")
            yield [f"a commit took {slowest * 1000:.0f} ms"]
        finally:
            await _patiently(fast)

    @contextlib.asynccontextmanager
    async def _stuck_key(self, fault) -> AsyncIterator[list[str]]:
        note: list[str] = []
        async with holding(self._system.cluster.url(SUPERUSER), fault.target) as seen:
            yield note
        [held] = seen
        if not held.missed:
            raise FaultFailed(f"nothing happened to {fault.target} while it was held")
        self.held.append(held)
        note.append(str(held))

    @contextlib.asynccontextmanager
    async def _no_right(self, fault) -> AsyncIterator[list[str]]:
        note: list[str] = []
        of_topic = (self._admin, ResourceType.TOPIC, fault.target)
        url, logs = self._system.cluster.url(SUPERUSER), self._system.settings.home / "logs"
        resting = Resting(fault.target, url, self._admin, logs)
        seen: list[Rested] = []

        async def look():
            seen.append(await resting.seen())

        await _patiently(partial(take_away, *of_topic, AclOperation.WRITE))
        try:
            await _patiently(resting.begin)
            yield note
            await _patiently(look)
        finally:
            await _patiently(partial(give_back, *of_topic))
        rested = seen[-1]
        if rested.went_on and not rested.waited:
            raise FaultFailed(f"{fault.target} was written although nobody may")
        self.rested.append(rested)
        note.append(str(rested))

    async def _a_commit_takes(self):
        """The time of a commit once the server has read its new settings; the longest of a few."""
        connection = await asyncpg.connect(self._system.cluster.url(SUPERUSER))
        try:
            slowest = 0.0
            for _ in range(5):
                began = time.monotonic()
                await connection.execute("SELECT pg_logical_emit_message(true, 'chaos', '')")
                slowest = max(slowest, time.monotonic() - began)
            return slowest
        finally:
            await connection.close()

    @contextlib.asynccontextmanager
    async def _bad_weather(self, fault) -> AsyncIterator[list[str]]:
        link = self._network.links[int(fault.target.removeprefix("broker-"))]
        link.become(_WEATHER[fault.kind])
        try:
            yield []
        finally:
            link.become(Weather.FINE)


async def _patiently(act: Callable[[], Awaitable[None]]):
    """Heal, again and again while another fault is in the way.

    Raises:
        FaultFailed: it cannot be healed.
    """
    deadline = time.monotonic() + _WITHIN_S
    while True:
        try:
            await act()
        except (OSError, KafkaException, asyncpg.PostgresError, subprocess.SubprocessError) as error:
            if time.monotonic() > deadline:
                raise FaultFailed(f"{type(error).__name__}: {error}") from error
            await asyncio.sleep(0.3)
        else:
            return
