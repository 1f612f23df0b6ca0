"""Timers: planned in a transaction, fired in a transaction, by the injected clock.

After an outage every missed timer fires once, in the order it was due. Several processes share
the work with SKIP LOCKED. A timer that fails, or meets a lock, is tried again later and does not hold up the others,
however many such there are.
"""

import asyncio
import logging
from datetime import timedelta

from opentelemetry.trace import SpanKind

from chassis import telemetry
from chassis.clock import CLOCK_CHANNEL
from chassis.db import BRIEFLY, Database
from chassis.failpoints import reach
from chassis.failures import of_the_moment
from chassis.service import Service

_log = logging.getLogger(__name__)

_POLL_S = 1.0
_LONGEST_RETRY = timedelta(hours=1)
_LONGEST_REST = timedelta(minutes=1)
"""After a failure of the moment."""

_CLAIM = """
DELETE FROM timers WHERE (kind, key) = (
    SELECT kind, key FROM timers WHERE due_at <= $1 AND kind = ANY ($2) AND {which} LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING kind, key, due_at, payload, attempts
"""
_FIRST_TRY = _CLAIM.format(which="retry_at IS NULL ORDER BY due_at, kind, key")
_NEXT_TRY = _CLAIM.format(which="retry_at <= clock_timestamp() ORDER BY retry_at, kind, key")
# What has failed before comes after all that has not: else enough timers on one lock would take all the time there is.


async def fire_one(service: Service, database: Database) -> bool:
    """Fire the timer that has been due for longest, or one that has failed before; False when none is due."""
    claimed = None
    try:
        # Nobody waits for an answer: a timer that meets a lock soon makes room for the others.
        async with database.transaction(lock_wait=BRIEFLY) as tx:
            kinds = list(service.timers)
            claimed = await tx.fetchrow(_FIRST_TRY, tx.now, kinds) or await tx.fetchrow(_NEXT_TRY, tx.now, kinds)
            if claimed is None:
                return False
            reach("timer.before")
            with telemetry.span(f"timer {claimed['kind']}", SpanKind.INTERNAL):
                await service.timers[claimed["kind"]](tx, claimed["key"], claimed["payload"])
    except Exception as error:
        if claimed is None:
            raise
        kind, passes = claimed["kind"], of_the_moment(error)
        why = type(error).__name__
        _log.warning("the timer %s failed (%s); it is tried again later", kind, why, exc_info=not passes)
        # Where PostgreSQL itself is away this fails as well, and all timers wait.
        longest = _LONGEST_REST if passes else _LONGEST_RETRY
        await _put_off(database, kind, claimed["key"], claimed["attempts"], longest)
        return True
    reach("timer.after")
    telemetry.timers_fired.add(1, {"service": service.name, "kind": claimed["kind"]})
    return True


async def _put_off(database: Database, kind: str, key: str, attempts: int, longest: timedelta) -> None:
    pause = min(longest, timedelta(seconds=2 ** min(attempts, 20)))
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
