"""A broker whose disk is full: it ends, commands go on, and what was written meanwhile arrives when there is room."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from chassis.auth import Role
from chassis.bus.kafka_topics import apply_topics
from chassis.kafka.cluster import KafkaCluster
from chassis.kafka.jars import KafkaUnavailable
from chassis.outbox import outbox_size
from chassis.runtime import Runtime
from chassis.settings import BusKind
from chassis.testing import ClusterUnderTest, ServiceUnderTest
from rekku.watching import keep_broker
from tests.chassis.builders import a_payment
from tests.chassis.test_bus import paid, until
from tests.chassis.test_kafka_bus import MESSAGES
from tests.chassis.toy.app import SERVICE
from tests.conftest import leave_out
from tests.disks import a_small_disk, fill
from tests.rebuilding import OnBus

DISK_MB = 64


@pytest.fixture
async def brokers() -> AsyncIterator[tuple[KafkaCluster, Path]]:
    """One broker, and its home, which has little room."""
    with a_small_disk(DISK_MB) as home:
        running = KafkaCluster(home)
        try:
            await running.start()
        except KafkaUnavailable as error:
            leave_out(str(error))
        yield running, home
        await running.stop()


async def keys_on_topic(servers: str, count: int) -> set[bytes]:
    """The keys of the messages, once there are so many; what was not acknowledged may have come twice."""
    keys: set[bytes] = set()
    consumer = AIOKafkaConsumer(MESSAGES, bootstrap_servers=servers, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(30):
        while len(keys) < count:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                keys |= {record.key for record in records}
    return keys


async def test_what_was_written_while_a_brokers_disk_was_full_arrives_afterwards(
    toy: ServiceUnderTest, cluster: ClusterUnderTest, brokers: tuple[KafkaCluster, Path]
):
    kafka, home = brokers
    [broker] = kafka.brokers
    settings = toy.settings.model_copy(update={"bus": BusKind.KAFKA, "kafka_servers": kafka.servers})
    await apply_topics(settings)
    toy.runtime = runtime = Runtime(SERVICE, settings, toy.db)
    await runtime.start()
    client, bus, noted = toy.http(Role.OFFICER), OnBus(toy, settings, runtime, cluster), 0

    async def note() -> None:
        nonlocal noted
        body = {"note_id": f"N-{noted}", "provider_id": "2828286-3", "text": "x"}
        assert (await client.post("/notes", json=body)).status_code == 201
        noted += 1

    async def until_paid(count: int) -> None:
        async def all_of_them() -> bool:
            return len(await paid(toy)) == count

        await until(all_of_them)

    await note()
    await bus.publish(*(a_payment(decision_ref=f"D-{n}") for n in range(7)))
    await until_paid(7)
    await asyncio.to_thread(fill, home / "ballast")

    async def ended() -> bool:
        await note()
        return not broker.alive

    await until(ended)
    for _ in range(5):
        await note()
    with pytest.raises(KafkaUnavailable):
        await broker.start()
    assert (await client.get("/livez")).json() == {"alive": True, "dead": []}
    assert (await client.get("/readyz")).status_code == 200
    waiting = await outbox_size(toy.db)
    assert waiting >= 5

    (home / "ballast").unlink()
    assert not broker.alive, "nobody has started it yet"
    said: list[str] = []
    watching = asyncio.create_task(keep_broker(broker, said.append))

    async def emptied() -> bool:
        return await outbox_size(toy.db) == 0

    await until(emptied)
    assert said == ["Apache Kafka's broker 1 had died, and was started again"]
    await bus.publish(*(a_payment(decision_ref=f"D-{n}", period_number=2) for n in range(7)))
    await until_paid(14)
    assert {times for _, _, times in await paid(toy)} == {1}
    assert await keys_on_topic(kafka.servers, noted) == {b"N-%d" % n for n in range(noted)}
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await runtime.stop()
