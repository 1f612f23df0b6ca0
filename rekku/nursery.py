"""Commands forked from one process that has loaded what they run: they start, and start again, in a moment.

Loading a service takes a second or two of processor time, and most of what is loaded is the same for
all. `rekku up` lets one process do it, the nursery. An order is a command line of `rekku`, of which
`serve` is the one that counts. Orders and answers are lines of JSON on a socket between the two. When
the launcher's end is closed, also because the launcher was killed, the nursery ends what it has
started, and itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rekku.problems import Problem

GRACE_S = 7.0
"""How long a service has to end when it is asked to."""

_SET_NAME = 15
"""PR_SET_NAME of prctl(2)."""


class Offspring:
    """A command's process, as its launcher sees it: like one of `asyncio.subprocess`, though not its own child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        """The exit status, negative where a signal ended it; None while it runs."""
        return self._ended.result() if self._ended.done() else None

    def end(self, status: int) -> None:
        """The nursery has said how it ended."""
        if not self._ended.done():
            self._ended.set_result(status)

    async def wait(self) -> int:
        """The exit status, once it has ended."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens where it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The launcher's end. A nursery that was killed is started again with the next order.

    Args:
        environment: of the nursery itself; every order brings its own.
        log: what the nursery itself says.
        program: a Python file that its processes run with the order's command line; otherwise `rekku`.
    """

    def __init__(self, environment: Mapping[str, str], log: Path, program: str = "") -> None:
        self._environment = dict(environment)
        self._log = log
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._asked: deque[asyncio.Future[Offspring]] = deque()
        self._running: dict[int, Offspring] = {}

    @property
    def pid(self) -> int | None:
        """The nursery's own process; None where it has not been started."""
        return None if self._process is None else self._process.pid

    async def open(self) -> asyncio.StreamWriter:
        """Start the process, which begins to load the services; what orders are written to."""
        ours, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                str(theirs.fileno()),
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._listening = asyncio.create_task(self._listen(reader, self._writer))
        return self._writer

    async def start(
        self, words: Sequence[str], environment: Mapping[str, str], log: Path, output: Path | None = None
    ) -> Offspring:
        """A new process of `rekku WORDS…`; what it prints goes to `output`, or to the log as well.

        Raises:
            Problem: the nursery cannot start it.
            TypeError: the command line is one text instead of its words.
        """
        if isinstance(words, str):
            raise TypeError(f"a command line is given word by word, not as {words!r}")
        order = {
            "program": self._program,
            "words": list(words),
            "environment": dict(environment),
            "log": str(log),
            "output": str(output or log),
        }
        # An order may be lost with a nursery that has just died; one that dies again cannot load the services.
        for _ in range(2):
            with contextlib.suppress(ConnectionError):
                return await self._give(order)
        raise Problem(f"the services cannot be loaded; the log says why: {self._log}", status=1)

    async def _give(self, order: Mapping[str, Any]) -> Offspring:
        async with self._opening:
            gone = self._listening is None or self._listening.done()
            writer = await self.open() if gone or self._writer is None else self._writer
        writer.write(json.dumps(order).encode() + b"\n")
        self._asked.append(asyncio.get_running_loop().create_future())
        return await self._asked[-1]

    async def close(self) -> None:
        """End everything that was started, then the nursery."""
        if self._writer is not None and self._process is not None:
            self._writer.close()
            await self._process.wait()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                said = json.loads(line)
                if "started" in said:
                    self._welcome(Offspring(said["started"]))
                else:
                    self._running.pop(said["ended"]).end(said["status"])
        # The nursery is gone, and everything it has started with it.
        writer.close()
        for offspring in self._running.values():
            offspring.end(-signal.SIGTERM)
        for asked in self._asked:
            if not asked.done():
                asked.set_exception(ConnectionResetError())
        self._running.clear()
        self._asked.clear()

    def _welcome(self, offspring: Offspring) -> None:
        self._running[offspring.pid] = offspring
        asked = self._asked.popleft()
        if asked.done():
            # Nobody waits for it any more.
            offspring.terminate()
        else:
            asked.set_result(offspring)


class _Orders:
    """The nursery's end: one process, no threads, nothing open that a service must not have."""

    def __init__(self, launcher: socket.socket) -> None:
        self._launcher = launcher
        self._pending = b""
        self._children: set[int] = set()
        self._woken, wake = socket.socketpair()
        for end in (self._woken, wake):
            end.setblocking(False)
        self._wake = wake
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        for end in (launcher, self._woken):
            self._selector.register(end, selectors.EVENT_READ)

    def follow(self) -> dict[str, Any] | None:
        """Follow orders until the launcher is gone. In a forked process: the order it is to carry out."""
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
                self._tell_of_ends()
            if self._launcher in ready:
                received = self._receive()
                if not received:
                    self._end_all()
                    return None
                *orders, self._pending = (self._pending + received).split(b"\n")
                for line in orders:
                    order: dict[str, Any] = json.loads(line)
                    if self._fork(order["words"]) == 0:
                        return order

    def _receive(self) -> bytes:
        try:
            return self._launcher.recv(65536)
        except ConnectionError:
            return b""

    def _fork(self, words: Sequence[str]) -> int:
        if words[0] == "serve":
            _load(words[-1])
        # What is there now is the same for everybody: no collection has to touch, and so copy, it.
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            self._close()
        else:
            self._children.add(pid)
            self._tell(started=pid)
        return pid

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for end in (self._launcher, self._woken, self._wake):
            end.close()

    def _tell_of_ends(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.discard(pid)
                self._tell(ended=pid, status=os.waitstatus_to_exitcode(status))

    def _tell(self, **what: int) -> None:
        with contextlib.suppress(ConnectionError):
            self._launcher.sendall(json.dumps(what).encode() + b"\n")

    def _end_all(self) -> None:
        for number, within_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
            for pid in self._children:
                os.kill(pid, number)
            deadline = time.monotonic() + within_s
            while self._children and time.monotonic() < deadline:
                self._tell_of_ends()
                time.sleep(0.02)


def _load(service: str) -> None:
    """Load a service; what keeps it from being loaded is found again, and said, by the process that is to serve it."""
    from rekku.services import load

    with contextlib.suppress(Exception):
        load(service)


def _become(order: Mapping[str, Any], nursery: int) -> None:
    """Do what a process started by a command line would; it ends with the nursery, as that does with the launcher."""
    os.setsid()
    os.environ.clear()
    os.environ.update(order["environment"] | {"REKKU_LAUNCHER": str(nursery)})
    for number, path in ((1, order["output"]), (2, order["log"])):
        with Path(path).open("ab") as file:
            os.dup2(file.fileno(), number)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_NAME, f"rekku:{order['words'][-1]}".encode())
    sys.argv = [order["program"] or "rekku", *order["words"]]
    if order["program"]:
        runpy.run_path(order["program"], run_name="__main__")
        return
    from rekku.cli import main as command

    command()


def main() -> None:
    """Load what all services share, then follow the orders that come through the socket given as argument."""
    nursery, orders = os.getpid(), _Orders(socket.socket(fileno=int(sys.argv[1])))
    # Next to nothing of what loading makes is garbage: looking for it takes a tenth of the time.
    gc.disable()
    import chassis.runtime  # noqa: F401 - what `rekku serve` imports as it begins
    import rekku.cli  # noqa: F401

    order = orders.follow()
    if order is not None:
        gc.enable()
        _become(order, nursery)


if __name__ == "__main__":
    main()
