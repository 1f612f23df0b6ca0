"""Apache Kafka as the bus: an idempotent producer with a deadline of our own, consumers through FastStream.

Every default of aiokafka and FastStream that can lose a record is overridden in this file, and only
here: acknowledgement by all replicas, an idempotent producer, reading from the earliest record,
positions committed by hand, no topics out of nowhere, raw bytes.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)
from aiokafka.partitioner import murmur2

from chassis import telemetry
from chassis.bus import BusUnavailable, Oldest, RowsAtFault, TopicAtFault
from chassis.bus.kafka_reading import KafkaSubscription
from chassis.db import Connection, Database
from chassis.failpoints import reach
from chassis.settings import KafkaSecurity, Settings

_log = logging.getLogger(__name__)

_SEND_DEADLINE_S = 10.0
"""Well before `request_timeout_ms`, at which aiokafka gives up single batches and goes on with later ones."""

_CLOSE_WITHIN_S = 3.0
_LOOKS_FOR_A_TOPIC = 2

_TOPIC_AT_FAULT = (TopicAuthorizationFailedError, InvalidTopicError)
_ROWS_AT_FAULT = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTimestampError,
    UnsupportedForMessageFormatError,
)
"""What a broker says of a batch that it would take with other rows; anything else it says passes, or is the topic's."""

_COLUMNS = (
    "id, topic, key, header_names, header_values, value, current_setting('transaction_read_only')::boolean AS kept"
)
_FORGET = "DELETE FROM outbox WHERE id = ANY ($1::bigint[])"


def connection_options(settings: Settings) -> dict[str, Any]:
    """What every client of Kafka needs to know: where the brokers are, and how to be let in."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_servers.split(","),
        "metadata_max_age_ms": 30_000,
        "retry_backoff_ms": 50,
    }
    if settings.kafka_security is KafkaSecurity.PLAINTEXT:
        return options
    options |= {
        "security_protocol": settings.kafka_security,
        "ssl_context": ssl.create_default_context(cafile=settings.kafka_ca_file),
    }
    if settings.kafka_security is KafkaSecurity.SASL_SSL:
        options |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return options


class KafkaBus:
    """A service's side of Apache Kafka."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._service = database.service
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._subscriptions: list[KafkaSubscription] = []

    async def move(self, connection: Connection, oldest: Oldest) -> int:
        """Send the oldest rows and delete them once all of them are acknowledged by all replicas.

        After any failure the producer is dropped, so nothing of it can arrive behind what is sent
        later, and the next call begins again at the lowest row. Rows can come twice, never out of
        order: what a key's records are seen in first is the order they were written in.

        Raises:
            BusUnavailable: not acknowledged in time.
            TopicAtFault: a topic is not there, or not for us.
            RowsAtFault: the broker does not take one of the rows.
            ReadOnlySQLTransactionError: the rows could not be deleted, so that they would be sent again and again.
        """
        select, arguments = oldest.select(_COLUMNS)
        rows = await connection.fetch(select, *arguments)
        if not rows:
            return 0
        if rows[0]["kept"]:
            raise asyncpg.ReadOnlySQLTransactionError("the outbox cannot be emptied")
        reach("send.before")
        try:
            async with asyncio.timeout(_SEND_DEADLINE_S):
                sent = await self._send(rows)
        except (KafkaError, OSError, TimeoutError) as error:
            telemetry.send_failures.add(1, {"service": self._service})
            await self._drop_producer()
            raise BusUnavailable(f"Kafka does not acknowledge ({type(error).__name__})") from error
        except BaseException:
            await self._drop_producer()
            raise
        reach("send.after")
        reach("acknowledge.before")
        await connection.execute(_FORGET, sent)
        reach("acknowledge.after")
        return len(sent)

    async def _send(self, rows: Sequence[asyncpg.Record]) -> list[int]:
        """Send rows as one batch per partition and wait for all of them; the ids of those that were sent.

        What a partition's batch has no room for is left for the next move: were it sent in a second batch, it
        would be there although the first one was refused. Handing rows to the producer one by one, with a
        future for each, costs four times as much.
        """
        producer = await self._started_producer()
        acknowledgements: list[asyncio.Future[Any]] = []
        batches = await _batched(producer, rows)
        try:
            for batch in batches:
                sending = await producer.send_batch(batch.builder, batch.topic, partition=batch.partition)
                acknowledgements.append(sending)
            answers = await asyncio.gather(*acknowledgements, return_exceptions=True)
        except BaseException:
            for acknowledgement in acknowledgements:
                acknowledgement.add_done_callback(_look_at)
            raise
        for batch, answer in zip(batches, answers, strict=True):
            if isinstance(answer, _TOPIC_AT_FAULT):
                raise TopicAtFault(batch.topic, type(answer).__name__) from answer
            if isinstance(answer, _ROWS_AT_FAULT):
                raise RowsAtFault(batch.ids, type(answer).__name__) from answer
            if isinstance(answer, BaseException):
                raise answer
        return [row_id for batch in batches for row_id in batch.ids]

    async def _started_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                **connection_options(self._settings),
                client_id=f"rekku-{self._service}-{self._settings.instance}",
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=256 * 1024,
                request_timeout_ms=30_000,
            )
            await self._producer.start()
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        # Left alone, `stop` waits without a limit for records that no broker takes; aiokafka has no other way.
        sender, accumulator = producer._sender, producer._message_accumulator
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                if sender.sender_task is not None:
                    sender.sender_task.cancel()
                await producer.client.close()
                await producer.stop()
                accumulator.fail_all(ProducerClosed())
        except (KafkaError, OSError, TimeoutError) as error:
            _log.warning("a producer could not be closed cleanly: %s", type(error).__name__)

    def subscribe(self, member: str, topics: Iterable[str]) -> KafkaSubscription:
        """A subscription of this service in its consumer group, under the member name `member`."""
        subscription = KafkaSubscription(
            connection_options(self._settings),
            group=f"rekku.{self._service}",
            member=member,
            topics=sorted(topics),
            lease_s=self._settings.lease_s,
        )
        self._subscriptions.append(subscription)
        return subscription

    async def close(self) -> None:
        """Close the connections."""
        await self._drop_producer()
        for subscription in self._subscriptions:
            await subscription.close()


@dataclass
class _Batch:
    """What one partition gets in one move."""

    topic: str
    partition: int
    builder: Any
    ids: list[int] = field(default_factory=list)
    full: bool = False


async def _batched(producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> list[_Batch]:
    """A batch for each partition, with its rows in their order as far as there is room."""
    partitions = {topic: await _partitions_of(producer, topic) for topic in {row["topic"] for row in rows}}
    batches: dict[tuple[str, int], _Batch] = {}
    for row_id, topic, key, names, values, value, _ in rows:
        place = (topic, _partition_of(key, partitions[topic]))
        batch = batches.get(place)
        if batch is None:
            batch = batches[place] = _Batch(*place, producer.create_batch())
        if batch.full:
            continue
        headers = list(zip(names, values, strict=True))
        if batch.builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
            batch.full = True
        else:
            batch.ids.append(row_id)
    return list(batches.values())


async def _partitions_of(producer: AIOKafkaProducer, topic: str) -> int:
    """How many partitions a topic has; the brokers are asked once, where aiokafka would ask until it gives up."""
    client = producer.client
    known = client.cluster.partitions_for_topic(topic)
    client.add_topic(topic)
    for _ in range(_LOOKS_FOR_A_TOPIC):
        # The answer may be to a question from before the topic was added.
        if known is None and not await client.force_metadata_update():
            raise KafkaConnectionError("no broker says which topics there are")
        known = client.cluster.partitions_for_topic(topic)
    if known is None:
        forbidden = topic in client.cluster.unauthorized_topics
        raise TopicAtFault(topic, "we have no right to it" if forbidden else "it is not there")
    return len(known)


@lru_cache(maxsize=20_000)
def _partition_of(key: bytes, partitions: int) -> int:
    """Where every client of Kafka puts a key; aiokafka's own murmur2 is slow, and keys come again."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


def _look_at(acknowledgement: asyncio.Future[Any]) -> None:
    """Take note of an outcome nobody waits for any more; asyncio complains about errors never looked at."""
    if not acknowledgement.cancelled():
        acknowledgement.exception()
