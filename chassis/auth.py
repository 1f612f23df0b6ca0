"""Who is calling: JWT bearer tokens checked against the issuer's published keys (JWKS)."""

import asyncio
import functools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from chassis.files import FileUnusable, read_or_make, read_whole, write_whole
from chassis.settings import Environment, Settings

ALGORITHMS = ["RS256", "ES256"]
_REFETCH_AFTER_S = 10.0
_LEEWAY_S = 30
_TRUSTED_S = 30.0
_MOST_TRUSTED = 1024


class Role(StrEnum):
    """What a caller is; `PUBLIC` has no token."""

    PROVIDER = "provider"
    OFFICER = "officer"
    SYSTEM = "system"
    PUBLIC = "public"


@dataclass(frozen=True)
class Principal:
    """The caller a command or query runs as. Providers see their own rows only."""

    subject: str
    role: Role
    provider_id: str | None = None

    @property
    def scope(self) -> str:
        """What row-level security lets this principal see: everything, one provider's rows, or none."""
        if self.role in (Role.OFFICER, Role.SYSTEM):
            return "*"
        return self.provider_id or ""


SYSTEM = Principal("system", Role.SYSTEM)
PUBLIC = Principal("public", Role.PUBLIC)


class TokenRefused(Exception):
    """The token is missing, unsigned, expired, for somebody else, or says nothing usable."""


class TokenVerifier:
    """Checks tokens against the issuer's key set, fetched once and again when a key is unknown."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._fetching = asyncio.Lock()
        self._trusted: dict[str, tuple[Principal, float]] = {}
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def principal_of(self, token: str) -> Principal:
        """The principal a token speaks for; a token just verified is trusted for half a minute.

        Raises:
            TokenRefused: for every reason alike; the reason is never answered.
        """
        trusted = self._trusted.get(token)
        if trusted is not None and time.monotonic() < trusted[1]:
            return trusted[0]
        try:
            claims = self._decode(token, await self._key_set())
        except (JoseError, ValueError) as first:
            try:
                claims = self._decode(token, await self._key_set(refetch=True))
            except (JoseError, ValueError) as error:
                raise TokenRefused(type(error).__name__) from first
        principal = _principal(claims)
        if len(self._trusted) >= _MOST_TRUSTED:
            self._trusted.clear()
        self._trusted[token] = (principal, time.monotonic() + min(_TRUSTED_S, claims["exp"] - time.time()))
        return principal

    def _decode(self, token: str, keys: KeySet) -> dict[str, Any]:
        decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        self._claims.validate(decoded.claims)
        return decoded.claims

    async def _key_set(self, *, refetch: bool = False) -> KeySet:
        async with self._fetching:
            stale = refetch and time.monotonic() - self._fetched_at > _REFETCH_AFTER_S
            if self._keys is None or stale:
                self._keys = KeySet.import_key_set(await self._fetch())
                self._fetched_at = time.monotonic()
            return self._keys

    async def _fetch(self) -> Any:
        try:
            if self._settings.jwks_url.startswith("file:"):
                return await asyncio.to_thread(keys_in, self._settings.jwks_url)
            async with httpx.AsyncClient(timeout=5) as client:
                return (await client.get(self._settings.jwks_url)).raise_for_status().json()
        except (OSError, FileUnusable, httpx.HTTPError, ValueError) as error:
            raise TokenRefused("the issuer's keys cannot be read") from error


def _principal(claims: Mapping[str, Any]) -> Principal:
    try:
        role = Role(claims["role"])
    except (KeyError, ValueError) as error:
        raise TokenRefused("no known role") from error
    provider_id = claims.get("provider_id")
    if role is Role.PUBLIC or (role is Role.PROVIDER) != isinstance(provider_id, str):
        raise TokenRefused("role and provider do not fit")
    return Principal(str(claims["sub"]), role, provider_id)


def keys_in(url: str) -> dict[str, Any]:
    """The key set (JWKS) in the file of a `file:` URL.

    Raises:
        FileUnusable: it is missing or broken.
    """
    path = Path(unquote(urlparse(url).path))
    remedy = "REKKU_JWKS_URL names it: put the issuer's key set there"
    keys = read_whole(path, _as_key_set, remedy)
    if keys is None:
        raise FileUnusable(f"{path} is missing: {remedy}")
    return keys


def _as_key_set(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    if not all(isinstance(key, dict) for key in document["keys"]):
        raise TypeError
    return document


@functools.cache
def _private_key(text: str) -> RSAKey:
    try:
        key = RSAKey.import_key(json.loads(text))
    except JoseError as error:
        raise ValueError from error
    if not key.is_private:
        raise ValueError
    return key


def _new_private_key() -> str:
    return json.dumps(RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True))


def _public(key: RSAKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False)]}


class DevIssuer:
    """Mints tokens on one machine, from a key kept in the home directory; never in production.

    Raises:
        ValueError: it is off.
        FileUnusable: its key is broken, or cannot be made.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.environment is Environment.PRODUCTION or not settings.dev_issuer:
            raise ValueError("the development issuer is off")
        self._settings = settings
        self._key = self._load(settings.home / "dev-issuer.json")

    @staticmethod
    def jwks_path(home: Path) -> Path:
        """Where the public keys are written, for `REKKU_JWKS_URL=file://…`."""
        return home / "dev-issuer-jwks.json"

    @classmethod
    def _load(cls, path: Path) -> RSAKey:
        path.parent.mkdir(parents=True, exist_ok=True)
        key = read_or_make(path, _private_key, _new_private_key)
        write_whole(cls.jwks_path(path.parent), json.dumps(_public(key)))
        return key

    def jwks(self) -> dict[str, Any]:
        """The public key set."""
        return _public(self._key)

    def token(
        self,
        role: Role,
        provider_id: str | None = None,
        subject: str | None = None,
        lifetime: timedelta = timedelta(hours=8),
    ) -> str:
        """A signed token for `role`; providers need their provider_id."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": subject or (f"dev-{role}" if provider_id is None else f"dev-{role}-{provider_id}"),
            "role": str(role),
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
        }
        if provider_id is not None:
            claims["provider_id"] = provider_id
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, claims, self._key)
