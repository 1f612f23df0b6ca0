"""Looking at Apache Kafka, beside its consumers: no group, nothing committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from chassis.bus import BusUnavailable
from chassis.bus.kafka_groups import committed_by
from chassis.bus.kafka_history import KafkaHistory
from chassis.settings import Settings
from contracts.topics import SERVICES, TOPICS, read_by
from rekku.home import Home
from rekku.looking import Behind, Place
from rekku.problems import Problem
from rekku.terminal import quiet_kafka_client

_LOOK_EVERY_S = 0.2
_ANSWER_WITHIN_S = 10.0


class LookingKafka(KafkaHistory):
    """The topics on the brokers, and the positions of the services' groups."""

    def __init__(self, settings: Settings, home: Home) -> None:
        super().__init__(settings)
        self._home = home
        self._was_here = home.run() is not None
        quiet_kafka_client()

    async def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        """The position after the newest record of every partition of `topics`."""
        async with _in_time():
            ends = await (await self._started()).end_offsets([place for topic in topics for place in _places(topic)])
        return {(place.topic, place.partition): end for place, end in ends.items()}

    async def behind(self) -> Behind:
        """By the committed positions of every service's group; what retention let go is not behind."""
        found: Behind = {}
        async with _in_time(), self._admin() as admin:
            consumer = await self._started()
            for service in SERVICES:
                places = [place for topic in read_by(service) for place in _places(topic.name)]
                committed = await committed_by(admin, f"rekku.{service}")
                begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
                for place in places:
                    position = max(begins[place], committed.get(place, 0))
                    if ends[place] > position:
                        found[place.topic, service] = found.get((place.topic, service), 0) + ends[place] - position
        return found

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self._options)
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()

    async def appended(self) -> None:
        """Wait a moment; a system that ran here and is gone has nothing more to come."""
        await asyncio.sleep(_LOOK_EVERY_S)
        if self._was_here and self._home.run() is None:
            raise Problem("the system stopped", status=1)


def _places(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(TOPICS[topic].partitions)]


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"Kafka does not answer ({type(error).__name__})") from error
