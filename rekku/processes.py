"""Keeping the services' processes running: one of its own per instance, restarted when it dies."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rekku.nursery import GRACE_S, Nursery, Offspring
from rekku.problems import Problem

PAUSES_S = (0.5, 15.0)
_STEADY_S = 30.0

Say = Callable[[str], None]


@dataclass
class Program:
    """One instance of a service, as a process with its log file.

    `parent` is what starts it: the nursery, or what Python runs instead, with the service's name
    behind it. `restarts` counts how often it had to be started again.
    """

    service: str
    instance: int
    port: int
    environment: Mapping[str, str]
    log: Path
    parent: Nursery | tuple[str, ...]
    restarts: int = 0
    process: asyncio.subprocess.Process | Offspring | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The service, with the instance's number from the second on."""
        return self.service if self.instance == 1 else f"{self.service}-{self.instance}"

    async def start(self) -> asyncio.subprocess.Process | Offspring:
        """Start the process in a session of its own: Ctrl-C at the terminal is for the launcher alone."""
        if isinstance(self.parent, Nursery):
            self.process = await self.parent.start(self.service, self.environment, self.log)
            return self.process
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.parent,
                self.service,
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    async def stop(self) -> None:
        """Ask the process to end, and make it end when it does not."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def keep_running(
    program: Program, changed: Callable[[], None], say: Say, pauses_s: tuple[float, float] = PAUSES_S
) -> None:
    """Run a program until cancelled; when it dies, one line is said and it starts again after a pause.

    `changed` is called after every start, so that the process ids on record are right. The pause
    doubles, from the first to the longest of `pauses_s`, until the program has been steady.
    """
    first_s, longest_s = pauses_s
    pause_s = first_s
    try:
        while True:
            started = time.monotonic()
            try:
                process = await program.start()
                changed()
                ended = f"{_how_it_ended(await process.wait())} (see {program.log})"
            except (Problem, OSError) as problem:
                ended = f"was not started: {problem}"
            if time.monotonic() - started > _STEADY_S:
                pause_s = first_s
            program.restarts += 1
            say(f"{program.name} {ended}; starting again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            pause_s = min(longest_s, pause_s * 2)
    finally:
        await program.stop()


def _how_it_ended(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
