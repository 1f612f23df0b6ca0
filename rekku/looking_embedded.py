"""Looking at the embedded bus, as the role that owns it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import asyncpg

from chassis.bus import Record, as_record
from chassis.bus.embedded import CHANNEL
from rekku.looking import Behind, Place
from rekku.problems import Problem

_LOOK_EVERY_S = 2.0


class LookingEmbedded:
    """The log in PostgreSQL."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection
        self._announced = asyncio.Event()
        self._listening = False

    async def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        """The position after the newest record of every partition of `topics`."""
        self._announced.clear()
        if not self._listening:
            await self._connection.add_listener(CHANNEL, lambda *_: self._announced.set())
            self._listening = True
        rows = await self._connection.fetch("SELECT * FROM heads WHERE topic = ANY ($1)", sorted(topics))
        return {(row["topic"], row["partition"]): row["next_position"] for row in rows}

    async def read(self, topic: str, partition: int, position: int, most: int) -> Sequence[Record]:
        """Up to `most` records from `position` on, in order."""
        rows = await self._connection.fetch(
            "SELECT * FROM records WHERE topic = $1 AND partition = $2 AND position >= $3 ORDER BY position LIMIT $4",
            topic,
            partition,
            position,
            most,
        )
        return [as_record(row) for row in rows]

    async def behind(self) -> Behind:
        """By the leases of every consumer."""
        rows = await self._connection.fetch(
            "SELECT l.topic, l.consumer, sum(h.next_position - l.position)::bigint AS behind"
            " FROM leases l JOIN heads h USING (topic, partition) GROUP BY 1, 2"
        )
        return {(row["topic"], row["consumer"]): row["behind"] for row in rows if row["behind"]}

    async def appended(self) -> None:
        """Wait for an announcement since `ends`; a server that went away announces nothing, so look now and then."""
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._announced.wait()
        except TimeoutError:
            if self._connection.is_closed():
                raise Problem("the system stopped", status=1) from None
