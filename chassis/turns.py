"""Commands on one aggregate wait for one another before they take a connection (decision record 0027).

Whoever waits for a row's lock inside PostgreSQL holds a connection meanwhile. So a hundred commands on one locked
course would hold all there are, and strangers would wait with them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

MOST_AT_ONCE = 2
"""Of one aggregate's commands in one process: one has the lock, the next is there when it is let go."""

TURN_WITHIN_S = 8.0
"""How long a command waits for its turn; with a lock's five seconds less than the gateway waits for an answer."""


MOST_LEFT_OUT = 4
"""Of the commands that a lane has left out: more than one aggregate's, and less than a pool's connections."""


@dataclass
class _Queue:
    turns: asyncio.Semaphore
    users: int = 0


class Turns:
    """The queues of one process: one for each aggregate that a command is at work on, in the order of arrival."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def of(self, aggregates: Iterable[str], left_out_of: str | None = None) -> AsyncIterator[None]:
        """A turn with every aggregate of these ids, taken in one order everywhere; at once where there is none.

        Args:
            left_out_of: the lane that did not do the command; of all such only a few are at work at once.

        Raises:
            TimeoutError: others were at work for too long. It is a failure of the moment.
        """
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(TURN_WITHIN_S):
                for aggregate in sorted({one.casefold() for one in aggregates}):
                    await stack.enter_async_context(self._turn(aggregate, MOST_AT_ONCE))
                if left_out_of is not None:
                    await stack.enter_async_context(self._turn(left_out_of, MOST_LEFT_OUT))
            yield

    @asynccontextmanager
    async def _turn(self, name: str, most: int) -> AsyncIterator[None]:
        queue = self._queues.setdefault(name, _Queue(asyncio.Semaphore(most)))
        queue.users += 1
        try:
            async with queue.turns:
                yield
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[name]
