"""Commands on one aggregate wait for one another before they take a connection (decision record 0027).

Whoever waits for a row's lock inside PostgreSQL holds a connection meanwhile. So a hundred commands on one locked
course would hold all there are, and strangers would wait with them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

MOST_AT_ONCE = 2
"""Of one aggregate's commands in one process: one has the lock, the next is there when it is let go."""

TURN_WITHIN_S = 8.0
"""How long a command waits for its turn; with a lock's five seconds less than the gateway waits for an answer."""


@dataclass
class _Queue:
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    users: int = 0


class Turns:
    """The queues of one process: one for each aggregate that a command is at work on, in the order of arrival."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def of(self, aggregates: Iterable[str]) -> AsyncIterator[None]:
        """A turn with every aggregate of these ids, taken in one order everywhere; at once where there is none.

        Raises:
            TimeoutError: others were at work for too long. It is a failure of the moment.
        """
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(TURN_WITHIN_S):
                for aggregate in sorted({one.casefold() for one in aggregates}):
                    await stack.enter_async_context(self._turn(aggregate))
            yield

    @asynccontextmanager
    async def _turn(self, aggregate: str) -> AsyncIterator[None]:
        queue = self._queues.setdefault(aggregate, _Queue())
        queue.users += 1
        try:
            async with queue.turns:
                yield
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[aggregate]
