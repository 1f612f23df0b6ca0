"""The message bus as one narrow interface; only this package knows which bus it is."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from chassis.db import Connection
from contracts.envelope import Header


@dataclass(frozen=True)
class Record:
    """One raw record of a topic's partition; positions grow by one within a partition."""

    topic: str
    partition: int
    position: int
    key: bytes | None
    headers: tuple[Header, ...]
    value: bytes | None

    @property
    def size(self) -> int:
        """How much of it there is to hold, in bytes."""
        return len(self.key or b"") + len(self.value or b"") + sum(len(n) + len(value) for n, value in self.headers)


def as_record(row: asyncpg.Record) -> Record:
    """A database row that holds a raw record, as a record."""
    return Record(
        topic=row["topic"],
        partition=row["partition"],
        position=row["position"],
        key=row["key"],
        headers=tuple(zip(row["header_names"], row["header_values"], strict=True)),
        value=row["value"],
    )


class Partition(Protocol):
    """One partition this process reads at the moment."""

    topic: str
    number: int

    async def read(self, most: int) -> Sequence[Record]:
        """The next records, waiting until there are some, or until `wake` is called: then there may be none.

        Raises:
            PartitionLost: the partition is read by somebody else now, or should be given up.
        """

    def wake(self) -> None:
        """Let whoever waits for records, or will do so next, go on without any."""

    async def commit(self, next_position: int) -> None:
        """Everything before `next_position` is done; reading goes on from there after a restart.

        What is to be given up can still be committed.

        Raises:
            PartitionLost: the partition is read by somebody else now.
        """


class PartitionLost(Exception):
    """The partition has gone to another member of the group, or is to be handed over."""


class BusUnavailable(ConnectionError):
    """The bus does not take or give records at the moment; the message says why in a few words."""


class TopicAtFault(Exception):
    """The bus takes nothing for one topic: it is not there, or we have no right to it. The message says which."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(f"{topic}: {why}")
        self.topic = topic
        self.why = why


class RowsAtFault(Exception):
    """The bus will never take one of these outbox rows as it is; the message says why."""

    def __init__(self, ids: Sequence[int], why: str) -> None:
        super().__init__(why)
        self.ids = ids


@dataclass(frozen=True)
class Oldest:
    """Which outbox rows are to be moved: `most` of the oldest, but for those that have to wait.

    Args:
        floor: there is no row below this id, and never will be.
        resting: topics that are left out; their rows stay in place.
        only: the one topic that is looked at.
        some_aside: whether rows are set aside, whose keys are left out.
    """

    most: int
    floor: int = 0
    resting: frozenset[str] = frozenset()
    only: str | None = None
    some_aside: bool = False

    def select(self, columns: str) -> tuple[str, list[object]]:
        """The query of these rows, in the order of their ids, and its arguments."""
        where = ["id >= $2"]
        arguments: list[object] = [self.most, self.floor]
        for condition, value in (("topic <> ALL (${})", sorted(self.resting)), ("topic = ${}", self.only)):
            if value:
                arguments.append(value)
                where.append(condition.format(len(arguments)))
        if self.some_aside:
            where.append("NOT EXISTS (SELECT FROM outbox_aside a WHERE a.topic = outbox.topic AND a.key = outbox.key)")
        return f"SELECT {columns} FROM outbox WHERE {' AND '.join(where)} ORDER BY id LIMIT $1", arguments  # noqa: S608


class Subscription(Protocol):
    """A service's share of the topics it consumes."""

    async def run(self, consume: Callable[[Partition], Awaitable[None]]) -> None:
        """Call `consume` for every partition as it comes to this process, until cancelled."""

    async def lag(self) -> int:
        """Records on the bus that this service has not finished.

        Raises:
            BusUnavailable: nobody can tell at the moment.
        """


class Bus(Protocol):
    """What a service needs from a message bus."""

    async def move(self, connection: Connection, oldest: Oldest) -> int:
        """Hand outbox rows to the bus and remove them; how many.

        Order within a key is kept. What is not acknowledged by the bus stays in the outbox.

        Raises:
            BusUnavailable: the bus has not acknowledged in time; the rows are still in the outbox.
            TopicAtFault: nothing can be moved to one of the topics.
            RowsAtFault: one of the rows cannot be moved, and which is only known where it was the only one.
        """

    def subscribe(self, member: str, topics: Iterable[str]) -> Subscription:
        """A subscription of this service under the member name `member`."""

    async def close(self) -> None:
        """Let go of what the bus holds for this process."""
