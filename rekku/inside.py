"""A way into the database of the system that runs in this home, for the commands that look inside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from chassis.db import Database
from chassis.embedded import BUS, Cluster, passwords_of
from chassis.settings import KafkaSecurity, Settings
from chassis.vault import Vault
from rekku.home import Home, Run
from rekku.problems import Problem


def cluster_of(home: Home, run: Run) -> Cluster:
    """The running server, with the passwords that this home keeps for its owner only.

    Raises:
        FileUnusable: the passwords are lost, or belong to somebody else.
    """
    return Cluster(Path(run.socket), passwords_of(home.path), None)


@contextmanager
def _reaching(home: Home) -> Iterator[None]:
    try:
        yield
    except asyncpg.InvalidPasswordError:
        raise
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Problem(f"PostgreSQL in {home.path} does not answer ({type(error).__name__})") from error


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
    with _reaching(home):
        connection = await asyncpg.connect(cluster.url(BUS), server_settings={"search_path": BUS})
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
    vault = Vault(cluster.keys_url(service))
    with _reaching(home):
        database = await Database.connect(cluster.url(f"rekku_{service}"), service, run.clock, vault, size=2)
    try:
        yield database
    finally:
        await database.close()
        await vault.close()


@asynccontextmanager
async def given_database(service: str, settings: Settings) -> AsyncIterator[Database]:
    """The database of REKKU_DATABASE_URL as one service's, as `rekku serve` would use it.

    Raises:
        Problem: it cannot be used.
    """
    vault = Vault(settings.keys_database_url.get_secret_value())
    url = settings.database_url.get_secret_value()
    try:
        database = await Database.connect(url, service, settings.clock, vault, size=2)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Problem(f"the database of REKKU_DATABASE_URL cannot be used ({type(error).__name__})") from error
    try:
        yield database
    finally:
        await database.close()
        await vault.close()
