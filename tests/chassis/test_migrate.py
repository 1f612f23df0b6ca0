"""Migrations: forward only, once, and safe when several processes start at the same time."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from chassis.migrate import Migration, MigrationConflict, migrate, migrations_of, missing_migrations
from chassis.testing import ServiceUnderTest
from tests.chassis.toy.app import SERVICE


def owner_url(toy: ServiceUnderTest) -> str:
    return toy.settings.owner_database_url.get_secret_value()


async def test_what_is_applied_is_not_applied_again(toy: ServiceUnderTest):
    assert await migrate(owner_url(toy), "notifications", migrations_of(SERVICE.migrations)) == []


async def test_many_starters_apply_a_migration_once(toy: ServiceUnderTest):
    more = [
        *migrations_of(SERVICE.migrations),
        Migration("service/0002_more.sql", "CREATE TABLE more (a int PRIMARY KEY)"),
    ]
    done = await asyncio.gather(*(migrate(owner_url(toy), "notifications", more) for _ in range(5)))
    assert sorted(done) == [[], [], [], [], ["service/0002_more.sql"]]


async def test_an_edited_or_vanished_migration_is_refused(toy: ServiceUnderTest):
    applied = migrations_of(SERVICE.migrations)
    edited = [*applied[:-1], Migration(applied[-1].name, applied[-1].sql + "-- edited")]
    with pytest.raises(MigrationConflict, match="changed after"):
        await migrate(owner_url(toy), "notifications", edited)
    with pytest.raises(MigrationConflict, match="not in this version"):
        await migrate(owner_url(toy), "notifications", applied[:-1])


async def test_a_failing_migration_leaves_nothing_behind(toy: ServiceUnderTest):
    broken = Migration("service/0002_broken.sql", "CREATE TABLE half (a int); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(owner_url(toy), "notifications", [*migrations_of(SERVICE.migrations), broken])
    async with toy.transaction() as tx:
        assert await tx.fetchval("SELECT to_regclass('half')") is None


async def test_missing_migrations_are_named(toy: ServiceUnderTest, tmp_path: Path):
    (tmp_path / "0001_first.sql").write_text("SELECT 1")
    async with toy.db.pool.acquire() as connection:
        assert await missing_migrations(connection, SERVICE.migrations) == []
        assert await missing_migrations(connection, tmp_path) == ["service/0001_first.sql"]


def test_a_file_with_another_name_is_refused(tmp_path: Path):
    (tmp_path / "first.sql").write_text("SELECT 1")
    with pytest.raises(MigrationConflict, match="NNNN"):
        migrations_of(tmp_path)
