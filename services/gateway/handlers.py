"""Sessions: opened at sign-in, found by cookie, remembering what was written, listed, and ended.

Sessions live on real time: a simulated business clock neither ends nor prolongs them.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.auth import Principal, Role
from chassis.clock import utc_now
from chassis.db import Transaction
from chassis.knowing import merge_marks
from chassis.limits import SessionLimits
from services.gateway import domain, store
from services.gateway.devices import UNKNOWN, Device

_NONCE_BYTES = 12
_NOTED_EVERY = timedelta(minutes=1)
_NOTED_AT_LEAST = 10
"""How many times within the idle time a use is noted: every minute, or more often where that time is short."""


@dataclass(frozen=True)
class Session:
    """A signed-in browser: its cookie, its token, and the versions its writes led to.

    `rested` is whether its last use was long enough ago to be noted anew.
    """

    cookie: str
    token: str
    role: Role
    subject: str
    provider_id: str | None
    issuer: str
    known: tuple[str, ...]
    rested: bool = False

    @property
    def csrf_token(self) -> str:
        """The form token that every unsafe request of this session must carry."""
        return domain.csrf_token(self.cookie)

    @property
    def is_officer(self) -> bool:
        """True for Kela's officers and systems."""
        return self.role in (Role.OFFICER, Role.SYSTEM)


@dataclass(frozen=True)
class OwnSession:
    """A session in the list of its owner; `name` is enough to end it, not to use it."""

    name: str
    device: Device
    signed_in_at: datetime
    last_used_at: datetime
    this_one: bool


def living(limits: SessionLimits) -> store.Living:
    """What a session has to be to live now."""
    now = utc_now()
    return store.Living(now, now - timedelta(seconds=limits.idle_s))


async def open_session(
    tx: Transaction,
    principal: Principal,
    token: str,
    limits: SessionLimits,
    device: Device = UNKNOWN,
    before: Session | None = None,
) -> Session:
    """Start a session around a token, with a cookie of its own, in the place of the browser's one `before`.

    The token can only be read again with the cookie in hand. The session ends with the token at the latest.
    """
    if before is not None:
        await store.remove_session(tx, domain.session_hash(before.cookie))
    cookie = secrets.token_urlsafe(32)
    now = utc_now()
    await store.add_session(
        tx,
        store.StoredSession(
            session_hash=domain.session_hash(cookie),
            role=principal.role,
            subject=principal.subject,
            provider_id=principal.provider_id,
            issuer=principal.issuer,
            browser=device.browser,
            system=device.system,
            sealed_token=_seal(cookie, token),
            known=(),
            created_at=now,
            last_used_at=now,
            expires_at=min(now + timedelta(seconds=limits.whole_s), domain.token_expires_at(token)),
        ),
    )
    return Session(cookie, token, principal.role, principal.subject, principal.provider_id, principal.issuer, ())


async def find_session(tx: Transaction, cookie: str, limits: SessionLimits) -> Session | None:
    """The session of a cookie; None where there is none any more."""
    alive = living(limits)
    stored = await store.find_session(tx, domain.session_hash(cookie), alive)
    token = stored and _open(cookie, stored.sealed_token)
    if not stored or not token:
        return None
    rested = alive.now - stored.last_used_at >= min(_NOTED_EVERY, timedelta(seconds=limits.idle_s) / _NOTED_AT_LEAST)
    return Session(
        cookie, token, Role(stored.role), stored.subject, stored.provider_id, stored.issuer, stored.known, rested
    )


async def use_session(tx: Transaction, session: Session) -> None:
    """Note that a session is used, so that it goes on."""
    await store.set_last_used(tx, domain.session_hash(session.cookie), utc_now())


async def own_sessions(tx: Transaction, session: Session, limits: SessionLimits) -> list[OwnSession]:
    """The living sessions of who holds `session`: same issuer, same subject. That one is among them, and first."""
    this = domain.session_hash(session.cookie)
    found = await store.find_sessions(tx, session.issuer, session.subject, living(limits))
    own = [
        OwnSession(
            stored.session_hash,
            Device(stored.browser, stored.system),
            stored.created_at,
            stored.last_used_at,
            stored.session_hash == this,
        )
        for stored in found
    ]
    return sorted(own, key=lambda each: not each.this_one)


async def end_own_session(tx: Transaction, session: Session, name: str) -> bool:
    """End a session of who holds `session`; False where there is none of theirs by that name, whoever's it is."""
    return await store.remove_session_of(tx, name, session.issuer, session.subject)


async def end_other_sessions(tx: Transaction, session: Session) -> None:
    """End all sessions of who holds `session` but that one."""
    await store.remove_sessions_but(tx, domain.session_hash(session.cookie), session.issuer, session.subject)


async def remember_known(tx: Transaction, cookie: str, seen: list[str], limits: SessionLimits) -> None:
    """Keep the versions a write led to, so that the session's next requests can ask for them.

    The row is locked: of two answers at the same time neither forgets the other.
    """
    stored = await store.lock_session(tx, domain.session_hash(cookie), living(limits))
    if stored:
        await store.set_known(tx, stored.session_hash, merge_marks(stored.known, seen))


async def end_session(tx: Transaction, cookie: str) -> None:
    """Sign out: the cookie is worth nothing from now on."""
    await store.remove_session(tx, domain.session_hash(cookie))


def _key(cookie: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"rekku session token\0" + cookie.encode()).digest())


def _seal(cookie: str, token: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _key(cookie).encrypt(nonce, token.encode(), None)


def _open(cookie: str, sealed: bytes) -> str | None:
    try:
        return _key(cookie).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
    except InvalidTag:
        return None
