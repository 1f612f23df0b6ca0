"""The relay and the consumers on Apache Kafka: nothing lost, order per key kept, work shared."""

import asyncio
import logging
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from chassis.auth import Role
from chassis.bus import BusUnavailable, Oldest, Partition, Record
from chassis.bus import kafka as kafka_bus
from chassis.bus.kafka import KafkaBus
from chassis.bus.kafka_reading import KafkaSubscription
from chassis.dead_letters import list_letters
from chassis.outbox import outbox_size
from chassis.runtime import Runtime
from chassis.settings import BusKind, Settings
from chassis.testing import ServiceUnderTest
from contracts.envelope import MOST_BYTES, encode, new_event_id
from contracts.notifications import Channel, MessageSent
from tests.chassis.builders import a_payment
from tests.chassis.test_bus import NOW, Connect, connect, paid, until  # noqa: F401 - `connect` is a fixture
from tests.chassis.toy.app import SERVICE
from tests.kafka_topics import fresh_topics, require

PAYMENTS = "rekku.payments"
MESSAGES = "rekku.messages"
Put = Callable[..., Awaitable[None]]
Run = Callable[..., Awaitable[Runtime]]


@pytest.fixture
async def servers(kafka) -> str:
    """The broker, with the topics empty and nobody's positions."""
    await fresh_topics(kafka.servers)
    return str(kafka.servers)


@pytest.fixture
def settings(toy: ServiceUnderTest, servers: str) -> Settings:
    return toy.settings.model_copy(update={"bus": BusKind.KAFKA, "kafka_servers": servers})


@pytest.fixture
async def put(servers: str) -> AsyncIterator[Put]:
    """`await put(event, …)`: records as their owner would send them."""
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:

        async def send(*events) -> None:
            for event in events:
                headers, value = encode(event, event_id=new_event_id(), source="/t", time=NOW, traceparent=None)
                await producer.send(event.topic, key=event.key.encode(), value=value, headers=headers)
            await producer.flush()

        yield send


@pytest.fixture
async def bus(toy: ServiceUnderTest, settings: Settings) -> AsyncIterator[KafkaBus]:
    opened = KafkaBus(toy.db, settings)
    yield opened
    await opened.close()


@pytest.fixture
async def run(settings: Settings, connect: Connect) -> AsyncIterator[Run]:  # noqa: F811 - the fixture
    """`await run("2")`: one more running instance of the toy."""
    running: list[Runtime] = []

    async def start(instance: str = "1") -> Runtime:
        of_instance = settings.model_copy(update={"instance": instance})
        runtime = Runtime(SERVICE, of_instance, await connect())
        running.append(runtime)
        await runtime.start()
        return runtime

    yield start
    for runtime in running:
        await runtime.stop()


def held(runtime: Runtime) -> int:
    assert isinstance(runtime._subscription, KafkaSubscription)
    return len(runtime._subscription._held)


def a_message(n: int, key: str = "M") -> MessageSent:
    return MessageSent(version=n, message_id=key, template="note", channel=Channel.SMS, sent_at=NOW)


async def write(toy: ServiceUnderTest, *events) -> None:
    async with toy.transaction() as tx:
        for event in events:
            tx.emit(event)


async def on_topic(servers: str, topic: str, count: int) -> list[Record]:
    """The first `count` records of a topic, in order within each partition."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest")
    found: list[Record] = []
    async with consumer, asyncio.timeout(20):
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [Record(r.topic, r.partition, r.offset, r.key, r.headers, r.value) for r in records]
    return found


def first_versions(records: list[Record], key: str) -> list[int]:
    """The versions of one key in the order they were first seen in."""
    versions = [MessageSent.model_validate_json(r.value or b"").version for r in records if r.key == key.encode()]
    return list(dict.fromkeys(versions))


async def test_rows_reach_their_topic_in_order_with_the_same_bytes(toy: ServiceUnderTest, bus: KafkaBus, servers: str):
    await write(toy, *(a_message(n, f"K{n % 3}") for n in range(90)))
    rows = await toy.db.pool.fetch("SELECT * FROM outbox ORDER BY id")
    async with toy.db.pool.acquire() as connection:
        moved = [await bus.move(connection, Oldest(40)) for _ in range(4)]
    assert moved == [40, 40, 10, 0]
    assert await outbox_size(toy.db) == 0
    records = await on_topic(servers, MESSAGES, 90)
    for key in ("K0", "K1", "K2"):
        assert first_versions(records, key) == list(range(int(key[1]), 90, 3))
        assert len({record.partition for record in records if record.key == key.encode()}) == 1
    sent = {
        (row["key"], row["value"], tuple(zip(row["header_names"], row["header_values"], strict=True))) for row in rows
    }
    assert {(record.key, record.value, record.headers) for record in records} == sent


async def test_the_longest_body_that_the_outbox_takes_goes_through(toy: ServiceUnderTest, bus: KafkaBus, servers: str):
    await toy.db.pool.execute(
        "INSERT INTO outbox (topic, key, header_names, header_values, value)"
        " SELECT $1, 'k', ARRAY['ce_type'], ARRAY['t'::bytea], convert_to(repeat('x', $2), 'UTF8')"
        " FROM generate_series(1, 3)",
        MESSAGES,
        MOST_BYTES,
    )
    async with toy.db.pool.acquire() as connection:
        assert [await bus.move(connection, Oldest(10)) for _ in range(4)] == [1, 1, 1, 0], "a batch of a partition each"
    assert {len(record.value or b"") for record in await on_topic(servers, MESSAGES, 3)} == {MOST_BYTES}


async def test_a_broker_that_does_not_answer_costs_a_deadline_and_no_row(
    toy: ServiceUnderTest, bus: KafkaBus, kafka, servers: str, monkeypatch: pytest.MonkeyPatch
):
    """Sending begins again at the lowest row; nothing is skipped, and first occurrences stay in order."""
    await write(toy, *(a_message(n) for n in range(10)))
    async with toy.db.pool.acquire() as connection:
        assert await bus.move(connection, Oldest(5)) == 5
        monkeypatch.setattr(kafka_bus, "_SEND_DEADLINE_S", 1.0)
        kafka.brokers[0].suspend()
        try:
            with pytest.raises(BusUnavailable, match="TimeoutError"):
                await bus.move(connection, Oldest(5))
        finally:
            kafka.brokers[0].resume()
        assert await outbox_size(toy.db) == 5
        monkeypatch.undo()
        assert await bus.move(connection, Oldest(10)) == 5
    assert first_versions(await on_topic(servers, MESSAGES, 10), "M") == list(range(10))


async def test_two_instances_share_the_partitions_and_apply_everything_once(toy: ServiceUnderTest, put: Put, run: Run):
    first, second = await run("1"), await run("2")

    async def shared() -> bool:
        return held(first) > 0 and held(second) > 0 and held(first) + held(second) == 12

    await until(shared)
    for turn in range(1, 6):
        await put(*(a_payment(decision_ref=f"D-{n}", period_number=turn) for n in range(40)))

    async def all_applied() -> bool:
        return len(await paid(toy)) == 200

    await until(all_applied)
    applied = await paid(toy)
    assert {times for _, _, times in applied} == {1}
    for n in range(40):
        assert [p for ref, p, _ in applied if ref == f"D-{n}"] == [1, 2, 3, 4, 5]

    async def at_rest() -> bool:
        return await first.lag() == 0

    await until(at_rest)


async def test_when_an_instance_leaves_the_other_goes_on_where_it_was(toy: ServiceUnderTest, put: Put, run: Run):
    first, second = await run("1"), await run("2")

    async def shared() -> bool:
        return held(first) > 0 and held(second) > 0

    await until(shared)
    await put(*(a_payment(decision_ref=f"D-{n}") for n in range(40)))
    await first.stop()
    await put(*(a_payment(decision_ref=f"E-{n}") for n in range(40)))

    async def all_applied() -> bool:
        return len(await paid(toy)) == 80

    await until(all_applied)
    assert {times for _, _, times in await paid(toy)} == {1}


async def test_a_position_moves_only_past_finished_records(settings: Settings, toy: ServiceUnderTest, put: Put):
    """The consumer fails on a batch: the same records come again, also to the next process."""
    await put(*(a_payment(decision_ref="D-1", period_number=n) for n in (1, 2, 3)))
    seen: list[list[int]] = []

    async def consume(partition: Partition) -> None:
        records = await partition.read(10)
        seen.append([record.position for record in records])
        if len(seen) == 1:
            raise ZeroDivisionError("dies before the commit")
        await partition.read(10)

    async def subscribed(enough: int) -> None:
        own = KafkaBus(toy.db, settings)
        running = asyncio.create_task(own.subscribe("1", [PAYMENTS]).run(consume))

        async def came() -> bool:
            return len(seen) >= enough

        await until(came)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await own.close()

    await subscribed(2)
    await subscribed(3)
    assert seen == [[0, 1, 2]] * 3


async def test_a_header_that_the_client_library_cannot_read_does_not_stall_the_topic(
    toy: ServiceUnderTest, servers: str, put: Put, run: Run
):
    """aiokafka fails on a whole fetch for a header name that is not UTF-8, again and again."""
    require("kcat")
    await put(a_payment(decision_ref="D-before"))
    stranger = [b"kcat", b"-P", b"-b", servers.encode(), b"-t", PAYMENTS.encode(), b"-H", b"\xff\xfe=1", b"-k", b"x"]
    await asyncio.to_thread(subprocess.run, stranger, input=b"hi\n", check=True)
    await put(*(a_payment(decision_ref=f"D-{n}") for n in range(20)))
    runtime = await run()

    async def all_applied() -> bool:
        return len(await paid(toy)) == 21

    async def read_to_the_end() -> bool:
        return await runtime.lag() == 0

    await until(all_applied)
    await until(read_to_the_end)
    assert {times for _, _, times in await paid(toy)} == {1}
    async with toy.transaction() as tx:
        (letter,) = await list_letters(tx)
    assert letter.record.topic == PAYMENTS
    assert letter.failure == "permanent"


async def test_while_kafka_is_away_commands_work_and_everything_arrives_afterwards_in_order(
    toy: ServiceUnderTest, kafka, servers: str, run: Run, caplog: pytest.LogCaptureFixture, tmp_path: Path
):
    """Kafka is away when the service starts; the log says so, and how much waits."""
    caplog.set_level(logging.WARNING)
    await kafka.brokers[0].stop()
    try:
        runtime = await run()
        toy.runtime = runtime
        client = toy.http(Role.OFFICER)
        for n in range(30):
            note = {"note_id": f"N-{n}", "provider_id": "2828286-3", "text": "hello"}
            assert (await client.post("/notes", json=note)).status_code == 201
        assert (await client.get("/readyz")).status_code == 200
        assert runtime.alive

        async def said() -> bool:
            return any("rows wait in the outbox" in line for line in caplog.messages)

        await until(said)
        assert await outbox_size(toy.db) == 30
        assert (await client.get("/progress")).json()["code"] == "UNAVAILABLE"
    finally:
        await kafka.brokers[0].start()

    async def emptied() -> bool:
        return await outbox_size(toy.db) == 0

    await until(emptied)
    records = await on_topic(servers, MESSAGES, 30)
    assert {record.key for record in records} == {f"N-{n}".encode() for n in range(30)}


async def test_while_postgresql_is_read_only_nothing_is_sent_that_cannot_be_deleted(
    toy: ServiceUnderTest, servers: str, bus: KafkaBus
):
    """Else the same rows would be sent at every try, for as long as it lasts."""
    await write(toy, a_message(1))
    async with toy.db.pool.acquire() as connection:
        await connection.execute("SET default_transaction_read_only = on")
        for _ in range(3):
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await bus.move(connection, Oldest(500))
        await connection.execute("RESET default_transaction_read_only")
        assert await bus.move(connection, Oldest(500)) == 1
    await write(toy, a_message(2))
    async with toy.db.pool.acquire() as connection:
        assert await bus.move(connection, Oldest(500)) == 1
    assert [record.position for record in await on_topic(servers, MESSAGES, 2)] == [0, 1], "one of each"
