"""All SQL of the gateway: sessions.

Lock order: one session row at a time, never two.
"""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from chassis.db import Transaction


@dataclass(frozen=True)
class StoredSession:
    """One row of `sessions`; `known` holds `subject:id@version` marks."""

    session_hash: str
    role: str
    subject: str
    provider_id: str | None
    sealed_token: bytes
    known: tuple[str, ...]
    created_at: datetime
    expires_at: datetime


_COLUMNS = "session_hash, role, subject, provider_id, sealed_token, known, created_at, expires_at"


def _session(row: Record | None) -> StoredSession | None:
    return None if row is None else StoredSession(**{**row, "known": tuple(row["known"])})


async def find_session(tx: Transaction, session_hash: str, now: datetime) -> StoredSession | None:
    """The session, unless it does not exist or has expired."""
    return _session(
        await tx.fetchrow(
            f"SELECT {_COLUMNS} FROM sessions WHERE session_hash = $1 AND expires_at > $2",  # noqa: S608 - constant
            session_hash,
            now,
        )
    )


async def lock_session(tx: Transaction, session_hash: str, now: datetime) -> StoredSession | None:
    """The session, locked until the end of the transaction; None where it has ended."""
    return _session(
        await tx.fetchrow(
            f"SELECT {_COLUMNS} FROM sessions WHERE session_hash = $1 AND expires_at > $2 FOR UPDATE",  # noqa: S608 - constant
            session_hash,
            now,
        )
    )


async def add_session(tx: Transaction, session: StoredSession) -> None:
    """Store a new session."""
    await tx.execute(
        f"INSERT INTO sessions ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",  # noqa: S608 - constant
        session.session_hash,
        session.role,
        session.subject,
        session.provider_id,
        session.sealed_token,
        list(session.known),
        session.created_at,
        session.expires_at,
    )


async def set_known(tx: Transaction, session_hash: str, known: list[str]) -> None:
    """Replace what a session knows."""
    await tx.execute("UPDATE sessions SET known = $2 WHERE session_hash = $1", session_hash, known)


async def remove_session(tx: Transaction, session_hash: str) -> None:
    """End a session at once."""
    await tx.execute("DELETE FROM sessions WHERE session_hash = $1", session_hash)


async def remove_expired_sessions(tx: Transaction, now: datetime) -> None:
    """Drop what has expired."""
    await tx.execute("DELETE FROM sessions WHERE expires_at <= $1", now)
