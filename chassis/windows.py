"""Counting within a minute, for any number of keys in a bounded memory."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

LENGTH_S = 60.0
MOST_KEYS = 10_000


class Windows:
    """Counts by key, each within a minute that begins with the key's first count.

    All windows are of one length, so they end in the order in which they began: what has ended goes
    with every count. Of more keys than `most` the oldest is forgotten and may begin anew.

    Args:
        clock: seconds, only ever forwards.
    """

    def __init__(self, most: int = MOST_KEYS, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._open: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def count(self, key: Hashable, limit: int) -> float:
        """Count one, unless the key has used up its `limit`: then the seconds until it may go on, else 0."""
        now = self._clock()
        while self._open and now - next(iter(self._open.values()))[0] >= LENGTH_S:
            self._open.popitem(last=False)
        began, counted = self._open.get(key, (now, 0))
        if counted >= limit:
            return began + LENGTH_S - now
        self._open[key] = (began, counted + 1)
        if len(self._open) > self._most:
            self._open.popitem(last=False)
        return 0.0

    def take_back(self, key: Hashable) -> None:
        """Undo one count of a key, where it still stands."""
        if key in self._open:
            began, counted = self._open[key]
            self._open[key] = (began, max(counted - 1, 0))
