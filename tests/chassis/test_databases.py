"""The databases of these tests: handed on from test to test, with nothing of the one before."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from pydantic import ValidationError

from chassis.bus import Oldest
from chassis.bus.embedded import EmbeddedBus
from chassis.embedded import SUPERUSER
from chassis.testing import ServiceUnderTest
from tests.chassis.builders import a_payment, an_office
from tests.chassis.toy.app import SERVICE
from tests.databases import MOST_USES, Databases, databases_of, install_reset

NOTE = {"note_id": "N-1", "provider_id": "2828286-9", "text": "hello"}


@pytest.fixture(scope="module")
async def databases(cluster) -> AsyncIterator[Databases]:
    """Databases that only the tests of this file use."""
    async with databases_of(cluster) as databases:
        yield databases


async def name_of(toy: ServiceUnderTest) -> str:
    return await toy.db.pool.fetchval("SELECT current_database()")


async def everything_in(cluster, toy: ServiceUnderTest) -> dict[str, list[str]]:
    """The rows of every table, and where each sequence is."""
    connection = await asyncpg.connect(cluster.cluster.url(SUPERUSER, await name_of(toy)))
    tables = await connection.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace IN ("
        "SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$')"
    )
    found = {
        table["name"]: [row[0] for row in await connection.fetch(f"SELECT t::text FROM {table['name']} t ORDER BY 1")]
        for table in tables
    }
    found["sequences"] = [str(row) for row in await connection.fetch("SELECT * FROM pg_sequences ORDER BY 1, 2")]
    await connection.close()
    return found


async def write_everywhere(cluster, toy: ServiceUnderTest) -> None:
    """Through every way that a service has to keep something."""
    answer = await toy.http().post("/notes", json=NOTE, headers={"idempotency-key": "k1"})
    assert answer.status_code == 201
    await toy.deliver(an_office(), a_payment(period_number=1), a_payment(period_number=99), a_payment(period_number=2))
    async with toy.db.pool.acquire() as connection:
        assert await EmbeddedBus(toy.db, 1).move(connection, Oldest(1)) == 1
    async with toy.transaction() as tx:
        await tx.schedule("remember", "tomorrow", tx.now + timedelta(days=1))
    superuser = await asyncpg.connect(cluster.cluster.url(SUPERUSER, await name_of(toy)))
    await superuser.execute("DELETE FROM notifications.migrations")
    await superuser.close()
    await toy.clock.advance(timedelta(days=3))


async def test_nothing_that_a_test_wrote_is_there_in_the_next(cluster, databases, tmp_path):
    async with databases.serve(SERVICE, tmp_path) as first:
        name, before = await name_of(first), await everything_in(cluster, first)
        await write_everywhere(cluster, first)
        after = await everything_in(cluster, first)
        changed = {table for table in before if before[table] != after[table]}
    chassis = ("outbox", "inbox", "timers", "dead_letters", "parked_keys", "parked_records", "idempotency", "audit")
    own = ("notes", "offices", "paid", "migrations")
    assert changed >= {f"notifications.{table}" for table in (*chassis, *own)}
    assert changed >= {"rekku_bus.records", "rekku_clock.simulated", "sequences"}
    async with databases.serve(SERVICE, tmp_path) as second:
        assert (await name_of(second), await everything_in(cluster, second)) == (name, before)


@pytest.mark.parametrize(
    "command",
    [
        "ALTER TABLE notes ADD COLUMN more integer",
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE dead_letters DROP CONSTRAINT dead_letters_check",
        "CREATE TABLE more (a integer)",
        "CREATE FUNCTION more() RETURNS integer LANGUAGE sql RETURN 1",
        "DROP INDEX timers_due",
        "DROP POLICY provider_scope ON notes",
        "GRANT SELECT ON notes TO rekku_search",
    ],
)
async def test_a_database_whose_schema_was_altered_is_not_used_again(databases, tmp_path, command):
    async with databases.serve(SERVICE, tmp_path) as first:
        name = await name_of(first)
        owner = await asyncpg.connect(
            first.settings.owner_database_url.get_secret_value(), server_settings={"search_path": "notifications"}
        )
        await owner.execute(command)
        await owner.close()
    async with databases.serve(SERVICE, tmp_path) as second:
        assert await name_of(second) != name


async def test_a_table_that_goes_with_its_session_alters_nothing(databases, tmp_path):
    """The control of the test above: a projection that is built anew has such tables."""
    async with databases.serve(SERVICE, tmp_path) as first:
        name = await name_of(first)
        await first.db.pool.execute("CREATE TEMPORARY TABLE more (a integer PRIMARY KEY, b text)")
    async with databases.serve(SERVICE, tmp_path) as second:
        assert await name_of(second) == name
        assert await second.db.pool.fetchval("SELECT to_regclass('more')") is None


async def test_a_session_begins_as_new(databases, tmp_path):
    async with databases.serve(SERVICE, tmp_path) as first:
        name = await name_of(first)
        await first.db.pool.execute("SELECT pg_advisory_lock(3), set_config('lock_timeout', '7s', false)")
        await first.db.pool.execute("SET search_path = nowhere; LISTEN something; SET ROLE rekku_notifications")
    async with databases.serve(SERVICE, tmp_path) as second:
        assert await name_of(second) == name
        assert await second.db.pool.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
        assert await second.db.pool.fetchval("SELECT count(*) FROM pg_listening_channels()") == 0
        assert await second.db.pool.fetchval("SHOW lock_timeout") == "5s"
        assert await second.db.pool.fetchval("SHOW search_path") == "notifications"
        assert await second.db.pool.fetchval("SHOW role") == "none"


@pytest.mark.parametrize("says", ["ENABLE ALWAYS TRIGGER speak", "ENABLE REPLICA TRIGGER speak"])
async def test_a_trigger_that_a_reset_would_fire_is_refused(cluster, says):
    async with cluster.database([SERVICE]) as name:
        superuser = await asyncpg.connect(cluster.cluster.url(SUPERUSER, name))
        await superuser.execute(
            "SET search_path = notifications;"
            "CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER speak BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION speak();"
            f"ALTER TABLE notes {says}"
        )
        with pytest.raises(NotImplementedError, match="trigger speak of notes"):
            await install_reset(superuser)
        await superuser.execute("ALTER TABLE notes ENABLE TRIGGER speak")
        await install_reset(superuser)
        await superuser.close()


@pytest.mark.parametrize(
    ("changed", "refused"),
    [({"pool_size": 0}, ValidationError), ({"lease_s": "soon"}, ValidationError), ({"pool_siz": 1}, TypeError)],
)
async def test_settings_that_a_process_would_refuse_are_refused(databases, tmp_path, changed, refused):
    with pytest.raises(refused):
        async with databases.serve(SERVICE, tmp_path, **changed):
            pass
    async with databases.serve(SERVICE, tmp_path, pool_size=7) as toy:
        assert toy.settings.pool_size == 7


async def leave_a_connection(toy: ServiceUnderTest) -> object:
    return await asyncpg.connect(toy.settings.database_url.get_secret_value())


async def leave_a_transaction(toy: ServiceUnderTest) -> None:
    connection = await toy.db.pool.acquire()
    await connection.execute("BEGIN; INSERT INTO offices VALUES ('O-1', 1, 'hello')")


async def leave_a_task(_toy: ServiceUnderTest) -> object:
    return asyncio.create_task(asyncio.Event().wait())


async def leave_the_pool_closed(toy: ServiceUnderTest) -> None:
    await toy.db.close()


@pytest.mark.parametrize("leave", [leave_a_connection, leave_a_transaction, leave_a_task, leave_the_pool_closed])
async def test_a_database_where_something_is_left_is_not_used_again(databases, tmp_path, leave):
    async with databases.serve(SERVICE, tmp_path) as first:
        name = await name_of(first)
        left = await leave(first)
    async with databases.serve(SERVICE, tmp_path) as second:
        assert await name_of(second) != name
    if isinstance(left, asyncio.Task):
        left.cancel()
    elif isinstance(left, asyncpg.Connection):
        left.terminate()


async def test_a_connection_that_broke_is_opened_anew(databases, tmp_path):
    async with databases.serve(SERVICE, tmp_path) as first:
        with pytest.raises(asyncpg.PostgresError):
            await first.db.pool.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with databases.serve(SERVICE, tmp_path) as second:
        assert await second.db.pool.fetchval("SELECT 1") == 1


async def test_no_database_is_used_for_ever(databases, tmp_path):
    names = []
    for _ in range(MOST_USES + 1):
        async with databases.serve(SERVICE, tmp_path) as toy:
            names.append(await name_of(toy))
    assert 1 < len(set(names)) <= 3
