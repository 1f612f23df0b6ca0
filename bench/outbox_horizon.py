"""The outbox while a long transaction elsewhere holds the database's horizon back.

Somebody's REPEATABLE READ transaction stays open while rows pass through the outbox: nothing that the
relay deletes can be cleaned up. Measured are the relay's moves of a few rows to Apache Kafka, as at 200
events/s, with the relay's floor (`chassis.outbox.Floor`) and looking from the start as without one, and
what passes through a full outbox. Target: with 200,000 dead rows at least half of the moves a second
of before.
"""

import asyncio
import json
import time
from typing import Any

import asyncpg

from bench.stage import keep, machine, new_home, one_broker, say
from chassis.bus import Oldest
from chassis.bus.kafka import KafkaBus
from chassis.clock import ClockKind
from chassis.db import Connection, Database
from chassis.embedded import Cluster, migrate_services, provision, start_cluster
from chassis.outbox import Floor
from chassis.vault import Vault
from contracts.topics import SERVICES
from services.courses.app import SERVICE

DEAD_ROWS = (0, 50_000, 200_000)
MOVES = 200
ROWS_PER_MOVE = 5
_FULL_BATCH = 500
_FILL_BY = 5_000
_FILL = """
INSERT INTO outbox (topic, key, header_names, header_values, value)
SELECT 'rekku.courses', convert_to('course-' || n % 100, 'UTF8'), '{ce_id,ce_type}', '{018d30a1,course-created}',
    convert_to(repeat('x', 900), 'UTF8')
FROM generate_series(1, $1::integer) n
"""


async def run() -> dict[str, Any]:
    """Measure before, during and after; the figures are also written to `bench/results/outbox_horizon.json`."""
    facts = machine()
    with new_home() as home:
        cluster = await asyncio.to_thread(start_cluster, home, (*SERVICES, "gateway"))
        try:
            await provision(cluster, (*SERVICES, "gateway"))
            await migrate_services(cluster, [SERVICE])
            database = await Database.connect(cluster.url("rekku_courses"), SERVICE.name, ClockKind.REAL, Vault(""))
            async with one_broker(home) as settings:
                bus = KafkaBus(database, settings)
                figures = await _measured(cluster, database, bus)
                await bus.close()
            await database.close()
        finally:
            await asyncio.to_thread(cluster.stop)
    return keep("outbox_horizon", facts, figures)


async def _measured(cluster: Cluster, database: Database, bus: KafkaBus) -> dict[str, Any]:
    figures: dict[str, Any] = {"rows_per_move": ROWS_PER_MOVE}
    floor = Floor()
    reader = await asyncpg.connect(cluster.url("rekku_courses"))
    async with database.pool.acquire() as connection:
        await connection.execute("SET enable_sort = off")
        await _pass_through(connection, bus, floor, _FULL_BATCH * 20)
        figures["before"] = await _moves(connection, bus, floor)
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            await reader.fetchval("SELECT 1")
            passed = 0
            for dead in DEAD_ROWS:
                through = await _pass_through(connection, bus, floor, dead - passed)
                passed = max(passed, dead)
                with_floor = await _moves(connection, bus, floor)
                without = await _moves(connection, bus, None)
                figures[f"held_{dead}_dead_rows"] = {
                    "with_floor": with_floor,
                    "without_floor": without,
                    "share_of_before": round(with_floor["per_s"] / figures["before"]["per_s"], 3),
                    "share_of_before_without_floor": round(without["per_s"] / figures["before"]["per_s"], 3),
                    "backlog_rows_per_s": through,
                }
                say(f"{dead:,} dead rows: {with_floor['per_s']:g} moves/s, without a floor {without['per_s']:g}")
        figures["after"] = await _moves(connection, bus, floor)
    await reader.close()
    return figures


async def _pass_through(connection: Connection, bus: KafkaBus, floor: Floor, rows: int) -> float | None:
    """Fill the outbox and relay it empty, again and again; rows a second while relaying."""
    seconds = 0.0
    for _ in range(rows // _FILL_BY):
        await connection.execute(_FILL, _FILL_BY)
        started = time.perf_counter()
        moved = _FULL_BATCH
        while moved == _FULL_BATCH:
            moved = await bus.move(connection, Oldest(_FULL_BATCH, floor.where()))
            await floor.follow(connection, moved)
        seconds += time.perf_counter() - started
    return round(rows / seconds) if seconds else None


async def _moves(connection: Connection, bus: KafkaBus, floor: Floor | None) -> dict[str, float]:
    """Moves of a few rows each, the writing not counted; per second, and their p50 and p99."""
    took = []
    for _ in range(MOVES):
        await connection.execute(_FILL, ROWS_PER_MOVE)
        started = time.perf_counter()
        moved = await bus.move(connection, Oldest(_FULL_BATCH, floor.where() if floor else 0))
        if floor:
            await floor.follow(connection, moved)
        took.append(time.perf_counter() - started)
        if moved != ROWS_PER_MOVE:
            raise RuntimeError(f"{moved} rows were moved")
    took.sort()
    return {
        "per_s": round(MOVES / sum(took), 1),
        "p50_ms": round(took[MOVES // 2] * 1000, 2),
        "p99_ms": round(took[int(MOVES * 0.99)] * 1000, 2),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
