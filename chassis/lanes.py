"""The lanes of one partition: records are applied in order per key, keys side by side (decision record 0025).

A lane whose record fails for the moment rests by itself: it keeps nothing that others need, and they go on, until
too many records lie above the mark, the position before which everything is finished.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat

BATCH = 200
"""How many records are read at a time."""

AHEAD = 2_000
"""How many records are held above the mark, finished or not."""

AHEAD_BYTES = 64 * 1024 * 1024
"""How much of a partition is read ahead of the mark: where others write, a record can be as long as the bus takes."""

LASTING = 8
"""After how many failures a lane that rests is worth an alarm."""

WHOLE = object()
"""The lane of what is applied as a batch: nothing is read ahead of it."""

_BUSY = 200

Rest = Callable[[float], Awaitable[None]]
"""Waits for so many seconds while other lanes go on; raises `GivenUp` where there is no coming back."""

Work = Callable[[Rest], Awaitable[None]]
"""Applies some records, however often it takes; rests in between, holding nothing."""


class GivenUp(Exception):
    """The partition goes to somebody else, who will apply what has rested here."""


class LaneLost(Exception):
    """A lane was ended by what no work may raise, such as a cancellation of its own task."""


@dataclass(eq=False)
class _Lane:
    work: deque[tuple[Sequence[int], Work]] = field(default_factory=deque)
    failures: int = 0


class Lanes:
    """What has been read of a partition and is not finished.

    `mark` is the position before which everything is finished, None before anything is; `resting` counts the
    lanes whose first record has failed and is tried again; `failure` is what a lane has broken off with.

    Args:
        wake: called when there is room again after `room` found none, when no lane runs, or when one has failed.
    """

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.mark: int | None = None
        self.failure: Exception | None = None
        self.resting = 0
        self._wake = wake
        self._held: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self._finished: set[int] = set()
        self._lanes: dict[Hashable, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._room_wanted = False

    @property
    def stalled(self) -> bool:
        """True where nothing more is read because of a lane that rests."""
        whole = self._lanes.get(WHOLE)
        return (whole is not None and whole.failures >= LASTING) or (not self._fits() and self.resting > 0)

    def room(self) -> int:
        """How many records may be read now; where none may, `wake` is called as soon as some may."""
        self._room_wanted = not self._has_room()
        return 0 if self._room_wanted else BATCH

    def hold(self, positions: Iterable[int], sizes: Iterable[int] = repeat(0)) -> None:
        """These come next in the partition; the mark stays before the first that is not finished.

        Args:
            sizes: of the records, in bytes.
        """
        for position, size in zip(positions, sizes, strict=False):
            self._held.append((position, size))
            self._bytes += size

    def put(self, key: Hashable, positions: Sequence[int], work: Work) -> None:
        """Apply records that are held, behind those of the same key."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane()
            task = asyncio.create_task(self._run(key, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        lane.work.append((positions, work))

    def finish(self, positions: Iterable[int]) -> None:
        """Records that are held are done with."""
        self._finished.update(positions)
        while self._held and self._held[0][0] in self._finished:
            position, size = self._held.popleft()
            self._finished.remove(position)
            self._bytes -= size
            self.mark = position + 1

    async def finished(self) -> None:
        """Wait until every lane is empty; raises what one of them has failed with."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self.failure is not None:
            raise self.failure

    async def drain(self, within_s: float) -> None:
        """Let what runs come to its end; what rests is given up, and what waits is not begun."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)

    async def close(self) -> None:
        """Break off whatever still runs: its transactions roll back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, key: Hashable, lane: _Lane) -> None:
        try:
            while lane.work and not self._closing.is_set():
                positions, work = lane.work[0]
                await work(partial(self._rest, lane))
                lane.work.popleft()
                self._go_on(lane)
                self.finish(positions)
                self._look()
        except GivenUp:
            pass
        except Exception as error:  # noqa: BLE001 - the reader of the partition raises it, and begins again at the mark
            self._break_off(error)
        except BaseException as error:
            # Its record is not finished, and a later one of its key must not be.
            self._break_off(LaneLost(type(error).__name__))
            raise
        finally:
            self._go_on(lane)
            del self._lanes[key]
            self._look()

    def _break_off(self, failure: Exception) -> None:
        self.failure = failure
        self._wake()

    def _go_on(self, lane: _Lane) -> None:
        self.resting -= lane.failures > 0
        lane.failures = 0

    async def _rest(self, lane: _Lane, seconds: float) -> None:
        self.resting += lane.failures == 0
        lane.failures += 1
        self._look()
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
        raise GivenUp

    def _look(self) -> None:
        """Wake the reader where it has something to do: records to read, or a mark to store."""
        if (self._room_wanted and self._has_room()) or self._running() == 0:
            self._room_wanted = False
            self._wake()

    def _running(self) -> int:
        return len(self._lanes) - self.resting

    def _fits(self) -> bool:
        return len(self._held) <= AHEAD - BATCH and self._bytes < AHEAD_BYTES

    def _has_room(self) -> bool:
        return self._fits() and self._running() < _BUSY and WHOLE not in self._lanes
