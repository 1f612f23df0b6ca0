"""The relay does not walk over what it has moved, and still passes over nothing."""

import json
import time

import asyncpg
import pytest

from chassis import outbox, settled
from chassis.bus import Oldest
from chassis.bus.embedded import EmbeddedBus
from chassis.db import Connection
from chassis.embedded import SUPERUSER
from chassis.outbox import Floor
from chassis.testing import ClusterUnderTest, ServiceUnderTest
from tests.chassis.test_bus import a_message


async def nobody(_connection: Connection, _table: str) -> frozenset[str]:
    """The negative control: nobody is waited for, as with a cursor over ids."""
    return frozenset()


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outbox, "_LOOK_AFTER", 1)


async def write(toy: ServiceUnderTest, count: int, key: str = "M") -> None:
    async with toy.transaction() as tx:
        for n in range(count):
            tx.emit(a_message(n, key))


async def moved(toy: ServiceUnderTest, floor: Floor, most: int = 500) -> int:
    """One turn of the relay's loop."""
    async with toy.db.pool.acquire() as connection:
        count = await EmbeddedBus(toy.db, 1).move(connection, Oldest(most, floor.where()))
        await floor.follow(connection, count)
    return count


@pytest.mark.parametrize(("blind", "found"), [(False, 1), (True, 0)])
async def test_a_row_that_commits_late_is_found_although_the_floor_rises(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch, blind: bool, found: int
):
    if blind:
        monkeypatch.setattr(settled, "writers", nobody)
    floor = Floor()
    slow = toy.transaction()
    early = await slow.__aenter__()
    early.emit(a_message(1, "slow"))
    await early.flush()
    early.outgoing.clear()
    for turn in range(5):
        await write(toy, 3, f"fast-{turn}")
        assert await moved(toy, floor) == 3
    await slow.__aexit__(None, None, None)
    assert await moved(toy, floor) == found


async def test_what_should_be_impossible_is_late_and_not_lost(toy: ServiceUnderTest):
    floor = Floor()
    for _ in range(3):
        await write(toy, 1)
        assert await moved(toy, floor) == 1
    assert floor.where() > 1
    async with toy.transaction() as tx:
        await tx.execute(
            "INSERT INTO outbox (id, topic, key, header_names, header_values, value) OVERRIDING SYSTEM VALUE"
            " VALUES (0, 'rekku.messages', 'M', '{}', '{}', '')"
        )
    assert await moved(toy, floor) == 0
    floor._from_the_start_at = 0
    assert await moved(toy, floor) == 1
    assert floor.where() > 1


async def test_the_floor_stays_below_a_backlog(toy: ServiceUnderTest):
    floor = Floor()
    await write(toy, 30)
    assert [await moved(toy, floor, 7) for _ in range(6)] == [7, 7, 7, 7, 2, 0]
    assert await toy.published() == []


async def test_the_floor_rises_again_when_the_slow_writer_has_ended(toy: ServiceUnderTest):
    floor = Floor()
    slow = toy.transaction()
    early = await slow.__aenter__()
    early.emit(a_message(1, "slow"))
    await early.flush()
    early.outgoing.clear()
    for _ in range(3):
        await write(toy, 1)
        await moved(toy, floor)
    assert floor.where() <= 1
    await slow.__aexit__(None, None, None)
    for _ in range(3):
        await write(toy, 1)
        await moved(toy, floor)
    assert floor.where() > 2


async def test_a_long_transaction_elsewhere_does_not_make_looking_dear(
    toy: ServiceUnderTest, cluster: ClusterUnderTest
):
    reader = await asyncpg.connect(
        cluster.cluster.url(SUPERUSER, await toy.db.pool.fetchval("SELECT current_database()"))
    )
    floor = Floor()
    try:
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            await reader.fetch("SELECT 1")
            for _ in range(10):
                await write(toy, 300)
                assert await moved(toy, floor) == 300
            await write(toy, 1)
            assert await pages_read(toy, floor.where()) < 40
            assert await pages_read(toy, 0) > 100, "without a floor it walks over all that was moved"
    finally:
        await reader.close()


async def pages_read(toy: ServiceUnderTest, floor: int) -> int:
    async with toy.transaction() as tx:
        await tx.execute("SET LOCAL enable_sort = off")
        plan = await tx.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT id FROM outbox WHERE id >= {floor} ORDER BY id LIMIT 500"
        )
    return int(json.loads(plan)[0]["Plan"]["Shared Hit Blocks"])


@pytest.mark.parametrize("every_s", [0.0, 3600.0], ids=["every second", "control: after as many rows as ever"])
async def test_rows_of_a_resting_topic_are_not_walked_over_at_every_move(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch, every_s: float
):
    """However many wait there, and however few are moved beside them; when it goes on they are all looked at."""
    monkeypatch.setattr(outbox, "_LOOK_AFTER", 1_000)
    monkeypatch.setattr(outbox, "_BESIDE_RESTING_EVERY_S", every_s)
    floor, resting = Floor(), frozenset({"rekku.messages"})
    floor._looked_at = time.monotonic()
    await write(toy, 40)
    async with toy.db.pool.acquire() as connection:
        last = await connection.fetchval("SELECT max(id) FROM outbox")
        await floor.follow(connection, 0, resting)
    assert floor.where() == (0 if every_s else last + 1)
    floor.sink()
    assert await moved(toy, floor) == 40
