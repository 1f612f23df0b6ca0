"""Moments that are too short to kill in, held open with locks in the database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from tests.failpoints.rounds import until

_HELD = 4711
_TRAP = f"""
CREATE FUNCTION registration.hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({_HELD});
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON registration.outbox DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.key = '%s'::bytea) EXECUTE FUNCTION registration.hold();
"""


@asynccontextmanager
async def commits_held(admin: asyncpg.Connection, key: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Registration's transactions that emit for `key` have their outbox ids, but do not commit before the end.

    Gives a function that waits until there is one.
    """
    await admin.execute(_TRAP % key)
    await admin.execute("SELECT pg_advisory_lock($1)", _HELD)

    async def one_waits() -> bool:
        return await admin.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted)", _HELD
        )

    try:
        yield lambda: until(one_waits, "a commit is held")
    finally:
        await admin.execute("SELECT pg_advisory_unlock($1)", _HELD)
        await admin.execute("DROP FUNCTION registration.hold CASCADE")


@asynccontextmanager
async def table_held(admin: asyncpg.Connection, table: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Nobody can write to the table before the end; gives a function that waits until somebody wants to."""

    async def one_waits() -> bool:
        return await admin.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = $1::regclass AND NOT granted)", table
        )

    async with admin.transaction():
        await admin.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        yield lambda: until(one_waits, f"somebody wants to write to {table}")
