"""Who is calling: JWT bearer tokens checked against the issuer's published keys (JWKS)."""

import base64
import functools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from chassis.claims import examine_claims
from chassis.cleaning import is_business_id
from chassis.files import read_or_make, write_whole
from chassis.issuer_keys import ALGORITHMS, IssuerKeys
from chassis.settings import Environment, Settings

_LEEWAY_S = 30
_LONGEST_TOKEN = 8192
_LONGEST_SUBJECT = 255
_TRUSTED_S = 30.0
_MOST_TRUSTED = 1024


class Role(StrEnum):
    """What a caller is; `PUBLIC` has no token."""

    PROVIDER = "provider"
    OFFICER = "officer"
    SYSTEM = "system"
    PUBLIC = "public"


_SIGNED_IN = (Role.PROVIDER, Role.OFFICER, Role.SYSTEM)


@dataclass(frozen=True)
class Principal:
    """The caller a command or query runs as. Providers see their own rows only.

    `by_link`: it was let in by a link. What that opens is no provider's, and the service itself finds it.
    """

    subject: str
    role: Role
    provider_id: str | None = None
    issuer: str = ""
    by_link: bool = False

    @property
    def scope(self) -> str:
        """What row-level security lets this principal see: everything, one provider's rows, or none."""
        if self.role in (Role.OFFICER, Role.SYSTEM):
            return "*"
        if self.provider_id == "*":
            raise ValueError("a provider is never all of them")
        return self.provider_id or ""

    @property
    def narrow(self) -> bool:
        """Whether its work is done in the database role that knows no scope but one provider's (record 0033)."""
        return self.role in (Role.PROVIDER, Role.PUBLIC) and not self.by_link


SYSTEM = Principal("system", Role.SYSTEM)
PUBLIC = Principal("public", Role.PUBLIC)
LINK_HOLDER = Principal("public", Role.PUBLIC, by_link=True)


class TokenRefused(Exception):
    """The token is unsigned, expired, for somebody else, or says nothing usable."""


class TokenVerifier:
    """Checks tokens against the issuer's key set."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = settings.issuer
        self._clock = clock
        self._keys = IssuerKeys(settings.jwks_url, clock)
        self._trusted: dict[str, _Trusted] = {}
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def principal_of(self, token: str) -> Principal:
        """The principal a token speaks for; a token just checked is trusted for half a minute, while its key is.

        Raises:
            TokenRefused: for every reason alike; the reason is never answered.
            IssuerUnreachable: the token's key is not known here, and the issuer cannot be asked for it.
        """
        trusted = self.just_checked(token)
        if trusted is not None:
            return trusted
        try:
            key = await self._keys.find(*_key_named_in(token))
            if key is None:
                raise TokenRefused("no such key")
            claims = jwt.decode(token, key, algorithms=ALGORITHMS).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefused(type(error).__name__) from error
        principal = principal_in(claims, self._issuer)
        trusted_s = min(_TRUSTED_S, self._keys.left_s, claims["exp"] - int(time.time()))
        if len(self._trusted) >= _MOST_TRUSTED:
            self._trusted.clear()
        self._trusted[token] = _Trusted(principal, self._clock() + trusted_s, self._keys.generation)
        return principal

    def just_checked(self, token: str) -> Principal | None:
        """The principal of a token that is still trusted, without any work."""
        trusted = self._trusted.get(token)
        if trusted and self._clock() < trusted.until and trusted.generation == self._keys.generation:
            return trusted.principal
        return None

    async def keep_fresh(self) -> None:
        """Keep the key set as the issuer publishes it; ends when cancelled."""
        await self._keys.keep_fresh()

    async def close(self) -> None:
        """End a fetch of keys that is under way."""
        await self._keys.close()


@dataclass(frozen=True)
class _Trusted:
    principal: Principal
    until: float
    generation: int


def _key_named_in(token: str) -> tuple[str | None, str]:
    """The key id, if there is one, and the algorithm in a token's header, which is not checked yet.

    Raises:
        ValueError: there is no such header.
    """
    if len(token) > _LONGEST_TOKEN:
        raise ValueError("too long")
    segment = token.encode("ascii").partition(b".")[0]
    header = json.loads(base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)))
    if not isinstance(header, dict) or header.get("alg") not in ALGORITHMS:
        raise ValueError("no algorithm of ours")
    kid = header.get("kid")
    if not isinstance(kid, str | None):
        raise ValueError("no key id")
    return kid, header["alg"]


def principal_in(claims: Mapping[str, Any], issuer: str) -> Principal:
    """The principal that checked claims name: they are input like any other, kept in rows and compared in SQL.

    Raises:
        HoldsIdentityCode: what is kept of them holds a personal identity code (E-59).
        TokenRefused: no role of ours; a subject that is not plain text of at most 255 characters (OpenID
            Connect, 2); a provider without a valid business ID as it is written (`1234567-1`), or another with one.
    """
    examine_claims(claims)
    role, subject, provider_id = claims.get("role"), claims.get("sub"), claims.get("provider_id")
    if role not in _SIGNED_IN:
        raise TokenRefused("no known role")
    if not (isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT and _is_plain(subject)):
        raise TokenRefused("no usable subject")
    if not (is_business_id(provider_id) if role == Role.PROVIDER else provider_id is None):
        raise TokenRefused("role and provider do not fit")
    return Principal(subject, Role(role), provider_id, issuer)


def _is_plain(text: str) -> bool:
    """Nothing that cannot be seen, NUL, controls and halves of characters among it; no space around it."""
    return text.isprintable() and text == text.strip()


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
