"""Personal data under a key per client: erase the key, and the data are gone from every log and copy.

The keys live in a database of their own (`rekku_keys`), backed up apart from the services'
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

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEYS_DDL = """
CREATE TABLE IF NOT EXISTS client_keys (
    client_ref text PRIMARY KEY,
    key bytea CHECK (octet_length(key) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_at timestamptz,
    CHECK (key IS NOT NULL OR erased_at IS NOT NULL)
);
COMMENT ON COLUMN client_keys.key IS 'AES-256; NULL once erased, until something is sealed for the client anew';
"""

_NONCE_BYTES = 12
_TAG_BYTES = 16
_CACHE_SIZE = 2048
_CACHE_TTL_S = 20.0


class BrokenSeal(ValueError):
    """What was sealed cannot be read although its key was never erased: altered, or another client's."""


def _decrypt(key: bytes, raw: bytes, client_ref: str) -> bytes:
    return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], client_ref.encode())


class Vault:
    """AES-256-GCM under one key per client; the client's reference is the associated data.

    Args:
        source: the key database's DSN (a small pool is opened when it is first needed), or a pool.
        secret: the service's own, with which batches are sealed (`chassis.batch_keys`); clients' keys need none.

    A process that has just used a key may go on opening with it for up to 20 seconds after it was
    erased elsewhere; `seal` always asks the key store.
    """

    def __init__(self, source: str | asyncpg.Pool[asyncpg.Record], secret: str = "") -> None:
        self.secret = secret.encode()
        self._dsn = source if isinstance(source, str) else None
        self._pool = None if isinstance(source, str) else source
        self._connecting = asyncio.Lock()
        self._cache: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    async def seal(self, client_ref: str, plain: bytes) -> str:
        """Base64 of nonce and ciphertext; makes the client's key where there is none."""
        key = await self._key_or_new(client_ref)
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, client_ref.encode())).decode()

    async def open(self, client_ref: str, sealed: str) -> bytes | None:
        """What was sealed for this client, or None where its key has been erased.

        Raises:
            BrokenSeal: it was altered, cut short, or sealed for another client.
        """
        try:
            raw = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BrokenSeal("not base64") from error
        if len(raw) < _NONCE_BYTES + _TAG_BYTES:
            raise BrokenSeal("too short")
        key = self._cached(client_ref) or (await self._stored(client_ref))[0]
        if key is None:
            return None
        try:
            return _decrypt(key, raw, client_ref)
        except InvalidTag:
            # Our key may be an old one out of the cache, or the seal older than the client's last erasure.
            current, erased = await self._stored(client_ref)
        if current is not None and current != key:
            try:
                return _decrypt(current, raw, client_ref)
            except InvalidTag:
                pass
        if erased:
            return None
        raise BrokenSeal("the seal does not fit the client's key")

    async def fetch_keys(self, client_refs: Iterable[str]) -> None:
        """Have the keys of these clients at hand, in one round trip; `open` then needs none for each."""
        missing = [ref for ref in set(client_refs) if self._cached(ref) is None]
        if not missing:
            return
        pool = await self._connected()
        rows = await pool.fetch(
            "SELECT client_ref, key FROM client_keys WHERE client_ref = ANY ($1) AND key IS NOT NULL", missing
        )
        for row in rows:
            self._remember(row["client_ref"], row["key"])

    async def erase(self, client_ref: str) -> None:
        """Make everything sealed for this client unreadable for ever; erasing again changes nothing."""
        self._cache.pop(client_ref, None)
        pool = await self._connected()
        await pool.execute(
            "INSERT INTO client_keys (client_ref, erased_at) VALUES ($1, clock_timestamp())"
            " ON CONFLICT (client_ref) DO UPDATE SET key = NULL, erased_at = excluded.erased_at"
            " WHERE client_keys.key IS NOT NULL",
            client_ref,
        )
        self._cache.pop(client_ref, None)

    async def store(self) -> asyncpg.Pool[asyncpg.Record]:
        """The connections to the key store, opened when they are first needed."""
        return await self._connected()

    async def close(self) -> None:
        """Close the pool that was opened here; a pool that was given stays open."""
        self._cache.clear()
        if self._dsn is not None and self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    async def _key_or_new(self, client_ref: str) -> bytes:
        pool = await self._connected()
        key: bytes | None = await pool.fetchval("SELECT key FROM client_keys WHERE client_ref = $1", client_ref)
        if key is None:
            # Whoever of two comes second takes the key of the first.
            key = await pool.fetchval(
                "INSERT INTO client_keys (client_ref, key) VALUES ($1, $2) ON CONFLICT (client_ref) DO UPDATE"
                " SET key = coalesce(client_keys.key, excluded.key),"
                " created_at = CASE WHEN client_keys.key IS NULL THEN clock_timestamp() ELSE client_keys.created_at END"
                " RETURNING key",
                client_ref,
                AESGCM.generate_key(256),
            )
        if key is None:
            raise AssertionError("the key store kept no key")
        self._remember(client_ref, key)
        return key

    async def _stored(self, client_ref: str) -> tuple[bytes | None, bool]:
        """The key as it is now, and whether a key of this client was ever erased."""
        pool = await self._connected()
        row = await pool.fetchrow("SELECT key, erased_at FROM client_keys WHERE client_ref = $1", client_ref)
        if row is None:
            self._cache.pop(client_ref, None)
            return None, True
        if row["key"] is None:
            self._cache.pop(client_ref, None)
        else:
            self._remember(client_ref, row["key"])
        return row["key"], row["erased_at"] is not None

    def _cached(self, client_ref: str) -> bytes | None:
        found = self._cache.get(client_ref)
        if found is None:
            return None
        key, until = found
        if time.monotonic() >= until:
            del self._cache[client_ref]
            return None
        return key

    def _remember(self, client_ref: str, key: bytes) -> None:
        self._cache[client_ref] = (key, time.monotonic() + _CACHE_TTL_S)
        self._cache.move_to_end(client_ref)
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
