"""The relay: moves committed outbox rows to the bus, one active relay per service.

Rows are taken by lowest id and removed when the bus has them; never by a cursor over ids, because
ids commit out of order. Per key the order is right: rows are written under the aggregate's lock.
"""

import asyncio
import logging
import time

import asyncpg

from chassis import telemetry
from chassis.bus import Bus, BusUnavailable
from chassis.db import Connection, Database
from chassis.failures import backoff_s, of_the_moment
from chassis.settled import Settled

_log = logging.getLogger(__name__)

_BATCH = 500
_POLL_S = 0.25
_STANDBY_POLL_S = 1.0
_GATHER_S = 0.004
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('rekku relay ' || current_schema(), 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('rekku relay ' || current_schema(), 0))"
# What the planner knows of a table that is full one minute and empty the next is always wrong: without
# this it may sort the whole outbox for every batch.
_BY_ID = "SET enable_sort = off"
_AS_EVER = "RESET enable_sort"

_LOOK_AFTER = 2_000
_FROM_THE_START_EVERY_S = 60.0
_LOWEST = "SELECT min(id) FROM outbox WHERE id >= $1"


class Floor:
    """An id below which the outbox can never show a row again, so that the relay need not look there.

    While a long transaction is open anywhere in the database (a backup, somebody's report), nothing
    that the relay deletes can be cleaned up, and looking for the lowest row walks over all of it.

    Where the table is settled (`chassis.settled`), what is gone is gone for good. A floor ends with its connection.

    Once a minute the relay looks from the start all the same: what should be impossible (ids given
    by hand, a sequence set back) would be late and not lost.
    """

    def __init__(self) -> None:
        self._floor = 0
        self._settled = Settled("outbox", "id")
        self._moved = 0
        self._from_the_start_at = time.monotonic() + _FROM_THE_START_EVERY_S

    def where(self) -> int:
        """The id to look from."""
        if time.monotonic() < self._from_the_start_at:
            return self._floor
        self._from_the_start_at = time.monotonic() + _FROM_THE_START_EVERY_S
        return 0

    async def follow(self, connection: Connection, moved: int) -> None:
        """Rise behind the rows that were moved, every few thousand of them."""
        self._moved += moved
        if self._moved < _LOOK_AFTER:
            return
        self._moved = 0
        settled = await self._settled.up_to(connection) + 1
        lowest = await connection.fetchval(_LOWEST, self._floor)
        self._floor = settled if lowest is None else min(settled, lowest)


async def relay(database: Database, bus: Bus) -> None:
    """Move rows as they come, for ever; stands by while another process of the service relays."""
    failures = 0
    while True:
        try:
            async with database.connection() as connection:
                while not await connection.fetchval(_LOCK):
                    await asyncio.sleep(_STANDBY_POLL_S)
                try:
                    await connection.execute(_BY_ID)
                    floor = Floor()
                    while True:
                        database.outbox_written.clear()
                        moved = await bus.move(connection, _BATCH, floor.where())
                        await floor.follow(connection, moved)
                        failures = 0
                        if moved:
                            telemetry.records_sent.add(moved, {"service": database.service})
                        if moved < _BATCH:
                            await _written_or_poll(database.outbox_written)
                finally:
                    await _unlock(connection)
        except BusUnavailable as error:
            failures += 1
            if failures.bit_count() == 1:
                _log.warning("the bus is away, %s rows wait in the outbox: %s", await _rows_waiting(database), error)
            await asyncio.sleep(backoff_s(failures, first_s=0.1, most_s=5.0))
        except Exception as error:
            # What PostgreSQL refuses for good is tried again too: it is one row's or topic's fault, not the relay's.
            if not (of_the_moment(error) or isinstance(error, asyncpg.PostgresError)):
                raise
            failures += 1
            _log.warning("the outbox cannot be moved, trying again: %s", type(error).__name__)
            await asyncio.sleep(backoff_s(failures, first_s=0.1))


async def _unlock(connection: Connection) -> None:
    """Give the lock back; a connection that cannot must not go on living with it in the pool."""
    if connection.is_closed():
        return
    try:
        await connection.execute(_AS_EVER)
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


async def _rows_waiting(database: Database) -> str:
    try:
        return str(await outbox_size(database))
    except Exception as error:
        if not of_the_moment(error):
            raise
        return "some"


async def outbox_size(database: Database) -> int:
    """Rows that are not on the bus yet."""
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM outbox"))
