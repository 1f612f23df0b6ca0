"""Sessions that have ended go by themselves, whether or not anybody signs in."""

import asyncio

from chassis.db import Database
from chassis.limits import SessionLimits
from chassis.runtime import Runtime
from services.gateway import handlers, store

_EVERY_S = 60.0
_AT_ONCE = 1_000


async def prune(database: Database, limits: SessionLimits, at_once: int = _AT_ONCE) -> int:
    """Remove every ended session, `at_once` in a transaction; how many there were. Several processes share the work."""
    removed, more = 0, True
    while more:
        gone = await database.run(lambda tx: store.remove_ended_sessions(tx, handlers.living(limits), at_once))
        removed, more = removed + gone, gone == at_once
    return removed


async def prune_sessions(runtime: Runtime) -> None:
    """Remove ended sessions, at once and then every minute; ends when cancelled."""
    while True:
        await prune(runtime.database, runtime.settings.sessions)
        await asyncio.sleep(_EVERY_S)
