"""Databases that tests use one after another: nothing that one test did is there in the next.

To make a database costs little; that everything in it is new costs more. A connection to it starts with empty
caches and has every type looked up and every statement parsed and planned anew, which is half of what a short
test takes. So a test hands its database on, with the connections open, as a service finds it after its start.
Where that cannot be relied on, since its schema was altered, or something still runs or is connected, it is
dropped, and the next test gets a new one.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from chassis.clock import ClockKind, set_simulated_now
from chassis.db import Database
from chassis.embedded import KEYS_DATABASE, SUPERUSER
from chassis.probe import Probe
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.settings import Settings
from chassis.testing import CLOCK_START, ClusterUnderTest, ServiceUnderTest, SimulatedClock
from chassis.vault import Vault

MOST_USES = 50
"""Rows that were deleted leave their place behind, so that no database is used for ever."""

_DISCONNECTED_WITHIN_S = 0.5
_NUMBERS = count(1)

_NOTE_ALTERATIONS = """
CREATE TABLE rekku_testing.altered (command text);
CREATE FUNCTION rekku_testing.note_alteration() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF tg_tag LIKE 'DROP%' OR EXISTS (
        SELECT FROM pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp'
    ) THEN
        INSERT INTO rekku_testing.altered VALUES (tg_tag);
    END IF;
END $$;
CREATE EVENT TRIGGER rekku_testing ON ddl_command_end EXECUTE FUNCTION rekku_testing.note_alteration();
"""

_TABLES = """
SELECT format('%I.%I', nspname, relname) AS name, (
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT IN ('information_schema', 'rekku_testing') AND nspname NOT LIKE 'pg\\_%'
ORDER BY 1
"""

_HAVE_A_SAY = """
SELECT format('trigger %I of %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE tgenabled IN ('A', 'R')
UNION ALL SELECT format('rule %I of %s', rulename, ev_class::regclass) FROM pg_rewrite WHERE ev_enabled IN ('A', 'R')
"""

_SEQUENCES = """
SELECT format('SELECT setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
    coalesce(last_value, start_value), last_value IS NOT NULL)
FROM pg_sequences
"""

# What is known of a session stays: that is what is to be kept.
_LEAVE_SESSION = """
SET SESSION AUTHORIZATION DEFAULT; RESET ROLE;
SELECT pg_advisory_unlock_all(), pg_stat_force_next_flush(); CLOSE ALL; UNLISTEN *; RESET ALL; DISCARD TEMP
"""

_STATE = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
    AS connected, EXISTS (SELECT FROM rekku_testing.altered) AS altered
"""


async def install_reset(connection: asyncpg.Connection) -> None:
    """Keep what stands in a database now, for `SELECT rekku_testing.reset()`; note whatever alters its schema later.

    Args:
        connection: a superuser's.

    Raises:
        NotImplementedError: a trigger or a rule would have a say in what is put back.
    """
    if found := await connection.fetchval(_HAVE_A_SAY):
        raise NotImplementedError(f"{found} is enabled always: a reset would fire it")
    await connection.execute("CREATE SCHEMA rekku_testing")
    tables = await connection.fetch(_TABLES)
    steps = [f"DELETE FROM {table['name']}" for table in tables]
    for number, table in enumerate(tables):
        kept = f"rekku_testing.kept_{number}"
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table['name']})"):
            await connection.execute(f"CREATE TABLE {kept} AS TABLE {table['name']}")
            name, columns = table["name"], table["columns"]
            steps.append(f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {kept}")
    steps += [f"PERFORM{row[0].removeprefix('SELECT')}" for row in await connection.fetch(_SEQUENCES)]
    body = ";\n".join(steps)
    # No trigger, and no foreign key, has a say in what is put back as it was.
    await connection.execute(
        "CREATE FUNCTION rekku_testing.reset() RETURNS void LANGUAGE plpgsql"
        f" SET session_replication_role = replica AS $$ BEGIN\n{body};\nEND $$"
    )
    await connection.execute(_NOTE_ALTERATIONS)


@dataclass(eq=False)
class Ready:
    """A database that a service has started on, with the connections that tests use."""

    url: Callable[[str], str]
    name: str
    pool: asyncpg.Pool
    superuser: asyncpg.Connection
    uses: int = 0

    async def reset(self) -> bool:
        """Make it what it was before the test; False where nobody should use it again."""
        self.uses += 1
        if self.uses >= MOST_USES or self.pool.is_closing() or self.pool.get_idle_size() < self.pool.get_size():
            return False
        try:
            if not await self._left_alone():
                return False
            await self._leave_sessions()
            await self.superuser.execute("SELECT rekku_testing.reset()")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False
        return True

    async def _left_alone(self) -> bool:
        """Whether the schema is what it was and only our own connections are there, or soon will be."""
        deadline = time.monotonic() + _DISCONNECTED_WITHIN_S
        while True:
            state = await self.superuser.fetchrow(_STATE)
            if state["altered"]:
                return False
            if state["connected"] == self.pool.get_size():
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.002)

    async def _leave_sessions(self) -> None:
        async with AsyncExitStack() as stack:
            size = self.pool.get_idle_size()
            connections = [await stack.enter_async_context(self.pool.acquire()) for _ in range(size)]
            for connection in connections:
                await connection.execute(_LEAVE_SESSION)

    async def close(self) -> None:
        """Close every connection to it, also those that somebody still has."""
        if self.pool.get_idle_size() < self.pool.get_size():
            self.pool.terminate()
        await self.pool.close()
        await self.superuser.close()


class Databases:
    """The databases of a run, for each service those that no test uses just now."""

    def __init__(self, cluster: ClusterUnderTest, admin: asyncpg.Connection, keys: asyncpg.Pool) -> None:
        self._cluster = cluster
        self._admin = admin
        self._keys = keys
        self._stack = AsyncExitStack()
        self._templates: dict[Hashable, str] = {}
        self._idle: defaultdict[Hashable, list[Ready]] = defaultdict(list)

    @asynccontextmanager
    async def serve(self, service: Service, home: Path, **changed: Any) -> AsyncIterator[ServiceUnderTest]:
        """`service` as after its start, its clock at `CLOCK_START`, with some settings changed."""
        kind = (service.name, service.root, service.startup)
        running = asyncio.all_tasks()
        async with AsyncExitStack() as stack:
            ready = self._idle[kind].pop() if self._idle[kind] else await self._make(kind, service)
            stack.push_async_callback(self._take_back, kind, ready, running)
            settings = _changed(self._cluster.settings(service.name, ready.name, home), changed)
            probe = Probe(settings.database_url.get_secret_value())
            stack.callback(probe.close)
            vault = Vault(self._keys, settings.secret.get_secret_value())
            database = Database(ready.pool, service.name, settings.clock, vault, probe)
            clock = SimulatedClock(ready.url(SUPERUSER), ready.superuser)
            tested = ServiceUnderTest(service, Runtime(service, settings, database), database, clock)
            stack.push_async_callback(tested.close_clients)
            yield tested

    async def _take_back(self, kind: Hashable, ready: Ready, running: set[asyncio.Task[Any]]) -> None:
        """Keep a database for the next test, where this one has left nothing in it and no task behind."""
        left_running = asyncio.all_tasks() - running - {asyncio.current_task()}
        if not left_running and await ready.reset():
            self._idle[kind].append(ready)
        else:
            await ready.close()
            await self._admin.execute(f"DROP DATABASE {ready.name} WITH (FORCE)")

    async def close(self) -> None:
        """Close every connection; the databases go with their server."""
        for ready in (each for idle in self._idle.values() for each in idle):
            await ready.close()
        await self._stack.aclose()

    async def _make(self, kind: Hashable, service: Service) -> Ready:
        if kind not in self._templates:
            self._templates[kind] = await self._started(service)
        name = f"again_{os.getpid()}_{next(_NUMBERS)}"
        await self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {self._templates[kind]} STRATEGY FILE_COPY")
        database = await self._connect(service, name, size=20)
        return Ready(
            lambda role: self._cluster.cluster.url(role, name),
            name,
            database.pool,
            await asyncpg.connect(self._cluster.cluster.url(SUPERUSER, name), command_timeout=10),
        )

    async def _started(self, service: Service) -> str:
        """A database that the service has started on and left."""
        name = await self._stack.enter_async_context(self._cluster.database([service]))
        superuser = await asyncpg.connect(self._cluster.cluster.url(SUPERUSER, name))
        await set_simulated_now(superuser, CLOCK_START)
        if service.startup is not None:
            database = await self._connect(service, name, size=1)
            await database.run(service.startup)
            await database.close()
        await install_reset(superuser)
        await superuser.close()
        return name

    async def _connect(self, service: Service, name: str, size: int) -> Database:
        url = self._cluster.cluster.url(f"rekku_{service.name}", name)
        return await Database.connect(url, service.name, ClockKind.SIMULATED, Vault(self._keys), size=size)


def _changed(settings: Settings, changed: Mapping[str, Any]) -> Settings:
    """Settings as a process with these would have them: what it would refuse is refused here."""
    kept = {name: getattr(settings, name) for name in type(settings).model_fields}
    if unknown := changed.keys() - kept.keys():
        raise TypeError(f"there are no settings {', '.join(unknown)}")
    return type(settings)(**(kept | changed))


@asynccontextmanager
async def databases_of(cluster: ClusterUnderTest) -> AsyncIterator[Databases]:
    """The databases of a run on `cluster`; every connection is closed afterwards."""
    async with AsyncExitStack() as stack:
        admin = await asyncpg.connect(cluster.cluster.url(SUPERUSER, "postgres"))
        stack.push_async_callback(admin.close)
        keys = await stack.enter_async_context(
            asyncpg.create_pool(cluster.cluster.url(KEYS_DATABASE, KEYS_DATABASE), min_size=0, max_size=4)
        )
        databases = Databases(cluster, admin, keys)
        stack.push_async_callback(databases.close)
        yield databases
