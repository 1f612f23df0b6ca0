"""The relay from the outbox to Apache Kafka, beside a producer that sends the same bytes from memory.

The limit is aiokafka's batching producer with the same keys, headers, partitions, acknowledgement by
all replicas and idempotence, and no database. `ratio` is the relay's rate over that of `send`, called
for every record; `ratio_of_own_batches` over the fastest that aiokafka can do, batches made by hand
and all of them queued at once. Targets: ratio >= 0.5, and from commit to acknowledgement p99 <= 25 ms
at 200 events/s.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from bench.stage import keep, machine, new_home, one_broker, quantiles, say
from chassis.bus.kafka import KafkaBus, connection_options
from chassis.clock import ClockKind
from chassis.db import Database
from chassis.embedded import Cluster, migrate_services, provision, start_cluster
from chassis.relay import relay
from chassis.settings import Settings
from chassis.vault import Vault
from contracts.envelope import EVENTS, Event, Header
from contracts.topics import SERVICES, TOPICS
from services.courses.app import SERVICE

EXAMPLES = Path(__file__).parents[1] / "contracts" / "examples"
RECORDS = 40_000
RECORDS_PER_KEY = 5
ROUNDS = 5
EVENTS_PER_S = 200
MEASURED_S = 15
_COLUMNS = ("topic", "key", "header_names", "header_values", "value")


@dataclass(frozen=True)
class Outgoing:
    """A record as it stands in the outbox."""

    topic: str
    key: bytes
    headers: list[Header]
    value: bytes

    @property
    def row(self) -> tuple[Any, ...]:
        names, values = zip(*self.headers, strict=True)
        return (self.topic, self.key, list(names), list(values), self.value)

    @property
    def bytes(self) -> int:
        return len(self.key) + len(self.value) + sum(len(name) + len(value) for name, value in self.headers)


async def run() -> dict[str, Any]:
    """Measure both; the figures are also written to `bench/results/relay.json`."""
    facts = machine()
    with new_home() as home:
        cluster = await asyncio.to_thread(start_cluster, home, (*SERVICES, "gateway"))
        try:
            await provision(cluster, (*SERVICES, "gateway"))
            await migrate_services(cluster, [SERVICE])
            database = await Database.connect(
                cluster.url("rekku_courses"), SERVICE.name, ClockKind.REAL, Vault(""), size=20
            )
            async with one_broker(home) as settings:
                figures = await _rates(cluster, database, settings)
                for name, value in quantiles(await _commit_to_acknowledgement(database, settings)).items():
                    figures[f"commit_to_ack_{name}"] = value
            await database.close()
        finally:
            await asyncio.to_thread(cluster.stop)
    return keep("relay", facts, {**figures, "events_per_s": EVENTS_PER_S})


def records() -> list[Outgoing]:
    """The courses service's events as the contract's examples have them, a few for each key."""
    examples = [json.loads(path.read_text()) for path in sorted(EXAMPLES.glob("courses.*/*.json"))]
    made = []
    for number, example in enumerate(islice(cycle(examples), RECORDS)):
        subject = f"{example['headers']['ce_subject'][:-6]}{number // (RECORDS_PER_KEY * len(examples)):06}"
        headers = [(name, value.encode()) for name, value in (example["headers"] | {"ce_subject": subject}).items()]
        event = EVENTS[example["headers"]["ce_type"]]
        value = json.dumps(example["data"], separators=(",", ":"), ensure_ascii=False).encode()
        made.append(Outgoing(event.topic, subject.encode(), headers, value))
    return made


async def _rates(cluster: Cluster, database: Database, settings: Settings) -> dict[str, Any]:
    """Records a second, each way in turn, so that whatever else the machine does hits all of them."""
    outgoing = records()
    rates: dict[str, list[float]] = {"send": [], "own_batches": [], "relay": []}
    producer = AIOKafkaProducer(
        **connection_options(settings), acks="all", enable_idempotence=True, max_batch_size=256 * 1024
    )
    await producer.start()
    owner = await asyncpg.connect(cluster.url("rekku_courses_owner"), server_settings={"search_path": database.service})
    try:
        for turn in range(ROUNDS + 1):
            took = {
                "send": await _timed(_send(producer, outgoing)),
                "own_batches": await _timed(_send_in_batches(producer, outgoing)),
                "relay": await _relay(owner, database, settings, outgoing),
            }
            if turn:
                for name, seconds in took.items():
                    rates[name].append(RECORDS / seconds)
                say(", ".join(f"{name} {RECORDS / seconds:,.0f}/s" for name, seconds in took.items()))
    finally:
        await owner.close()
        await producer.stop()
    typical = {name: median(found) for name, found in rates.items()}
    return {
        "records": RECORDS,
        "bytes_per_record": round(sum(one.bytes for one in outgoing) / RECORDS),
        "relay_per_s": round(typical["relay"]),
        "limit_per_s": round(typical["send"]),
        "own_batches_per_s": round(typical["own_batches"]),
        "ratio": _ratio(rates["relay"], rates["send"]),
        "ratio_of_own_batches": _ratio(rates["relay"], rates["own_batches"]),
    }


def _ratio(ours: Sequence[float], limit: Sequence[float]) -> float:
    """The middle one of the rounds' ratios: both sides of each met the same machine."""
    return round(median(mine / theirs for mine, theirs in zip(ours, limit, strict=True)), 3)


async def _timed(work: Any) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _send(producer: AIOKafkaProducer, outgoing: Sequence[Outgoing]) -> None:
    sent = [
        await producer.send(record.topic, key=record.key, value=record.value, headers=record.headers)
        for record in outgoing
    ]
    await asyncio.gather(*sent)


async def _send_in_batches(producer: AIOKafkaProducer, outgoing: Sequence[Outgoing]) -> None:
    """Every batch by hand, and full; a batch waits only for those before it in its partition."""
    places: dict[tuple[str, int], list[Any]] = {}
    for record in outgoing:
        batches = places.setdefault((record.topic, _partition_of(record.key, record.topic)), [])
        told = {"timestamp": None, "key": record.key, "value": record.value, "headers": record.headers}
        if not batches or batches[-1].append(**told) is None:
            batches.append(producer.create_batch())
            batches[-1].append(**told)

    async def send(topic: str, partition: int, batches: Sequence[Any]) -> None:
        for sent in [await producer.send_batch(batch, topic, partition=partition) for batch in batches]:
            await sent

    await asyncio.gather(*(send(*place, batches) for place, batches in places.items()))


@lru_cache(maxsize=RECORDS)
def _partition_of(key: bytes, topic: str) -> int:
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % TOPICS[topic].partitions


async def _relay(
    owner: asyncpg.Connection, database: Database, settings: Settings, outgoing: Sequence[Outgoing]
) -> float:
    """Seconds from the start of a relay with a full outbox until it is empty."""
    await owner.execute("TRUNCATE outbox")
    rows = [record.row for record in outgoing]
    await owner.copy_records_to_table("outbox", columns=_COLUMNS, records=rows)
    await owner.execute("ANALYZE outbox")
    bus = KafkaBus(database, settings)
    await bus._started_producer()
    started = time.perf_counter()
    relaying = asyncio.create_task(relay(database, bus))
    while await owner.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
        await asyncio.sleep(0.01)
    seconds = time.perf_counter() - started
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)
    await bus.close()
    return seconds


class _WatchedBus(KafkaBus):
    """Notes when each event was acknowledged."""

    def __init__(self, database: Database, settings: Settings) -> None:
        super().__init__(database, settings)
        self.acknowledged: dict[bytes, float] = {}

    async def _send(self, rows: Sequence[asyncpg.Record]) -> list[int]:
        sent = await super()._send(rows)
        now, ids = time.perf_counter(), set(sent)
        for row in rows:
            if row["id"] in ids:
                self.acknowledged[_event_id(row["header_names"], row["header_values"])] = now
        return sent


async def _commit_to_acknowledgement(database: Database, settings: Settings) -> list[float]:
    """Seconds from each transaction's end to the acknowledgement of its event, at a fixed rate."""
    examples = [json.loads(path.read_text()) for path in sorted(EXAMPLES.glob("courses.*/*.json"))]
    events = [EVENTS[example["headers"]["ce_type"]].model_validate(example["data"]) for example in examples]
    committed: dict[bytes, float] = {}
    bus = _WatchedBus(database, settings)
    relaying = asyncio.create_task(relay(database, bus))

    async def one(due: float, event: Event) -> None:
        await asyncio.sleep(due - time.perf_counter())
        async with database.transaction() as tx:
            tx.emit(event)
        names, values = zip(*tx.outgoing[0].headers, strict=True)
        committed[_event_id(names, values)] = time.perf_counter()

    try:
        begin = time.perf_counter() + 1
        async with asyncio.timeout(MEASURED_S + 60):
            async with asyncio.TaskGroup() as group:
                for number, event in enumerate(islice(cycle(events), EVENTS_PER_S * MEASURED_S)):
                    group.create_task(one(begin + number / EVENTS_PER_S, event))
            while committed.keys() - bus.acknowledged.keys():
                await asyncio.sleep(0.01)
    finally:
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await bus.close()
    # The acknowledgement can be there before the transaction's end is known here: then it took no time.
    return [max(0.0, bus.acknowledged[event_id] - at) for event_id, at in committed.items()]


def _event_id(names: Sequence[str], values: Sequence[bytes]) -> bytes:
    return values[names.index("ce_id")]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
