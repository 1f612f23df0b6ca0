"""Apache Kafka's topics from their beginning: partitions assigned by hand, no group, nothing committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from chassis.bus import BusUnavailable, Record
from chassis.bus.kafka import connection_options
from chassis.bus.kafka_consumer import UNREADABLE
from chassis.bus.kafka_reading import as_record
from chassis.settings import Settings

_ANSWER_WITHIN_S = 30.0
_LOOK_EVERY_MS = 50
_FETCH_WAIT_MS = 20
"""Short: at the end of a log every other question to the broker waits behind a fetch that waits for records."""

_FETCH_BYTES = 8 * 1024 * 1024


class KafkaHistory:
    """The log of a service's topics, read with the rights of the service's own user."""

    def __init__(self, settings: Settings) -> None:
        self._options = connection_options(settings)
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self, topic: str, partition: int, position: int, most: int) -> Sequence[Record]:
        """Up to `most` records from `position` on, in order; none only at the end of the log."""
        place = TopicPartition(topic, partition)
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                consumer = await self._started()
                if place not in consumer.assignment():
                    consumer.assign([place])
                    consumer.seek(place, position)
                elif await consumer.position(place) != position:
                    consumer.seek(place, position)
                return await self._read(consumer, place, most)
        except UnicodeDecodeError:
            # aiokafka fails on a whole fetch for one header name that is not UTF-8.
            consumer.seek(place, position)
            if most > 1:
                return await self.read(topic, partition, position, 1)
            return [Record(topic, partition, position, None, ((UNREADABLE, b""),), None)]
        except (KafkaError, TimeoutError, OSError) as error:
            raise _unavailable(error) from error

    async def _read(self, consumer: AIOKafkaConsumer, place: TopicPartition, most: int) -> list[Record]:
        records: list[Record] = []
        while len(records) < most:
            found = await consumer.getmany(place, timeout_ms=_LOOK_EVERY_MS, max_records=most - len(records))
            records += (as_record(record) for record in found.get(place, ()))
            if not found and await consumer.position(place) >= (await consumer.end_offsets([place]))[place]:
                break
        return records

    async def close(self) -> None:
        """Close the connections."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._options,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=_FETCH_BYTES,
                fetch_max_wait_ms=_FETCH_WAIT_MS,
                isolation_level="read_committed",
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer


def _unavailable(error: BaseException) -> BusUnavailable:
    return BusUnavailable(f"Kafka does not answer ({type(error).__name__})")
