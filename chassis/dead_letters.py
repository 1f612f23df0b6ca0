"""Records that could not be applied: kept raw, listed, replayed or discarded by hand.

A letter of a fact parks its key: later records of that key wait, in order, until the letter is
settled, because a fact counts once and in order. Letters of state park nothing: the next version heals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from chassis.acts import ChassisAct
from chassis.bus import Record, as_record
from chassis.db import OutgoingRecord, Transaction
from contracts.envelope import MOST_BYTES, Header, new_event_id
from contracts.identity_codes import TextKind, holds_identity_code
from contracts.topics import TOPICS, dead_letter_topic

_ERROR_LENGTH = 300
_LONGEST_KEY = 1_024
"""Longer keys are not ours; nothing waits behind them."""

_MOST_FROM_OUTSIDE = 16_384
"""Of a record that others wrote, in bytes: strangers' records are kept for as long as nobody looks at them."""

_LONGEST_HEADER = 1_024
_MOST_HEADERS = 32


@dataclass(frozen=True)
class DeadLetter:
    """A failed record with where it came from and why it failed."""

    letter_id: UUID
    record: Record
    event_id: UUID | None
    failure: str
    error: str
    parks_key: bool
    state: str
    failed_at: datetime
    waiting: int


class NoSuchLetter(Exception):
    """There is no open letter with this id."""


def describe(error: BaseException) -> str:
    """The kind of an error and its first line, without anything that could be personal."""
    lines = str(error).splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines and lines[0] else type(error).__name__
    return type(error).__name__ if holds_identity_code(text, TextKind.IDENTIFIER) else text[:_ERROR_LENGTH]


async def add_letter(
    tx: Transaction, record: Record, event_id: UUID | None, failure: str, error: str, *, parks_key: bool
) -> bool:
    """Keep the raw record, publish it on the service's dead-letter topic, park its key; False if it was kept before.

    The published copy is cut to what every bus takes; the whole record is kept here.
    """
    kept = _fit_to_keep(record)
    # What is not kept cannot be applied later, so nothing waits for it.
    parks_key = parks_key and kept is record
    letter_id = new_event_id()
    added = await tx.fetchval(
        "INSERT INTO dead_letters (letter_id, event_id, topic, partition, position, key, header_names, header_values,"
        " value, failure, error, parks_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT (topic, partition, position) DO NOTHING RETURNING true",
        letter_id,
        event_id,
        record.topic,
        record.partition,
        record.position,
        kept.key,
        [name for name, _ in kept.headers],
        [value for _, value in kept.headers],
        kept.value,
        failure,
        error,
        parks_key,
    )
    if not added:
        return False
    if parks_key:
        await tx.execute(
            "INSERT INTO parked_keys (topic, key, letter_id) VALUES ($1, $2, $3)", record.topic, record.key, letter_id
        )
    origin = (
        ("rekku_letter_id", str(letter_id).encode()),
        ("rekku_origin", f"{record.topic}/{record.partition}/{record.position}".encode()),
        ("rekku_error", error.encode()),
    )
    tx.outgoing.append(
        OutgoingRecord(
            dead_letter_topic(tx.service),
            (kept.key or b"")[:_LONGEST_KEY],
            [*_short(kept.headers), *origin],
            (kept.value or b"")[:MOST_BYTES],
        )
    )
    return True


def _fit_to_keep(record: Record) -> Record:
    """The record; where others wrote a long one, or one with an identity code, only where it came from (E-59)."""
    if not TOPICS[record.topic].from_outside:
        return record
    if record.size > _MOST_FROM_OUTSIDE:
        return replace(record, key=None, headers=(), value=None)
    parts = [
        record.key,
        record.value,
        *(name.encode() for name, _ in record.headers),
        *(value for _, value in record.headers),
    ]
    if not any(holds_identity_code(part.decode(errors="replace")) for part in parts if part):
        return record
    return replace(record, key=None, headers=(), value=None)


def may_park(record: Record) -> bool:
    """True where later records of the same key can wait for this one."""
    return record.key is not None and len(record.key) <= _LONGEST_KEY


def _short(headers: Sequence[Header]) -> list[Header]:
    return [(name, value) for name, value in headers if len(name) + len(value) <= _LONGEST_HEADER][:_MOST_HEADERS]


async def park(tx: Transaction, record: Record) -> bool:
    """Let the record wait behind the letter that parks its key; False when the key is no longer parked."""
    parked = await tx.fetchval(
        "SELECT true FROM parked_keys WHERE topic = $1 AND key = $2 FOR UPDATE", record.topic, record.key
    )
    if not parked:
        return False
    kept = _fit_to_keep(record)
    await tx.execute(
        "INSERT INTO parked_records (topic, key, partition, position, header_names, header_values, value)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        record.topic,
        record.key,
        record.partition,
        record.position,
        [name for name, _ in kept.headers],
        [value for _, value in kept.headers],
        kept.value,
    )
    return True


async def forget(tx: Transaction, topic: str, key: str) -> int:
    """Remove every record of a key that is kept here, as letters and behind one, settled or not; how many letters.

    The copies on the service's dead-letter topic go with its retention.
    """
    of = (topic, key.encode())
    await tx.execute("DELETE FROM parked_records WHERE topic = $1 AND key = $2", *of)
    await tx.execute("DELETE FROM parked_keys WHERE topic = $1 AND key = $2", *of)
    tag = await tx.execute("DELETE FROM dead_letters WHERE topic = $1 AND key = $2", *of)
    return int(tag.rpartition(" ")[2])


async def list_letters(tx: Transaction, *, state: str | None = "open") -> list[DeadLetter]:
    """Letters in the order of their failing; `state` None lists settled ones as well."""
    rows = await tx.fetch(f"{_SELECT} WHERE $1::text IS NULL OR state = $1 ORDER BY failed_at, letter_id", state)
    return [_as_letter(row) for row in rows]


async def get_letter(tx: Transaction, letter_id: UUID) -> DeadLetter:
    """One letter, settled or not.

    Raises:
        NoSuchLetter: the id is unknown.
    """
    row = await tx.fetchrow(f"{_SELECT} WHERE letter_id = $1", letter_id)
    if row is None:
        raise NoSuchLetter
    return _as_letter(row)


async def lock_open_letter(tx: Transaction, letter_id: UUID) -> DeadLetter:
    """An open letter, locked, with its parked key locked as well.

    Raises:
        NoSuchLetter: the id is unknown or the letter is settled.
    """
    await tx.execute("SELECT FROM dead_letters WHERE letter_id = $1 FOR UPDATE", letter_id)
    await tx.execute("SELECT FROM parked_keys WHERE letter_id = $1 FOR UPDATE", letter_id)
    letter = await get_letter(tx, letter_id)
    if letter.state != "open":
        raise NoSuchLetter
    return letter


async def take_waiting(tx: Transaction, letter: DeadLetter) -> list[Record]:
    """Remove and return the records that wait behind the letter, in order."""
    rows = await tx.fetch(
        "DELETE FROM parked_records USING parked_keys k"
        " WHERE k.letter_id = $1 AND parked_records.topic = k.topic AND parked_records.key = k.key"
        " RETURNING parked_records.*",
        letter.letter_id,
    )
    return sorted((as_record(row) for row in rows), key=lambda record: (record.partition, record.position))


async def settle(tx: Transaction, letter: DeadLetter, state: str) -> None:
    """Close the letter as `replayed` or `discarded` and let its key go on."""
    await tx.execute("DELETE FROM parked_keys WHERE letter_id = $1", letter.letter_id)
    await tx.execute(
        "UPDATE dead_letters SET state = $2, settled_at = clock_timestamp() WHERE letter_id = $1",
        letter.letter_id,
        state,
    )
    act = ChassisAct.REPLAY_DEAD_LETTER if state == "replayed" else ChassisAct.DISCARD_DEAD_LETTER
    tx.audit(act, f"dead-letter:{letter.letter_id}")


_SELECT = """
SELECT *, (SELECT count(*) FROM parked_records r JOIN parked_keys k USING (topic, key)
           WHERE k.letter_id = dead_letters.letter_id) AS waiting
FROM dead_letters
"""


def _as_letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(
        letter_id=row["letter_id"],
        record=as_record(row),
        event_id=row["event_id"],
        failure=row["failure"],
        error=row["error"],
        parks_key=row["parks_key"],
        state=row["state"],
        failed_at=row["failed_at"],
        waiting=row["waiting"],
    )
