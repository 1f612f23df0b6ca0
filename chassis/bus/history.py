"""Reading whole topics from their beginning, beside the consumers: no group, no lease, no position moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chassis.bus import Record, as_record
from chassis.db import Database
from chassis.settings import BusKind, Settings


class History(Protocol):
    """The log of the topics that a service may read."""

    async def read(self, topic: str, partition: int, position: int, most: int) -> Sequence[Record]:
        """Up to `most` records from `position` on, in order; none only at the end of the log.

        Raises:
            BusUnavailable: the bus does not answer.
        """

    async def close(self) -> None:
        """Let go of what it holds."""


class EmbeddedHistory:
    """The embedded bus' log, read with the rights of the service's own role."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool

    async def read(self, topic: str, partition: int, position: int, most: int) -> Sequence[Record]:
        """Up to `most` records from `position` on, in order; none only at the end of the log."""
        rows = await self._pool.fetch(
            "SELECT * FROM rekku_bus.read_records($1, $2, $3, $4)", topic, partition, position, most
        )
        return [as_record(row) for row in rows]

    async def close(self) -> None:
        """Nothing: the connections are the service's own."""


def open_history(settings: Settings, database: Database) -> History:
    """The history of the bus of `settings`, for the service of `database`."""
    if settings.bus is BusKind.EMBEDDED:
        return EmbeddedHistory(database)
    # Imported here, because on one machine nothing of Kafka is needed and the import takes a quarter of a second.
    from chassis.bus.kafka_history import KafkaHistory

    return KafkaHistory(settings)
