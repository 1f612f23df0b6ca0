"""Commands on one aggregate wait for one another before they take a connection (decision record 0027).

Whoever waits for a row's lock inside PostgreSQL holds a connection meanwhile. So a hundred commands on one locked
course would hold all there are, and strangers would wait with them. What a command locks is mostly known from its
address. What it finds only by loading, such as the contract of a draft, it waits for a moment at a time, and those
who wait so share some of the connections.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import asyncpg

from chassis.db import BRIEFLY, HURRIEDLY

Result = TypeVar("Result")

MOST_AT_ONCE = 2
"""Of one aggregate's commands in one process: one has the lock, the next is there when it is let go."""

TURN_WITHIN_S = 8.0
"""How long a command waits for its turn; with `LOCK_WITHIN_S` less than the gateway waits for an answer."""

LOCK_WITHIN_S = 5.0
"""How long a command that has its turn waits for a connection and for locks."""

LEFT_FOR_OTHERS = 5
"""Of a pool's connections: the relay, timers and the bus hold up to three, and two are there for who only reads."""


@dataclass
class _Queue:
    turns: asyncio.Semaphore
    users: int = 0


class Turns:
    """The queues of one process: one for each aggregate that a command is at work on, in the order of arrival.

    Args:
        connections: how many of the process' connections all commands may hold together. Those that have met a lock
            share half of them, so that the others do not wait with them.
    """

    def __init__(self, connections: int) -> None:
        self._queues: dict[str, _Queue] = {}
        self._connections = asyncio.Semaphore(connections)
        self._again = asyncio.Semaphore(max(1, connections // 2))
        self._met_a_lock = 0

    async def run(self, aggregates: Iterable[str], work: Callable[[str], Awaitable[Result]]) -> Result:
        """What `work` returns, run when it has a turn with every aggregate of these ids, taken in one order everywhere.

        Args:
            work: takes a connection, and is to wait for a lock only as long as it is given, as PostgreSQL writes it.
                Where that is not enough it has changed nothing, and is run again.

        Raises:
            TimeoutError, LockNotAvailableError: others were at work for too long. It is a failure of the moment.
        """
        clock = asyncio.get_running_loop().time
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(TURN_WITHIN_S):
                for aggregate in sorted({one.casefold() for one in aggregates}):
                    await stack.enter_async_context(self._turn(aggregate))
            deadline, met_a_lock = clock() + LOCK_WITHIN_S, False
            while True:
                try:
                    async with self._place(deadline, again=met_a_lock):
                        return await work(HURRIEDLY if self._met_a_lock > met_a_lock else BRIEFLY)
                except asyncpg.LockNotAvailableError:
                    if clock() > deadline:
                        raise
                if not met_a_lock:
                    met_a_lock = True
                    stack.enter_context(self._one_that_met_a_lock())

    @asynccontextmanager
    async def _place(self, deadline: float, *, again: bool) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                if again:
                    await stack.enter_async_context(self._again)
                await stack.enter_async_context(self._connections)
            yield

    @contextmanager
    def _one_that_met_a_lock(self) -> Iterator[None]:
        self._met_a_lock += 1
        try:
            yield
        finally:
            self._met_a_lock -= 1

    @asynccontextmanager
    async def _turn(self, aggregate: str) -> AsyncIterator[None]:
        queue = self._queues.setdefault(aggregate, _Queue(asyncio.Semaphore(MOST_AT_ONCE)))
        queue.users += 1
        try:
            async with queue.turns:
                yield
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[aggregate]
