"""Roles, databases and schemas: the same on the embedded PostgreSQL as on any other that an administrator can reach.

Whoever provisions needs to be a superuser, or a role with CREATEROLE and CREATEDB. Everything is
done on the administrator's own connections, acting as the role that shall own what is made: so only
the roles that a service or a job logs in as need a password.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import asyncpg

from chassis.batch_keys import BATCH_KEYS_DDL
from chassis.bus.embedded import apply_topics
from chassis.clock import CLOCK_DDL
from chassis.db import provider_role_of
from chassis.key_store import KEYS_DDL, grants, keys_roles
from chassis.migrate import bus_migrations, migrate
from contracts.topics import EXTERNAL

DATABASE = "rekku"
KEYS_DATABASE = "rekku_keys"
BUS = "rekku_bus"
OWNER = "rekku_owner"
"""The role that migrates: it owns nothing, but may act as the owner of each schema."""

AdminUrl = Callable[[str], str]
"""The administrator's connection URL for a database."""


def owner_of(service: str) -> str:
    """The role that owns the service's schema."""
    return f"rekku_{service}_owner"


def roles_of(services: Iterable[str]) -> list[str]:
    """An owner and an application role per service, the bus, other systems, the keys and their users, who migrates.

    Beside these each service has the role of its providers' requests, which nobody logs in as.
    """
    return [
        BUS,
        f"rekku_{EXTERNAL}",
        KEYS_DATABASE,
        *keys_roles(),
        OWNER,
        *(role for name in services for role in (f"rekku_{name}", owner_of(name))),
    ]


async def provision(
    admin_url: AdminUrl, passwords: Mapping[str, str], services: Iterable[str], database: str = DATABASE
) -> None:
    """Make roles, databases, schemas, the clock and the embedded bus; may be repeated.

    Args:
        admin_url: the administrator's URL for a database.
        passwords: by role; a role without one is there, but cannot log in.
        services: whose roles and schemas to make.
        database: the name of the services' database.
    """
    names = list(services)
    async with _connected(admin_url("postgres")) as admin:
        for role in roles_of(names):
            await _make_role(admin, role, passwords.get(role))
        for name in names:
            await _make_role(admin, provider_role_of(name), None)
            await admin.execute(f"GRANT {owner_of(name)} TO {OWNER} WITH INHERIT FALSE, SET TRUE")
            # Without inheriting: the service's own statements are not held to the policies of providers' requests.
            await admin.execute(f"GRANT {provider_role_of(name)} TO rekku_{name} WITH INHERIT FALSE, SET TRUE")
        await _make_database(admin, database, roles_of(names))
        await _make_database(admin, KEYS_DATABASE, [KEYS_DATABASE, *keys_roles()], owner=KEYS_DATABASE)
    async with _connected(admin_url(KEYS_DATABASE), KEYS_DATABASE) as keys, keys.transaction():
        # At once: services that run meanwhile never find a policy missing.
        await keys.execute(KEYS_DDL)
        await keys.execute(BATCH_KEYS_DDL)
        for statement in grants():
            await keys.execute(statement)
    async with _connected(admin_url(database)) as admin:
        await _make_schemas(admin, names, database)
    await migrate(admin_url(database), BUS, bus_migrations(), role=BUS)
    async with _connected(admin_url(database), BUS) as bus:
        await apply_topics(bus)


@asynccontextmanager
async def _connected(url: str, role: str | None = None) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(url, server_settings={"role": role} if role else {})
    try:
        yield connection
    finally:
        await connection.close()


async def _make_role(admin: asyncpg.Connection[asyncpg.Record], role: str, password: str | None) -> None:
    verb = "ALTER" if await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role) else "CREATE"
    await admin.execute(
        await admin.fetchval(
            f"SELECT format('{verb} ROLE %I ' || CASE WHEN $2::text IS NULL THEN 'NOLOGIN PASSWORD NULL'"
            " ELSE 'LOGIN PASSWORD %L' END, $1::text, $2)",
            role,
            password,
        )
    )
    # A superuser may act as anyone; another administrator may act as the roles it has made once it says so.
    if not await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await admin.execute(f"GRANT {role} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")


async def _make_database(
    admin: asyncpg.Connection[asyncpg.Record], database: str, users: Iterable[str], owner: str = "DEFAULT"
) -> None:
    if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
        await admin.execute(f'CREATE DATABASE "{database}" OWNER {owner}')
    await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {", ".join(users)}')


async def _make_schemas(admin: asyncpg.Connection[asyncpg.Record], names: Iterable[str], database: str) -> None:
    await admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    await admin.execute(CLOCK_DDL)
    for name in names:
        app, owner = f"rekku_{name}", owner_of(name)
        await admin.execute(f"CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {owner}")
        await admin.execute(f"GRANT USAGE ON SCHEMA {name} TO {app}, {provider_role_of(name)}")
        # A projection is built anew in temporary tables (decision record 0013).
        await admin.execute(f'GRANT TEMPORARY ON DATABASE "{database}" TO {app}')
        for grant in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES", "EXECUTE ON FUNCTIONS"):
            await admin.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {name} GRANT {grant} TO {app}")
    await admin.execute(f"CREATE SCHEMA IF NOT EXISTS {BUS} AUTHORIZATION {BUS}")
    # Whoever logs in. Providers' requests have no part in the bus.
    await admin.execute(f"GRANT USAGE ON SCHEMA {BUS} TO {', '.join(roles_of(names))}")
    await admin.execute(f"REVOKE USAGE ON SCHEMA {BUS} FROM PUBLIC")
