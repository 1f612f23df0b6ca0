"""A right that is missing on Kafka, to write, to read, to know of a topic or to join the group, rests what needs it."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType

from chassis import relay as relaying
from chassis import telemetry
from chassis.bus import kafka as kafka_bus
from chassis.bus import kafka_consumer, kafka_reading
from chassis.bus.kafka_consumer import CarefulConsumer
from chassis.bus.kafka_reading import KafkaSubscription
from chassis.dead_letters import list_letters
from chassis.kafka.cluster import KafkaCluster
from chassis.kafka.jars import KafkaUnavailable
from chassis.runtime import Runtime
from chassis.settings import BusKind
from chassis.testing import ClusterUnderTest, ServiceUnderTest
from tests.chassis.builders import a_payment, a_pin
from tests.chassis.test_bus import paid, until
from tests.chassis.test_kafka_bus import a_message, first_versions, on_topic, write
from tests.chassis.toy.app import SERVICE
from tests.conftest import leave_out
from tests.kafka_rights import KafkaWithRights, give_back, taken_away
from tests.kafka_topics import fresh_topics
from tests.rebuilding import OnBus

GROUP, MESSAGES, LETTERS, PAYMENTS = (
    "rekku.notifications",
    "rekku.messages",
    "rekku.notifications.dead-letter",
    "rekku.payments",
)
SLEEPS_S = 5.0
"""How long FastStream does nothing after an error."""


@pytest.fixture(scope="module")
async def brokers() -> AsyncIterator[KafkaCluster]:
    """One broker that heeds rights."""
    with tempfile.TemporaryDirectory(prefix="rekku-rights-", ignore_cleanup_errors=True) as home:
        running = KafkaWithRights(Path(home))
        try:
            await running.start()
        except KafkaUnavailable as error:
            leave_out(str(error))
        yield running
        await running.stop()


class Ground:
    """The toy on Kafka, and who may take its rights away."""

    def __init__(self, toy: ServiceUnderTest, on_bus: OnBus, admin: AdminClient) -> None:
        self.toy, self.bus, self.runtime = toy, on_bus, on_bus.runtime
        self.nobody_may = partial(taken_away, admin, ResourceType.TOPIC)
        self.nobody_may_join = partial(taken_away, admin, ResourceType.GROUP, GROUP, AclOperation.READ)

    def held(self) -> set[str]:
        """The topics of the partitions that it has."""
        assert isinstance(self.runtime._subscription, KafkaSubscription)
        return {place.topic for place in self.runtime._subscription._held}

    async def until_held(self, *topics: str) -> None:
        async def true() -> bool:
            return self.held() == set(topics)

        await until(true)

    async def pinned(self, ref: str) -> None:
        """A pin of this decision has had its effect."""

        async def true() -> bool:
            async with self.toy.transaction() as tx:
                return bool(await tx.fetchval("SELECT count(*) FROM fired WHERE key = $1", f"pin {ref} 1"))

        await until(true)

    async def at_rest(self) -> None:
        await self.bus.settled()
        async with self.toy.transaction() as tx:
            assert await list_letters(tx) == []
        assert self.runtime.alive
        assert not self.runtime.tasks.dead


@pytest.fixture
async def ground(
    toy: ServiceUnderTest, cluster: ClusterUnderTest, brokers: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ground]:
    """The toy, not running yet; nobody's rights are missing, and what changes is known within a moment."""
    options = kafka_bus.connection_options
    monkeypatch.setattr(kafka_bus, "connection_options", lambda of: options(of) | {"metadata_max_age_ms": 300})
    monkeypatch.setattr(relaying, "_FIRST_REST_S", 0.2)
    monkeypatch.setattr(kafka_consumer, "REST_S", 0.3)
    await fresh_topics(brokers.servers)
    admin = AdminClient({"bootstrap.servers": brokers.servers, "log_level": 0})
    settings = toy.settings.model_copy(update={"bus": BusKind.KAFKA, "kafka_servers": brokers.servers})
    runtime = Runtime(SERVICE, settings, toy.db)
    yield Ground(toy, OnBus(toy, settings, runtime, cluster), admin)
    await runtime.stop()
    for topic in (MESSAGES, PAYMENTS):
        await give_back(admin, ResourceType.TOPIC, topic)
    await give_back(admin, ResourceType.GROUP, GROUP)


ALL = tuple(SERVICE.topics)
OTHERS = tuple(topic for topic in ALL if topic != PAYMENTS)


class Gauge:
    """What was set, by topic, in order."""

    def __init__(self) -> None:
        self.by_topic: dict[str, list[int]] = {}

    def set(self, value: int, of: dict[str, str]) -> None:
        self.by_topic.setdefault(of["topic"], []).append(value)


@pytest.fixture
def gauges(monkeypatch: pytest.MonkeyPatch) -> dict[str, Gauge]:
    """What is measured, which the telemetry has no way to be asked for."""
    made = {name: Gauge() for name in ("resting_topics", "unread_topics")}
    for name, gauge in made.items():
        monkeypatch.setattr(telemetry, name, gauge)
    return made


def logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return any(text in record.message for record in caplog.records)


async def left(toy: ServiceUnderTest, topic: str) -> int:
    return int(await toy.db.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", topic))


async def a_letter(toy: ServiceUnderTest) -> None:
    await toy.db.pool.execute(
        "INSERT INTO outbox (topic, key, header_names, header_values, value) VALUES ($1, 'L', '{}', '{}', 'l')", LETTERS
    )


async def test_without_the_right_to_write_a_topic_its_rows_wait_and_the_others_go(
    ground: Ground, gauges: dict[str, Gauge], caplog: pytest.LogCaptureFixture
):
    await ground.runtime.start()
    await ground.until_held(*ALL)
    async with ground.nobody_may(MESSAGES, AclOperation.WRITE):
        await write(ground.toy, *(a_message(n) for n in range(5)))
        await a_letter(ground.toy)

        async def rests() -> bool:
            return await left(ground.toy, LETTERS) == 0 and gauges["resting_topics"].by_topic.get(MESSAGES) == [1]

        await until(rests)
        await write(ground.toy, a_message(5))
        await a_letter(ground.toy)

        async def gone() -> bool:
            return await left(ground.toy, LETTERS) == 0

        await until(gone)
        assert await left(ground.toy, MESSAGES) == 6
        assert logged(caplog, f"the topic {MESSAGES} rests, its rows wait in the outbox: TopicAuthorizationFailed")

    async def emptied() -> bool:
        return await left(ground.toy, MESSAGES) == 0

    await until(emptied)
    assert gauges["resting_topics"].by_topic[MESSAGES][-1] == 0
    records = await on_topic(ground.bus.settings.kafka_servers, MESSAGES, 6)
    assert [record.position for record in records] == list(range(6)), "one of each"
    assert first_versions(records, "M") == list(range(6))


async def test_who_no_longer_publishes_or_reads_does_not_measure_that_a_topic_rests(
    ground: Ground, gauges: dict[str, Gauge]
):
    async with ground.nobody_may(MESSAGES, AclOperation.WRITE), ground.nobody_may(PAYMENTS, AclOperation.DESCRIBE):
        await ground.runtime.start()
        await ground.until_held(*OTHERS)
        await write(ground.toy, a_message(1))

        async def rest() -> bool:
            return (gauges["resting_topics"].by_topic, gauges["unread_topics"].by_topic) == (
                {MESSAGES: [1]},
                {PAYMENTS: [1]},
            )

        await until(rest)
        await ground.runtime.stop()
        assert gauges["resting_topics"].by_topic == {MESSAGES: [1, 0]}
        assert gauges["unread_topics"].by_topic == {PAYMENTS: [1, 0]}


async def test_control_where_a_refused_topic_is_taken_for_a_bus_that_is_away_nothing_is_moved(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(kafka_bus, "_TOPIC_AT_FAULT", ())
    monkeypatch.setattr(relaying, "backoff_s", lambda *_, **__: 60.0)
    await ground.runtime.start()
    await ground.until_held(*ALL)
    async with ground.nobody_may(MESSAGES, AclOperation.WRITE):
        await write(ground.toy, a_message(1))
        await a_letter(ground.toy)

        async def away() -> bool:
            return logged(caplog, "the bus is away")

        await until(away)
        assert await left(ground.toy, LETTERS) == 1


async def test_without_the_right_to_read_a_topic_its_records_wait_and_the_others_come(
    ground: Ground, gauges: dict[str, Gauge], caplog: pytest.LogCaptureFixture
):
    await ground.runtime.start()
    await ground.until_held(*ALL)
    async with ground.nobody_may(PAYMENTS, AclOperation.READ):
        await rested(ground, gauges, caplog)
        await ground.bus.publish(*THREE)
        await ground.bus.publish(a_pin(1, "D-later"))
        await ground.pinned("D-later")
        assert await paid(ground.toy) == []
        await ground.until_held(*ALL)
    await everything_came(ground, gauges)


async def test_a_topic_that_is_hidden_while_the_service_starts_waits_alone(
    ground: Ground, gauges: dict[str, Gauge], caplog: pytest.LogCaptureFixture
):
    await ground.bus.publish(*THREE)
    async with ground.nobody_may(PAYMENTS, AclOperation.DESCRIBE):
        await ground.runtime.start()
        await ground.until_held(*OTHERS)
        await rested(ground, gauges, caplog)
        assert await paid(ground.toy) == []
    await everything_came(ground, gauges)
    await ground.until_held(*ALL)


THREE = [a_payment(decision_ref="D-1", period_number=n) for n in (1, 2, 3)]


async def rested(ground: Ground, gauges: dict[str, Gauge], caplog: pytest.LogCaptureFixture) -> None:
    """Payments rest, which is measured and logged once, and everything else has its effect."""

    async def rests() -> bool:
        return gauges["unread_topics"].by_topic == {PAYMENTS: [1]}

    await until(rests)
    await ground.bus.publish(a_pin(1, "D-other"))
    await ground.pinned("D-other")
    lines = [record for record in caplog.records if f"the topic {PAYMENTS} rests" in record.message]
    assert [line.levelname for line in lines] == ["ERROR"]


async def everything_came(ground: Ground, gauges: dict[str, Gauge]) -> None:
    """What was published is applied once and in order, and the topic is reported to be read again."""

    async def all_of_them() -> bool:
        return len(await paid(ground.toy)) == len(THREE)

    await until(all_of_them)
    assert await paid(ground.toy) == [("D-1", n, 1) for n in (1, 2, 3)]

    async def read_again() -> bool:
        return gauges["unread_topics"].by_topic == {PAYMENTS: [1, 0]}

    await until(read_again)
    await ground.at_rest()


def noting(monkeypatch: pytest.MonkeyPatch, *, caught: bool) -> list[Exception]:
    """What the brokers refuse, as it comes out of aiokafka, for the controls not `caught` by ourselves."""
    found: list[Exception] = []
    get_many = CarefulConsumer._get_many

    async def noted(self, *partitions, timeout_ms=0, max_records=None):
        try:
            return await get_many(self, *partitions, timeout_ms=timeout_ms, max_records=max_records)
        except (TopicAuthorizationFailedError, GroupAuthorizationFailedError) as error:
            found.append(error)
            raise

    monkeypatch.setattr(CarefulConsumer, "_get_many" if caught else "getmany", noted)
    return found


async def one_more(found: list[Exception]) -> None:
    seen = len(found)

    async def came() -> bool:
        return len(found) > seen

    await until(came)


async def test_control_where_a_refused_topic_does_not_rest_the_others_wait_with_it(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
):
    found = noting(monkeypatch, caught=False)
    await ground.runtime.start()
    await ground.until_held(*ALL)
    async with ground.nobody_may(PAYMENTS, AclOperation.READ):
        await one_more(found)
        refused_at = time.monotonic()
        await ground.bus.publish(a_pin(1, "D-other"))
        await ground.pinned("D-other")
        assert time.monotonic() - refused_at > SLEEPS_S - 1


async def test_control_where_a_hidden_topic_is_waited_for_nothing_is_read(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(CarefulConsumer, "_wait_topics", AIOKafkaConsumer._wait_topics)
    monkeypatch.setattr(kafka_reading, "backoff_s", lambda *_, **__: 60.0)
    async with ground.nobody_may(PAYMENTS, AclOperation.DESCRIBE):
        await ground.runtime.start()

        async def refused_and_closed() -> bool:
            refused = logged(caplog, f"the group {GROUP} reads nothing, trying again: TopicAuthorizationFailedError")
            return refused and ground.runtime._subscription._subscriber.consumer is None  # type: ignore[union-attr]

        await until(refused_and_closed)
        assert ground.held() == set()


async def test_a_group_that_is_refused_reads_nothing_publishes_and_goes_on_where_it_was(
    ground: Ground, caplog: pytest.LogCaptureFixture
):
    await ground.runtime.start()
    await ground.until_held(*ALL)
    async with ground.nobody_may_join():

        async def refused() -> bool:
            return logged(caplog, f"the group {GROUP} reads nothing, trying again: GroupAuthorizationFailedError")

        await until(refused)
        await write(ground.toy, a_message(1))
        await on_topic(ground.bus.settings.kafka_servers, MESSAGES, 1)
        await ground.bus.publish(*THREE, a_pin(1, "D-other"))
        assert ground.runtime.alive
        assert await paid(ground.toy) == []
    await ground.pinned("D-other")

    async def all_of_them() -> bool:
        return len(await paid(ground.toy)) == len(THREE)

    await until(all_of_them)
    assert await paid(ground.toy) == [("D-1", n, 1) for n in (1, 2, 3)]
    await ground.at_rest()


async def test_control_a_refused_group_that_is_not_joined_anew_reads_nothing_with_the_right_either(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
):
    async def never(self, _consumer) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(KafkaSubscription, "_until_stuck", never)
    found = noting(monkeypatch, caught=True)
    await ground.runtime.start()
    await ground.until_held(*ALL)
    async with ground.nobody_may_join():
        await one_more(found)
    await ground.bus.publish(a_pin(1, "D-other"))
    await one_more(found)
    await one_more(found)
    async with ground.toy.transaction() as tx:
        assert await tx.fetch("SELECT key FROM fired") == []
