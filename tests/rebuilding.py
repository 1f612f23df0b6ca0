"""A service under test with a bus below it, for rebuilding its projection while events come."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from chassis.bus import BusUnavailable, Record
from chassis.bus.history import open_history
from chassis.db import Database
from chassis.embedded import SUPERUSER
from chassis.projections import Rebuilt, rebuild
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.settings import BusKind, Settings
from chassis.testing import ClusterUnderTest, ServiceUnderTest
from chassis.vault import Vault
from contracts.envelope import Event, encode, new_event_id
from contracts.topics import TOPICS
from tests.chassis.test_bus import until

Sent = tuple[Event, UUID]
"""An event and the id it is sent under; the same once more is a repeat."""


def in_random_order(events: Sequence[Event], seed: int) -> list[Sent]:
    """Every event, some of them twice, as no relay would send them but any consumer must take them."""
    chance = random.Random(seed)
    sent = [(event, new_event_id()) for event in events]
    sent += chance.choices(sent, k=len(sent) // 2)
    chance.shuffle(sent)
    return sent


class OnBus:
    """A running service, its topics, and its projection anew."""

    def __init__(self, tested: ServiceUnderTest, settings: Settings, runtime: Runtime, cluster: ClusterUnderTest):
        self.tested = tested
        self.settings = settings
        self.runtime = runtime
        self.cluster = cluster
        self.database_name = ""

    def url(self, role: str) -> str:
        return self.cluster.cluster.url(role, self.database_name)

    @asynccontextmanager
    async def as_superuser(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that may do anything, for what a test breaks or holds."""
        connection = await asyncpg.connect(
            self.url(SUPERUSER), server_settings={"search_path": self.tested.service.name}
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def publish(self, *events: Event) -> None:
        await self.send([(event, new_event_id()) for event in events])

    async def send(self, sent: Sequence[Sent]) -> None:
        """Put events on their topics as their owners would, in this order."""
        records = [(event, *self._encoded(event, event_id)) for event, event_id in sent]
        if self.settings.bus is BusKind.KAFKA:
            async with AIOKafkaProducer(bootstrap_servers=self.settings.kafka_servers) as producer:
                for event, headers, value in records:
                    await producer.send(event.topic, key=event.key.encode(), value=value, headers=headers)
                await producer.flush()
            return
        async with AsyncExitStack() as stack:
            owners: dict[str, asyncpg.Connection] = {}
            for event, headers, value in records:
                owner = TOPICS[event.topic].owner
                if owner not in owners:
                    owners[owner] = await asyncpg.connect(self.url(f"rekku_{owner}"))
                    stack.push_async_callback(owners[owner].close)
                names, values = zip(*headers, strict=True)
                row = (event.topic, event.key.encode(), list(names), list(values), value)
                await owners[owner].execute("SELECT rekku_bus.append($1::rekku_bus.outgoing[])", [row])

    def _encoded(self, event: Event, event_id: UUID) -> tuple[list[tuple[str, bytes]], bytes]:
        return encode(event, event_id=event_id, source="/t", time=self.tested.clock.now, traceparent=None)

    async def settled(self) -> None:
        """Wait until everything that was published has been taken."""

        async def nothing_waits() -> bool:
            with suppress(BusUnavailable):
                return await self.runtime.lag() == 0
            return False

        await until(nothing_waits)

    async def log(self) -> list[Record]:
        """Everything on the topics that the service reads."""
        history = open_history(self.settings, self.tested.db)
        try:
            places = [(topic, n) for topic in self.tested.service.topics for n in range(TOPICS[topic].partitions)]
            return [record for place in places for record in await history.read(*place, 0, 10_000)]
        finally:
            await history.close()

    async def rebuild(
        self, service: Service | None = None, *, accept: bool = False, lock_timeout: str = "5s"
    ) -> Rebuilt:
        """Rebuild from connections of its own, as another process does."""
        tested = self.tested
        database = await Database.connect(
            self.url(f"rekku_{tested.service.name}"), tested.service.name, self.settings.clock, Vault(""), size=2
        )
        history = open_history(self.settings, database)
        try:
            async with AsyncExitStack() as stack:
                for _ in range(database.pool.get_max_size()):
                    connection = await stack.enter_async_context(database.pool.acquire())
                    await connection.execute(f"SET lock_timeout = '{lock_timeout}'")
            return await rebuild(service or tested.service, database, history, accept=accept)
        finally:
            await history.close()
            await database.close()

    async def rows(self) -> dict[str, list[str]]:
        """Everything the live projection holds."""
        async with self.tested.transaction() as tx:
            return {
                table: [row["row"] for row in await tx.fetch(f"SELECT t::text AS row FROM {table} t ORDER BY 1")]
                for table in self.tested.service.projection_tables
            }


@asynccontextmanager
async def on_bus(cluster: ClusterUnderTest, tested: ServiceUnderTest, kafka_servers: str = "") -> AsyncIterator[OnBus]:
    """`tested` consuming from the embedded bus, or from Kafka where its servers are given."""
    settings = tested.settings
    if kafka_servers:
        settings = settings.model_copy(update={"bus": BusKind.KAFKA, "kafka_servers": kafka_servers})
    runtime = Runtime(tested.service, settings, tested.db)
    running = OnBus(tested, settings, runtime, cluster)
    running.database_name = str(await tested.db.pool.fetchval("SELECT current_database()"))
    await runtime.start()
    try:
        partitions = sum(TOPICS[topic].partitions for topic in tested.service.topics)

        async def reads_all() -> bool:
            return len(runtime._subscription._held) == partitions  # type: ignore[union-attr]

        await until(reads_all)
        yield running
    finally:
        await runtime.stop()
