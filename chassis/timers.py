"""Timers: planned in a transaction, fired in a transaction, by the injected clock.

After an outage every missed timer fires once, in the order it was due. Several processes share
the work with SKIP LOCKED. A timer that fails is tried again later and does not hold up the others.
"""

import asyncio
import logging
from datetime import timedelta

from opentelemetry.trace import SpanKind

from chassis import telemetry
from chassis.clock import CLOCK_CHANNEL
from chassis.db import Database
from chassis.failpoints import reach
from chassis.failures import of_the_moment
from chassis.service import Service

_log = logging.getLogger(__name__)

_POLL_S = 1.0
_LONGEST_RETRY = timedelta(hours=1)

_CLAIM = """
DELETE FROM timers WHERE (kind, key) = (
    SELECT kind, key FROM timers
    WHERE due_at <= $1 AND (retry_at IS NULL OR retry_at <= clock_timestamp()) AND kind = ANY ($2)
    ORDER BY due_at, kind, key LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING kind, key, due_at, payload, attempts
"""


async def fire_one(service: Service, database: Database) -> bool:
    """Fire the timer that has been due for longest; False when none is."""
    claimed = None
    try:
        async with database.transaction() as tx:
            claimed = await tx.fetchrow(_CLAIM, tx.now, list(service.timers))
            if claimed is None:
                return False
            reach("timer.before")
            with telemetry.span(f"timer {claimed['kind']}", SpanKind.INTERNAL):
                await service.timers[claimed["kind"]](tx, claimed["key"], claimed["payload"])
    except Exception as error:
        if claimed is None or of_the_moment(error):
            raise
        _log.exception("the timer %s failed; it is tried again later", claimed["kind"])
        await _put_off(database, claimed["kind"], claimed["key"], claimed["attempts"])
        return True
    reach("timer.after")
    telemetry.timers_fired.add(1, {"service": service.name, "kind": claimed["kind"]})
    return True


async def _put_off(database: Database, kind: str, key: str, attempts: int) -> None:
    pause = min(_LONGEST_RETRY, timedelta(seconds=2**attempts))
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE timers SET attempts = attempts + 1, retry_at = clock_timestamp() + $3 WHERE kind = $1 AND key = $2",
            kind,
            key,
            pause,
        )


async def fire_timers(service: Service, database: Database) -> None:
    """Fire timers as they come due, until timers cannot be read."""
    async with database.connection() as listening:

        def wake(*_: object) -> None:
            database.timers_planned.set()

        await listening.add_listener(CLOCK_CHANNEL, wake)
        try:
            while True:
                database.timers_planned.clear()
                while await fire_one(service, database):
                    pass
                await _planned_or_poll(database.timers_planned)
        finally:
            if not listening.is_closed():
                await listening.remove_listener(CLOCK_CHANNEL, wake)


async def _planned_or_poll(planned: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_POLL_S):
            await planned.wait()
    except TimeoutError:
        return
