"""The issuer's public keys (RFC 7517): used without waiting, fetched by one at a time, and anew every few minutes."""

import asyncio
import base64
import contextvars
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import httpx
from joserfc.jwk import ECKey, RSAKey

from chassis.files import FileUnusable, read_whole
from contracts.refusals import Refusal

_log = logging.getLogger(__name__)

_ALGORITHM_OF = {"RSA": "RS256", "EC": "ES256"}
ALGORITHMS = tuple(_ALGORITHM_OF.values())
_DEADLINE_S = 5.0
_REST_S = 5.0
_FIRST_REST_S = 0.25
_REFRESH_S = 240.0
_UNKNOWN_EVERY_S = 10.0
_LIFE_S = 3600.0
_MOST_BYTES = 262_144
_FEWEST_RSA_BITS = 2048

Key = RSAKey | ECKey
Keys = Mapping[tuple[str, str], Key]
"""Keys by their id and the algorithm they check."""


class IssuerUnreachable(Refusal):
    """A token's key is not known here, and the issuer cannot be asked for it (503 + Retry-After)."""

    status = 503

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("ISSUER_UNREACHABLE")
        self.retry_after_s = max(1, math.ceil(retry_after_s))


class IssuerKeys:
    """The key set at `url` (http, https or file).

    `generation` changes whenever the set does: what was checked with an earlier one has to be checked again.

    Every fetch that fails, whoever asked for it, is followed by a rest, in which the issuer is not asked and who
    needs it is refused. Before the first set there is nothing that could be answered without the issuer, which
    may only just be starting itself: then the rest is short, and who needs the issuer waits for its end.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.generation = 0
        self._url = url
        self._clock = clock
        self._keys: Keys = {}
        self._read_at = -math.inf
        self._rests_until = -math.inf
        self._flight: asyncio.Task[bool] | None = None

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key for a token with these headers; without waiting for anything where it is known.

        None where the issuer has no such key. For a key that is not known the issuer is asked, at most every
        ten seconds. Keys that could not be fetched anew for an hour are no longer known.

        Raises:
            IssuerUnreachable: the issuer does not answer, or has just failed to.
        """
        if self.left_s > 0:
            key = self._known(kid, algorithm)
            if key is not None or self._clock() - self._read_at < _UNKNOWN_EVERY_S:
                return key
        await self.refresh()
        return self._known(kid, algorithm)

    @property
    def left_s(self) -> float:
        """How long the keys of now may still be used if they cannot be fetched anew; not at all where negative."""
        return self._read_at + _LIFE_S - self._clock()

    def _known(self, kid: str | None, algorithm: str) -> Key | None:
        if kid is not None:
            return self._keys.get((kid, algorithm))
        fitting = [key for (_, of), key in self._keys.items() if of == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    async def refresh(self) -> None:
        """Fetch the set, or wait for whoever is fetching it.

        Raises:
            IssuerUnreachable: it could not be fetched; once there was one, at once for a few seconds after that.
        """
        rest_s = self._rests_until - self._clock()
        if rest_s > 0 and self._flight is None and not self._cold:
            raise IssuerUnreachable(rest_s)
        if not await self._fetched():
            raise IssuerUnreachable(self._rest_s)

    async def keep_fresh(self) -> None:
        """Fetch the set at once and then anew within five minutes of each time; ends when cancelled.

        So a key that the issuer has withdrawn ends here too, whether or not anybody asks.
        """
        while True:
            await asyncio.sleep(_REFRESH_S if await self._fetched() else self._rest_s)

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    @property
    def _cold(self) -> bool:
        """Whether there has been no set yet."""
        return self._read_at == -math.inf

    @property
    def _rest_s(self) -> float:
        return _FIRST_REST_S if self._cold else _REST_S

    async def _fetched(self) -> bool:
        """Whether the set could be fetched, by one flight for all who wait for it."""
        if self._flight is None:
            # A context of its own, as it is part of no single request; shielded, as nobody's leaving ends it.
            self._flight = asyncio.create_task(self._fly(), context=contextvars.Context())
        return await asyncio.shield(self._flight)

    async def _fly(self) -> bool:
        try:
            if self._cold:
                await asyncio.sleep(self._rests_until - self._clock())
            async with asyncio.timeout(_DEADLINE_S):
                keys = await self._fetch()
        except Exception as error:  # noqa: BLE001 - whatever it is, tokens with known keys are checked as before
            why = str(error) if isinstance(error, FileUnusable) else f"{self._url}: {type(error).__name__}"
            _log.warning("the issuer's keys cannot be read: %s", why)
            self._rests_until = self._clock() + self._rest_s
            return False
        finally:
            self._flight = None
        if _thumbprints(keys) != _thumbprints(self._keys):
            self.generation += 1
        self._keys, self._read_at = keys, self._clock()
        return True

    async def _fetch(self) -> Keys:
        if is_file(self._url):
            return await asyncio.to_thread(keys_in, self._url)
        body = bytearray()
        async with httpx.AsyncClient(timeout=_DEADLINE_S) as client, client.stream("GET", self._url) as answer:
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    raise ValueError("the key set is too large")
        return usable_keys(json.loads(body))


def is_file(url: str) -> bool:
    """Whether the set is in a file here."""
    return url.startswith("file:")


def keys_in(url: str) -> Keys:
    """The keys in the file of a `file:` URL.

    Raises:
        FileUnusable: it is missing or broken.
    """
    path = Path(unquote(urlparse(url).path))
    remedy = "REKKU_JWKS_URL names it: put the issuer's key set there"
    keys = read_whole(path, lambda text: usable_keys(json.loads(text)), remedy)
    if keys is None:
        raise FileUnusable(f"{path} is missing: {remedy}")
    return keys


def usable_keys(document: object) -> Keys:
    """The keys of a set that can check tokens here; any other is skipped and spoils nothing (RFC 7517, 5).

    A key without an id has its thumbprint as one (RFC 7638); of two with the same id the first counts.

    Raises:
        ValueError: it is no key set.
    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("no key set")
    keys: dict[tuple[str, str], Key] = {}
    skipped = 0
    for entry in document["keys"]:
        try:
            algorithm, key = _usable_key(entry)
            keys.setdefault((entry.get("kid") or key.thumbprint(), algorithm), key)
        except Exception:  # noqa: BLE001 - whatever a key breaks here or in a library, it is one we cannot use
            skipped += 1
    if skipped:
        _log.info("%s keys of the issuer cannot be used here; %s can", skipped, len(keys))
    return keys


def _usable_key(entry: Any) -> tuple[str, Key]:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid", ""), str):
        raise TypeError("not a key")
    if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ("verify",)):
        raise ValueError("not for signatures")
    # Only what the public key is made of: an issuer's other members are its own affair.
    if entry["kty"] == "RSA":
        modulus = base64.urlsafe_b64decode(entry["n"] + "==")
        if int.from_bytes(modulus).bit_length() < _FEWEST_RSA_BITS:
            raise ValueError("too small")
        key: Key = RSAKey.import_key({name: entry[name] for name in ("kty", "n", "e")})
    elif entry["kty"] == "EC" and entry["crv"] == "P-256":
        key = ECKey.import_key({name: entry[name] for name in ("kty", "crv", "x", "y")})
    else:
        raise ValueError("of another kind")
    algorithm = _ALGORITHM_OF[entry["kty"]]
    if entry.get("alg", algorithm) != algorithm:
        raise ValueError("for another algorithm")
    return algorithm, key


def _thumbprints(keys: Keys) -> dict[tuple[str, str], str]:
    return {name: key.thumbprint() for name, key in keys.items()}
