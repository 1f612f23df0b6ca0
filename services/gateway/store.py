"""All SQL of the gateway: sessions.

Lock order: one session row at a time, or several without waiting for any.
"""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from chassis.db import Transaction

MOST_SHOWN = 100


@dataclass(frozen=True)
class StoredSession:
    """One row of `sessions`; `known` holds `subject:id@version` marks."""

    session_hash: str
    role: str
    subject: str
    provider_id: str | None
    issuer: str
    browser: str
    system: str
    sealed_token: bytes
    known: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Living:
    """What a session has to be to live: it expires after `now`, and was used after `used_after`."""

    now: datetime
    used_after: datetime


_COLUMNS = (
    "session_hash, role, subject, provider_id, issuer, browser, system, sealed_token, known, created_at, last_used_at,"
    " expires_at"
)
_LIVING = "expires_at > $2 AND last_used_at > $3"


def _session(row: Record | None) -> StoredSession | None:
    return None if row is None else StoredSession(**{**row, "known": tuple(row["known"])})


async def find_session(tx: Transaction, session_hash: str, living: Living) -> StoredSession | None:
    """The session, unless it does not exist or has ended."""
    return _session(
        await tx.fetchrow(
            f"SELECT {_COLUMNS} FROM sessions WHERE session_hash = $1 AND {_LIVING}",  # noqa: S608 - constants
            session_hash,
            living.now,
            living.used_after,
        )
    )


async def lock_session(tx: Transaction, session_hash: str, living: Living) -> StoredSession | None:
    """The session, locked until the end of the transaction; None where it has ended."""
    return _session(
        await tx.fetchrow(
            f"SELECT {_COLUMNS} FROM sessions WHERE session_hash = $1 AND {_LIVING} FOR UPDATE",  # noqa: S608 - constants
            session_hash,
            living.now,
            living.used_after,
        )
    )


async def find_sessions(tx: Transaction, issuer: str, subject: str, living: Living) -> list[StoredSession]:
    """The living sessions of one person, the one used last first; at most MOST_SHOWN."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM sessions WHERE (issuer, subject) = ($1, $4) AND {_LIVING}"  # noqa: S608 - constants
        " ORDER BY last_used_at DESC, session_hash LIMIT $5",
        issuer,
        living.now,
        living.used_after,
        subject,
        MOST_SHOWN,
    )
    return [session for row in rows if (session := _session(row))]


async def add_session(tx: Transaction, session: StoredSession) -> None:
    """Store a new session."""
    await tx.execute(
        f"INSERT INTO sessions ({_COLUMNS})"  # noqa: S608 - constant
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        session.session_hash,
        session.role,
        session.subject,
        session.provider_id,
        session.issuer,
        session.browser,
        session.system,
        session.sealed_token,
        list(session.known),
        session.created_at,
        session.last_used_at,
        session.expires_at,
    )


async def set_known(tx: Transaction, session_hash: str, known: list[str]) -> None:
    """Replace what a session knows."""
    await tx.execute("UPDATE sessions SET known = $2 WHERE session_hash = $1", session_hash, known)


async def set_last_used(tx: Transaction, session_hash: str, now: datetime) -> None:
    """Note that a session is used; waits for nobody, as who holds its row is using it."""
    await tx.execute(
        "UPDATE sessions SET last_used_at = $2 WHERE session_hash IN"
        " (SELECT session_hash FROM sessions WHERE session_hash = $1 AND last_used_at < $2 FOR UPDATE SKIP LOCKED)",
        session_hash,
        now,
    )


async def remove_session(tx: Transaction, session_hash: str) -> None:
    """End a session at once."""
    await tx.execute("DELETE FROM sessions WHERE session_hash = $1", session_hash)


async def remove_session_of(tx: Transaction, session_hash: str, issuer: str, subject: str) -> bool:
    """End a session where it is that person's; False where it is another's, or there is none."""
    return bool(
        await tx.fetchval(
            "DELETE FROM sessions WHERE session_hash = $1 AND issuer = $2 AND subject = $3 RETURNING true",
            session_hash,
            issuer,
            subject,
        )
    )


async def remove_sessions_but(tx: Transaction, session_hash: str, issuer: str, subject: str) -> None:
    """End every session of a person but one."""
    await tx.execute(
        "DELETE FROM sessions WHERE issuer = $2 AND subject = $3 AND session_hash <> $1",
        session_hash,
        issuer,
        subject,
    )


async def remove_ended_sessions(tx: Transaction, living: Living, most: int) -> int:
    """Drop at most so many of those that live no more; how many. A row that is locked is left for the next time."""
    rows = await tx.fetch(
        "DELETE FROM sessions WHERE session_hash IN (SELECT session_hash FROM sessions"
        " WHERE expires_at <= $1 OR last_used_at <= $2 LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING true",
        living.now,
        living.used_after,
        most,
    )
    return len(rows)
