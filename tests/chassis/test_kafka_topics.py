"""The topics on Apache Kafka are those of contracts/topics.py: made, corrected, and their partitions never touched."""

from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chassis.bus import BusUnavailable
from chassis.bus.kafka_topics import CannotApply, Drift, apply_topics
from chassis.kafka.cluster import KafkaCluster
from chassis.settings import BusKind, Settings
from contracts.topics import TOPICS
from tests.chassis.test_bus import until
from tests.kafka_topics import no_topics

PINS = "rekku.pins"
MESSAGES = "rekku.messages"
CONTACTS = "rekku.client-contacts"


def settings_for(servers: str) -> Settings:
    return Settings(bus=BusKind.KAFKA, kafka_servers=servers)


@pytest.fixture
async def admin(kafka: KafkaCluster) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await client.start()
    yield client
    await client.close()


@pytest.fixture
async def settings(kafka: KafkaCluster) -> Settings:
    """A broker without any topic of the system."""
    await no_topics(kafka.servers)
    return settings_for(kafka.servers)


async def told(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {name: value for name, value, *_ in answer.resources[0][4]}


async def change(admin: AIOKafkaAdminClient, topic: str, configs: dict[str, str]) -> None:
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
    await until_told(admin, topic, configs)


async def until_told(admin: AIOKafkaAdminClient, topic: str, configs: dict[str, str]) -> None:
    """A broker learns a moment later what the controller has written."""

    async def is_told() -> bool:
        return configs.items() <= (await told(admin, topic)).items()

    await until(is_told)


async def test_missing_topics_are_made_as_they_are_declared(settings: Settings, admin: AIOKafkaAdminClient):
    made = await apply_topics(settings)
    assert {drift.topic for drift in made} == set(TOPICS)
    assert {(drift.setting, drift.lasting) for drift in made} == {("topic", False)}
    described = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics(list(TOPICS))}
    assert {name: len(partitions) for name, partitions in described.items()} == {
        topic.name: topic.partitions for topic in TOPICS.values()
    }
    pins = await told(admin, PINS)
    assert (pins["cleanup.policy"], pins["retention.ms"], pins["retention.bytes"]) == ("delete", "-1", "-1")
    assert (pins["min.insync.replicas"], pins["max.message.bytes"]) == ("1", "1048576")
    assert (await told(admin, MESSAGES))["retention.ms"] == str(730 * 24 * 3600 * 1000)
    assert (await told(admin, CONTACTS))["cleanup.policy"] == "compact"
    assert await apply_topics(settings) == []


async def test_checking_changes_nothing(settings: Settings, admin: AIOKafkaAdminClient):
    assert len(await apply_topics(settings, check_only=True)) == len(TOPICS)
    assert not set(await admin.list_topics()) & set(TOPICS)


async def test_a_setting_that_differs_is_set_again_and_others_are_left_alone(
    settings: Settings, admin: AIOKafkaAdminClient
):
    await apply_topics(settings)
    await change(admin, PINS, {"retention.ms": "1000", "segment.ms": "777777", "cleanup.policy": "delete"})
    drift = Drift(PINS, "retention.ms", "-1", "1000")
    assert drift in await apply_topics(settings, check_only=True)
    assert (await told(admin, PINS))["retention.ms"] == "1000"
    assert drift in await apply_topics(settings)
    await until_told(admin, PINS, {"retention.ms": "-1", "segment.ms": "777777", "cleanup.policy": "delete"})
    assert await apply_topics(settings, check_only=True) == []


async def test_another_partition_count_is_reported_and_never_changed(settings: Settings, admin: AIOKafkaAdminClient):
    """The key decides the partition: with another count, a key's records would be in two places."""
    await admin.create_topics([NewTopic(PINS, 2, 1)])

    async def made() -> bool:
        return PINS in await admin.list_topics()

    await until(made)
    for _ in range(2):
        lasting = [drift for drift in await apply_topics(settings) if drift.lasting]
        assert lasting == [Drift(PINS, "partitions", "4", "2", lasting=True)]
    described = await admin.describe_topics([PINS])
    assert len(described[0]["partitions"]) == 2


async def test_fewer_copies_than_asked_for_are_reported(settings: Settings):
    await apply_topics(settings)
    drifts = await apply_topics(settings, replication=3, check_only=True)
    assert {drift.topic for drift in drifts if drift.setting == "replication" and drift.lasting} == set(TOPICS)
    assert Drift(PINS, "min.insync.replicas", "2", "1") in drifts


async def test_what_the_cluster_refuses_is_said(settings: Settings):
    with pytest.raises(CannotApply, match=r"rekku\..*InvalidReplicationFactorError"):
        await apply_topics(settings, replication=3)


async def test_a_broker_that_is_not_there_is_said(kafka: KafkaCluster):
    with pytest.raises(BusUnavailable, match="Kafka does not answer"):
        await apply_topics(settings_for("127.0.0.1:9"))
