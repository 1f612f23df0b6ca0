"""Reading from Apache Kafka: one FastStream batch subscriber per service, its partitions read side by side.

FastStream's loop brings raw batches; each partition has a buffer of its own, so one that rests or is
slow does not hold up the others. A full buffer pauses its partition at the broker's side.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, GroupAuthorizationFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.security import BaseSecurity, SASLScram512

from chassis import telemetry
from chassis.bus import BusUnavailable, Partition, PartitionLost, Record
from chassis.bus.kafka_consumer import CarefulConsumer
from chassis.bus.kafka_groups import committed_by
from chassis.failures import backoff_s

_log = logging.getLogger(__name__)

_BUFFERED = 2_000
_BUFFERED_BYTES = 32 * 1024 * 1024
_BATCH_TIMEOUT_MS = 25
_SHORTEST_SESSION_S = 6.0
_HAND_OVER_S = 5.0
_LOOK_EVERY_S = 5.0
_STEADY_S = 20.0
_STUCK_AFTER_S = 30.0
_ASK_WITHIN_S = 5.0
_FETCH_BYTES = 8 * 1024 * 1024

Consume = Callable[[Partition], Awaitable[None]]


class KafkaPartition:
    """An assigned partition: what FastStream brought, in order, until it is committed."""

    def __init__(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
        self.topic: str = place.topic
        self.number: int = place.partition
        self.surrendered = False
        self._woken = False
        self._consumer = consumer
        self._place = place
        self._waiting: deque[Record] = deque()
        self._bytes = 0
        self._unfinished: deque[Record] = deque()
        self._arrived = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Nothing that was brought is unfinished."""
        return not self._waiting and not self._unfinished

    def offer(self, records: Iterable[Record]) -> None:
        """Put fetched records behind those that wait; a full buffer stops fetching for a while."""
        for record in records:
            self._waiting.append(record)
            self._bytes += record.size
        self._arrived.set()
        if len(self._waiting) >= _BUFFERED or self._bytes >= _BUFFERED_BYTES:
            self._consumer.pause(self._place)

    async def read(self, most: int) -> Sequence[Record]:
        """The next records in the order of their positions, waiting until there are some or `wake` is called."""
        while not (self.surrendered or self._woken or (most and self._waiting)):
            self._arrived.clear()
            await self._arrived.wait()
        if self.surrendered:
            raise PartitionLost
        self._woken = False
        batch = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._unfinished.extend(batch)
        self._bytes -= sum(record.size for record in batch)
        half_empty = len(self._waiting) < _BUFFERED // 2 and self._bytes < _BUFFERED_BYTES // 2
        if half_empty and self._place in self._consumer.paused():
            self._consumer.resume(self._place)
        return batch

    async def commit(self, next_position: int) -> None:
        """Store the low-water mark in the group, while the partition is ours."""
        failures = 0
        while True:
            try:
                await self._consumer.commit({self._place: next_position})
                break
            except (CommitFailedError, IllegalStateError) as error:
                raise PartitionLost from error
            except KafkaError as error:
                if self.surrendered:
                    raise PartitionLost from error
                failures += 1
                if failures.bit_count() == 1:
                    _log.warning("a position cannot be stored, trying again: %s", type(error).__name__)
                await asyncio.sleep(backoff_s(failures, first_s=0.1))
        while self._unfinished and self._unfinished[0].position < next_position:
            self._unfinished.popleft()

    def wake(self) -> None:
        """Let the reader go on without records."""
        self._woken = True
        self._arrived.set()

    def rewind(self) -> None:
        """Read again what is not committed: it is still here."""
        self._waiting.extendleft(reversed(self._unfinished))
        self._bytes += sum(record.size for record in self._unfinished)
        self._unfinished.clear()

    def surrender(self) -> None:
        """Make the reader stop at the next safe point."""
        self.surrendered = True
        self._arrived.set()


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A member of the service's consumer group.

    The member's name is kept over restarts (static membership): a process that comes back within the
    session timeout takes its partitions again, and the group does not stand still for it.
    """

    def __init__(self, options: dict[str, Any], *, group: str, member: str, topics: list[str], lease_s: float) -> None:
        self._options = options
        self._group = group
        self._member = member
        self._topics = topics
        self._session_ms = int(max(lease_s, _SHORTEST_SESSION_S) * 1000)
        self._consume: Consume | None = None
        self._subscriber: Any = None
        self._joined: CarefulConsumer | None = None
        self._asking: tuple[AIOKafkaConsumer, AIOKafkaAdminClient] | None = None
        self._held: dict[TopicPartition, tuple[KafkaPartition, asyncio.Task[None]]] = {}

    async def run(self, consume: Consume) -> None:
        """Be a member of the group and run `consume` for every partition assigned to it, until cancelled."""
        self._consume = consume
        failures, clock = 0, asyncio.get_running_loop().time
        while True:
            broker, self._subscriber = self._new_subscriber()
            joined_at = math.inf
            try:
                await broker.connect()
                made: Any = broker.config.broker_config
                made.builder = partial(CarefulConsumer, **made.builder.keywords)
                await broker.start()
                self._joined, joined_at = self._subscriber.consumer, clock()
                await self._until_stuck(self._joined)
                _log.error("the group %s brings nothing although there are records; joining it anew", self._group)
                telemetry.rejoins.add(1, {"group": self._group})
            except (KafkaError, OSError) as error:
                failures = 1 if clock() - joined_at > _STEADY_S else failures + 1
                if failures.bit_count() == 1:
                    _log.error("the group %s reads nothing, trying again: %s", self._group, type(error).__name__)
            finally:
                self._joined = None
                await self._hand_over()
                await broker.stop()
            await asyncio.sleep(backoff_s(failures, first_s=0.2, most_s=5.0))

    def _new_subscriber(self) -> tuple[KafkaBroker, Any]:
        """A FastStream broker with our one subscriber; every default that loses records is overridden here."""
        broker = KafkaBroker(
            **_for_faststream(self._options),
            client_id=f"{self._group}-{self._member}",
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
        )
        subscriber = broker.subscriber(
            *self._topics,
            batch=True,
            max_records=_BUFFERED,
            batch_timeout_ms=_BATCH_TIMEOUT_MS,
            group_id=self._group,
            group_instance_id=f"{self._group}-{self._member}",
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 4,
            max_partition_fetch_bytes=_FETCH_BYTES,
            isolation_level="read_committed",
            listener=self,
            parser=_as_they_came,
            decoder=_raw,
        )
        subscriber(self._take_in)
        return broker, subscriber

    async def _take_in(self, batch: Sequence[ConsumerRecord]) -> None:
        """Give every record to its partition, except those of an assignment that has ended meanwhile."""
        consumer = self._subscriber.consumer
        for place, group in groupby(batch, key=lambda record: TopicPartition(record.topic, record.partition)):
            records = list(group)
            try:
                # Where the partition was taken away and given back after this batch was fetched, its
                # position may be before the batch again: then these records come once more, in order.
                current = await consumer.position(place) > records[-1].offset
            except (KafkaError, IllegalStateError):
                current = False
            held = self._held.get(place)
            if current and held is not None:
                held[0].offer(as_record(record) for record in records)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Let running records finish and their mark be stored, while the group waits for us."""
        await self._hand_over()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Start reading what is ours now."""
        await self._hand_over()
        for place in assigned:
            partition = KafkaPartition(self._subscriber.consumer, place)
            self._held[place] = (partition, asyncio.create_task(self._serve(partition)))

    async def _serve(self, partition: KafkaPartition) -> None:
        if self._consume is None:
            raise AssertionError("partitions are assigned to a running subscription only")
        while not partition.surrendered:
            try:
                await self._consume(partition)
            except PartitionLost:
                return
            except Exception:  # noqa: BLE001 - whatever it is, the partition is read again
                _log.exception("reading %s/%s stopped; it starts again", partition.topic, partition.number)
                await asyncio.sleep(1)
                partition.rewind()

    async def _hand_over(self) -> None:
        held, self._held = self._held, {}
        for partition, _ in held.values():
            partition.surrender()
        tasks = [task for _, task in held.values()]
        if not tasks:
            return
        _, running = await asyncio.wait(tasks, timeout=_HAND_OVER_S)
        for task in running:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_stuck(self, consumer: CarefulConsumer) -> None:
        """Return when a partition that is idle here has had records at the broker for too long.

        After a broker's restart aiokafka can stand still without an error, and no ping shows it.

        Raises:
            GroupAuthorizationFailedError: the group is refused.
        """
        behind_since: dict[TopicPartition, tuple[int, float]] = {}
        clock = asyncio.get_running_loop().time
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await consumer.refused.wait()
                    raise GroupAuthorizationFailedError(self._group)
            try:
                async with asyncio.timeout(_ASK_WITHIN_S):
                    behind = await self._idle_and_behind(consumer)
            except (KafkaError, TimeoutError, OSError) as error:
                _log.warning("Kafka does not answer: %s", type(error).__name__)
                continue
            behind_since = {
                place: behind_since[place] if behind_since.get(place, (-1, 0.0))[0] == at else (at, clock())
                for place, at in behind.items()
            }
            if any(clock() - since > _STUCK_AFTER_S for _, since in behind_since.values()):
                return

    async def _idle_and_behind(self, consumer: CarefulConsumer) -> dict[TopicPartition, int]:
        held = self._held.items()
        idle = [place for place, (partition, _) in held if partition.idle and place.topic not in consumer.resting]
        if not idle:
            return {}
        ends = await consumer.end_offsets(idle)
        positions = {place: await consumer.position(place) for place in idle if place in consumer.assignment()}
        return {place: at for place, at in positions.items() if at < ends[place]}

    async def lag(self) -> int:
        """Records between the group's committed positions and the ends, over all partitions of our topics."""
        joined = self._joined
        if joined is None:
            raise BusUnavailable("the consumer is not connected")
        try:
            async with asyncio.timeout(_ASK_WITHIN_S):
                places = [
                    TopicPartition(topic, partition)
                    for topic in self._topics
                    for partition in joined.partitions_for_topic(topic) or ()
                ]
                asking, admin = await self._started_to_ask()
                committed = await committed_by(admin, self._group)
                begins, ends = await asking.beginning_offsets(places), await asking.end_offsets(places)
        except (KafkaError, TimeoutError, OSError) as error:
            raise BusUnavailable(f"Kafka does not answer ({type(error).__name__})") from error
        return sum(ends[place] - max(begins[place], committed.get(place, 0)) for place in places)

    async def close(self) -> None:
        """Close what `lag` has opened."""
        asking, self._asking = self._asking, None
        if asking is not None:
            await asyncio.gather(asking[0].stop(), asking[1].close())

    async def _started_to_ask(self) -> tuple[AIOKafkaConsumer, AIOKafkaAdminClient]:
        """On connections of their own: on that of a consumer every question waits behind a fetch, for half a second."""
        if self._asking is None:
            options = self._options | {"client_id": f"{self._group}-{self._member}-lag"}
            asking = AIOKafkaConsumer(**options, group_id=None), AIOKafkaAdminClient(**options)
            try:
                await asyncio.gather(*(client.start() for client in asking))
            except BaseException:
                await asyncio.gather(asking[0].stop(), asking[1].close())
                raise
            self._asking = asking
        return self._asking


def _for_faststream(options: dict[str, Any]) -> dict[str, Any]:
    """The same options in FastStream's own words: it takes security as an object."""
    plain = {name: value for name, value in options.items() if not name.startswith(("sasl_", "ssl_", "security_"))}
    if "sasl_mechanism" in options:
        plain["security"] = SASLScram512(
            options["sasl_plain_username"],
            options["sasl_plain_password"],
            ssl_context=options["ssl_context"],
            use_ssl=True,
        )
    elif "ssl_context" in options:
        plain["security"] = BaseSecurity(ssl_context=options["ssl_context"], use_ssl=True)
    return plain


async def _as_they_came(batch: tuple[ConsumerRecord, ...]) -> KafkaMessage:
    """FastStream's own parser decodes every header and loses a whole batch for one that is not UTF-8."""
    return KafkaMessage(body=b"", raw_message=batch, consumer=FAKE_CONSUMER)


async def _raw(message: KafkaMessage) -> Any:
    return message.raw_message


def as_record(record: ConsumerRecord) -> Record:
    """What came, fit to be kept: a header's value may be null in Kafka, and PostgreSQL's text has no NUL."""
    headers = tuple((name.replace("\0", "�"), value or b"") for name, value in record.headers)
    return Record(record.topic, record.partition, record.offset, record.key, headers, record.value)
