"""Looking at a bus from outside, whichever it is: how far each topic reaches, what stands there, who is behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from chassis.bus import BusUnavailable, Record
from chassis.settings import BusKind
from rekku.home import Home
from rekku.inside import bus_of, bus_settings
from rekku.problems import Problem

Place = tuple[str, int]
"""A topic and the number of one of its partitions."""

Behind = dict[tuple[str, str], int]
"""By topic and consumer: records that the consumer has not finished; only where there are any."""


class Looking(Protocol):
    """A view of the whole bus."""

    async def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        """The position after the newest record of every partition of `topics`."""

    async def read(self, topic: str, partition: int, position: int, most: int) -> Sequence[Record]:
        """Up to `most` records from `position` on, in order."""

    async def behind(self) -> Behind:
        """How far every consumer of every topic is behind."""

    async def appended(self) -> None:
        """Wait until something may have been appended.

        Raises:
            Problem: the system stopped.
        """


@asynccontextmanager
async def looking(home: Home) -> AsyncIterator[Looking]:
    """A view of the bus of the system that runs here, or of the Kafka that the REKKU_ variables name.

    Raises:
        Problem: nothing runs here, or the bus does not answer.
    """
    settings = bus_settings(home)
    if settings.bus is BusKind.EMBEDDED:
        from rekku.looking_embedded import LookingEmbedded

        async with bus_of(home) as connection:
            yield LookingEmbedded(connection)
        return
    from rekku.looking_kafka import LookingKafka

    view = LookingKafka(settings, home)
    try:
        yield view
    except BusUnavailable as error:
        raise Problem(str(error), status=1) from error
    finally:
        await view.close()


def can_look(home: Home) -> bool:
    """A bus is there to be looked at."""
    return home.run() is not None or bus_settings(home).bus is BusKind.KAFKA
