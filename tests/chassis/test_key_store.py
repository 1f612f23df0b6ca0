"""Each service's own way into the key store: what a role may make, read and erase (E-59, record 0031)."""

import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.batch_keys import BATCH_KEYS_DDL
from chassis.embedded import KEYS_DATABASE, SUPERUSER
from chassis.key_store import KEYS_DDL, grants, keys_role_of
from chassis.testing import ServiceUnderTest
from chassis.vault import BrokenSeal, Vault
from contracts.envelope import new_event_id
from contracts.keys import KEYS, Purpose, users_of_keys

PLAIN = b'{"phone": "+358401234567"}'
USERS = users_of_keys()

Do = Callable[[Vault, Purpose, str, str], Awaitable[Any]]


@pytest.fixture
async def vaults(cluster: Any, toy: ServiceUnderTest) -> AsyncIterator[dict[str, Vault]]:
    """Every service's vault, on its own role."""
    vaults = {name: Vault(cluster.cluster.keys_url(name)) for name in USERS}
    yield vaults
    for vault in vaults.values():
        await vault.close()


@pytest.fixture
async def owner(cluster: Any, toy: ServiceUnderTest) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(cluster.cluster.url(SUPERUSER, KEYS_DATABASE))
    yield connection
    await connection.close()


@pytest.fixture
def client() -> str:
    return f"client-{new_event_id()}"


def test_the_services_are_those_that_seal_and_open():
    assert USERS == ["courses", "decisions", "notifications"]
    assert {keys_role_of(name) for name in USERS} == {
        "rekku_keys_courses",
        "rekku_keys_decisions",
        "rekku_keys_notifications",
    }


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("service", USERS)
async def test_a_key_is_made_only_by_its_maker(vaults, owner, client, service, purpose):
    if KEYS[purpose].maker == service:
        assert await vaults[service].seal(purpose, client, PLAIN)
        return
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await vaults[service].seal(purpose, client, PLAIN)
    assert not await owner.fetch("SELECT FROM keys_by_purpose WHERE client_ref = $1", client)


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("service", USERS)
async def test_a_key_is_read_only_by_its_maker_and_its_openers(vaults, client, service, purpose):
    """The others find no key at all: what they hold may as well be random."""
    rights = KEYS[purpose]
    sealed = await vaults[rights.maker].seal(purpose, client, PLAIN)
    may = service == rights.maker or service in rights.openers
    assert await vaults[service].open(purpose, client, sealed) == (PLAIN if may else None)


async def test_control_without_row_level_security_everybody_reads_every_key(vaults, owner, client):
    sealed = await vaults["decisions"].seal(Purpose.ELIGIBILITY, client, PLAIN)
    assert await vaults["notifications"].open(Purpose.ELIGIBILITY, client, sealed) is None
    await owner.execute("ALTER TABLE keys_by_purpose DISABLE ROW LEVEL SECURITY")
    try:
        assert await vaults["notifications"].open(Purpose.ELIGIBILITY, client, sealed) == PLAIN
    finally:
        await owner.execute("ALTER TABLE keys_by_purpose ENABLE ROW LEVEL SECURITY")


@pytest.mark.parametrize("service", ["courses", "notifications"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE keys_by_purpose SET key = NULL, erased_at = now()",
        "UPDATE client_keys SET key = NULL, erased_at = now()",
        "DELETE FROM keys_by_purpose",
        "DELETE FROM client_keys",
        "TRUNCATE keys_by_purpose",
        "ALTER TABLE keys_by_purpose DISABLE ROW LEVEL SECURITY",
        "SET ROLE rekku_keys",
    ],
)
async def test_who_only_opens_erases_and_changes_nothing(cluster, vaults, service, statement):
    connection = await asyncpg.connect(cluster.cluster.keys_url(service))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("service", ["courses", "notifications"])
async def test_an_opener_cannot_erase_a_client(vaults, client, service):
    sealed = await vaults["decisions"].seal(Purpose.CONTACTS, client, PLAIN)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await vaults[service].erase(client)
    assert await vaults["decisions"].open(Purpose.CONTACTS, client, sealed) == PLAIN


async def test_the_maker_erases_the_keys_of_every_purpose_and_no_other_clients(vaults, owner, client):
    sealed = {purpose: await vaults["decisions"].seal(purpose, client, PLAIN) for purpose in Purpose}
    other = await vaults["decisions"].seal(Purpose.CONTACTS, f"{client}-other", PLAIN)
    assert await vaults["decisions"].erase(client)
    for purpose, text in sealed.items():
        assert await vaults["decisions"].open(purpose, client, text) is None
    assert await vaults["decisions"].open(Purpose.CONTACTS, f"{client}-other", other) == PLAIN
    rows = await owner.fetch("SELECT key FROM keys_by_purpose WHERE client_ref = $1", client)
    assert [row["key"] for row in rows] == [None] * len(Purpose)
    assert not await vaults["decisions"].erase(client)


async def test_a_seal_of_one_purpose_does_not_open_for_another(vaults, client):
    contact = await vaults["decisions"].seal(Purpose.CONTACTS, client, PLAIN)
    await vaults["decisions"].seal(Purpose.ELIGIBILITY, client, PLAIN)
    with pytest.raises(BrokenSeal):
        await vaults["courses"].open(Purpose.ELIGIBILITY, client, contact)


# What was sealed before keys had purposes ------------------------------------------------------------------


async def sealed_before(owner: asyncpg.Connection, client: str) -> str:
    """As the release before made it: one key per client, whatever it was for."""
    key, nonce = AESGCM.generate_key(256), os.urandom(12)
    await owner.execute("INSERT INTO client_keys (client_ref, key) VALUES ($1, $2)", client, key)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, PLAIN, client.encode())).decode()


@pytest.mark.parametrize(
    ("service", "purpose"), [("courses", Purpose.ELIGIBILITY), ("notifications", Purpose.CONTACTS)]
)
async def test_what_was_sealed_before_opens_until_the_client_is_erased(vaults, owner, client, service, purpose):
    old = await sealed_before(owner, client)
    assert await vaults[service].open(purpose, client, old) == PLAIN
    new = await vaults["decisions"].seal(purpose, client, b"new")
    # Both at once: the topic may still bring what was sealed before.
    assert await vaults[service].open(purpose, client, new) == b"new"
    assert await vaults[service].open(purpose, client, old) == PLAIN
    await vaults[service].fetch_keys(purpose, [client])
    assert await vaults[service].open(purpose, client, old) == PLAIN
    assert await vaults["decisions"].erase(client)
    fresh = Vault(vaults[service]._dsn)
    try:
        assert [await fresh.open(purpose, client, text) for text in (old, new)] == [None, None]
    finally:
        await fresh.close()


async def test_no_key_of_that_kind_is_made_any_more(vaults, owner, client):
    await vaults["decisions"].seal(Purpose.CONTACTS, client, PLAIN)
    assert not await owner.fetch("SELECT FROM client_keys WHERE client_ref = $1", client)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        pool = await vaults["decisions"]._connected()
        await pool.execute("INSERT INTO client_keys (client_ref, key) VALUES ($1, $2)", client, bytes(32))


async def test_a_key_store_of_before_is_brought_up_to_date_with_its_keys(cluster, toy, owner):
    """The tables of the release before, with a row; then the statements of provisioning, twice."""
    name = f"keys_of_before_{os.getpid()}"
    await owner.execute(f'CREATE DATABASE "{name}" OWNER rekku_keys')
    try:
        keys = await asyncpg.connect(cluster.cluster.url(SUPERUSER, name), server_settings={"role": "rekku_keys"})
        try:
            await keys.execute(KEYS_DDL.split("CREATE TABLE IF NOT EXISTS keys_by_purpose")[0])
            await keys.execute("INSERT INTO client_keys (client_ref, key) VALUES ('c', $1)", bytes(32))
            for _ in range(2):
                await keys.execute(KEYS_DDL)
                await keys.execute(BATCH_KEYS_DDL)
                for statement in grants():
                    await keys.execute(statement)
            assert await keys.fetchval("SELECT key FROM client_keys WHERE client_ref = 'c'") == bytes(32)
        finally:
            await keys.close()
    finally:
        await owner.execute(f'DROP DATABASE "{name}"')
