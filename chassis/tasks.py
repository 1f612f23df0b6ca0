"""Work that a process does for ever beside its requests: started again when it dies, until it dies too often."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable

from chassis import telemetry
from chassis.failures import backoff_s, until_it_passes

_log = logging.getLogger(__name__)

MOST_DEATHS = 5
WITHIN_S = 300.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0

Work = Callable[[], Awaitable[None]]


class Tasks:
    """The tasks of one process.

    A failure of the moment pauses a task, for ever if need be, and is no death. A task dies of anything else,
    also of its own end. It is started again after a growing pause, and is dead until then. After `MOST_DEATHS`
    deaths of any tasks within `WITHIN_S` seconds `given_up` is set: a new process may do what this one cannot.
    """

    def __init__(self, service: str) -> None:
        self.given_up = asyncio.Event()
        self._service = service
        self._stopping = False
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._dead: set[str] = set()
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)

    @property
    def dead(self) -> frozenset[str]:
        """The names of the tasks that do not run now, and should."""
        return frozenset(self._dead | {name for name, task in self._tasks.items() if task.done()})

    def start(self, name: str, work: Work) -> None:
        """Run `work` until `stop`."""
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def stop(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        self._stopping = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def _keep(self, name: str, work: Work) -> None:
        deaths = 0
        while True:
            started = time.monotonic()
            try:
                await until_it_passes(work, f"{name} cannot go on")
                _log.critical("%s has ended, and is started again", name)
            except asyncio.CancelledError:
                if self._stopping:
                    raise
                _log.critical("%s was cancelled, and is started again", name)
            except Exception:  # noqa: BLE001 - whatever it is, it is counted, and ends the process in the end
                _log.critical("%s has died, and is started again", name, exc_info=True)
            if self._stopping:
                return
            deaths = 1 if time.monotonic() - started > WITHIN_S else deaths + 1
            self._count(name)
            self._dead.add(name)
            await asyncio.sleep(_FIRST_PAUSE_S + backoff_s(deaths, first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S))
            self._dead.discard(name)

    def _count(self, name: str) -> None:
        telemetry.task_deaths.add(1, {"service": self._service, "task": name})
        self._deaths.append(time.monotonic())
        if len(self._deaths) == MOST_DEATHS and self._deaths[-1] - self._deaths[0] <= WITHIN_S:
            self.given_up.set()
