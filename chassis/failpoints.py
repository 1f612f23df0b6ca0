"""Named failpoints: where a process can die so that something would be lost or happen twice (record 0015).

Only the test kit arms them, with the folder REKKU_FAILPOINTS, which production refuses. There it
leaves a file per process, `<service>-<instance>`, with a failpoint's name and a number: the process
that reaches this failpoint for the nth time since the file came removes the file and kills itself.
"""

import os
import signal
from pathlib import Path

_armed: "_Armed | None" = None


class _Armed:
    """One process that follows orders, and leaves a trace of every failpoint it passes."""

    def __init__(self, folder: Path, process: str) -> None:
        self._order = folder / process
        self._seen = folder / "seen"
        self._seen.mkdir(exist_ok=True)
        self._following = ""
        self._hits = 0

    def reach(self, name: str) -> None:
        (self._seen / f"{self._order.name} {name}").touch()
        try:
            order = self._order.read_text()
        except FileNotFoundError:
            return
        if order != self._following:
            self._following, self._hits = order, 0
        wanted, _, nth = order.partition(" ")
        if wanted != name:
            return
        self._hits += 1
        if self._hits == int(nth):
            self._order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def arm(folder: Path | None, process: str) -> None:
    """Follow the orders for `process` in `folder`; without a folder every failpoint does nothing."""
    global _armed
    _armed = None if folder is None else _Armed(folder, process)


def armed() -> bool:
    """Whether this process follows orders: what only failpoints need to know is not asked for otherwise."""
    return _armed is not None


def reach(name: str) -> None:
    """The failpoint `name` is here; nothing happens, unless the test kit wants this process to die at it."""
    if _armed is not None:
        _armed.reach(name)
