"""`rekku …` in a process of its own, as a person at a terminal runs it: exit status and what it prints."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple

from rekku.nursery import Nursery

_WITHIN_S = 60


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.out + self.err


Rekku = Callable[..., Awaitable[Done]]


def commands(nursery: Nursery, folder: Path) -> Rekku:
    """`await rekku("topics", HOME=…)`, each forked from the nursery; what they print is kept in `folder`.

    Otherwise most of a command's time would go by while it loads what it runs. `python -m rekku` itself
    is what tests/rekku/test_up.py starts.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REKKU_")}
    numbers = count(1)

    async def rekku(*words: str, **settings: object) -> Done:
        out, err = folder / f"rekku-{(number := next(numbers))}.out", folder / f"rekku-{number}.err"
        environment = inherited | {f"REKKU_{name}": str(value) for name, value in settings.items()}
        process = await nursery.start(words, environment, err, out)
        try:
            status = await asyncio.wait_for(process.wait(), _WITHIN_S)
        finally:
            process.kill()
        return Done(status, out.read_text(), err.read_text())

    return rekku
