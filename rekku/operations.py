"""Looking at the bus: topics, events as they come, outboxes; and bringing schemas up to date."""

from __future__ import annotations

import asyncio
import heapq
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import asyncpg
from rich.console import Console
from rich.table import Table

from chassis.bus import BusUnavailable, Record
from chassis.embedded import making_ready, provision
from chassis.migrate import MigrationConflict, migrate, migrations_of
from chassis.provisioning import owner_of
from chassis.settings import Environment, Settings
from contracts.envelope import UndecodableRecord, attributes_of
from contracts.topics import TOPICS, Topic
from rekku.home import Home
from rekku.inside import database_of
from rekku.looking import Behind, Looking, Place, can_look, looking
from rekku.problems import Problem
from rekku.services import SERVICES, migrations_folder
from rekku.up import migrate_all, start_database

_BATCH = 500


async def migrate_here(home: Home) -> None:
    """Bring every schema up to date: of the given database, or of this home's own.

    Raises:
        Problem: a system runs here, the database is of another version, or production names none.
    """
    settings = Settings()
    owner_url = settings.owner_database_url.get_secret_value()
    if owner_url:
        await _migrate_there(owner_url)
        return
    if settings.environment is Environment.PRODUCTION:
        raise Problem("REKKU_OWNER_DATABASE_URL is missing: production has no database in a home")
    home.prepare()
    with home.locked():
        cluster = await start_database(home)
        try:
            with making_ready(cluster):
                await provision(cluster, SERVICES)
                applied = await migrate_all(cluster)
            for name, done in applied.items():
                _tell(name, done)
        finally:
            await asyncio.to_thread(cluster.stop)


async def _migrate_there(owner_url: str) -> None:
    try:
        for name in SERVICES:
            wanted = migrations_of(migrations_folder(name))
            _tell(name, await migrate(owner_url, name, wanted, role=owner_of(name)))
    except MigrationConflict as error:
        raise Problem(str(error)) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Problem(f"the database of REKKU_OWNER_DATABASE_URL cannot be used ({type(error).__name__})") from error


def _tell(service: str, done: Sequence[str]) -> None:
    print(f"{service}: {', '.join(done) if done else 'up to date'}")


async def show_topics(home: Home) -> None:
    """The declarations of `contracts/topics.py`, with counts where there is a bus to look at."""
    counts: Counter[str] = Counter()
    behind: Behind = {}
    live = can_look(home)
    if live:
        async with looking(home) as bus:
            for (topic, _), end in (await bus.ends(TOPICS)).items():
                counts[topic] += end
            behind = await bus.behind()
    table = Table(title="Topics", title_justify="left")
    for heading in ("topic", "owner", "key", "partitions", "kept", "personal data", "consumers"):
        table.add_column(heading, overflow="fold")
    if live:
        table.add_column("records", justify="right")
    for declared in TOPICS.values():
        table.add_row(*_topic_cells(declared, behind), *([str(counts[declared.name])] if live else []))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _topic_cells(topic: Topic, behind: Behind) -> list[str]:
    kept = "newest per key" if topic.compacted else "for ever"
    if topic.retention is not None:
        kept = f"{topic.retention.days} days"
    consumers = []
    for consumer in sorted(topic.consumers):
        late = behind.get((topic.name, consumer), 0)
        consumers.append(f"{consumer} (-{late})" if late else consumer)
    return [
        topic.name,
        topic.owner,
        topic.key,
        str(topic.partitions),
        kept,
        topic.personal_data,
        ", ".join(consumers) or "–",
    ]


async def follow(home: Home, topic: str, *, from_beginning: bool, key: str | None, limit: int | None) -> None:
    """Print a topic's events as they come, in order within each partition.

    Raises:
        Problem: there is no such topic, or nothing runs here.
    """
    if topic not in TOPICS:
        raise Problem(f"there is no topic {topic}; `rekku topics` lists them")
    shown = 0
    async with looking(home) as bus:
        positions = await bus.ends([topic])
        if from_beginning:
            positions = dict.fromkeys(positions, 0)
        while limit is None or shown < limit:
            records = await _next_records(bus, positions)
            for record in records:
                positions[record.topic, record.partition] = record.position + 1
                if key is not None and record.key != key.encode():
                    continue
                print(as_line(record), flush=True)
                shown += 1
                if shown == limit:
                    return
            if not records:
                await bus.appended()


async def _next_records(bus: Looking, positions: Mapping[Place, int]) -> list[Record]:
    """Some of each partition's next records, the oldest first as far as their times say."""
    records: list[Record] = []
    for (topic, partition), end in (await bus.ends({topic for topic, _ in positions})).items():
        position = positions.get((topic, partition), 0)
        if position < end:
            records += await bus.read(topic, partition, position, _BATCH)
    return list(heapq.merge(*_by_partition(records), key=_time_of))


def _by_partition(records: Iterable[Record]) -> Iterable[list[Record]]:
    return (list(group) for _, group in groupby(records, key=lambda record: record.partition))


def _time_of(record: Record) -> str:
    return next((value.decode(errors="replace") for name, value in record.headers if name == "ce_time"), "")


def as_line(record: Record) -> str:
    """A record as one line: partition/position, time, type, key, body."""
    place = f"{record.partition}/{record.position}"
    try:
        attributes = attributes_of(record.headers)
        body = json.dumps(json.loads(record.value or b"null"), ensure_ascii=False)
    except (UndecodableRecord, ValueError):
        return f"{place} (not readable, {len(record.value or b'')} bytes)"
    name = attributes.get("ce_type", "(no type)").removeprefix("fi.kela.rekku.")
    key = (record.key or b"").decode(errors="replace")
    return f"{place} {attributes.get('ce_time', '–')} {name} {key} {body}"


async def show_outboxes(home: Home) -> None:
    """Per service: rows that the bus does not have yet, the oldest one's age, and records not read yet."""
    table = Table("service", title="Outboxes", title_justify="left")
    for heading in ("not on the bus yet", "oldest, s", "not read yet"):
        table.add_column(heading, justify="right")
    records = await unread(home)
    for name in SERVICES:
        async with database_of(home, name) as database, database.transaction(readonly=True) as tx:
            row = await tx.fetchrow(
                "SELECT count(*) AS waiting, extract(epoch FROM clock_timestamp() - min(created_at)) AS age FROM outbox"
            )
        if row is not None:
            age = "–" if row["age"] is None else f"{row['age']:.1f}"
            table.add_row(name, str(row["waiting"]), age, "?" if records is None else str(records[name]))
    Console().print(table)


async def unread(home: Home) -> Counter[str] | None:
    """Records not read yet by each service; None where the bus does not answer, which is when outboxes matter."""
    home.running()
    found: Counter[str] = Counter()
    try:
        async with looking(home) as bus:
            for (_, consumer), records in (await bus.behind()).items():
                found[consumer] += records
    except Problem as problem:
        if not isinstance(problem.__cause__, BusUnavailable):
            raise
        return None
    return found
