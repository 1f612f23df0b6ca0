"""Seals for batches: what people hand in one by one, to be read only together (decision record 0030).

Each batch has a key of two halves. One is in the key store and erased once the batch has been opened; the other
follows from the service's secret. So who reads the key store, the services' database, their backups and their
logs, or all of these, opens nothing; and once the first half is erased, nobody does.
"""

import asyncio
import hashlib
import hmac
import os
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.failpoints import reach
from chassis.vault import BrokenSeal, Vault

BATCH_KEYS_DDL = """
CREATE TABLE IF NOT EXISTS batch_keys (
    batch_id uuid PRIMARY KEY,
    half bytea NOT NULL CHECK (octet_length(half) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN batch_keys.half IS 'of no use without the secret of the service; the row goes with its batch';
"""

WITHIN_S = 2.0
"""How long the key store is waited for: meanwhile a lock may be held."""

_NONCE_BYTES = 12
_TAG_BYTES = 16
SEAL_BYTES = _NONCE_BYTES + _TAG_BYTES
"""What is sealed becomes so much longer, whatever it says."""


async def seal(vault: Vault, batch_id: UUID, plain: bytes, *, beside: bytes | None = None) -> bytes:
    """`plain` under the batch's key, which is made for the first of a batch.

    Nothing may be sealed for a batch that is being opened: the caller holds a lock against that.

    Args:
        beside: what was sealed for the batch before; under two keys they would never be opened together.

    Raises:
        BrokenSeal: the batch's key is gone, or another than that of `beside`.
        TimeoutError, asyncpg.PostgresError, OSError: the key store does not answer; a failure of the moment.
    """
    reach("seal.before")
    half = await _find(vault, batch_id)
    if beside is not None:
        _opened(vault, half, batch_id, [beside])
    half = half or await _make(vault, batch_id)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + _cipher(vault, half).encrypt(nonce, plain, batch_id.bytes)
    reach("seal.after")
    return sealed


async def unseal(vault: Vault, batch_id: UUID, sealed: Sequence[bytes]) -> list[bytes]:
    """What was sealed for the batch, in the order given.

    Raises:
        BrokenSeal: its key is gone, or a seal was altered or is another batch's.
        TimeoutError, asyncpg.PostgresError, OSError: as `seal`.
    """
    return _opened(vault, await _find(vault, batch_id), batch_id, sealed)


def _opened(vault: Vault, half: bytes | None, batch_id: UUID, sealed: Sequence[bytes]) -> list[bytes]:
    if half is None:
        raise BrokenSeal("the key store has no key of the batch")
    cipher = _cipher(vault, half)
    try:
        return [cipher.decrypt(one[:_NONCE_BYTES], one[_NONCE_BYTES:], batch_id.bytes) for one in sealed]
    except InvalidTag as error:
        raise BrokenSeal("a seal does not fit the batch's key") from error


async def erase(vault: Vault, batch_id: UUID) -> None:
    """Make everything sealed for the batch unreadable for ever; erasing again changes nothing.

    Raises:
        TimeoutError, asyncpg.PostgresError, OSError: as `seal`.
    """
    reach("erase.before")
    async with asyncio.timeout(WITHIN_S):
        await (await vault.store()).execute("DELETE FROM batch_keys WHERE batch_id = $1", batch_id)
    reach("erase.after")


async def _find(vault: Vault, batch_id: UUID) -> bytes | None:
    # Never from a cache: what is erased is gone in every process at once.
    async with asyncio.timeout(WITHIN_S):
        half: bytes | None = await (await vault.store()).fetchval(
            "SELECT half FROM batch_keys WHERE batch_id = $1", batch_id
        )
    return half


async def _make(vault: Vault, batch_id: UUID) -> bytes:
    async with asyncio.timeout(WITHIN_S):
        await (await vault.store()).execute(
            "INSERT INTO batch_keys (batch_id, half) VALUES ($1, $2) ON CONFLICT DO NOTHING", batch_id, os.urandom(32)
        )
    half = await _find(vault, batch_id)  # whoever of two comes second takes the half of the first
    if half is None:
        raise AssertionError("the key of a batch that takes answers was erased")
    return half


def _cipher(vault: Vault, half: bytes) -> AESGCM:
    if not vault.secret:
        raise RuntimeError("a batch is sealed with the secret of the service, and this one has none")
    return AESGCM(hmac.digest(vault.secret, b"batch/" + half, hashlib.sha256))
