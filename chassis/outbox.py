"""The relay: moves committed outbox rows to the bus, one active relay per service.

Rows are taken by lowest id and removed when the bus has them; never by a cursor over ids, because
ids commit out of order. Per key the order is right: rows are written under the aggregate's lock.
"""

import asyncio
import logging

import asyncpg

from chassis import telemetry
from chassis.bus import Bus
from chassis.db import TRANSIENT_ERRORS, Connection, Database, backoff_s

_log = logging.getLogger(__name__)

_BATCH = 500
_POLL_S = 0.25
_STANDBY_POLL_S = 1.0
_GATHER_S = 0.004
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('rekku relay ' || current_schema(), 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('rekku relay ' || current_schema(), 0))"


async def relay(database: Database, bus: Bus) -> None:
    """Move rows as they come, for ever; stands by while another process of the service relays."""
    failures = 0
    while True:
        try:
            async with database.pool.acquire() as connection:
                while not await connection.fetchval(_LOCK):
                    await asyncio.sleep(_STANDBY_POLL_S)
                try:
                    while True:
                        database.outbox_written.clear()
                        moved = await bus.move(connection, _BATCH)
                        failures = 0
                        if moved:
                            telemetry.records_sent.add(moved, {"service": database.service})
                        if moved < _BATCH:
                            await _written_or_poll(database.outbox_written)
                finally:
                    await _unlock(connection)
        except (*TRANSIENT_ERRORS, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            failures += 1
            _log.warning("the outbox cannot be moved, trying again: %s", type(error).__name__)
            await asyncio.sleep(backoff_s(failures, first_s=0.1))


async def _unlock(connection: Connection) -> None:
    """Give the lock back; a connection that cannot must not go on living with it in the pool."""
    if connection.is_closed():
        return
    try:
        await connection.execute(_UNLOCK)
    except BaseException:
        connection.terminate()
        raise


async def _written_or_poll(written: asyncio.Event) -> None:
    """Woken at a commit of this process; polling finds what other processes wrote.

    A moment is left for other commits to join the batch: one move costs a transaction of its own.
    """
    try:
        async with asyncio.timeout(_POLL_S):
            await written.wait()
    except TimeoutError:
        return
    await asyncio.sleep(_GATHER_S)


async def outbox_size(database: Database) -> int:
    """Rows that are not on the bus yet."""
    async with database.pool.acquire() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM outbox"))
