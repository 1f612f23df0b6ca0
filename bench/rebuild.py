"""Rebuilding the search's read model from its topics: >= 25,000 events/s, beside decoding the same records alone.

Two histories of the same length: one with a single event of each aggregate, where every event has to
be applied, and one as courses write it, where newer events supersede most of the older ones. The
first is read from Apache Kafka as well.
"""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from bench.search_data import all_events, course_histories
from bench.stage import keep, machine, new_home, one_broker, say
from chassis.bus import Record
from chassis.bus.history import EmbeddedHistory, History
from chassis.bus.kafka_history import KafkaHistory
from chassis.clock import ClockKind, utc_now
from chassis.db import Database
from chassis.embedded import Cluster, migrate_services, provision, start_cluster
from chassis.inbox import Inbox
from chassis.projections import Rebuilt, rebuild
from chassis.vault import Vault
from contracts.envelope import Event, Header, decode, encode, new_event_id
from contracts.topics import SERVICES, TOPICS
from services.search.app import SERVICE

_APPEND = 1_000
_READ = 4_000
_LIVE_BATCH = 200
_TIMES = 3

Events = Callable[[], Iterable[Event]]


async def run() -> dict[str, Any]:
    """Fill the topics, project, rebuild and compare; the figures are also written to `bench/results/rebuild.json`."""
    facts = machine()
    return keep(
        "rebuild",
        facts,
        {
            "every_event_counts": await _on_the_embedded_bus(all_events),
            "newer_events_supersede": await _on_the_embedded_bus(course_histories),
            "every_event_counts_on_kafka": await _on_kafka(all_events),
        },
    )


async def _on_the_embedded_bus(events: Events) -> dict[str, Any]:
    async with _search() as (cluster, database):
        await _append(cluster, events())
        return await _measured(database, EmbeddedHistory(database))


async def _on_kafka(events: Events) -> dict[str, Any]:
    with new_home() as home:
        async with one_broker(home) as settings, _search() as (_, database):
            async with AIOKafkaProducer(bootstrap_servers=settings.kafka_servers, linger_ms=5) as producer:
                for event, headers, value in map(_encoded, events()):
                    await producer.send(event.topic, key=event.key.encode(), value=value, headers=headers)
                await producer.flush()
            history = KafkaHistory(settings)
            try:
                return await _measured(database, history)
            finally:
                await history.close()


@asynccontextmanager
async def _search() -> AsyncIterator[tuple[Cluster, Database]]:
    """The search's empty database, and the server it is on."""
    with new_home() as home:
        cluster = await asyncio.to_thread(start_cluster, home, (*SERVICES, "gateway"))
        try:
            await provision(cluster, (*SERVICES, "gateway"))
            await migrate_services(cluster, [SERVICE])
            vault = Vault("")
            database = await Database.connect(cluster.url("rekku_search"), "search", ClockKind.REAL, vault, size=6)
            try:
                yield cluster, database
            finally:
                await database.close()
                await vault.close()
        finally:
            await asyncio.to_thread(cluster.stop)


def _encoded(event: Event) -> tuple[Event, list[Header], bytes]:
    source = f"/rekku/{event.topic}"
    return event, *encode(event, event_id=new_event_id(), source=source, time=utc_now(), traceparent=None)


async def _append(cluster: Cluster, events: Iterable[Event]) -> None:
    """Put the events on the embedded bus as their owners do."""
    owners = {topic: await asyncpg.connect(cluster.url(f"rekku_{TOPICS[topic].owner}")) for topic in SERVICE.topics}
    waiting: dict[str, list[tuple[object, ...]]] = {topic: [] for topic in owners}

    async def flush(topic: str) -> None:
        await owners[topic].execute("SELECT rekku_bus.append($1::rekku_bus.outgoing[])", waiting[topic])
        waiting[topic].clear()

    for event, headers, value in map(_encoded, events):
        names, values = zip(*headers, strict=True)
        waiting[event.topic].append((event.topic, event.key.encode(), list(names), list(values), value))
        if len(waiting[event.topic]) == _APPEND:
            await flush(event.topic)
    for topic, connection in owners.items():
        if waiting[topic]:
            await flush(topic)
        await connection.close()


async def _measured(database: Database, history: History) -> dict[str, Any]:
    logs = await _logs(history)
    records = [record for log in logs for record in log]
    # A consumer has no million records in memory for the garbage collector to walk through.
    gc.collect()
    gc.freeze()
    started = time.perf_counter()
    for record in records:
        decode(record.headers, record.value or b"")
    decoding_s = time.perf_counter() - started
    started = time.perf_counter()
    await _project(database, logs)
    projecting_s = time.perf_counter() - started
    logs.clear()
    records.clear()
    gc.unfreeze()
    gc.collect()
    again = [await rebuild(SERVICE, database, history) for _ in range(_TIMES)]
    if not all(found.same for found in again):
        raise RuntimeError("the rebuilt read model is not the live one")
    best = min(again, key=lambda found: found.seconds)
    count = best.records
    say(f"{count} events in {', '.join(f'{found.seconds:.1f} s' for found in again)}")
    replacing = await _replace_every_course(database, history)
    return {
        "events": count,
        "applied": best.taken,
        "rows": sum(contents.rows for contents in best.tables.values()),
        "events_per_s": round(count / best.seconds),
        "share_of_decoding": round(decoding_s / best.seconds, 3),
        "decoding_alone_events_per_s": round(count / decoding_s),
        "live_projecting_events_per_s": round(count / projecting_s),
        "live_stood_still_ms": round(best.stood_still_s * 1000),
        "rows_replaced": replacing.written,
        "live_stood_still_while_replacing_ms": round(replacing.stood_still_s * 1000),
    }


async def _logs(history: History) -> list[list[Record]]:
    """Every partition that the search reads, whole."""
    logs = []
    for topic in SERVICE.topics:
        for partition in range(TOPICS[topic].partitions):
            log: list[Record] = []
            while records := await history.read(topic, partition, len(log), _READ):
                log += records
            logs.append(log)
    return logs


async def _project(database: Database, logs: list[list[Record]]) -> None:
    """What the live consumer does with the same records."""
    inbox = Inbox(SERVICE, database)

    async def apply(log: list[Record]) -> None:
        for start in range(0, len(log), _LIVE_BATCH):
            await inbox.apply(log[start : start + _LIVE_BATCH])

    await asyncio.gather(*(apply(log) for log in logs if log))


async def _replace_every_course(database: Database, history: History) -> Rebuilt:
    """The longest swap: every course differs."""
    async with database.transaction() as tx:
        await tx.execute("UPDATE courses SET free_places = 0, group_size = group_size + 1")
    return await rebuild(SERVICE, database, history, accept=True)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
