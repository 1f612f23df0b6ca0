"""Apache Kafka for a system on this machine: started beside PostgreSQL, with its topics, and stopped last."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.kafka.jars import fetch_jars
from chassis.settings import BusKind, KafkaSecurity, Settings
from rekku.problems import Problem
from rekku.processes import Say

if TYPE_CHECKING:
    from chassis.kafka.cluster import KafkaCluster


@contextlib.asynccontextmanager
async def running_brokers(home: Path, count: int, say: Say) -> AsyncIterator[asyncio.Task[KafkaCluster | None]]:
    """So many brokers of this home, as a task that ends when they serve; none where the count is 0.

    Raises:
        KafkaUnavailable: without Java, or without the jars and Maven.

    The task raises KafkaUnavailable or FileUnusable where a broker does not start.
    """
    if count:
        await fetch_jars(say)
    starting = asyncio.create_task(_start(home, count))
    try:
        yield starting
    finally:
        starting.cancel()
        (outcome,) = await asyncio.gather(starting, return_exceptions=True)
        if not (outcome is None or isinstance(outcome, BaseException)):
            await outcome.stop()


async def _start(home: Path, count: int) -> KafkaCluster | None:
    if not count:
        return None
    # Imported here, because on the embedded bus nothing of Kafka is needed and the import takes a tenth of a second.
    from chassis.kafka.cluster import KafkaCluster

    cluster = KafkaCluster(home, count)
    await cluster.start()
    return cluster


async def on_kafka(settings: Settings, kafka: KafkaCluster) -> Settings:
    """`settings` for services on these brokers, which have the topics now.

    Raises:
        Problem: the brokers hold topics that are not as declared, and that can never be changed.
    """
    from chassis.bus.kafka_topics import apply_topics

    settings = settings.model_copy(
        update={
            "bus": BusKind.KAFKA,
            "kafka_servers": kafka.servers,
            "kafka_security": KafkaSecurity.PLAINTEXT,
        }
    )
    lasting = [drift for drift in await apply_topics(settings) if drift.lasting]
    if lasting:
        raise Problem(f"the topics in this home are of another version: {lasting[0]}", status=1)
    return settings
