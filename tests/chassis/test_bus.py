"""Outbox, embedded bus and consumers together: nothing lost, order per key kept, work shared."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from chassis.bus import Oldest, Partition, PartitionLost, Record
from chassis.bus.embedded import EmbeddedBus, apply_topics
from chassis.db import Database
from chassis.embedded import SUPERUSER
from chassis.outbox import outbox_size
from chassis.relay import relay
from chassis.runtime import Runtime
from chassis.testing import ClusterUnderTest, ServiceUnderTest, SimulatedClock
from chassis.vault import Vault
from contracts.decisions import ClientContactChanged
from contracts.envelope import encode, new_event_id
from contracts.notifications import Channel, MessageSent
from contracts.topics import TOPICS
from tests.chassis.builders import a_payment
from tests.chassis.toy.app import SERVICE

NOW = datetime(2024, 1, 15, tzinfo=UTC)
Connect = Callable[..., Awaitable[Database]]


async def until(condition: Callable[[], Awaitable[bool]], *, within_s: float = 60) -> None:
    """Wait for a condition; so long only where something is broken: two workers and their servers share a machine."""
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.02)


@pytest.fixture
async def connect(toy: ServiceUnderTest, cluster: ClusterUnderTest) -> AsyncIterator[Connect]:
    """`await connect()`: one more process' view of the toy's database; `connect(role)` as another role."""
    opened: list[Database] = []
    name = await toy.db.pool.fetchval("SELECT current_database()")

    async def open_one(role: str = "rekku_notifications") -> Database:
        database = await Database.connect(
            cluster.cluster.url(role, name), "notifications", toy.settings.clock, Vault(""), size=8
        )
        opened.append(database)
        return database

    yield open_one
    for database in opened:
        await database.close()


async def append(database: Database, *events: object, topic: str | None = None) -> None:
    """Put records on the bus as their owner would."""
    rows = []
    for event in events:
        headers, value = encode(event, event_id=new_event_id(), source="/t", time=NOW, traceparent=None)  # type: ignore[arg-type]
        rows.append(
            (topic or event.topic, event.key.encode(), [n for n, _ in headers], [v for _, v in headers], value)  # type: ignore[attr-defined]
        )
    async with database.pool.acquire() as connection:
        await connection.execute("SELECT rekku_bus.append($1::rekku_bus.outgoing[])", rows)


async def paid(toy: ServiceUnderTest) -> list[tuple[str, int, int]]:
    async with toy.transaction() as tx:
        return [
            tuple(row) for row in await tx.fetch("SELECT decision_ref, period_number, times FROM paid ORDER BY seq")
        ]


def a_message(n: int, key: str = "M") -> MessageSent:
    return MessageSent(version=n, message_id=key, template="note", channel=Channel.SMS, sent_at=NOW)


async def test_what_is_committed_reaches_the_bus_and_what_is_rolled_back_does_not(toy: ServiceUnderTest):
    async with toy.transaction() as tx:
        tx.emit(a_message(1))
    with pytest.raises(ZeroDivisionError):
        async with toy.transaction() as tx:
            tx.emit(a_message(2))
            raise ZeroDivisionError
    bus = EmbeddedBus(toy.db, 1)
    async with toy.db.pool.acquire() as connection:
        assert await bus.move(connection, Oldest(100)) == 1
        assert await bus.move(connection, Oldest(100)) == 0
    assert await toy.published() == []


async def test_the_bus_keeps_positions_gapless_and_the_order_of_each_key(toy: ServiceUnderTest, cluster):
    """Writers overlap on purpose; each key is written under one row lock, as aggregates are."""
    writers = 6
    async with toy.transaction() as tx:
        for key in range(3):
            await tx.execute("INSERT INTO offices VALUES ($1, 0, '')", f"K{key}")

    async def write(n: int) -> None:
        for turn in range(20):
            key = f"K{(n + turn) % 3}"
            async with toy.transaction() as tx:
                row = await tx.fetchrow(
                    "UPDATE offices SET version = version + 1 WHERE office_id = $1 RETURNING version", key
                )
                assert row is not None
                tx.emit(a_message(row["version"], key))
                await asyncio.sleep(0)

    bus = EmbeddedBus(toy.db, 1)
    done = asyncio.Event()

    async def relay() -> None:
        async with toy.db.pool.acquire() as connection:
            while await bus.move(connection, Oldest(7)) or not done.is_set():
                await asyncio.sleep(0)

    relaying = asyncio.create_task(relay())
    await asyncio.gather(*(write(n) for n in range(writers)))
    done.set()
    await relaying
    admin = await asyncpg.connect(
        cluster.cluster.url(SUPERUSER, await toy.db.pool.fetchval("SELECT current_database()"))
    )
    rows = await admin.fetch(
        "SELECT partition, position, key, value FROM rekku_bus.records ORDER BY partition, position"
    )
    await admin.close()
    assert len(rows) == writers * 20
    for partition in {row["partition"] for row in rows}:
        positions = [row["position"] for row in rows if row["partition"] == partition]
        assert positions == list(range(len(positions)))
    for key in ("K0", "K1", "K2"):
        versions = [MessageSent.model_validate_json(row["value"]).version for row in rows if row["key"] == key.encode()]
        assert versions == list(range(1, len(versions) + 1))


async def test_a_cursor_over_outbox_ids_would_lose_rows(toy: ServiceUnderTest):
    """The negative control of taking rows by lowest id and deleting them: ids commit out of order."""
    seen, cursor = 0, 0
    slow = toy.transaction()
    early = await slow.__aenter__()
    early.emit(a_message(1, "slow"))
    await early.flush()
    early.outgoing.clear()
    async with toy.transaction() as tx:
        tx.emit(a_message(1, "fast"))
    async with toy.transaction() as tx:
        rows = await tx.fetch("SELECT id FROM outbox WHERE id > $1 ORDER BY id", cursor)
        seen, cursor = seen + len(rows), rows[-1]["id"]
    await slow.__aexit__(None, None, None)
    async with toy.transaction() as tx:
        seen += len(await tx.fetch("SELECT id FROM outbox WHERE id > $1", cursor))
    assert seen == 1, "the cursor has passed the row that committed later"
    async with toy.db.pool.acquire() as connection:
        assert await EmbeddedBus(toy.db, 1).move(connection, Oldest(100)) == 2


async def test_one_process_relays_and_another_takes_over(toy: ServiceUnderTest, connect: Connect):
    first, second = await connect(), await connect()
    relays = [asyncio.create_task(relay(database, EmbeddedBus(database, 1))) for database in (first, second)]

    async def emptied() -> bool:
        return await outbox_size(toy.db) == 0

    async def relaying() -> int:
        return await toy.db.pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )

    async with toy.transaction() as tx:
        tx.emit(a_message(1))
    await until(emptied)
    assert await relaying() == 1
    for one in relays:
        one.cancel()
        await asyncio.gather(one, return_exceptions=True)
        if one is relays[0]:
            async with toy.transaction() as tx:
                tx.emit(a_message(2))
            await until(emptied)
            assert await relaying() == 1
    assert await relaying() == 0


@pytest.mark.parametrize("topic", ["rekku.decisions", "rekku.quotas", "rekku.nowhere"])
async def test_a_service_cannot_write_anothers_topic(toy: ServiceUnderTest, topic: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await append(toy.db, a_message(1), topic=topic)


async def test_a_service_cannot_read_what_is_not_meant_for_it(connect: Connect):
    stranger = await connect("rekku_search")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stranger.pool.fetch("SELECT * FROM rekku_bus.read_records('rekku.client-contacts', 0, 0, 10)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stranger.pool.fetch("SELECT * FROM rekku_bus.records")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stranger.pool.fetch("SELECT * FROM notifications.notes")


async def test_a_partition_count_is_for_ever(cluster, toy: ServiceUnderTest, connect: Connect):
    owner = await connect("rekku_bus")
    changed = replace(TOPICS["rekku.pins"], partitions=9)
    async with owner.pool.acquire() as connection:
        with pytest.raises(ValueError, match="never be changed"):
            await apply_topics(connection, [changed])  # type: ignore[arg-type]


async def run_for(toy: ServiceUnderTest, database: Database, instance: str) -> Runtime:
    settings = toy.settings.model_copy(update={"instance": instance})
    runtime = Runtime(SERVICE, settings, database)
    await runtime.start()
    return runtime


async def test_two_instances_share_the_partitions_and_apply_everything_once(toy: ServiceUnderTest, connect: Connect):
    decisions = await connect("rekku_decisions")
    first = await run_for(toy, await connect(), "1")
    second = await run_for(toy, await connect(), "2")
    shares = (first._subscription._held, second._subscription._held)  # type: ignore[union-attr]

    async def shared() -> bool:
        return all(len(share) > 0 for share in shares) and abs(len(shares[0]) - len(shares[1])) <= 1

    await until(shared)
    for turn in range(1, 6):
        await append(decisions, *(a_payment(decision_ref=f"D-{n}", period_number=turn) for n in range(40)))

    async def all_applied() -> bool:
        return len(await paid(toy)) == 200

    await until(all_applied)
    applied = await paid(toy)
    assert {times for _, _, times in applied} == {1}
    for n in range(40):
        assert [p for ref, p, _ in applied if ref == f"D-{n}"] == [1, 2, 3, 4, 5]
    await first.stop()
    await second.stop()


async def test_when_an_instance_vanishes_the_other_takes_its_partitions(toy: ServiceUnderTest, connect: Connect):
    decisions = await connect("rekku_decisions")
    vanishing = await connect()
    first = await run_for(toy, vanishing, "1")
    held = first._subscription._held  # type: ignore[union-attr]

    async def holds_all() -> bool:
        return len(held) == 12

    await until(holds_all)
    vanishing.pool.terminate()
    stopping = asyncio.create_task(first.tasks.stop())
    second = await run_for(toy, await connect(), "2")
    await append(decisions, *(a_payment(decision_ref=f"D-{n}") for n in range(40)))

    async def all_applied() -> bool:
        return len(await paid(toy)) == 40

    await until(all_applied)
    await second.stop()
    await stopping


async def test_a_position_moves_only_past_finished_records(toy: ServiceUnderTest, connect: Connect):
    """The consumer stops in the middle of a batch: the position stays before what is unfinished."""
    decisions = await connect("rekku_decisions")
    await append(decisions, *(a_payment(decision_ref="D-1", period_number=n) for n in (1, 2, 3)))
    subscription = EmbeddedBus(toy.db, 1).subscribe("m", ["rekku.payments"])
    seen: list[Record] = []

    async def consume(partition: Partition) -> None:
        records = await partition.read(10)
        seen.extend(records)
        if len(seen) <= 3:
            raise ZeroDivisionError("dies before the commit")
        await partition.commit(records[-1].position + 1)
        raise PartitionLost

    running = asyncio.create_task(subscription.run(consume))

    async def finished() -> bool:
        return len(seen) > 3 and await subscription.lag() == 0

    await until(finished)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(seen) == 6


async def test_a_lost_lease_cannot_commit(toy: ServiceUnderTest, connect: Connect):
    await toy.db.pool.execute("SELECT rekku_bus.subscribe($1)", ["rekku.payments"])
    await toy.db.pool.fetch("SELECT * FROM rekku_bus.lease('gone', $1, $2)", timedelta(0), ["rekku.payments"])
    await toy.db.pool.fetch("SELECT * FROM rekku_bus.lease('new', $1, $2)", timedelta(9), ["rekku.payments"])
    commit = "SELECT rekku_bus.commit_position($1, 'rekku.payments', 0, 5)"
    assert await toy.db.pool.fetchval(commit, "gone") is False
    assert await toy.db.pool.fetchval(commit, "new") is True


async def test_trimming_keeps_the_newest_of_each_key_and_what_is_unread(toy: ServiceUnderTest, connect: Connect):
    decisions = await connect("rekku_decisions")
    owner = await connect("rekku_bus")
    for version in (1, 2, 3):
        await append(decisions, ClientContactChanged(version=version, client_ref="C-1", sealed=f"v{version}"))
    await toy.db.pool.execute("SELECT rekku_bus.subscribe($1)", ["rekku.client-contacts"])
    assert await owner.pool.fetchval("SELECT rekku_bus.trim_log()") == 0
    await toy.db.pool.fetch("SELECT * FROM rekku_bus.lease('m', $1, $2)", timedelta(9), ["rekku.client-contacts"])
    for partition in range(4):
        await toy.db.pool.fetchval("SELECT rekku_bus.commit_position('m', 'rekku.client-contacts', $1, 3)", partition)
    assert await owner.pool.fetchval("SELECT rekku_bus.trim_log()") == 2


async def test_a_clock_move_wakes_the_timers(toy: ServiceUnderTest, connect: Connect, cluster, tmp_path: Path):
    runtime = await run_for(toy, await connect(), "1")
    async with runtime.database.transaction() as tx:
        await tx.schedule("remember", "tomorrow", tx.now + timedelta(days=1))
    assert isinstance(toy.clock, SimulatedClock)
    await toy.clock.advance(timedelta(days=2))

    async def fired() -> bool:
        async with toy.transaction() as tx:
            return bool(await tx.fetchval("SELECT true FROM fired WHERE key = 'tomorrow'"))

    await until(fired)
    await runtime.stop()
