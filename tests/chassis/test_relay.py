"""What the bus does not take holds up nobody else: topics rest, rows are set aside and come back in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chassis import relay as relaying
from chassis.aside import KeyAside, ask_for, keys_aside
from chassis.bus import Bus, RowsAtFault
from chassis.bus.embedded import EmbeddedBus
from chassis.bus.kafka import KafkaBus
from chassis.bus.kafka_topics import apply_topics
from chassis.embedded import SUPERUSER
from chassis.kafka.cluster import KafkaCluster
from chassis.settings import BusKind
from chassis.testing import ClusterUnderTest, ServiceUnderTest
from contracts.topics import TOPICS, dead_letter_topic
from tests.chassis.test_bus import until
from tests.chassis.test_kafka_bus import on_topic
from tests.kafka_topics import fresh_topics

MESSAGES = "rekku.messages"
LETTERS = dead_letter_topic("notifications")
LONG = b"x" * 3_000
"""More than the bus takes while it has been told to take little."""


@dataclass
class Ground:
    """A bus, and the ways in which it can be at fault."""

    toy: ServiceUnderTest
    bus: Bus
    published: Callable[[str, int], Awaitable[list[tuple[bytes, bytes]]]]
    take_away: Callable[[str], Awaitable[None]]
    give_again: Callable[[str], Awaitable[None]]
    take_little: Callable[[str], Awaitable[None]]
    take_all: Callable[[str], Awaitable[None]]

    async def write(self, topic: str, *rows: tuple[bytes, bytes]) -> None:
        await self.toy.db.pool.executemany(
            "INSERT INTO outbox (topic, key, header_names, header_values, value) VALUES ($1, $2, '{}', '{}', $3)",
            [(topic, key, value) for key, value in rows],
        )

    async def aside(self) -> list[KeyAside]:
        async with self.toy.transaction() as tx:
            return list(await keys_aside(tx))

    async def waits(self, rows: int, aside: int = 0) -> None:
        """Until so many rows are in the outbox, and so many set aside."""

        async def true() -> bool:
            return await self.left() == (rows, aside)

        await until(true)

    async def left(self) -> tuple[int, int]:
        """Rows in the outbox, and rows set aside, at one moment."""
        row = await self.toy.db.pool.fetchrow(
            "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM outbox_aside)"
        )
        return tuple(row)


@pytest.fixture
async def on_embedded(toy: ServiceUnderTest, cluster: ClusterUnderTest) -> AsyncIterator[Ground]:
    owner = await asyncpg.connect(
        cluster.cluster.url(SUPERUSER, await toy.db.pool.fetchval("SELECT current_database()")),
        server_settings={"search_path": "rekku_bus"},
    )

    async def published(topic: str, _count: int) -> list[tuple[bytes, bytes]]:
        rows = await owner.fetch("SELECT key, value FROM records WHERE topic = $1 ORDER BY partition, position", topic)
        return [tuple(row) for row in rows]

    async def may_write(topic: str, may: bool) -> None:
        await owner.execute(
            "UPDATE rights SET may_write = $2 WHERE role = 'rekku_notifications' AND topic = $1", topic, may
        )

    async def take_little(topic: str) -> None:
        await owner.execute(
            f"ALTER TABLE records ADD CONSTRAINT little CHECK (topic <> '{topic}' OR octet_length(value) < 2000)"
        )

    async def take_all(_topic: str) -> None:
        await owner.execute("ALTER TABLE records DROP CONSTRAINT little")

    try:
        yield Ground(
            toy,
            EmbeddedBus(toy.db, 1),
            published,
            lambda topic: may_write(topic, False),
            lambda topic: may_write(topic, True),
            take_little,
            take_all,
        )
    finally:
        await owner.execute("ALTER TABLE records DROP CONSTRAINT IF EXISTS little")
        await owner.execute(
            "UPDATE rights SET may_write = true WHERE role = 'rekku_notifications' AND topic = $1", MESSAGES
        )
        await owner.close()


@pytest.fixture
async def on_kafka(toy: ServiceUnderTest, kafka: KafkaCluster) -> AsyncIterator[Ground]:
    servers = kafka.servers
    await fresh_topics(servers)
    settings = toy.settings.model_copy(update={"bus": BusKind.KAFKA, "kafka_servers": servers})
    bus, admin = KafkaBus(toy.db, settings), AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()

    async def published(topic: str, count: int) -> list[tuple[bytes, bytes]]:
        return [(record.key or b"", record.value or b"") for record in await on_topic(servers, topic, count)]

    async def take_away(topic: str) -> None:
        await admin.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await admin.list_topics()

        await until(gone)

    async def take_little(topic: str) -> None:
        """The topic anew: a change of its configuration takes a while to be heeded."""
        await take_away(topic)
        partitions = TOPICS[topic].partitions
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs={"max.message.bytes": "2000"})])

    async def take_all(topic: str) -> None:
        all_of_it = {"max.message.bytes": "1000000"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, all_of_it)])

    try:
        yield Ground(
            toy,
            bus,
            published,
            take_away,
            lambda _topic: apply_topics(settings),
            take_little,
            take_all,
        )
    finally:
        await bus.close()
        await admin.close()


@pytest.fixture(params=["embedded", "kafka"])
def ground(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Ground:
    monkeypatch.setattr(relaying, "_FIRST_REST_S", 0.2)
    monkeypatch.setattr(relaying, "_LONGEST_REST_S", 0.5)
    monkeypatch.setattr(relaying, "_GIVE_BACK_EVERY_S", 0.1)
    made: Ground = request.getfixturevalue(f"on_{request.param}")
    return made


@asynccontextmanager
async def relayed(ground: Ground) -> AsyncIterator[None]:
    running = asyncio.create_task(relaying.relay(ground.toy.db, ground.bus))
    try:
        yield
        assert not running.done(), "the relay has ended"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def first_seen(found: list[tuple[bytes, bytes]], key: bytes) -> list[bytes]:
    """The values of a key in the order they were first seen in."""
    return list(dict.fromkeys(value for of, value in found if of == key))


async def test_a_topic_at_fault_rests_and_the_others_go_on(ground: Ground, caplog: pytest.LogCaptureFixture):
    await ground.take_away(MESSAGES)
    await ground.write(MESSAGES, *((b"M", b"%d" % n) for n in range(3)))
    await ground.write(LETTERS, (b"L", b"1"))
    async with relayed(ground):
        await ground.waits(3)
        await ground.write(LETTERS, (b"L", b"2"))
        await ground.write(MESSAGES, (b"M", b"3"))
        await ground.waits(4)
        assert first_seen(await ground.published(LETTERS, 2), b"L") == [b"1", b"2"]
        assert await ground.aside() == [], "nothing is wrong with the rows"
        assert any(f"the topic {MESSAGES} rests" in record.message for record in caplog.records)
        await ground.give_again(MESSAGES)
        await ground.waits(0)
    assert first_seen(await ground.published(MESSAGES, 4), b"M") == [b"0", b"1", b"2", b"3"]


async def test_a_row_at_fault_is_set_aside_with_the_later_ones_of_its_key(ground: Ground):
    await ground.take_little(MESSAGES)
    await ground.write(MESSAGES, (b"A", b"1"), (b"B", b"1"), (b"B", LONG), (b"A", b"2"), (b"B", b"3"))
    await ground.write(MESSAGES, *((b"C", b"%d" % n) for n in range(12)))
    async with relayed(ground):
        await ground.waits(0, aside=2)
        await ground.write(MESSAGES, (b"B", b"4"), (b"A", b"3"))
        await ground.waits(0, aside=3)
        found = await ground.published(MESSAGES, 16)
        assert first_seen(found, b"A") == [b"1", b"2", b"3"]
        assert first_seen(found, b"B") == [b"1"]
        assert first_seen(found, b"C") == [b"%d" % n for n in range(12)]
        [aside] = await ground.aside()
        assert (aside.topic, aside.key, aside.rows, aside.retry) == (MESSAGES, b"B", 3, False)
        assert aside.fault

        await ask(ground, 1)
        await ground.waits(0, aside=3)
        assert [(each.key, each.rows) for each in await ground.aside()] == [(b"B", 3)], "it is set aside again"

        await ground.take_all(MESSAGES)
        while await ground.left() != (0, 0):
            async with ground.toy.transaction() as tx:
                await ask_for(tx, MESSAGES, b"B")
            await asyncio.sleep(0.05)
        assert first_seen(await ground.published(MESSAGES, 19), b"B") == [b"1", LONG, b"3", b"4"]


async def ask(ground: Ground, keys: int) -> None:
    """Ask for what is set aside, and wait until the relay has taken it up."""
    async with ground.toy.transaction() as tx:
        assert await ask_for(tx, MESSAGES, b"B") == keys

    async def taken_up() -> bool:
        return not any(each.retry for each in await ground.aside())

    await until(taken_up)


async def test_what_is_not_set_aside_is_not_asked_for(ground: Ground):
    async with ground.toy.transaction() as tx:
        assert await ask_for(tx, None, None) == 0


async def test_a_new_relay_knows_what_the_one_before_set_aside(ground: Ground):
    await ground.take_little(MESSAGES)
    await ground.write(MESSAGES, (b"B", LONG))
    async with relayed(ground):
        await ground.waits(0, aside=1)
    await ground.write(MESSAGES, (b"B", b"2"), (b"A", b"1"))
    async with relayed(ground):
        await ground.waits(0, aside=2)
        assert await ground.published(MESSAGES, 1) == [(b"A", b"1")]


@pytest.mark.parametrize("ground", ["embedded"], indirect=True)
@pytest.mark.parametrize("tried", [True, False], ids=["tried by its id", "control: condemned as it stands there"])
async def test_an_older_row_that_commits_late_is_not_taken_for_the_one_at_fault(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, tried: bool
):
    """It commits between a move that is refused and the look at what was to be moved."""
    look = EmbeddedBus._rows
    if not tried:

        async def at_fault(_bus: object, _connection: object, ids: list[int], error: Exception) -> int:
            raise RowsAtFault(ids, str(error))

        monkeypatch.setattr(EmbeddedBus, "_at_fault", at_fault)
    monkeypatch.setattr(relaying, "_BATCH", 1)
    await ground.take_little(MESSAGES)
    late = ground.toy.db.transaction()
    tx = await late.__aenter__()
    await tx.execute(
        "INSERT INTO outbox (topic, key, header_names, header_values, value) VALUES ($1, 'A', '{}', '{}', 'x')",
        MESSAGES,
    )
    await ground.write(MESSAGES, (b"B", LONG))
    commits = [late]

    async def looked(self: EmbeddedBus, *what: object) -> object:
        while commits:
            await commits.pop().__aexit__(None, None, None)
        return await look(self, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(EmbeddedBus, "_rows", looked)
    async with relayed(ground):
        await ground.waits(0, aside=1 if tried else 2)
    assert [each.key for each in await ground.aside()] == ([b"B"] if tried else [b"A", b"B"])
    assert await ground.published(MESSAGES, 1) == ([(b"A", b"x")] if tried else [])


@pytest.mark.parametrize("ground", ["embedded"], indirect=True)
async def test_control_where_later_rows_of_the_key_are_not_held_back_they_overtake(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
):
    never = property(lambda _mover: False, lambda _mover, _value: None)
    monkeypatch.setattr(relaying.Mover, "_some_aside", never, raising=False)
    await ground.take_little(MESSAGES)
    await ground.write(MESSAGES, (b"B", LONG), (b"B", b"2"))
    async with relayed(ground):
        await ground.waits(0, aside=1)
    assert await ground.published(MESSAGES, 1) == [(b"B", b"2")]
