"""Personal data under keys per client and purpose: erase the keys, and the data are gone from every log and copy.

The keys live in a database of their own (`rekku_keys`, `chassis.key_store`), backed up apart from the services'
databases: a restored backup of those never brings an erased client back.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.keys import Purpose

_NONCE_BYTES = 12
_TAG_BYTES = 16
_CACHE_SIZE = 2048
_CACHE_TTL_S = 20.0


_STORED = """
SELECT asked.client_ref, ours.key, before.key AS key_before,
    ours.erased_at IS NOT NULL OR before.erased_at IS NOT NULL AS erased
FROM unnest($2::text[]) AS asked (client_ref)
LEFT JOIN keys_by_purpose ours ON ours.client_ref = asked.client_ref AND ours.purpose = $1
LEFT JOIN client_keys before ON before.client_ref = asked.client_ref
"""
# Whoever of two comes second takes the key of the first.
_ADD_KEY = """
INSERT INTO keys_by_purpose AS ours (purpose, client_ref, key) VALUES ($1, $2, $3)
ON CONFLICT (client_ref, purpose) DO UPDATE SET key = coalesce(ours.key, excluded.key),
    created_at = CASE WHEN ours.key IS NULL THEN clock_timestamp() ELSE ours.created_at END
RETURNING key
"""
# What was there is read in the statement that takes it away: all of it sees the same snapshot.
_ERASE = """
WITH ours AS (
    UPDATE keys_by_purpose SET key = NULL, erased_at = clock_timestamp() WHERE client_ref = $1 AND key IS NOT NULL
), before AS (
    UPDATE client_keys SET key = NULL, erased_at = clock_timestamp() WHERE client_ref = $1 AND key IS NOT NULL
)
SELECT EXISTS (SELECT FROM keys_by_purpose WHERE client_ref = $1 AND key IS NOT NULL)
    OR EXISTS (SELECT FROM client_keys WHERE client_ref = $1 AND key IS NOT NULL)
"""

Keys = tuple[bytes, ...]
"""The keys with which something may have been sealed: the purpose's own, then the one of before keys had purposes."""


class BrokenSeal(ValueError):
    """What was sealed cannot be read although its key was never erased: altered, or another client's."""


def _opened(keys: Iterable[bytes], raw: bytes, client_ref: str) -> bytes | None:
    """What one of the keys opens; None where none does."""
    for key in keys:
        with suppress(InvalidTag):
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], client_ref.encode())
    return None


def _keys_in(row: asyncpg.Record) -> Keys:
    return tuple(key for key in (row["key"], row["key_before"]) if key is not None)


class Vault:
    """AES-256-GCM under a key per client and purpose; the client's reference is the associated data.

    Args:
        source: the key database's DSN (a small pool is opened when it is first needed), or a pool.
        secret: the service's own, with which batches are sealed (`chassis.batch_keys`); clients' keys need none.

    A process that has just used a key may go on opening with it for up to 20 seconds after it was
    erased elsewhere; `seal` always asks the key store. Which purposes it can make keys for, or open, is what its
    role in the key store may (`contracts.keys`); another purpose fails as asyncpg says.
    """

    def __init__(self, source: str | asyncpg.Pool[asyncpg.Record], secret: str = "") -> None:
        self.secret = secret.encode()
        self._dsn = source if isinstance(source, str) else None
        self._pool = None if isinstance(source, str) else source
        self._connecting = asyncio.Lock()
        self._cache: OrderedDict[tuple[Purpose, str], tuple[Keys, float]] = OrderedDict()

    async def seal(self, purpose: Purpose, client_ref: str, plain: bytes) -> str:
        """Base64 of nonce and ciphertext; makes the client's key for this purpose where there is none."""
        key = await self._key_or_new(purpose, client_ref)
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, client_ref.encode())).decode()

    async def open(self, purpose: Purpose, client_ref: str, sealed: str) -> bytes | None:
        """What was sealed for this client and purpose, or None where its key has been erased.

        Raises:
            BrokenSeal: it was altered, cut short, or sealed for another client or purpose.
        """
        try:
            raw = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BrokenSeal("not base64") from error
        if len(raw) < _NONCE_BYTES + _TAG_BYTES:
            raise BrokenSeal("too short")
        tried = self._cached(purpose, client_ref)
        plain = _opened(tried or (), raw, client_ref)
        if plain is not None:
            return plain
        # Our keys may be old ones out of the cache, or the seal older than the client's last erasure.
        keys, erased = await self._stored(purpose, client_ref)
        plain = _opened([key for key in keys if key not in (tried or ())], raw, client_ref)
        if plain is None and keys and not erased:
            raise BrokenSeal("the seal does not fit the client's key")
        return plain

    async def fetch_keys(self, purpose: Purpose, client_refs: Iterable[str]) -> None:
        """Have the keys of these clients at hand, in one round trip; `open` then needs none for each."""
        missing = [ref for ref in set(client_refs) if self._cached(purpose, ref) is None]
        if not missing:
            return
        pool = await self._connected()
        for row in await pool.fetch(_STORED, purpose, missing):
            self._remember(purpose, row["client_ref"], _keys_in(row))

    async def erase(self, client_ref: str) -> bool:
        """Make everything sealed for this client, for any purpose, unreadable for ever; whether anything was readable.

        Erasing again changes nothing. Only a role that makes the keys of every purpose may.
        """
        pool = await self._connected()
        had = await pool.fetchval(_ERASE, client_ref)
        for purpose in Purpose:
            self._cache.pop((purpose, client_ref), None)
        return bool(had)

    async def store(self) -> asyncpg.Pool[asyncpg.Record]:
        """The connections to the key store, opened when they are first needed."""
        return await self._connected()

    async def close(self) -> None:
        """Close the pool that was opened here; a pool that was given stays open."""
        self._cache.clear()
        if self._dsn is not None and self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    async def _key_or_new(self, purpose: Purpose, client_ref: str) -> bytes:
        pool = await self._connected()
        key: bytes | None = await pool.fetchval(
            "SELECT key FROM keys_by_purpose WHERE purpose = $1 AND client_ref = $2", purpose, client_ref
        )
        if key is None:
            key = await pool.fetchval(_ADD_KEY, purpose, client_ref, AESGCM.generate_key(256))
        if key is None:
            raise AssertionError("the key store kept no key")
        self._remember(purpose, client_ref, (key,))
        return key

    async def _stored(self, purpose: Purpose, client_ref: str) -> tuple[Keys, bool]:
        """The keys as they are now, and whether one of this client was ever erased."""
        pool = await self._connected()
        row = await pool.fetchrow(_STORED, purpose, [client_ref])
        if row is None:
            raise AssertionError("the key store did not answer for the client that it was asked for")
        self._remember(purpose, client_ref, _keys_in(row))
        return _keys_in(row), row["erased"]

    def _cached(self, purpose: Purpose, client_ref: str) -> Keys | None:
        found = self._cache.get((purpose, client_ref))
        if found is None:
            return None
        keys, until = found
        if time.monotonic() >= until:
            del self._cache[purpose, client_ref]
            return None
        return keys

    def _remember(self, purpose: Purpose, client_ref: str, keys: Keys) -> None:
        if not keys:
            self._cache.pop((purpose, client_ref), None)
            return
        self._cache[purpose, client_ref] = (keys, time.monotonic() + _CACHE_TTL_S)
        self._cache.move_to_end((purpose, client_ref))
        while len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)

    async def _connected(self) -> asyncpg.Pool[asyncpg.Record]:
        async with self._connecting:
            if self._pool is None:
                if self._dsn is None:
                    raise RuntimeError("the vault was closed")
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=4,
                    command_timeout=10,
                    server_settings={"application_name": "rekku-vault"},
                )
        return self._pool
