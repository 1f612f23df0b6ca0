"""A way into the database of the system that runs in this home, for the commands that look inside."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from chassis.clock import ClockKind
from chassis.db import Database
from chassis.embedded import BUS, KEYS_DATABASE, Cluster
from chassis.settings import KafkaSecurity, Settings
from chassis.vault import Vault
from rekku.home import Home, Run
from rekku.problems import Problem


def cluster_of(home: Home, run: Run) -> Cluster:
    """The running server, with the passwords that this home keeps for its owner only.

    Raises:
        Problem: the passwords belong to somebody else.
    """
    try:
        passwords = json.loads((home.path / "passwords.json").read_text())
    except OSError as error:
        raise Problem(f"the passwords of {home.path} cannot be read: {error.strerror}") from error
    return Cluster(Path(run.socket), passwords, None)


def bus_settings(home: Home) -> Settings:
    """The bus of the system that runs in this home; where none does, the one of the REKKU_ variables."""
    run = home.run()
    settings = Settings()
    if run is None:
        return settings
    return settings.model_copy(
        update={"bus": run.bus, "kafka_servers": run.kafka_servers, "kafka_security": KafkaSecurity.PLAINTEXT}
    )


@asynccontextmanager
async def bus_of(home: Home) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection that sees the whole embedded bus.

    Raises:
        Problem: nothing runs here, or PostgreSQL does not answer.
    """
    cluster = cluster_of(home, home.running())
    try:
        connection = await asyncpg.connect(cluster.url(BUS), server_settings={"search_path": BUS})
    except (OSError, asyncpg.PostgresError) as error:
        raise Problem(f"PostgreSQL in {home.path} does not answer ({type(error).__name__})") from error
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def database_of(home: Home, service: str) -> AsyncIterator[Database]:
    """A service's own schema, seen through its application role.

    Raises:
        Problem: nothing runs here, or PostgreSQL does not answer.
    """
    run = home.running()
    cluster = cluster_of(home, run)
    vault = Vault(cluster.url(KEYS_DATABASE, KEYS_DATABASE))
    try:
        database = await Database.connect(cluster.url(f"rekku_{service}"), service, ClockKind(run.clock), vault, size=2)
    except (OSError, asyncpg.PostgresError) as error:
        raise Problem(f"PostgreSQL in {home.path} does not answer ({type(error).__name__})") from error
    try:
        yield database
    finally:
        await database.close()
        await vault.close()
