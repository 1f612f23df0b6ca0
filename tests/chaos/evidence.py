"""What is left after a run: every row, every record, every SMS, and what the clients were told."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from confluent_kafka import Consumer, KafkaException, TopicPartition

from chassis.embedded import SUPERUSER, Cluster
from contracts.envelope import TYPE_PREFIX, attributes_of
from contracts.topics import SERVICES, TOPICS, read_by
from tests.chaos.client import CarefulClient, Done

_EVERY_SERVICE = ("outbox", "dead_letters", "parked_keys", "parked_records", "audit")
TABLES = {
    "registration": ("providers", "offices", "contracts", "services", "announced_counts", "decisions", "courses"),
    "courses": (
        "contracts",
        "offices",
        "service_descriptions",
        "place_ledgers",
        "courses",
        "decisions",
        "pins",
        "reports",
    ),
    "decisions": (
        *("contracts", "services", "courses", "pins", "announced_counts", "quotas", "decisions"),
        *("first_grants", "payments", "client_contacts", "differences"),
    ),
    "notifications": (
        *("contracts", "services", "decisions", "courses", "pins", "client_contacts", "count_uses", "quotas"),
        *("messages", "surveys", "invitations", "invitation_stages", "answers", "sealed_answers", "feedback_totals"),
    ),
    "search": ("providers", "offices", "contracts", "services", "courses", "feedback_averages", "quotas", "offerings"),
}
"""What is read of each service, besides what every service has."""

_POLL_S = 1.0
_WITHIN_S = 10.0
_BATCH = 1000

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """A record as it stands on its topic; `event` is the wire type without our prefix."""

    topic: str
    partition: int
    position: int
    key: str
    event_id: str
    event: str
    body: Row

    @property
    def version(self):
        """The version of the aggregate."""
        return self.body["version"]


@dataclass
class Evidence:
    """Everything the checks look at.

    `tables` by `service.table`; `progress` by instance; `lag` by service; `shown` is the search's own
    answer by course number; `phones` are the message ids of the SMS that came.
    """

    done: Sequence[Done] = ()
    unanswered: Sequence[str] = ()
    errors: Sequence[str] = ()
    records: Sequence[Seen] = ()
    tables: dict[str, list[Row]] = field(default_factory=dict)
    progress: dict[str, Row] = field(default_factory=dict)
    lag: dict[str, int] = field(default_factory=dict)
    shown: dict[int, Row] = field(default_factory=dict)
    phones: Sequence[str] = ()


async def read_tables(cluster: Cluster) -> dict[str, list[Row]]:
    """Every row of every table in `TABLES`, past row-level security, as of one moment."""
    connection = await asyncpg.connect(cluster.url(SUPERUSER))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {
                f"{service}.{table}": [dict(row) for row in await connection.fetch(f"SELECT * FROM {service}.{table}")]
                for service in SERVICES
                for table in (*TABLES[service], *_EVERY_SERVICE)
            }
    finally:
        await connection.close()


def read_lag(servers: str) -> dict[str, int]:
    """Records between each group's committed positions and the ends of its topics, by service."""
    return {service: _lag_of(servers, service) for service in SERVICES}


def _lag_of(servers, service):
    consumer = Consumer({"bootstrap.servers": servers, "group.id": f"rekku.{service}", "log_level": 0})
    try:
        places = [
            TopicPartition(topic.name, number) for topic in read_by(service) for number in range(topic.partitions)
        ]
        behind = 0
        for committed in consumer.committed(places, timeout=_WITHIN_S):
            low, high = consumer.get_watermark_offsets(committed, timeout=_WITHIN_S)
            behind += high - max(low, committed.offset)
        return behind
    finally:
        consumer.close()


def read_topics(servers: str) -> list[Seen]:
    """Every record of every topic, in the order of its partition.

    Raises:
        KafkaException: the brokers do not answer.
    """
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "rekku-chaos", "log_level": 0})
    try:
        ends = {}
        for topic in TOPICS.values():
            for number in range(topic.partitions):
                low, high = consumer.get_watermark_offsets(TopicPartition(topic.name, number), timeout=_WITHIN_S)
                if low < high:
                    ends[topic.name, number] = (low, high)
        consumer.assign([TopicPartition(*place, low) for place, (low, _) in ends.items()])
        found: list[Seen] = []
        left = {place: high for place, (_, high) in ends.items()}
        while left:
            messages = consumer.consume(_BATCH, timeout=_POLL_S)
            found += [_seen(message) for message in messages if not _failed(message)]
            for place in list(left):
                (at,) = consumer.position([TopicPartition(*place)])
                if at.offset >= left[place]:
                    del left[place]
        return sorted(found, key=lambda record: (record.topic, record.partition, record.position))
    finally:
        consumer.close()


def _failed(message):
    error = message.error()
    if error is None:
        return False
    if not error.retriable():
        raise KafkaException(error)
    return True


def _seen(message):
    attributes = attributes_of((name, value or b"") for name, value in message.headers() or ())
    return Seen(
        topic=message.topic(),
        partition=message.partition(),
        position=message.offset(),
        key=(message.key() or b"").decode(),
        event_id=attributes["ce_id"],
        event=attributes["ce_type"].removeprefix(TYPE_PREFIX),
        body=json.loads(message.value() or b"{}"),
    )


def read_phones(sms: Path) -> list[str]:
    """The message id of every SMS that came."""
    return [path.stem for path in sms.glob("*/*.txt")]


async def read_search(client: CarefulClient, numbers: Iterable[int]) -> dict[int, Row]:
    """What the public search says of these courses."""
    numbers, at_once = list(numbers), asyncio.Semaphore(8)

    async def one(number):
        async with at_once:
            return await client.ask("search", f"/courses/{number}")

    pages = await asyncio.gather(*map(one, numbers))
    return {number: page["course"] for number, page in zip(numbers, pages, strict=True) if page is not None}
