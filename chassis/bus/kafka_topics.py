"""The topics of `contracts/topics.py` on Apache Kafka: made where missing, kept as declared, never repartitioned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from chassis.bus import BusUnavailable
from chassis.bus.kafka import connection_options
from chassis.settings import Settings
from contracts.topics import TOPICS, Topic

MOST_BYTES = 1024 * 1024
_THERE_WITHIN_S = 30.0
_SET_ON_TOPIC = 1
"""DescribeConfigs' source of a value that was set on the topic itself."""


class CannotApply(Exception):
    """The cluster refuses what is declared; the message says what, and why."""


@dataclass(frozen=True)
class Drift:
    """One difference between a declaration and the cluster.

    Args:
        setting: "topic" where the whole topic is missing.
        lasting: applying does not change it, because that would break the order within keys or move data.
    """

    topic: str
    setting: str
    declared: str
    found: str | None
    lasting: bool = False


def settings_of(topic: Topic, replication: int) -> dict[str, str]:
    """A topic's own settings on Kafka; everything else stays as the cluster has it."""
    kept_ms = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "max.message.bytes": str(MOST_BYTES),
        "min.insync.replicas": "2" if replication >= 3 else "1",
        "retention.bytes": "-1",
        "retention.ms": str(kept_ms),
    }


async def apply_topics(settings: Settings, *, replication: int | None = None, check_only: bool = False) -> list[Drift]:
    """Bring the cluster in line with the declarations; every difference there was, settled now unless `lasting`.

    Args:
        settings: where the cluster is.
        replication: copies of each partition; otherwise three, or one on a single broker.
        check_only: change nothing.

    Raises:
        BusUnavailable: the cluster does not answer.
        CannotApply: it refuses a topic or a setting.
    """
    async with _admin(settings) as admin:
        copies = replication or await _usual_replication(admin)
        found = {told["topic"]: told for told in await admin.describe_topics() if told["topic"] in TOPICS}
        missing = [topic for topic in TOPICS.values() if topic.name not in found]
        there = [topic for topic in TOPICS.values() if topic.name in found]
        own = await _own_settings(admin, found)
        drifts = [Drift(topic.name, "topic", f"{topic.partitions} partitions", None) for topic in missing]
        for topic in there:
            drifts += _drifts(topic, copies, found[topic.name]["partitions"], own[topic.name])
        if not check_only:
            await _create(admin, missing, copies)
            changed = {drift.topic for drift in drifts if not drift.lasting and drift.found is not None}
            await _alter(admin, {n: own[n].given | settings_of(TOPICS[n], copies) for n in changed})
            await _all_led(admin)
        return drifts


@dataclass(frozen=True)
class _Own:
    """A topic's settings: all that are in force, and those that were set on the topic itself."""

    in_force: Mapping[str, str]
    given: dict[str, str]


def _drifts(topic: Topic, replication: int, partitions: list[dict[str, Any]], own: _Own) -> Iterable[Drift]:
    if len(partitions) != topic.partitions:
        yield Drift(topic.name, "partitions", str(topic.partitions), str(len(partitions)), lasting=True)
    copies = {len(partition["replicas"]) for partition in partitions}
    if copies != {replication}:
        found = ", ".join(map(str, sorted(copies)))
        yield Drift(topic.name, "replication", str(replication), found, lasting=True)
    for name, declared in settings_of(topic, replication).items():
        if own.in_force.get(name) != declared:
            yield Drift(topic.name, name, declared, own.in_force.get(name))


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection_options(settings), client_id="rekku-topics", request_timeout_ms=20_000)
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"Kafka does not answer ({type(error).__name__})") from error
    finally:
        await admin.close()


async def _usual_replication(admin: AIOKafkaAdminClient) -> int:
    brokers = len((await admin.describe_cluster())["brokers"])
    if brokers == 2:
        raise CannotApply("two brokers answer: is a third one away? Otherwise say how many copies, with --replication")
    return min(3, brokers)


async def _own_settings(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> dict[str, _Own]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    if not wanted:
        return {}
    own = {}
    (answer,) = await admin.describe_configs(wanted)
    for code, message, _, name, entries in answer.resources:
        _refused(code, f"{name}: {message}")
        given = {setting: value for setting, value, _, source, *_ in entries if source == _SET_ON_TOPIC}
        own[name] = _Own({setting: value for setting, value, *_ in entries}, given)
    return own


async def _create(admin: AIOKafkaAdminClient, topics: Iterable[Topic], replication: int) -> None:
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=settings_of(topic, replication))
        for topic in topics
    ]
    if wanted:
        for name, code, message in (await admin.create_topics(wanted)).topic_errors:
            # Somebody else who applies the same declarations at the same time was first.
            if code != TopicAlreadyExistsError.errno:
                _refused(code, f"{name}: {message}")


async def _alter(admin: AIOKafkaAdminClient, changed: Mapping[str, Mapping[str, str]]) -> None:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name, configs) for name, configs in changed.items()]
    if wanted:
        (answer,) = await admin.alter_configs(wanted)
        for code, message, _, name in answer.resources:
            _refused(code, f"{name}: {message}")


async def _all_led(admin: AIOKafkaAdminClient) -> None:
    """Wait until every partition has a leader: who subscribes before that waits for the next look at the topics."""
    async with asyncio.timeout(_THERE_WITHIN_S):
        while True:
            told = [topic for topic in await admin.describe_topics() if topic["topic"] in TOPICS]
            led = all(partition["leader"] >= 0 for topic in told for partition in topic["partitions"])
            if led and len(told) == len(TOPICS):
                return
            await asyncio.sleep(0.05)


def _refused(code: int, message: str) -> None:
    if code:
        raise CannotApply(f"{message} ({for_code(code).__name__})")
