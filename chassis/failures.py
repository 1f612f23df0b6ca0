"""Failures of the moment: the one place that tells them from faults, and what becomes of work that meets them.

A failure of the moment says nothing about the work: the same work succeeds once PostgreSQL is back, may be
written to, has room, or lets go of a lock. So it is tried again for ever, and never ends a task or a process.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import asyncpg

from chassis.files import NO_ROOM

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

_STEADY_S = 10.0

OF_THE_MOMENT: Mapping[str, str] = {
    "08": "the connection could not be made, or is gone",
    "25006": "PostgreSQL is read-only: another server is taking over, or an administrator holds it",
    "25P03": "PostgreSQL ended the session, as its transaction had rested for too long",
    "25P04": "PostgreSQL ended the session, as its transaction took too long",
    "40": "a race was lost: a serialisation failure or a deadlock",
    "53": "PostgreSQL lacks room, memory or connections",
    "55P03": "a lock is held by another transaction",
    "57014": "the statement was cancelled, by a time limit or an administrator",
    "57P01": "PostgreSQL is being shut down, or an administrator ended the session",
    "57P02": "a process of PostgreSQL crashed, and all sessions were ended",
    "57P03": "PostgreSQL is starting, stopping or recovering",
    "57P05": "PostgreSQL ended the session, as it had rested for too long",
    "58000": "PostgreSQL's operating system failed it",
    "58030": "PostgreSQL could not read or write its disk",
}
"""SQLSTATEs, and classes of them by their first two characters, that pass: each with the reason."""

_NOT_OF_THE_MOMENT = frozenset({"40002"})
"""Of these classes, what comes again: a constraint that does not hold."""

_LOST = re.compile("clos(ed|ing)|released back to the pool")

_OF_ASYNCPG = (asyncpg.InternalClientError, asyncpg.InvalidCachedStatementError)
"""asyncpg lost its place in what it exchanges with the server, as when that dies between a question and the answer;
or the schema has changed under a prepared statement, which it forgets."""


def of_the_moment(error: BaseException) -> bool:
    """True where the same work may succeed when it is tried again, whatever the work is.

    By SQLSTATE where PostgreSQL has answered. asyncpg says in words alone that a connection or the pool is
    closed or closing, or that the pool took a lost connection back; its other interface errors are calls put
    wrongly. Of the operating system's errors those of connections and time-outs pass, and a full disk. A file
    that is missing or closed does not; it is known by its name, which an address never has, also a socket's.
    """
    match error:
        case asyncpg.PostgresError(sqlstate=str(state)) if state in _NOT_OF_THE_MOMENT:
            return False
        case asyncpg.PostgresError(sqlstate=str(state)) if state in OF_THE_MOMENT or state[:2] in OF_THE_MOMENT:
            return True
        case asyncpg.InterfaceError():
            return _LOST.search(str(error)) is not None
        case OSError():
            return error.filename is None or error.errno in NO_ROOM
    return isinstance(error, _OF_ASYNCPG)


def raise_if_cancelled(error: Exception) -> None:
    """A cancellation stays one: what is lost on the way out fails as well, and its `error` would hide it.

    Raises:
        CancelledError: this task has been asked to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error


class CancelledWithin(Exception):
    """Work was cancelled by something inside itself, and not by who runs it: a fault like any other."""


@contextmanager
def cancelled_from_outside_only() -> Iterator[None]:
    """Runs work of others, whose own cancellations end neither the task nor what it was about.

    Raises:
        CancelledWithin: the work was cancelled, and nobody has asked this task to end.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise CancelledWithin("cancelled by something inside itself") from error


def backoff_s(attempt: int, *, first_s: float = 0.02, most_s: float = 2.0) -> float:
    """A growing pause with full jitter, in seconds; attempts count from 0."""
    # Any number of attempts: two to the power of a thousand is no float.
    return random.uniform(0, min(most_s, first_s * 2 ** min(attempt, 60)))  # noqa: S311 - jitter, not a secret


async def until_it_passes(work: Callable[[], Awaitable[Result]], what: str) -> Result:
    """What `work` returns, which is tried again for ever while it fails for the moment.

    Between two tries is a growing pause of at most two seconds; it grows anew after a try that went on for long.
    """
    failures = 0
    while True:
        started = time.monotonic()
        try:
            return await work()
        except Exception as error:
            if not of_the_moment(error):
                raise
            raise_if_cancelled(error)
            failures = 1 if time.monotonic() - started > _STEADY_S else failures + 1
            if failures.bit_count() == 1:
                _log.warning("%s: %s; it is tried again", what, type(error).__name__)
        await asyncio.sleep(backoff_s(failures, first_s=0.1))
