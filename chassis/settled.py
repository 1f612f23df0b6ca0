"""How far a table is settled: below it no row can show up late.

Numbers of an identity column are drawn one after the other and commit in any order. A reader that
keeps its place as a number passes over those that were drawn and had not committed yet. A number is drawn
by an INSERT, which holds its lock on the table from before that until its transaction has ended. So once
everybody who held such a lock *after* the last drawn number was read has ended, every row up to that number
is visible, or never will be. Only transactions that write this very table are waited for: neither a backup
nor somebody's long report, as a snapshot's horizon would.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from contracts.refusals import Refusal

Row = TypeVar("Row")
Cursor = TypeVar("Cursor")

# Without a right to the sequence PostgreSQL (17 and newer) answers as if nothing had been drawn.
_DRAWN = """
SELECT CASE WHEN has_sequence_privilege(numbers, 'USAGE, SELECT') THEN coalesce(pg_sequence_last_value(numbers), 0) END
FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS numbers) AS drawn
"""
_WRITERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = $1::text::regclass AND mode = 'RowExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""


class Reader(Protocol):
    """A connection or a transaction."""

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row."""

    async def fetch(self, sql: str, *args: object) -> Any:
        """All rows."""


class NotReadable(Exception):
    """A list is followed in a role that was not given the sequence of its numbers: a bug (record 0033)."""


async def last_drawn(reader: Reader, table: str, column: str) -> int:
    """The last number drawn for an identity column (a sequence without a cache), 0 before the first.

    Raises:
        NotReadable: the role that asks has no right to the sequence.
    """
    drawn: int | None = await reader.fetchval(_DRAWN, table, column)
    if drawn is None:
        raise NotReadable(f"no right to read how far {table}.{column} is drawn")
    return drawn


async def writers(reader: Reader, table: str) -> frozenset[str]:
    """The transactions of others that may have drawn a number for `table` and have not ended."""
    return frozenset(row["virtualtransaction"] for row in await reader.fetch(_WRITERS, table))


@dataclass(frozen=True)
class _Look:
    """What was seen once: the last drawn number, and who was writing right after it was read."""

    drawn: int
    writing: frozenset[str]


class Settled:
    """How far one table is settled, as far as this process has seen; any number of readers may ask at once."""

    def __init__(self, table: str, column: str) -> None:
        self._table = table
        self._column = column
        self._bound = 0
        self._pending: _Look | None = None

    async def up_to(self, reader: Reader) -> int:
        """The number up to which every row is visible to the next statement, or never will be.

        It grows with every look that finds nobody writing who was seen writing before.
        """
        pending = self._pending
        look = _Look(await last_drawn(reader, self._table, self._column), await writers(reader, self._table))
        if not look.writing:
            self._rise(look.drawn)
        elif pending is None or not pending.writing & look.writing:
            if pending is not None:
                self._rise(pending.drawn)
            # Another reader may have looked meanwhile; its look is as good.
            if self._pending is pending:
                self._pending = look
        return self._bound

    def _rise(self, bound: int) -> None:
        self._bound = max(self._bound, bound)


class NotSettled(Refusal):
    """A whole page of a list is still being written: try again (503)."""

    status = 503

    def __init__(self) -> None:
        super().__init__("UNAVAILABLE")


@dataclass(frozen=True)
class Followed(Generic[Row, Cursor]):
    """A page of a list that can be followed: nothing that commits late is passed over.

    What is shown is everything there is. The places to go on from are never behind a row that may
    still show up late, so rows may be shown again; they are never missed.

    Args:
        next: the `after` of the following page, None on the last one.
        resume: the `after` that later shows what is new; None while nothing is settled.
    """

    items: Sequence[Row]
    next: Cursor | None
    resume: Cursor | None


def followed(
    found: Sequence[tuple[int, Row]],
    limit: int,
    settled: int,
    *,
    after: Cursor | None,
    cursor: Callable[[int, Row], Cursor],
) -> Followed[Row, Cursor]:
    """The page of rows that were read with one more than `limit`, with their numbers, after `settled` was asked.

    Raises:
        NotSettled: the page is full, and nothing on it is settled.
    """
    page = found[:limit]
    certain = [cursor(number, row) for number, row in page if number <= settled]
    resume = certain[-1] if certain else after
    if len(found) > limit and not certain:
        raise NotSettled
    return Followed([row for _, row in page], resume if len(found) > limit else None, resume)
