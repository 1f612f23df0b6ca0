"""The outbox: rows that wait for the bus, and how far down it is empty for good."""

import time

from chassis.db import Connection, Database, OutgoingRecord
from chassis.settled import Settled

_LOOK_AFTER = 2_000
_FROM_THE_START_EVERY_S = 60.0
_BESIDE_RESTING_EVERY_S = 1.0
_LOWEST = "SELECT min(id) FROM outbox WHERE id >= $1 AND topic <> ALL ($2::text[])"


class Floor:
    """An id below which the outbox can never show a row again, so that the relay need not look there.

    While a long transaction is open anywhere in the database (a backup, somebody's report), nothing
    that the relay deletes can be cleaned up, and looking for the lowest row walks over all of it.

    Where the table is settled (`chassis.settled`), what is gone is gone for good. A floor ends with its connection.

    Once a minute the relay looks from the start all the same: what should be impossible (ids given
    by hand, a sequence set back) would be late and not lost.
    """

    def __init__(self) -> None:
        self._floor = 0
        self._settled = Settled("outbox", "id")
        self._moved = 0
        self._looked_at = 0.0
        self._from_the_start_at = time.monotonic() + _FROM_THE_START_EVERY_S

    def where(self) -> int:
        """The id to look from."""
        if time.monotonic() < self._from_the_start_at:
            return self._floor
        self._from_the_start_at = time.monotonic() + _FROM_THE_START_EVERY_S
        return 0

    def sink(self) -> None:
        """Look from the start again: rows have come back, or are looked for that were left out."""
        self._floor = 0

    async def follow(self, connection: Connection, moved: int, resting: frozenset[str] = frozenset()) -> None:
        """Rise behind the rows that were moved, every few thousand of them, and past those of resting topics.

        Those are there until their topic is mended, and become more: so where some rest it rises every second.
        """
        self._moved += moved
        passes_by = resting and time.monotonic() - self._looked_at >= _BESIDE_RESTING_EVERY_S
        if self._moved < _LOOK_AFTER and not passes_by:
            return
        self._moved, self._looked_at = 0, time.monotonic()
        settled = await self._settled.up_to(connection) + 1
        lowest = await connection.fetchval(_LOWEST, self._floor, sorted(resting))
        self._floor = settled if lowest is None else min(settled, lowest)


def tombstone(topic: str, key: str) -> OutgoingRecord:
    """What removes everything of a key from a compacted topic, once the topic is compacted."""
    return OutgoingRecord(topic, key.encode(), (), None)


async def outbox_size(database: Database) -> int:
    """Rows that are not on the bus yet."""
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM outbox"))
