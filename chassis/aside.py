"""Rows of the outbox that the bus does not take: set aside with what comes behind them, given back in order.

A key's records are published in the order they were written. So behind a row that is set aside every later
row of its topic and key is set aside as well, until all of them are given back at once.
"""

# ruff: noqa: S608 - only names of this file are put into SQL text

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.acts import ChassisAct
from chassis.db import Connection, Transaction

_COLUMNS = "id, topic, key, header_names, header_values, value, created_at"
_SET_ASIDE = f"""
WITH taken AS (DELETE FROM outbox WHERE id = $1 RETURNING {_COLUMNS})
INSERT INTO outbox_aside ({_COLUMNS}, fault) SELECT {_COLUMNS}, $2 FROM taken RETURNING topic, key
"""
_FOLLOW = f"""
WITH oldest AS (
    SELECT id FROM outbox WHERE id >= $2 AND topic <> ALL ($3::text[]) ORDER BY id LIMIT $1
), taken AS (
    DELETE FROM outbox o WHERE id IN (SELECT id FROM oldest)
        AND EXISTS (SELECT FROM outbox_aside a WHERE a.topic = o.topic AND a.key = o.key)
    RETURNING {_COLUMNS}
), kept AS (
    INSERT INTO outbox_aside ({_COLUMNS}) SELECT {_COLUMNS} FROM taken RETURNING true
)
SELECT count(*) FROM kept
"""
# Old ids, so that what was written later stays behind.
_GIVE_BACK = f"""
WITH given AS (DELETE FROM outbox_aside WHERE (topic, key) IN (SELECT topic, key FROM outbox_aside WHERE retry)
    RETURNING {_COLUMNS})
INSERT INTO outbox ({_COLUMNS}) OVERRIDING SYSTEM VALUE SELECT {_COLUMNS} FROM given
"""
_KEYS = """
SELECT topic, key, count(*) AS rows, max(fault) AS fault, min(created_at) AS since, bool_or(retry) AS retry
FROM outbox_aside GROUP BY topic, key ORDER BY min(id)
"""


@dataclass(frozen=True)
class KeyAside:
    """A key whose rows are set aside: how many, since when the first was written, and what is wrong with it."""

    topic: str
    key: bytes
    rows: int
    fault: str
    since: datetime
    retry: bool


async def set_aside(connection: Connection, row_id: int, fault: str) -> tuple[str, bytes] | None:
    """Set a row aside because of its `fault`: its topic and key; None where the row has gone."""
    row = await connection.fetchrow(_SET_ASIDE, row_id, fault)
    return None if row is None else (row["topic"], row["key"])


async def set_aside_behind(connection: Connection, most: int, floor: int, resting: frozenset[str]) -> int:
    """Of the `most` oldest rows of topics that do not rest, set aside those whose key is; how many."""
    moved: int = await connection.fetchval(_FOLLOW, most, floor, sorted(resting))
    return moved


async def give_back(connection: Connection) -> int:
    """Put the rows of keys for which that was asked back to where they were; how many."""
    return int((await connection.execute(_GIVE_BACK)).rpartition(" ")[2])


async def any_aside(connection: Connection) -> bool:
    """True where a row is set aside."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM outbox_aside)"))


async def keys_aside(tx: Transaction) -> Sequence[KeyAside]:
    """The keys whose rows are set aside, oldest first."""
    return [KeyAside(**row) for row in await tx.fetch(_KEYS)]


async def forget(tx: Transaction, topic: str, key: str) -> None:
    """Remove the rows of a key that are set aside: what this transaction publishes counts without them, and goes."""
    await tx.execute("DELETE FROM outbox_aside WHERE topic = $1 AND key = $2", topic, key.encode())


async def ask_for(tx: Transaction, topic: str | None, key: bytes | None) -> int:
    """Ask the relay to publish what is set aside, of one topic or key where one is given; how many keys.

    The relay gives them back within a second, all rows of a key at once and in order. What the bus still
    does not take is set aside again.
    """
    asked: int = await tx.fetchval(
        "WITH asked AS (UPDATE outbox_aside SET retry = true"
        " WHERE ($1::text IS NULL OR topic = $1) AND ($2::bytea IS NULL OR key = $2) RETURNING topic, key)"
        " SELECT count(DISTINCT (topic, key)) FROM asked",
        topic,
        key,
    )
    if asked:
        tx.audit(ChassisAct.RETRY_SET_ASIDE, f"topic:{topic or '*'}", keys=asked)
    return asked
