"""What the relay sends is read outside this code base: by the example consumers, other clients, the CloudEvents SDK."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import Consumer

from chassis.bus import Oldest
from chassis.bus.kafka import KafkaBus
from chassis.db import OutgoingRecord
from chassis.settings import BusKind
from chassis.testing import ServiceUnderTest
from contracts.courses import ClientPinned, ClientUnpinned, Pin
from contracts.decisions import PeriodPaid
from contracts.envelope import Event
from contracts.values import PinState, ReleaseReason
from tests.chassis.builders import a_payment, a_pin
from tests.chassis.toy.app import SERVICE
from tests.conftest import NewService, leave_out
from tests.kafka_topics import fresh_topics

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
BOTH = pytest.mark.parametrize("example", ["subscribe_aiokafka.py", "subscribe_confluent.py"])
PINNED, UNPINNED, PAID = ClientPinned.wire_type, ClientUnpinned.wire_type, PeriodPaid.wire_type
FUTURE = PAID.removesuffix("1") + "9"


def an_unpinning(version: int, decision_ref: str) -> ClientUnpinned:
    pin = a_pin(decision_ref=decision_ref).pin.model_dump()
    released = {"state": PinState.RELEASED, "reason": ReleaseReason.PROVIDER, "occupies_place": False}
    return ClientUnpinned(version=version, pin=Pin(**pin | released))


class Relay:
    """The outbox and the relay as they are in a service, and what somebody else puts on the topics."""

    def __init__(self, toy: ServiceUnderTest, servers: str) -> None:
        self.servers = servers
        self._toy = toy
        self._settings = toy.settings.model_copy(update={"bus": BusKind.KAFKA, "kafka_servers": servers})

    async def send(self, *events: Event, times: int = 1, wire_type: str | None = None) -> None:
        """Emit and relay; more than once as after a crash between sending and forgetting."""
        async with self._toy.transaction() as tx:
            for event in events:
                tx.emit(event)
            if wire_type is not None:
                tx.outgoing[:] = [self._renamed(record, wire_type) for record in tx.outgoing]
        rows = await self._toy.db.pool.fetch("SELECT * FROM outbox ORDER BY id")
        bus = KafkaBus(self._toy.db, self._settings)
        try:
            async with self._toy.db.pool.acquire() as connection:
                for _ in range(times):
                    assert await bus.move(connection, Oldest(500)) == len(rows)
                    await connection.executemany(
                        "INSERT INTO outbox (topic, key, header_names, header_values, value)"
                        " VALUES ($1, $2, $3, $4, $5)",
                        [tuple(r[c] for c in ("topic", "key", "header_names", "header_values", "value")) for r in rows],
                    )
                await connection.execute("DELETE FROM outbox")
        finally:
            await bus.close()

    @staticmethod
    def _renamed(record: OutgoingRecord, wire_type: str) -> OutgoingRecord:
        headers = [(name, wire_type.encode() if name == "ce_type" else value) for name, value in record.headers]
        return OutgoingRecord(record.topic, record.key, headers, record.value)

    async def put(self, topic: str, key: str, value: bytes | None) -> None:
        """A record without headers, as a stranger or a tombstone has none."""
        async with AIOKafkaProducer(bootstrap_servers=self.servers) as producer:
            await producer.send_and_wait(topic, key=key.encode(), value=value)


@pytest.fixture
async def relay(kafka, new_service: NewService) -> Relay:
    await fresh_topics(kafka.servers)
    return Relay(await new_service(SERVICE), kafka.servers)


@asynccontextmanager
async def running(example: str, copy: Path, servers: str, group: str = "analytics.pins"):
    """The example as its own process; its lines one by one. It ends in order at SIGTERM."""
    environment = {"PATH": os.environ["PATH"], "KAFKA_SERVERS": servers, "KAFKA_GROUP": group}
    command = (sys.executable, "-I", str(EXAMPLES / example), str(copy))
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
        process.send_signal(signal.SIGTERM)
        rest, complaints = await asyncio.wait_for(process.communicate(), 20)
        assert (rest, process.returncode) == (b"", 0), complaints
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def lines_by_key(lines: asyncio.StreamReader, count: int) -> dict[str, list[tuple[str, str]]]:
    """The next `count` lines as (outcome, type), in order within each key."""
    found = defaultdict(list)
    async with asyncio.timeout(60):
        for _ in range(count):
            outcome, _, told = (await lines.readline()).decode().strip().partition(": ")
            _, key, wire_type = told.split()
            found[key].append((outcome, wire_type))
    return found


def rows(copy: Path, query: str) -> list[tuple]:
    connection = sqlite3.connect(copy)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@BOTH
async def test_an_example_applies_each_event_once_and_gets_over_everything_else(relay: Relay, example, tmp_path):
    copy = tmp_path / "copy.sqlite"
    await relay.send(a_pin(1, "D-1"), an_unpinning(2, "D-1"), a_pin(1, "D-2"), a_payment(), times=2)
    await relay.send(a_payment(period_number=2), wire_type=FUTURE)
    await relay.send(a_payment(period_number=1), a_pin(1, "D-3"))
    await relay.put("rekku.pins", "D-2", None)
    await relay.put("rekku.pins", "D-4", b"not of ours")
    async with running(example, copy, relay.servers) as lines:
        told = await lines_by_key(lines, 13)
    payments = [line for line in told["D-1"] if "payment" in line[1] or "paid" in line[1]]
    pins = [line for line in told["D-1"] if line not in payments]
    assert pins == [("applied", PINNED), ("applied", UNPINNED), ("repeated", PINNED), ("repeated", UNPINNED)]
    assert payments == [("applied", PAID), ("repeated", PAID), ("ignored, unknown type", FUTURE), ("nothing new", PAID)]
    assert told["D-2"] == [("applied", PINNED), ("repeated", PINNED), ("erased", "-")]
    assert told["D-3"] == [("applied", PINNED)]
    assert told["D-4"] == [("set aside, no event", "-")]
    assert rows(copy, "SELECT decision_ref, version, state FROM pins ORDER BY 1") == [
        ("D-1", 2, "released"),
        ("D-3", 1, "active"),
    ]
    assert rows(copy, "SELECT * FROM payments") == [("D-1", 1)]


@BOTH
async def test_an_example_goes_on_where_it_stopped(relay: Relay, example, tmp_path):
    copy = tmp_path / "copy.sqlite"
    await relay.send(a_pin(1, "D-1"))
    async with running(example, copy, relay.servers) as lines:
        assert await lines_by_key(lines, 1) == {"D-1": [("applied", PINNED)]}
    await relay.send(an_unpinning(2, "D-1"))
    async with running(example, copy, relay.servers) as lines:
        assert await lines_by_key(lines, 1) == {"D-1": [("applied", UNPINNED)]}


@BOTH
async def test_an_example_that_lost_its_position_applies_nothing_twice(relay: Relay, example, tmp_path):
    """With the control: once it has forgotten the event ids as well, it does not know a repetition."""
    copy = tmp_path / "copy.sqlite"
    await relay.send(a_pin(1, "D-1"))
    for group, forget, outcome in (
        ("analytics.a", False, "applied"),
        ("analytics.b", False, "repeated"),
        ("analytics.c", True, "nothing new"),
    ):
        if forget:
            with sqlite3.connect(copy) as connection:
                connection.execute("DELETE FROM applied")
            connection.close()
        async with running(example, copy, relay.servers, group) as lines:
            assert await lines_by_key(lines, 1) == {"D-1": [(outcome, PINNED)]}


async def test_confluent_kafka_and_the_cloudevents_sdk_read_what_the_relay_sends(relay: Relay):
    sent = an_unpinning(2, "D-1")
    await relay.send(sent)
    record = await asyncio.to_thread(first_record, relay.servers, "rekku.pins")
    event = from_binary(
        KafkaMessage(headers=dict(record.headers()), key=record.key(), value=record.value()), JSONFormat()
    )
    assert record.key() == b"D-1"
    assert (event.get_specversion(), event.get_type(), event.get_subject()) == ("1.0", UNPINNED, "D-1")
    assert event.get_source() == "/rekku/notifications"
    assert ClientUnpinned.model_validate(event.get_data()) == sent


def first_record(servers: str, topic: str):
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "reader", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        record = consumer.poll(30)
        assert record is not None
        assert record.error() is None
        return record
    finally:
        consumer.close()


async def test_kcat_reads_what_the_relay_sends(relay: Relay):
    if shutil.which("kcat") is None:
        leave_out("kcat is not installed (Debian: apt-get install kcat)")
    sent = a_pin(1, "D-1")
    await relay.send(sent)
    command = ("kcat", "-b", relay.servers, "-C", "-t", "rekku.pins", "-o", "beginning", "-e", "-q", "-J")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        told, complaints = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0, complaints
    record = json.loads(told)
    headers = dict(zip(record["headers"][::2], record["headers"][1::2], strict=True))
    assert (record["key"], headers["ce_type"], headers["content-type"]) == ("D-1", PINNED, "application/json")
    assert ClientPinned.model_validate_json(record["payload"]) == sent
