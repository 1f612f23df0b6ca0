"""Seals for batches: a key of two halves, of which one is erased with the batch."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis import batch_keys
from chassis.embedded import KEYS_DATABASE
from chassis.testing import ServiceUnderTest
from chassis.vault import BrokenSeal, Vault

SECRET = "of one service, and long enough"
PLAIN = [b"first", b"other", b"third"]


@pytest.fixture
async def new_vault(cluster, toy: ServiceUnderTest):
    """`new_vault(secret)`: the vault of a process, on the run's key store, which is there once a service is."""
    vaults: list[Vault] = []

    def make(secret: str = SECRET) -> Vault:
        vaults.append(Vault(cluster.cluster.url(KEYS_DATABASE, KEYS_DATABASE), secret))
        return vaults[-1]

    yield make
    for vault in vaults:
        await vault.close()


@pytest.fixture
def batch() -> UUID:
    return uuid4()


async def _sealed(vault: Vault, batch: UUID) -> list[bytes]:
    return [await batch_keys.seal(vault, batch, plain) for plain in PLAIN]


async def test_what_is_sealed_here_opens_elsewhere_all_of_it_in_its_order(new_vault, batch):
    sealed = await _sealed(new_vault(), batch)
    assert await batch_keys.unseal(new_vault(), batch, sealed) == PLAIN
    assert {len(one) for one in sealed} == {len(PLAIN[0]) + batch_keys.SEAL_BYTES}
    assert not any(plain in one for plain in PLAIN for one in sealed)


async def test_the_key_store_alone_opens_nothing(new_vault, batch):
    """Whoever reads it, its backups or its log lacks the secret, which is nowhere in PostgreSQL."""
    sealed = await _sealed(new_vault(), batch)
    with pytest.raises(BrokenSeal):
        await batch_keys.unseal(new_vault("another service's secret"), batch, sealed)
    with pytest.raises(RuntimeError, match="secret"):
        await batch_keys.unseal(new_vault(""), batch, sealed)


async def test_an_erased_key_takes_its_batch_with_it_in_every_process_at_once(new_vault, batch):
    vault, elsewhere, other = new_vault(), new_vault(), uuid4()
    sealed, kept = await _sealed(vault, batch), await _sealed(vault, other)
    assert await batch_keys.unseal(vault, batch, sealed) == PLAIN
    await batch_keys.erase(elsewhere, batch)
    await batch_keys.erase(elsewhere, batch)
    with pytest.raises(BrokenSeal):
        await batch_keys.unseal(vault, batch, sealed)
    assert await batch_keys.unseal(vault, other, kept) == PLAIN


async def test_a_key_that_is_made_anew_does_not_open_what_the_erased_one_sealed(new_vault, batch):
    vault = new_vault()
    sealed = await _sealed(vault, batch)
    await batch_keys.erase(vault, batch)
    await batch_keys.seal(vault, batch, b"later")
    with pytest.raises(BrokenSeal):
        await batch_keys.unseal(vault, batch, sealed)


async def test_a_seal_belongs_to_its_batch_and_is_whole(new_vault, batch):
    vault, other = new_vault(), uuid4()
    [sealed, *_] = await _sealed(vault, batch)
    await _sealed(vault, other)
    for where, what in ((other, sealed), (batch, sealed[:-1] + bytes([sealed[-1] ^ 1])), (batch, sealed[:20])):
        with pytest.raises(BrokenSeal):
            await batch_keys.unseal(vault, where, [what])


async def test_two_that_seal_first_at_the_same_time_use_one_key(new_vault, batch):
    vaults = [new_vault() for _ in range(4)]
    sealed = await asyncio.gather(*(batch_keys.seal(vault, batch, b"plain") for vault in vaults * 4))
    assert set(await batch_keys.unseal(vaults[0], batch, sealed)) == {b"plain"}


async def test_a_key_store_that_does_not_answer_is_waited_for_briefly(new_vault, batch, cluster, monkeypatch):
    """A lock of the caller's is held meanwhile; as long as the answer takes, nothing is lost by asking again."""
    vault = new_vault()
    sealed = await _sealed(vault, batch)
    monkeypatch.setattr(batch_keys, "WITHIN_S", 0.05)
    holder = await asyncpg.connect(cluster.cluster.url(KEYS_DATABASE, KEYS_DATABASE))
    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE batch_keys IN ACCESS EXCLUSIVE MODE")
            for work in (batch_keys.seal(vault, batch, b"x"), batch_keys.unseal(vault, batch, sealed)):
                with pytest.raises(TimeoutError):
                    await work
            with pytest.raises(TimeoutError):
                await batch_keys.erase(vault, batch)
    finally:
        await holder.close()
    monkeypatch.undo()
    assert await batch_keys.unseal(vault, batch, sealed) == PLAIN
