"""The relay: moves committed outbox rows to the bus, one active relay per service.

Rows are taken by lowest id and removed when the bus has them; never by a cursor over ids, because
ids commit out of order. Per key the order is right: rows are written under the aggregate's lock.

What the bus does not take holds up nobody else: a topic at fault rests, its rows in place; a row at
fault is set aside with the later ones of its key (`chassis.aside`).
"""

import asyncio
import logging
import time
from dataclasses import dataclass

import asyncpg

from chassis import telemetry
from chassis.aside import any_aside, give_back, set_aside, set_aside_behind
from chassis.bus import Bus, BusUnavailable, Oldest, RowsAtFault, TopicAtFault
from chassis.db import Connection, Database
from chassis.failures import backoff_s, of_the_moment
from chassis.outbox import Floor, outbox_size

_log = logging.getLogger(__name__)

_BATCH = 500
_POLL_S = 0.25
_STANDBY_POLL_S = 1.0
_GATHER_S = 0.004
_GIVE_BACK_EVERY_S = 1.0
_FIRST_REST_S = 1.0
_LONGEST_REST_S = 60.0
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('rekku relay ' || current_schema(), 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('rekku relay ' || current_schema(), 0))"
# What the planner knows of a table that is full one minute and empty the next is always wrong: without
# this it may sort the whole outbox for every batch.
_BY_ID = "SET enable_sort = off"
_AS_EVER = "RESET enable_sort"


@dataclass
class _Rest:
    """A topic is left alone until a moment of the monotonic clock, after so many faults in a row."""

    until: float = 0.0
    faults: int = 0

    def longer(self) -> None:
        self.faults += 1
        self.until = time.monotonic() + min(_LONGEST_REST_S, _FIRST_REST_S * 2 ** min(self.faults - 1, 10))


class Mover:
    """What one relay knows while it holds the lock, which is lost with its connection."""

    def __init__(self, service: str, connection: Connection, bus: Bus) -> None:
        self._of = {"service": service}
        self._connection = connection
        self._bus = bus
        self._floor = Floor()
        self._most = _BATCH
        self._resting: dict[str, _Rest] = {}
        # Whether there are any is looked up at the first turn: a relay before this one may have left some.
        self._some_aside = True
        self._give_back_at = 0.0

    async def turn(self) -> bool:
        """Move some rows; whether there may be more.

        Raises:
            BusUnavailable: the bus takes nothing now.
        """
        await self._give_back()
        await self._wake()
        try:
            moved = await self._move()
        except TopicAtFault as fault:
            self._rest(fault)
            return True
        except RowsAtFault as fault:
            await self._narrow(fault)
            return True
        # Slowly: it may be many rows together that are not taken, and not one of them.
        self._most = min(_BATCH, self._most + 1 + self._most // 8)
        return moved

    async def _move(self) -> bool:
        where, resting = self._floor.where(), frozenset(self._resting)
        behind = await set_aside_behind(self._connection, self._most, where, resting) if self._some_aside else 0
        moved = await self._bus.move(self._connection, Oldest(self._most, where, resting, None, self._some_aside))
        await self._floor.follow(self._connection, moved, resting)
        self._count(moved)
        return behind + moved >= self._most

    def _count(self, moved: int) -> None:
        if moved:
            telemetry.records_sent.add(moved, self._of)

    def let_go(self) -> None:
        """Nothing rests here any more; who relays next finds out by itself what does."""
        for topic in self._resting:
            telemetry.resting_topics.set(0, {**self._of, "topic": topic})

    def _rest(self, fault: TopicAtFault) -> None:
        rest = self._resting.setdefault(fault.topic, _Rest())
        rest.longer()
        telemetry.resting_topics.set(1, {**self._of, "topic": fault.topic})
        if rest.faults.bit_count() == 1:
            _log.error("the topic %s rests, its rows wait in the outbox: %s", fault.topic, fault.why)

    async def _wake(self) -> None:
        """Try one row of each topic that has rested long enough; nobody else's rows are in it."""
        due = [topic for topic, rest in self._resting.items() if rest.until <= time.monotonic()]
        for topic in due:
            try:
                self._count(await self._bus.move(self._connection, Oldest(1, only=topic, some_aside=self._some_aside)))
            except TopicAtFault as fault:
                self._rest(fault)
            except RowsAtFault as fault:
                await self._narrow(fault)
            else:
                del self._resting[topic]
                telemetry.resting_topics.set(0, {**self._of, "topic": topic})
                self._floor.sink()
                _log.warning("the topic %s is published to again", topic)

    async def _narrow(self, fault: RowsAtFault) -> None:
        """Set the row at fault aside; where it is one of several, look at fewer of them."""
        if len(fault.ids) > 1:
            self._most = max(1, min(self._most, len(fault.ids)) // 2)
            return
        place = await set_aside(self._connection, fault.ids[0], str(fault))
        if place is not None:
            self._some_aside = True
            telemetry.rows_set_aside.add(1, {**self._of, "topic": place[0]})
            _log.error("a row of %s is set aside, and later ones of its key behind it: %s", place[0], fault)
        self._most = _BATCH

    async def _give_back(self) -> None:
        if not self._some_aside or time.monotonic() < self._give_back_at:
            return
        self._give_back_at = time.monotonic() + _GIVE_BACK_EVERY_S
        if await give_back(self._connection):
            self._floor.sink()
        self._some_aside = await any_aside(self._connection)


async def relay(database: Database, bus: Bus) -> None:
    """Move rows as they come, for ever; stands by while another process of the service relays."""
    failures = 0
    while True:
        try:
            async with database.connection() as connection:
                while not await connection.fetchval(_LOCK):
                    await asyncio.sleep(_STANDBY_POLL_S)
                mover = Mover(database.service, connection, bus)
                try:
                    await connection.execute(_BY_ID)
                    while True:
                        database.outbox_written.clear()
                        more = await mover.turn()
                        failures = 0
                        if not more:
                            await _written_or_poll(database.outbox_written)
                finally:
                    mover.let_go()
                    await _unlock(connection)
        except BusUnavailable as error:
            failures += 1
            if failures.bit_count() == 1:
                _log.warning("the bus is away, %s rows wait in the outbox: %s", await _rows_waiting(database), error)
            await asyncio.sleep(backoff_s(failures, first_s=0.1, most_s=5.0))
        except Exception as error:
            # What PostgreSQL refuses for good is tried again too: it is nothing that another row could mend.
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
