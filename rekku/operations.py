"""Looking at the bus: topics, events as they come, outboxes; and bringing schemas up to date."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence

import asyncpg
from rich.console import Console
from rich.table import Table

from chassis.bus import Record, as_record
from chassis.bus.embedded import CHANNEL
from chassis.db import Connection
from chassis.embedded import provision
from chassis.migrate import MigrationConflict, migrate, migrations_of
from chassis.settings import Settings
from contracts.envelope import UndecodableRecord, attributes_of
from contracts.topics import TOPICS, Topic
from rekku.home import Home
from rekku.inside import bus_of, database_of
from rekku.problems import Problem
from rekku.services import SERVICES, migrations_folder
from rekku.up import migrate_all, start_database

_BATCH = 500


async def migrate_here(home: Home) -> None:
    """Bring every schema up to date: of the given database, or of this home's own.

    Raises:
        Problem: a system runs here, or the database is of another version.
    """
    owner_url = Settings().owner_database_url.get_secret_value()
    if owner_url:
        await _migrate_there(owner_url)
        return
    home.prepare()
    with home.locked():
        cluster = await start_database(home)
        try:
            await provision(cluster, SERVICES)
            for name, done in (await migrate_all(cluster)).items():
                _tell(name, done)
        finally:
            await asyncio.to_thread(cluster.stop)


async def _migrate_there(owner_url: str) -> None:
    try:
        for name in SERVICES:
            _tell(name, await migrate(owner_url, name, migrations_of(migrations_folder(name))))
    except MigrationConflict as error:
        raise Problem(str(error)) from error
    except (OSError, asyncpg.PostgresError) as error:
        raise Problem(f"the database of REKKU_OWNER_DATABASE_URL cannot be used ({type(error).__name__})") from error


def _tell(service: str, done: Sequence[str]) -> None:
    print(f"{service}: {', '.join(done) if done else 'up to date'}")


async def show_topics(home: Home) -> None:
    """The declarations of `contracts/topics.py`, with counts where a system runs in this home."""
    counts: dict[str, int] = {}
    behind: dict[tuple[str, str], int] = {}
    if home.run() is not None:
        async with bus_of(home) as bus:
            counts = {
                row["topic"]: row["count"]
                for row in await bus.fetch(
                    "SELECT topic, sum(next_position)::bigint AS count FROM heads GROUP BY topic"
                )
            }
            behind = {
                (row["topic"], row["consumer"]): row["behind"]
                for row in await bus.fetch(
                    "SELECT l.topic, l.consumer, sum(h.next_position - l.position)::bigint AS behind"
                    " FROM leases l JOIN heads h USING (topic, partition) GROUP BY 1, 2"
                )
            }
    table = Table(title="Topics", title_justify="left")
    for heading in ("topic", "owner", "key", "partitions", "kept", "personal data", "consumers"):
        table.add_column(heading, overflow="fold")
    if counts:
        table.add_column("records", justify="right")
    for topic in TOPICS.values():
        cells = _topic_cells(topic, behind)
        table.add_row(*cells, *([str(counts.get(topic.name, 0))] if counts else []))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _topic_cells(topic: Topic, behind: dict[tuple[str, str], int]) -> list[str]:
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
    appended = asyncio.Event()
    async with bus_of(home) as bus:
        await bus.add_listener(CHANNEL, lambda *_: appended.set())
        positions = {
            row["partition"]: 0 if from_beginning else row["next_position"]
            for row in await bus.fetch("SELECT partition, next_position FROM heads WHERE topic = $1", topic)
        }
        shown = 0
        while limit is None or shown < limit:
            appended.clear()
            records = await _next_records(bus, topic, positions)
            for record in records:
                positions[record.partition] = record.position + 1
                if key is not None and record.key != key.encode():
                    continue
                print(as_line(record), flush=True)
                shown += 1
                if shown == limit:
                    return
            if not records:
                await _appended_or_gone(bus, appended)


async def _next_records(bus: Connection, topic: str, positions: dict[int, int]) -> list[Record]:
    rows: list[asyncpg.Record] = []
    for partition, position in positions.items():
        rows += await bus.fetch(
            "SELECT * FROM records WHERE topic = $1 AND partition = $2 AND position >= $3 ORDER BY position LIMIT $4",
            topic,
            partition,
            position,
            _BATCH,
        )
    rows.sort(key=lambda row: (row["appended_at"], row["partition"], row["position"]))
    return [as_record(row) for row in rows]


async def _appended_or_gone(bus: asyncpg.Connection[asyncpg.Record], appended: asyncio.Event) -> None:
    """Wait for the next append; a server that went away announces nothing, so look now and then."""
    try:
        async with asyncio.timeout(2):
            await appended.wait()
    except TimeoutError:
        if bus.is_closed():
            raise Problem("the system stopped", status=1) from None


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
    for name in SERVICES:
        async with database_of(home, name) as database, database.transaction(readonly=True) as tx:
            row = await tx.fetchrow(
                "SELECT count(*) AS waiting, extract(epoch FROM clock_timestamp() - min(created_at)) AS age,"
                " rekku_bus.lag() AS lag FROM outbox"
            )
            if row is not None:
                age = "–" if row["age"] is None else f"{row['age']:.1f}"
                table.add_row(name, str(row["waiting"]), age, str(row["lag"]))
    Console().print(table)
