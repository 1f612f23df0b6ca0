"""Forward-only plain SQL migrations, one schema per service.

Every starter may call this at the same time: one gets the advisory lock, the others poll for it
(a blocking advisory lock would hold a snapshot and stall concurrent index builds).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chassis.db import Connection

_CHASSIS = Path(__file__).parent / "migrations"
_BUS = Path(__file__).parent / "bus" / "migrations"
_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
_POLL_S = 0.1

_LEDGER = """
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""


class MigrationConflict(Exception):
    """An applied migration was edited or vanished: migrations are forward only."""


@dataclass(frozen=True)
class Migration:
    """One SQL file."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(folder: Path) -> list[Migration]:
    """The chassis' migrations followed by a service's own in `folder`, each in the order of its number."""
    return [*_read("chassis", _CHASSIS), *_read("service", folder)]


def bus_migrations() -> list[Migration]:
    """The embedded bus' own migrations."""
    return _read("bus", _BUS)


def _read(prefix: str, folder: Path) -> list[Migration]:
    found = []
    for path in sorted(folder.glob("*.sql")):
        if not _NAME.match(path.name):
            raise MigrationConflict(f"{path.name} is not named NNNN_what.sql")
        found.append(Migration(f"{prefix}/{path.name}", path.read_text()))
    return found


async def migrate(owner_url: str, schema: str, wanted: list[Migration], *, role: str | None = None) -> list[str]:
    """Bring `schema` up to date; the names of the migrations applied now.

    `role` is who to act as where the URL's own role does not own the schema.

    Raises:
        MigrationConflict: the history in the database is not a prefix of `wanted`.
    """
    connection = await asyncpg.connect(
        owner_url,
        server_settings={"search_path": schema, "application_name": f"rekku-migrate-{schema}"}
        | ({"role": role} if role else {}),
    )
    try:
        while not await connection.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"migrate {schema}"
        ):
            await asyncio.sleep(_POLL_S)
        await connection.execute(_LEDGER)
        return await _apply_missing(connection, wanted)
    finally:
        await connection.close()


async def _apply_missing(connection: asyncpg.Connection[asyncpg.Record], wanted: list[Migration]) -> list[str]:
    applied = {row["name"]: row["checksum"] for row in await connection.fetch("SELECT name, checksum FROM migrations")}
    vanished = applied.keys() - {migration.name for migration in wanted}
    if vanished:
        raise MigrationConflict(f"applied here but not in this version: {', '.join(sorted(vanished))}")
    done = []
    for migration in wanted:
        if migration.name in applied:
            if applied[migration.name] != migration.checksum:
                raise MigrationConflict(f"{migration.name} was changed after it had been applied")
            continue
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '5s'")
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
            )
        done.append(migration.name)
    return done


async def missing_migrations(connection: Connection, folder: Path) -> list[str]:
    """Names of the migrations this version needs and the database does not have yet; asked as the application."""
    try:
        applied = {row["name"] for row in await connection.fetch("SELECT name FROM applied_migrations() AS name")}
    except (asyncpg.UndefinedFunctionError, asyncpg.InvalidSchemaNameError):
        applied = set()
    return [migration.name for migration in migrations_of(folder) if migration.name not in applied]
