"""`rekku provision` and `rekku migrate` on a PostgreSQL somewhere, as the jobs of a deployment run them."""

import json

import asyncpg
import pytest

from rekku.provisioning import needed_roles
from rekku.services import SERVICES
from tests.deploy.somewhere import PostgresSomewhere

PASSWORDS = {role: f'{role}\'s "own" p@ssword' for role in needed_roles()}


async def fetch(url, query, *arguments):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def provision(rekku, url, passwords=PASSWORDS):
    """Its status and what it said, as of `migrate`."""
    done = await rekku("provision", ADMIN_URL=url, ROLE_PASSWORDS=json.dumps(passwords))
    return done.status, done.said


async def migrate(rekku, server):
    owner = server.url("rekku_owner", PASSWORDS["rekku_owner"], "rekku")
    done = await rekku("migrate", OWNER_DATABASE_URL=owner)
    return done.status, done.said


async def test_a_server_is_provisioned_and_migrated_twice_with_the_same_outcome(rekku, somewhere):
    for _ in range(2):
        assert (await provision(rekku, somewhere.url()))[0] == 0
        assert (await migrate(rekku, somewhere))[0] == 0
    status, said = await migrate(rekku, somewhere)
    assert (status, said.count("up to date")) == (0, len(SERVICES))


async def test_a_service_reads_and_writes_its_own_schema_and_no_other(rekku, somewhere):
    await provision(rekku, somewhere.url())
    await migrate(rekku, somewhere)
    courses = somewhere.url("rekku_courses", PASSWORDS["rekku_courses"], "rekku")

    assert await fetch(courses, "SELECT count(*) FROM courses.outbox")
    assert await fetch(courses, "SELECT rekku_bus.lag()")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(courses, "SELECT count(*) FROM decisions.outbox")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(courses, "DROP TABLE courses.outbox")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(somewhere.url("rekku_courses", PASSWORDS["rekku_courses"], "rekku_keys"), "SELECT 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(courses, "SET ROLE rekku_courses_owner")


async def test_who_migrates_owns_nothing_and_only_roles_with_a_password_log_in(rekku, somewhere):
    await provision(rekku, somewhere.url())
    await migrate(rekku, somewhere)
    owner = somewhere.url("rekku_owner", PASSWORDS["rekku_owner"], "rekku")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(owner, "SELECT count(*) FROM courses.outbox")
    tables = await fetch(
        somewhere.url(database="rekku"), "SELECT DISTINCT schemaname, tableowner FROM pg_tables ORDER BY 1"
    )
    owned = {row["schemaname"]: row["tableowner"] for row in tables}
    assert {name: owned[name] for name in SERVICES} == {name: f"rekku_{name}_owner" for name in SERVICES}
    rows = await fetch(somewhere.url(), "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'rekku%'")
    assert {row["rolname"] for row in rows} == set(PASSWORDS)


async def test_an_administrator_need_not_be_a_superuser(rekku):
    """Managed databases give out a role with CREATEROLE and CREATEDB, and nothing more."""
    server = PostgresSomewhere()
    try:
        await server.ready()
        await fetch(server.url(), "CREATE ROLE dba LOGIN CREATEROLE CREATEDB PASSWORD 'a long enough one'")
        for _ in range(2):
            status, said = await provision(rekku, server.url("dba", "a long enough one"))
            assert (status, said) == (0, "provisioned: rekku, rekku_keys, 19 roles\n")
        assert (await migrate(rekku, server))[0] == 0
        courses = server.url("rekku_courses", PASSWORDS["rekku_courses"], "rekku")
        assert await fetch(courses, "SELECT count(*) FROM courses.outbox")
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("passwords", "complaint"),
    [
        ({**PASSWORDS, "rekku_courses": "short"}, "no password of 16 characters for rekku_courses"),
        ({role: word for role, word in PASSWORDS.items() if role != "rekku_keys_courses"}, "for rekku_keys_courses"),
        ({**PASSWORDS, "rekku_corses": "long enough to be one"}, "there is no role rekku_corses"),
    ],
)
async def test_a_weak_missing_or_misspelt_password_stops_before_anything_is_made(rekku, passwords, complaint):
    status, said = await provision(rekku, "postgresql://nobody@127.0.0.1:1/postgres", passwords)
    assert (status, complaint in said) == (2, True)


async def test_a_server_that_is_not_there_is_one_line_without_the_password(rekku):
    status, said = await provision(rekku, "postgresql://postgres:hush-hush@127.0.0.1:1/postgres")
    assert (status, said.count("\n"), "hush-hush" in said) == (2, 1, False)
    assert "REKKU_ADMIN_URL" in said


async def test_the_old_password_ends_when_a_new_one_is_provisioned(rekku, somewhere):
    await provision(rekku, somewhere.url(), {**PASSWORDS, "rekku_search": "the one before this one"})
    old = somewhere.url("rekku_search", "the one before this one", "rekku")
    assert await fetch(old, "SELECT 1")
    await provision(rekku, somewhere.url())
    with pytest.raises(asyncpg.InvalidPasswordError):
        await fetch(old, "SELECT 1")
