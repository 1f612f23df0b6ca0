"""The second wall: every table with a provider's or a client's data, in every service, as the catalogue lists them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from chassis.auth import LINK_HOLDER, PUBLIC, SYSTEM, Principal, Role
from chassis.db import provider_role_of
from chassis.embedded import SUPERUSER
from chassis.migrate import Migration, migrate, migrations_of
from chassis.service import Service
from chassis.testing import ClusterUnderTest, ServiceUnderTest
from services.courses.app import SERVICE as COURSES
from tests.chassis.test_layers import ALL
from tests.chassis.walls import EVERYBODYS, OPEN, Table, Whose, gaps_of, plant, reached, tables_of
from tests.conftest import NewService

OWN = Whose("2828286-3", "ownword", 7007)
STRANGER = Whose("1572860-0", "strangerword", 9009)
PROVIDER = Principal("worker", Role.PROVIDER, OWN.provider_id)
UNSEEN = {"outbox": {"INSERT"}}
"""An event says in its body alone whose it is: a provider's request adds one, and neither finds nor changes any."""

each_service = pytest.mark.parametrize("service", ALL, ids=lambda service: service.name)


@asynccontextmanager
async def superuser_of(cluster: ClusterUnderTest, service: ServiceUnderTest) -> AsyncIterator[asyncpg.Connection]:
    name = await service.db.pool.fetchval("SELECT current_database()")
    connection = await asyncpg.connect(cluster.cluster.url(SUPERUSER, name))
    try:
        yield connection
    finally:
        await connection.close()


# The catalogue ---------------------------------------------------------------------------------------------


@each_service
async def test_every_table_is_behind_the_wall_or_stands_in_the_list_of_those_that_need_none(
    new_service: NewService, service: Service
):
    under_test = await new_service(service)
    async with under_test.transaction() as tx:
        assert await gaps_of(tx.connection, service.name) == []
        listed = {
            row["tablename"]
            for row in await tx.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", service.name)
        }
    assert OPEN.get(service.name, {}).keys() <= listed


@pytest.mark.parametrize(
    ("forgotten", "gap"),
    [
        ("CREATE TABLE courses.wishes (provider_id text)", "wishes has no row-level security"),
        ("ALTER TABLE courses.pins NO FORCE ROW LEVEL SECURITY", "pins has no row-level security"),
        ("CREATE POLICY all_of_them ON courses.pins USING (true)", "pins has policies for"),
        ("DROP POLICY own_rows ON courses.pins", "pins gives providers rights and no policy"),
        ("ALTER POLICY own_rows ON courses.pins USING (courses.rekku_may_see(provider_id))", "knows a wildcard"),
        ("GRANT DELETE ON courses.inbox TO rekku_courses_provider", "inbox is open, and providers write it"),
        ("CREATE VIEW courses.overview AS TABLE courses.pins", "overview is no table"),
        ("CREATE FUNCTION courses.f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1", "f runs as its owner"),
        ("GRANT USAGE ON SCHEMA rekku_bus TO rekku_courses_provider", "may use the schema rekku_bus"),
    ],
)
async def test_control_what_was_forgotten_is_found(
    new_service: NewService, cluster: ClusterUnderTest, forgotten: str, gap: str
):
    courses = await new_service(COURSES)
    async with superuser_of(cluster, courses) as superuser:
        await superuser.execute(forgotten)
        (found,) = await gaps_of(superuser, "courses")
    assert gap in found


@each_service
async def test_the_role_of_providers_requests_is_nobodys_but_its_services(new_service: NewService, service: Service):
    """Nobody logs in as it, it owns nothing and is in no other role; its service takes it and does not inherit it."""
    under_test = await new_service(service)
    async with under_test.transaction() as tx:
        role = provider_role_of(service.name)
        row = await tx.fetchrow(
            "SELECT rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS mighty,"
            " EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS member,"
            " EXISTS (SELECT FROM pg_shdepend WHERE refobjid = r.oid AND deptype = 'o') AS owner,"
            " ARRAY(SELECT member::regrole::text FROM pg_auth_members WHERE roleid = r.oid AND set_option"
            "   AND NOT inherit_option AND NOT admin_option) AS taken_by FROM pg_roles r WHERE rolname = $1",
            role,
        )
        assert row is not None
        assert dict(row) == {
            "mighty": False,
            "member": False,
            "owner": False,
            "taken_by": [f"rekku_{service.name}"],
        }


# What gets through -----------------------------------------------------------------------------------------


@asynccontextmanager
async def planted(
    new_service: NewService, cluster: ClusterUnderTest, service: Service
) -> AsyncIterator[tuple[ServiceUnderTest, list[Table], asyncpg.Connection]]:
    """The service with a row of OWN and one of STRANGER in every table, and a superuser's connection."""
    under_test = await new_service(service)
    async with superuser_of(cluster, under_test) as superuser:
        tables = await tables_of(superuser, service.name)
        await plant(superuser, service.name, tables, OWN, STRANGER)
        yield under_test, tables, superuser


def behind_the_wall(service: Service, tables: list[Table]) -> list[Table]:
    without = OPEN[""].keys() | OPEN.get(service.name, {}).keys() | EVERYBODYS.get(service.name, set())
    return [table for table in tables if table.name not in without]


@each_service
async def test_a_provider_gets_at_no_row_of_another_or_of_its_clients_whatever_scope_it_claims(
    new_service: NewService, cluster: ClusterUnderTest, service: Service
):
    async with planted(new_service, cluster, service) as (under_test, tables, _):
        walled = behind_the_wall(service, tables)
        events = UNSEEN if any(table.name == "outbox" and table.rights for table in tables) else {}
        for principal, scope in ((PROVIDER, OWN.provider_id), (PROVIDER, "*"), (PROVIDER, "%"), (PUBLIC, "")):
            async with under_test.transaction(principal) as tx:
                await tx.execute("SELECT set_config('rekku.scope', $1, true)", scope)
                assert await reached(tx, walled, STRANGER) == (events if scope else {}), scope
        async with under_test.transaction(PROVIDER) as tx:
            beside = await reached(tx, [table for table in tables if table not in walled], STRANGER)
        assert all(verbs == {"SELECT"} for verbs in beside.values())


@each_service
async def test_no_row_of_its_own_is_given_to_another(
    new_service: NewService, cluster: ClusterUnderTest, service: Service
):
    async with (
        planted(new_service, cluster, service) as (under_test, tables, _),
        under_test.transaction(PROVIDER) as tx,
    ):
        for table in tables:
            if "provider_id" in table.changed:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    async with tx.savepoint():
                        await tx.execute(f"UPDATE {table.name} SET provider_id = $1", STRANGER.provider_id)


@each_service
async def test_control_the_service_itself_gets_at_every_row(
    new_service: NewService, cluster: ClusterUnderTest, service: Service
):
    async with planted(new_service, cluster, service) as (under_test, tables, _), under_test.transaction() as tx:
        found = await reached(tx, tables, STRANGER, "SELECT")
    assert {table.name for table in tables} - found.keys() <= {"migrations"}


@each_service
async def test_control_without_the_policies_a_provider_gets_at_all_that_its_role_has_a_right_to(
    new_service: NewService, cluster: ClusterUnderTest, service: Service
):
    async with planted(new_service, cluster, service) as (under_test, tables, superuser):
        for table in tables:
            await superuser.execute(f"ALTER TABLE {table.name} DISABLE ROW LEVEL SECURITY")
        async with under_test.transaction(PROVIDER) as tx:
            found = await reached(tx, tables, STRANGER)
    assert found == {table.name: set(table.rights) for table in tables if table.rights}


@each_service
async def test_what_a_provider_may_read_it_reads_of_its_own(
    new_service: NewService, cluster: ClusterUnderTest, service: Service
):
    """The other side: no policy hides from a provider what its role is there to read."""
    async with (
        planted(new_service, cluster, service) as (under_test, tables, _),
        under_test.transaction(PROVIDER) as tx,
    ):
        found = await reached(tx, tables, OWN, "SELECT")
    assert found.keys() == {table.name for table in tables if "SELECT" in table.rights}


# Whose role it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "narrow"),
    [
        (SYSTEM, False),
        (Principal("officer", Role.OFFICER), False),
        (PROVIDER, True),
        (PUBLIC, True),
        (LINK_HOLDER, False),
    ],
)
async def test_who_works_in_which_role_and_for_one_transaction_only(
    new_service: NewService, principal: Principal, *, narrow: bool
):
    courses = await new_service(COURSES)
    async with courses.transaction(principal) as tx:
        assert await tx.fetchval("SELECT current_user") == "rekku_courses" + "_provider" * narrow
        connection = tx.connection
        assert await connection.fetchval("SELECT current_setting('rekku.scope')") == principal.scope
    async with courses.db.pool.acquire() as after:
        assert await after.fetchval("SELECT current_user") == "rekku_courses"


async def test_the_role_is_taken_with_the_scope_in_one_round_trip(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch
):
    courses = await new_service(COURSES)
    sent: list[str] = []
    async with courses.db.connection() as connection:

        @asynccontextmanager
        async def this_one() -> AsyncIterator[object]:
            yield connection

        monkeypatch.setattr(courses.db, "connection", this_one)
        with connection.query_logger(lambda query: sent.append(query.query)):
            async with courses.transaction(PROVIDER):
                pass
    assert len(sent) == 3, sent


# Homes that are there already ------------------------------------------------------------------------------


def before_the_wall(service: Service) -> list[Migration]:
    return [each for each in migrations_of(service.migrations) if "second_wall" not in each.name]


@each_service
async def test_a_home_of_before_gets_the_wall_around_what_it_holds(cluster: ClusterUnderTest, service: Service):
    """Answers of before that name a subject alone are read by nobody any more, and lose what they hold."""
    async with cluster.database([]) as database:
        owner = cluster.cluster.url(f"rekku_{service.name}_owner", database)
        await migrate(owner, service.name, before_the_wall(service))
        superuser = await asyncpg.connect(
            cluster.cluster.url(SUPERUSER, database), server_settings={"search_path": service.name}
        )
        for principal in ("anna", '["issuer", "anna", null, "officer"]'):
            await superuser.execute(
                "INSERT INTO idempotency (principal, route, idempotency_key, request_hash, status, body)"
                " VALUES ($1, 'POST /', 'k', '', 201, 'kept')",
                principal,
            )
        applied = await migrate(owner, service.name, migrations_of(service.migrations))
        kept = await superuser.fetch("SELECT principal = 'anna' AS before, body FROM idempotency ORDER BY 1")
        gaps = await gaps_of(superuser, service.name)
        await superuser.close()
    assert [name.partition("/")[0] for name in applied if "second_wall" in name] == ["chassis", "service"]
    assert gaps == []
    assert [row["body"] for row in kept] == [b"kept", None]


async def test_without_its_role_the_migration_says_what_is_to_be_done_first(cluster: ClusterUnderTest):
    (wall,) = [each for each in migrations_of(COURSES.migrations) if each.name == "chassis/0007_second_wall.sql"]
    async with cluster.database([]) as database:
        superuser = await asyncpg.connect(cluster.cluster.url(SUPERUSER, database))
        await superuser.execute("CREATE SCHEMA unprovisioned")
        await superuser.close()
        with pytest.raises(asyncpg.RaiseError, match="run rekku provision first"):
            await migrate(cluster.cluster.url(SUPERUSER, database), "unprovisioned", [wall])
