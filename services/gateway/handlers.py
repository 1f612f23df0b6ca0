"""Sessions: opened at sign-in, found by cookie, remembering what was written, ended at sign-out.

Sessions live on real time: a simulated business clock neither ends nor prolongs them.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.auth import Role
from chassis.clock import utc_now
from chassis.db import Transaction
from chassis.knowing import merge_marks
from services.gateway import domain, store

SESSION_LIFETIME = timedelta(hours=8)
_NONCE_BYTES = 12


@dataclass(frozen=True)
class Session:
    """A signed-in browser: its cookie, its token, and the versions its writes led to."""

    cookie: str
    token: str
    role: Role
    subject: str
    provider_id: str | None
    known: tuple[str, ...]

    @property
    def csrf_token(self) -> str:
        """The form token that every unsafe request of this session must carry."""
        return domain.csrf_token(self.cookie)

    @property
    def is_officer(self) -> bool:
        """True for Kela's officers and systems."""
        return self.role in (Role.OFFICER, Role.SYSTEM)


async def open_session(tx: Transaction, role: Role, provider_id: str | None, subject: str, token: str) -> Session:
    """Start a session around a token; the token can only be read again with the cookie in hand."""
    cookie = secrets.token_urlsafe(32)
    now = utc_now()
    await store.remove_expired_sessions(tx, now)
    await store.add_session(
        tx,
        store.StoredSession(
            session_hash=domain.session_hash(cookie),
            role=role,
            subject=subject,
            provider_id=provider_id,
            sealed_token=_seal(cookie, token),
            known=(),
            created_at=now,
            expires_at=now + SESSION_LIFETIME,
        ),
    )
    return Session(cookie, token, role, subject, provider_id, ())


async def find_session(tx: Transaction, cookie: str) -> Session | None:
    """The session of a cookie; None where there is none any more."""
    stored = await store.find_session(tx, domain.session_hash(cookie), utc_now())
    token = stored and _open(cookie, stored.sealed_token)
    if not stored or not token:
        return None
    return Session(cookie, token, Role(stored.role), stored.subject, stored.provider_id, stored.known)


async def remember_known(tx: Transaction, cookie: str, seen: list[str]) -> None:
    """Keep the versions a write led to, so that the session's next requests can ask for them.

    The row is locked: of two answers at the same time neither forgets the other.
    """
    stored = await store.lock_session(tx, domain.session_hash(cookie), utc_now())
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
