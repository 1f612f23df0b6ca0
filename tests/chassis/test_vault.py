"""Personal data under a key per client: erased with the key."""

import asyncio
import base64

import asyncpg
import pytest

from chassis.embedded import KEYS_DATABASE
from chassis.testing import ServiceUnderTest
from chassis.vault import BrokenSeal, Vault
from contracts.envelope import new_event_id
from contracts.keys import Purpose

PLAIN = b'{"phone": "+358401234567", "language": "fi"}'


@pytest.fixture
async def dsn(cluster, toy: ServiceUnderTest) -> str:
    """The run's key store, which is there once a service has been provisioned."""
    return cluster.cluster.url(KEYS_DATABASE, KEYS_DATABASE)


@pytest.fixture
async def vault(dsn):
    vault = Vault(dsn)
    yield vault
    await vault.close()


@pytest.fixture
async def elsewhere(dsn):
    """The vault of another process."""
    vault = Vault(dsn)
    yield vault
    await vault.close()


@pytest.fixture
def client() -> str:
    return f"client-{new_event_id()}"


async def test_what_is_sealed_here_opens_elsewhere(vault, elsewhere, client):
    sealed = await vault.seal(Purpose.CONTACTS, client, PLAIN)
    assert await elsewhere.open(Purpose.CONTACTS, client, sealed) == PLAIN
    assert await vault.open(Purpose.CONTACTS, client, sealed) == PLAIN


async def test_the_same_text_never_looks_the_same_twice(vault, client):
    first, second = await vault.seal(Purpose.CONTACTS, client, PLAIN), await vault.seal(Purpose.CONTACTS, client, PLAIN)
    assert first != second
    assert PLAIN not in base64.b64decode(first)


async def test_an_erased_key_takes_its_texts_with_it(vault, elsewhere, client):
    sealed = await vault.seal(Purpose.CONTACTS, client, PLAIN)
    await elsewhere.erase(client)
    await elsewhere.erase(client)
    assert await elsewhere.open(Purpose.CONTACTS, client, sealed) is None
    assert await Vault(vault._dsn).open(Purpose.CONTACTS, client, sealed) is None


async def test_erasing_takes_effect_in_this_process_at_once(vault, client):
    sealed = await vault.seal(Purpose.CONTACTS, client, PLAIN)
    assert await vault.open(Purpose.CONTACTS, client, sealed) == PLAIN
    await vault.erase(client)
    assert await vault.open(Purpose.CONTACTS, client, sealed) is None


async def test_the_key_of_another_processs_erasure_is_forgotten_within_its_time(vault, elsewhere, client, monkeypatch):
    sealed = await vault.seal(Purpose.CONTACTS, client, PLAIN)
    await elsewhere.erase(client)
    monkeypatch.setattr("chassis.vault.time.monotonic", lambda: 1e12)
    assert await vault.open(Purpose.CONTACTS, client, sealed) is None


async def test_sealing_anew_after_an_erasure_does_not_bring_the_old_texts_back(vault, elsewhere, client):
    old = await vault.seal(Purpose.CONTACTS, client, PLAIN)
    await elsewhere.erase(client)
    new = await elsewhere.seal(Purpose.CONTACTS, client, b"new")
    assert await elsewhere.open(Purpose.CONTACTS, client, old) is None
    # This process still holds the old key in its cache, and finds that it is no longer the one.
    assert await vault.open(Purpose.CONTACTS, client, new) == b"new"
    assert await vault.open(Purpose.CONTACTS, client, old) is None


async def test_a_client_that_was_never_sealed_for_has_nothing_to_open(vault, client):
    other = await vault.seal(Purpose.CONTACTS, f"{client}-other", PLAIN)
    assert await vault.open(Purpose.CONTACTS, client, other) is None


async def test_a_seal_belongs_to_its_client(vault, client):
    await vault.seal(Purpose.CONTACTS, client, PLAIN)
    other = await vault.seal(Purpose.CONTACTS, f"{client}-other", PLAIN)
    with pytest.raises(BrokenSeal):
        await vault.open(Purpose.CONTACTS, client, other)


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-8] + "AAAAAAA=", lambda s: "no base64!", lambda s: "QUJD", lambda s: ""]
)
async def test_a_spoilt_seal_says_so_and_nothing_else(vault, client, spoil):
    sealed = await vault.seal(Purpose.CONTACTS, client, PLAIN)
    with pytest.raises(BrokenSeal) as broken:
        await vault.open(Purpose.CONTACTS, client, spoil(sealed))
    assert sealed not in str(broken.value)


async def test_two_that_seal_first_at_the_same_time_use_one_key(vault, elsewhere, client):
    sealed = await asyncio.gather(*(v.seal(Purpose.CONTACTS, client, PLAIN) for v in [vault, elsewhere] * 10))
    assert {await vault.open(Purpose.CONTACTS, client, text) for text in sealed} == {PLAIN}


async def test_the_cache_is_bounded(vault, client, monkeypatch):
    monkeypatch.setattr("chassis.vault._CACHE_SIZE", 3)
    sealed = {f"{client}-{n}": await vault.seal(Purpose.CONTACTS, f"{client}-{n}", PLAIN) for n in range(6)}
    assert len(vault._cache) == 3
    assert [await vault.open(Purpose.CONTACTS, ref, text) for ref, text in sealed.items()] == [PLAIN] * 6


async def test_an_unreachable_key_store_is_a_failure_of_the_moment(dsn, client):
    vault = Vault("postgresql://nobody@/none?host=/nonexistent")
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await vault.seal(Purpose.CONTACTS, client, PLAIN)
    await vault.close()
