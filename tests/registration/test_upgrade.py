"""Counts of the first release, brought to two times while they stand."""

import shutil
from datetime import UTC, datetime

import asyncpg
import pytest
from fastapi import APIRouter

from chassis.migrate import Migration, migrate, migrations_of
from chassis.service import Service
from services.registration.app import SERVICE
from tests.registration.builders import OURS

SINCE = datetime(2024, 1, 15, 8, tzinfo=UTC)


@pytest.fixture
async def first_release(cluster, tmp_path_factory):
    """URLs (application, owner) of a database as the first release left it, with one count announced."""
    root = tmp_path_factory.mktemp("first-release")
    (root / "migrations").mkdir()
    shutil.copy(SERVICE.migrations / "0001_registration.sql", root / "migrations")
    async with cluster.database([Service(name="registration", root=root, router=APIRouter())]) as database:
        application = cluster.cluster.url("rekku_registration", database)
        connection = await connected(application)
        await connection.execute(f"INSERT INTO providers VALUES ('{OURS}', 'Sydänkunto Oy', 1, now())")
        await connection.execute("INSERT INTO services VALUES ('CARDIAC_ADULT', 1)")
        await connection.execute(
            "INSERT INTO contracts (contract_id, provider_id, service, language, valid_from, version, registered_at)"
            f" VALUES ('contract-1', '{OURS}', 'CARDIAC_ADULT', 'fi', '2022-01-01', 2, now())"
        )
        await connection.execute(
            f"INSERT INTO announced_counts VALUES ('contract-1', '{OURS}', 2024, 1, 20, NULL, $1, 'worker')", SINCE
        )
        await connection.close()
        yield application, cluster.cluster.url("rekku_registration_owner", database)


async def connected(url: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(url, server_settings={"search_path": "registration"})
    await connection.execute("SELECT set_config('rekku.scope', '*', false)")
    return connection


async def test_what_the_first_release_announced_was_known_from_when_it_holds(first_release):
    """E-2: no count is lost, and none looks as if it had been written down today."""
    application, owner = first_release
    await migrate(owner, "registration", migrations_of(SERVICE.migrations))
    connection = await connected(application)
    rows = await connection.fetch("SELECT count, kind, effective_at, recorded_at, reason FROM announced_counts")
    await connection.close()
    assert [tuple(row) for row in rows] == [(20, "announced", SINCE, SINCE, None)]


async def test_behind_the_wall_the_migration_would_see_no_count(first_release):
    """Negative control: row-level security holds for the owner too, and a count without its time is refused."""
    _, owner = first_release
    wanted = [
        Migration(each.name, each.sql.replace("SELECT set_config('rekku.scope', '*', true);", ""))
        for each in migrations_of(SERVICE.migrations)
    ]
    with pytest.raises(asyncpg.NotNullViolationError, match="recorded_at"):
        await migrate(owner, "registration", wanted)
