"""PostgreSQL read-only or killed under load, on both buses: all goes on by itself, nothing is lost or done twice."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from chassis import failures, tasks
from chassis.auth import DevIssuer, Role
from chassis.embedded import SUPERUSER, Cluster, HomeUnusable, migrate_services, provision, start_cluster
from chassis.kafka.cluster import KafkaCluster
from chassis.runtime import Runtime, connect
from chassis.settings import BusKind
from chassis.testing import ALL_SERVICES
from contracts.envelope import encode, new_event_id
from rekku.watching import keep_postgres
from tests.chassis.builders import a_payment
from tests.chassis.test_bus import until
from tests.chassis.test_outage import settings_for
from tests.chassis.toy.app import SERVICE
from tests.disks import a_small_disk, fill
from tests.kafka_topics import fresh_topics

KILLS = 4
DISK_MB = 300
READ_ONLY_S = 3.0
"""Longer than any of the pauses between two tries."""


class Running:
    """The toy on a server of its own, with clients that note, pay and plan timers as long as they are let."""

    def __init__(self, cluster: Cluster, runtime: Runtime, servers: str) -> None:
        self.cluster, self.runtime, self.servers = cluster, runtime, servers
        self.noted = self.paid = self.planned = 0
        self.loading: asyncio.Task[None] | None = None
        self.refusals: set[tuple[int, str, bool]] = set()
        token = DevIssuer(runtime.settings).token(Role.OFFICER)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(runtime.app),
            base_url="http://service",
            headers={"authorization": f"Bearer {token}"},
        )

    async def load(self) -> None:
        await asyncio.gather(self._note(), self._pay(), self._plan())

    async def _note(self) -> None:
        """A command until it is answered, then the next one; the same key says that it is the same command."""
        while True:
            name = f"N-{self.noted}"
            note = {"note_id": name, "provider_id": "2828286-3", "text": "x"}
            answer = await self.client.post("/notes", json=note, headers={"idempotency-key": name})
            if answer.status_code == 201:
                self.noted += 1
            else:
                self.refusals.add((answer.status_code, answer.json()["code"], "retry-after" in answer.headers))
                await asyncio.sleep(0.05)

    async def _pay(self) -> None:
        while True:
            await self._put(self.paid)
            self.paid += 1

    async def _put(self, number: int) -> None:
        event, event_id = a_payment(decision_ref=f"D-{number}"), new_event_id()
        headers, value = encode(event, event_id=event_id, source="/t", time=datetime.now(UTC), traceparent=None)
        if self.servers:
            async with AIOKafkaProducer(bootstrap_servers=self.servers) as producer:
                await producer.send_and_wait(event.topic, key=event.key.encode(), value=value, headers=headers)
            return
        names, values = [name for name, _ in headers], [value for _, value in headers]

        async def append() -> None:
            connection = await asyncpg.connect(self.cluster.url("rekku_decisions"))
            try:
                row = (event.topic, event.key.encode(), names, values, value)
                await connection.execute("SELECT rekku_bus.append(ARRAY[$1::rekku_bus.outgoing])", row)
            finally:
                await connection.close()

        await failures.until_it_passes(append, "the test's payments wait")

    async def _plan(self) -> None:
        while True:
            name = f"T-{self.planned}"

            async def plan(name: str = name) -> None:
                async with self.runtime.database.transaction() as tx:
                    if not await tx.fetchval("SELECT true FROM fired WHERE key = $1", name):
                        await tx.schedule("remember", name, tx.now)

            await failures.until_it_passes(plan, "the test's timers wait")
            self.planned += 1
            await asyncio.sleep(0.02)

    async def settled(self) -> None:
        """Everything that was noted, paid and planned has had its effect, once."""

        async def all_done() -> bool:
            async with self.runtime.database.transaction() as tx:
                fired = await tx.fetchval("SELECT count(DISTINCT key) FROM fired WHERE key LIKE 'T-%'")
                paid = await tx.fetchval("SELECT count(DISTINCT decision_ref) FROM paid")
                waiting = await tx.fetchval("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM timers)")
            return bool(fired >= self.planned and paid >= self.paid and waiting == 0)

        await until(lambda: failures.until_it_passes(all_done, "the test waits"))
        async with self.runtime.database.transaction() as tx:
            # What was asked for last, and never answered, may have been done.
            noted = await tx.fetchval("SELECT count(*) FROM notes")
            assert noted in (self.noted, self.noted + 1)
            assert not await tx.fetch("SELECT key FROM fired GROUP BY key HAVING count(*) > 1")
            assert not await tx.fetch("SELECT decision_ref FROM paid WHERE times > 1")
            assert not await tx.fetchval("SELECT count(*) FROM dead_letters")
        self.noted = noted

    async def sent(self) -> list[str]:
        """The keys on the topic of messages."""
        if not self.servers:
            admin = await asyncpg.connect(self.cluster.url(SUPERUSER))
            rows = await admin.fetch("SELECT key FROM rekku_bus.records WHERE topic = 'rekku.messages'")
            await admin.close()
            return [row["key"].decode() for row in rows]
        consumer = AIOKafkaConsumer("rekku.messages", bootstrap_servers=self.servers, auto_offset_reset="earliest")
        keys: list[str] = []
        async with consumer, asyncio.timeout(30):
            while len(set(keys)) < self.noted:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    keys += [record.key.decode() for record in records]
        return keys

    async def progressed(self, by: int = 5) -> None:
        noted, paid, planned = (count + by for count in (self.noted, self.paid, self.planned))

        async def further() -> bool:
            assert self.loading is not None
            if self.loading.done():
                self.loading.result()
            return self.noted >= noted and self.paid >= paid and self.planned >= planned

        await until(further)


def a_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="rekku-fails-"))
    home.chmod(0o755)
    return home


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(servers: str = "", home: Path | None = None) -> Running:
            home = home or a_home()
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            cluster = await asyncio.to_thread(start_cluster, home, ALL_SERVICES)
            stack.callback(cluster.stop)
            await provision(cluster, ALL_SERVICES)
            await migrate_services(cluster, [SERVICE])
            bus = BusKind.KAFKA if servers else BusKind.EMBEDDED
            settings = settings_for(cluster).model_copy(update={"bus": bus, "kafka_servers": servers})
            database = await connect(SERVICE, settings)
            stack.push_async_callback(database.close)
            runtime = Runtime(SERVICE, settings, database)
            await runtime.start()
            stack.push_async_callback(runtime.stop)
            running = Running(cluster, runtime, servers)
            stack.push_async_callback(running.client.aclose)
            return running

        yield start


async def set_read_only(cluster: Cluster, value: str) -> None:
    """As a server that is about to be taken over from, for every session there is."""
    connection = await asyncpg.connect(cluster.url(SUPERUSER, "postgres"))
    await connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


async def kill(cluster: Cluster) -> None:
    """`kill -9` of the postmaster, and what `rekku up` does about it."""
    os.kill(cluster.server.get_pid(), signal.SIGKILL)

    async def gone() -> bool:
        return not cluster.runs

    await until(gone)

    async def started() -> bool:
        try:
            await asyncio.to_thread(cluster.start_again)
        except HomeUnusable:
            return False  # its processes have not ended yet
        return True

    await until(started)


async def test_everything_goes_on_after_read_only_times_and_four_kills(start: Start):
    await goes_on(await start())


async def test_so_it_does_on_kafka(start: Start, kafka: KafkaCluster):
    await fresh_topics(kafka.servers)
    await goes_on(await start(kafka.servers))


async def goes_on(running: Running) -> None:
    running.loading = loading = asyncio.create_task(running.load())
    await running.progressed()
    await set_read_only(running.cluster, "on")

    async def refused() -> bool:
        return bool(running.refusals)

    await until(refused)
    await asyncio.sleep(READ_ONLY_S)
    live = await running.client.get("/livez")
    assert (live.status_code, live.json()) == (200, {"alive": True, "dead": []})
    assert (await running.client.get("/readyz")).status_code == 200, "reads go on"
    assert (await running.client.get("/notes")).status_code == 200
    await set_read_only(running.cluster, "off")
    await running.progressed()
    for _ in range(KILLS):
        await kill(running.cluster)
        assert running.runtime.alive
        await running.progressed()
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    await running.settled()
    assert running.refusals == {(503, "UNAVAILABLE", True)}
    keys = await running.sent()
    assert set(keys) == {f"N-{n}" for n in range(running.noted)}
    assert running.servers or len(keys) == running.noted
    assert running.runtime.alive
    assert not running.runtime.tasks.given_up.is_set()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A home on a file system of its own, which has room for the server and little more."""
    with a_small_disk(DISK_MB) as home:
        yield home


async def test_so_it_does_after_the_disk_was_full(small_disk: Path, start: Start):
    """PostgreSQL refuses to write, or ends and does not start; then there is room again."""
    running = await start(home=small_disk)
    keeping = asyncio.create_task(keep_postgres(running.cluster, lambda _: None))
    running.loading = loading = asyncio.create_task(running.load())
    await running.progressed()
    ballast = small_disk / "ballast"
    await asyncio.to_thread(fill, ballast)

    async def refused() -> bool:
        return bool(running.refusals)

    await until(refused)
    await asyncio.sleep(READ_ONLY_S)
    assert (await running.client.get("/livez")).status_code == 200
    await asyncio.to_thread(ballast.unlink)
    await running.progressed()
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    await running.settled()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert running.refusals == {(503, "UNAVAILABLE", True)}
    assert sorted(await running.sent()) == sorted(f"N-{n}" for n in range(running.noted))
    assert running.runtime.alive


async def test_control_without_the_recognition_a_look_finds_dead_tasks(start: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(failures.OF_THE_MOMENT, "25006")  # type: ignore[arg-type]
    monkeypatch.setattr(tasks, "_FIRST_PAUSE_S", 30)
    running = await start()
    await set_read_only(running.cluster, "on")

    async def dead() -> bool:
        return (await running.client.get("/livez")).status_code == 503

    await until(dead)
    assert (await running.client.get("/livez")).json()["dead"]
