"""Either bus as somebody sees it who may read everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chassis.bus import Record, as_record
from chassis.bus.kafka import connection_options
from chassis.bus.kafka_groups import committed_by
from contracts.topics import TOPICS
from rekku.up import System


class BusSeen(Protocol):
    """The bus of a running system."""

    async def new_records(self) -> list[Record]:
        """What has come since the last time, in order within each partition."""

    async def behind(self) -> int:
        """Records that some service has not finished."""


class EmbeddedBusSeen:
    """The embedded bus, read as PostgreSQL's superuser."""

    def __init__(self, admin: asyncpg.Connection) -> None:
        self._admin = admin
        self._read: dict[tuple[str, int], int] = {}

    async def new_records(self) -> list[Record]:
        rows = await self._admin.fetch("SELECT * FROM rekku_bus.records ORDER BY topic, partition, position")
        records = [as_record(row) for row in rows]
        new = [record for record in records if record.position >= self._read.get((record.topic, record.partition), 0)]
        self._read |= {(record.topic, record.partition): record.position + 1 for record in records}
        return new

    async def behind(self) -> int:
        return await self._admin.fetchval(
            "SELECT coalesce(sum(next_position - position), 0)::bigint"
            " FROM rekku_bus.leases JOIN rekku_bus.heads USING (topic, partition)"
        )


class KafkaBusSeen:
    """Apache Kafka, read without a group; what the services' groups have finished is asked of the broker.

    Where the topics end is asked by a consumer that reads nothing: others wait behind their own fetches.
    """

    def __init__(self, consumer: AIOKafkaConsumer, asking: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer = consumer
        self._asking = asking
        self._admin = admin
        self._groups = {
            f"rekku.{service}": [
                TopicPartition(topic.name, number)
                for topic in TOPICS.values()
                if service in topic.consumers
                for number in range(topic.partitions)
            ]
            for service in {service for topic in TOPICS.values() for service in topic.consumers}
        }

    async def new_records(self) -> list[Record]:
        places = sorted(self._consumer.assignment())
        ends = await self._asking.end_offsets(places)
        found: dict[TopicPartition, list[Record]] = {place: [] for place in places}
        while any([await self._consumer.position(place) < ends[place] for place in places]):
            for place, records in (await self._consumer.getmany(timeout_ms=100)).items():
                found[place] += [
                    Record(r.topic, r.partition, r.offset, r.key, tuple(r.headers), r.value) for r in records
                ]
        return [record for place in places for record in found[place]]

    async def behind(self) -> int:
        answers = await asyncio.gather(*(committed_by(self._admin, group) for group in self._groups))
        finished = dict(zip(self._groups, answers, strict=True))
        ends = await self._asking.end_offsets(sorted(self._consumer.assignment()))
        return sum(
            ends[place] - finished[group].get(place, 0) for group, places in self._groups.items() for place in places
        )


@asynccontextmanager
async def bus_of(system: System, admin: asyncpg.Connection) -> AsyncIterator[BusSeen]:
    """The bus that this system runs on."""
    if system.kafka is None:
        yield EmbeddedBusSeen(admin)
        return
    options = connection_options(system.settings)
    reading = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "fetch_max_wait_ms": 100}
    client = AIOKafkaAdminClient(**options)
    await client.start()
    try:
        async with AIOKafkaConsumer(**options, **reading) as consumer, AIOKafkaConsumer(**options) as asking:
            consumer.assign(
                [TopicPartition(topic.name, number) for topic in TOPICS.values() for number in range(topic.partitions)]
            )
            yield KafkaBusSeen(consumer, asking, client)
    finally:
        await client.close()
