"""The embedded bus: a partitioned log in the services' own PostgreSQL (decision record 0003)."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg

from chassis.bus import Oldest, Partition, PartitionLost, Record, RowsAtFault, TopicAtFault, as_record
from chassis.db import Connection, Database
from chassis.dead_letters import describe
from chassis.failpoints import armed, reach
from chassis.failures import of_the_moment, until_it_passes
from contracts.topics import TOPICS, Topic

_log = logging.getLogger(__name__)

CHANNEL = "rekku_bus"

_APPEND = """
WITH moved AS (
    DELETE FROM outbox WHERE id IN ({oldest})
    RETURNING id, topic, key, header_names, header_values, value
)
SELECT rekku_bus.append(array_agg(ROW(topic, key, header_names, header_values, value)::rekku_bus.outgoing ORDER BY id))
FROM moved
"""
_ROWS_AT_FAULT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
_REFUSED = "SELECT topic FROM unnest($1::text[]) AS topic WHERE NOT rekku_bus.may_write(topic) LIMIT 1"


class EmbeddedBus:
    """A service's side of the embedded bus, on the service's own connections."""

    def __init__(self, database: Database, lease_s: float) -> None:
        self._database = database
        self._lease_s = lease_s

    async def move(self, connection: Connection, oldest: Oldest) -> int:
        """Move rows in one transaction: they are in the outbox or on the bus, never both or neither.

        Raises:
            TopicAtFault: a topic is not there, or not for us.
            RowsAtFault: the log does not take one of the rows.
        """
        if armed() and await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
            reach("send.before")
        select, arguments = oldest.select("id")
        try:
            moved = int(await connection.fetchval(_APPEND.format(oldest=select), *arguments) or 0)
        except asyncpg.InsufficientPrivilegeError as error:
            topics = {row["topic"] for row in await self._rows(connection, oldest)}
            refused = await connection.fetchval(_REFUSED, sorted(topics))
            if refused is None:
                raise
            raise TopicAtFault(refused, "it is not there, or may not be written by this service") from error
        except _ROWS_AT_FAULT as error:
            moved = await self._at_fault(connection, [row["id"] for row in await self._rows(connection, oldest)], error)
        if moved:
            reach("send.after")
        return moved

    async def _at_fault(self, connection: Connection, ids: Sequence[int], error: asyncpg.PostgresError) -> int:
        """Raise RowsAtFault; a single row is tried by its id first, as an older one may have come between."""
        if len(ids) == 1:
            try:
                return int(await connection.fetchval(_APPEND.format(oldest="$1::bigint"), *ids) or 0)
            except _ROWS_AT_FAULT as its_own:
                error = its_own
        raise RowsAtFault(ids, describe(error)) from error

    async def _rows(self, connection: Connection, oldest: Oldest) -> list[asyncpg.Record]:
        select, arguments = oldest.select("id, topic")
        return await connection.fetch(select, *arguments)

    def subscribe(self, member: str, topics: Iterable[str]) -> EmbeddedSubscription:
        """A subscription of this service under the member name `member`, and this process' alone: leases end soon."""
        return EmbeddedSubscription(self._database, f"{member}-{os.getpid()}", sorted(topics), self._lease_s)

    async def close(self) -> None:
        """Nothing: the connections are the service's own."""


class EmbeddedPartition:
    """A leased partition; `awake` is set when something was appended, the lease ended, or the reader is woken."""

    def __init__(self, subscription: EmbeddedSubscription, topic: str, number: int, position: int) -> None:
        self.topic = topic
        self.number = number
        self.awake = asyncio.Event()
        self.surrendered = False
        self._woken = False
        self._subscription = subscription
        self._next = position

    async def read(self, most: int) -> Sequence[Record]:
        """The next records in the order of their positions, waiting until there are some or `wake` is called."""
        while not self.surrendered:
            self.awake.clear()
            rows = await self._records(most) if most and not self._woken else []
            if rows or self._woken:
                self._woken = False
                self._next = rows[-1]["position"] + 1 if rows else self._next
                return [as_record(row) for row in rows]
            await self.awake.wait()
        raise PartitionLost

    async def _records(self, most: int) -> list[asyncpg.Record]:
        return await self._subscription.pool.fetch(
            "SELECT * FROM rekku_bus.read_records($1, $2, $3, $4)", self.topic, self.number, self._next, most
        )

    def wake(self) -> None:
        """Let the reader go on without records."""
        self._woken = True
        self.awake.set()

    async def commit(self, next_position: int) -> None:
        """Store the low-water mark, if the lease is still ours."""
        kept = await self._subscription.pool.fetchval(
            "SELECT rekku_bus.commit_position($1, $2, $3, $4)",
            self._subscription.member,
            self.topic,
            self.number,
            next_position,
        )
        if not kept:
            raise PartitionLost

    def surrender(self) -> None:
        """Make the reader stop at the next safe point."""
        self.surrendered = True
        self.awake.set()


class EmbeddedSubscription:
    """Leases on partitions, renewed three times per lease; appended records are announced by NOTIFY."""

    def __init__(self, database: Database, member: str, topics: list[str], lease_s: float) -> None:
        self.pool = database.pool
        self._database = database
        self.member = member
        self._topics = topics
        self._lease_s = lease_s
        self._held: dict[tuple[str, int], tuple[EmbeddedPartition, asyncio.Task[None]]] = {}

    async def run(self, consume: Callable[[Partition], Awaitable[None]]) -> None:
        """Keep leases and run `consume` for each of them, until cancelled; then give them back."""
        try:
            await until_it_passes(partial(self._keep_leases, consume), "the bus cannot be reached")
        finally:
            await self._leave()

    async def _keep_leases(self, consume: Callable[[Partition], Awaitable[None]]) -> None:
        async with self._database.connection() as listening:
            await listening.add_listener(CHANNEL, self._on_append)
            try:
                await listening.execute("SELECT rekku_bus.subscribe($1)", self._topics)
                while True:
                    await self._heartbeat(listening, consume)
                    await asyncio.sleep(self._lease_s / 3)
            finally:
                if not listening.is_closed():
                    await listening.remove_listener(CHANNEL, self._on_append)

    async def lag(self) -> int:
        """Records appended to our topics that we have not committed."""
        return int(await self.pool.fetchval("SELECT rekku_bus.lag()"))

    def _on_append(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for place in str(payload).split():
            topic, _, number = place.rpartition(":")
            held = self._held.get((topic, int(number)))
            if held:
                held[0].awake.set()

    async def _heartbeat(self, connection: Connection, consume: Callable[[Partition], Awaitable[None]]) -> None:
        leased = await connection.fetch(
            "SELECT * FROM rekku_bus.lease($1, $2, $3)", self.member, timedelta(seconds=self._lease_s), self._topics
        )
        ours = {(row["topic"], row["partition"]): row for row in leased}
        for place in self._held.keys() - ours.keys():
            self._held[place][0].surrender()
        for place, row in ours.items():
            held = self._held.get(place)
            if row["surplus"]:
                if held:
                    held[0].surrender()
                else:
                    await self._give_back(*place)
            elif held is None:
                partition = EmbeddedPartition(self, *place, row["position"])
                self._held[place] = (partition, asyncio.create_task(self._serve(partition, consume)))
            elif row["behind"]:
                held[0].awake.set()

    async def _serve(self, partition: EmbeddedPartition, consume: Callable[[Partition], Awaitable[None]]) -> None:
        try:
            await consume(partition)
        except PartitionLost:
            _log.info("gave up %s/%s", partition.topic, partition.number)
        except Exception as error:  # noqa: BLE001 - whatever it is, the lease stays usable and is read again
            place, known = f"{partition.topic}/{partition.number}", of_the_moment(error)
            kind = type(error).__name__
            _log.warning("reading %s stopped (%s); it starts again", place, kind, exc_info=None if known else error)
        finally:
            del self._held[(partition.topic, partition.number)]
        if partition.surrendered:
            await self._give_back(partition.topic, partition.number)

    async def _give_back(self, topic: str, number: int) -> None:
        try:
            await self.pool.execute("SELECT rekku_bus.give_back($1, $2, $3)", self.member, topic, number)
        except Exception as error:
            if not of_the_moment(error):
                raise
            _log.warning("a lease could not be given back; it will expire")

    async def _leave(self) -> None:
        tasks = [task for _, task in self._held.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await asyncio.wait_for(self.pool.execute("SELECT rekku_bus.leave($1)", self.member), 2)
        except Exception as error:
            if not of_the_moment(error):
                raise
            _log.warning("the leases could not be given back; they will expire")


def rights_of(topic: Topic) -> list[tuple[str, bool, bool]]:
    """Which database roles may write and read a topic: (role, may_write, may_read)."""
    consumers = {f"rekku_{service}" for service in topic.consumers}
    owner = f"rekku_{topic.owner}"
    return [(role, role == owner, role in consumers) for role in sorted(consumers | {owner})]


async def apply_topics(connection: asyncpg.Connection[Any], topics: Iterable[Topic] = TOPICS.values()) -> None:
    """Bring the bus' topics and rights in line with the declarations; run as the bus' owner.

    Raises:
        ValueError: a declaration changes a partition count, which would break order within keys.
    """
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = rekku_bus")
        await connection.execute("DELETE FROM rights")
        for topic in topics:
            partitions = await connection.fetchval(
                "INSERT INTO topics (topic, partitions, compacted, retention) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (topic) DO UPDATE SET compacted = excluded.compacted, retention = excluded.retention"
                " RETURNING partitions",
                topic.name,
                topic.partitions,
                topic.compacted,
                topic.retention,
            )
            if partitions != topic.partitions:
                raise ValueError(f"{topic.name} has {partitions} partitions; that can never be changed")
            await connection.execute(
                "INSERT INTO heads (topic, partition) SELECT $1, generate_series(0, $2 - 1) ON CONFLICT DO NOTHING",
                topic.name,
                topic.partitions,
            )
            await connection.executemany(
                "INSERT INTO rights (role, topic, may_write, may_read) VALUES ($1, $2, $3, $4)",
                [(role, topic.name, write, read) for role, write, read in rights_of(topic)],
            )
