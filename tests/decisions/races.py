"""Tools for races: hold commands between looking and saving, and let them act on what they saw."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from services.decisions import granting, store
from tests.decisions.builders import DecisionsUnderTest
from tests.decisions.unguarded import leave_all_out

_DEADLINE_S = 20


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + _DEADLINE_S
    while not await condition():
        assert time.monotonic() < deadline, "the race never came about"
        await asyncio.sleep(0.005)


async def count_waiting(decisions: DecisionsUnderTest) -> int:
    """How many transactions wait for somebody else's lock."""
    async with decisions.service.db.pool.acquire() as connection:
        waiting: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    return waiting


def decide_alone(monkeypatch: Any) -> None:
    """Nobody shares a transaction: grants race as they do between processes."""
    monkeypatch.setattr(granting, "grant_together", leave_all_out)


class Meeting:
    """Holds commands until every one has come here or waits for a lock; once open it stays open."""

    def __init__(self, decisions: DecisionsUnderTest, parties: int) -> None:
        self._decisions = decisions
        self._parties = parties
        self._here = 0
        self._open = False

    async def attend(self) -> None:
        """Wait with the others."""
        self._here += 1
        await until(self._everybody_is_here)

    async def _everybody_is_here(self) -> bool:
        if not self._open:
            self._open = self._here + await count_waiting(self._decisions) >= self._parties
        return self._open


def act_on_what_was_seen(decisions: DecisionsUnderTest, monkeypatch: Any, parties: int) -> None:
    """Take the second look away: what is locked is taken for what it was before the lock."""
    meeting = Meeting(decisions, parties)
    seen: dict[int, Any] = {}
    get_decision = store.get_decision

    async def get_and_meet(tx: Any, ref: str) -> Any:
        seen[id(tx)] = await get_decision(tx, ref)
        await meeting.attend()
        return seen[id(tx)]

    async def as_seen(tx: Any, ref: str) -> Any:
        return seen.get(id(tx)) or await get_and_meet(tx, ref)

    async def all_as_seen(tx: Any, refs: list[str]) -> list[Any]:
        return [await as_seen(tx, ref) for ref in refs]

    monkeypatch.setattr(store, "get_decision", get_and_meet)
    monkeypatch.setattr(store, "lock_decision", as_seen)
    monkeypatch.setattr(store, "lock_decisions", all_as_seen)


def outcomes(answers: list[httpx.Response]) -> list[str]:
    """What became of commands: `done`, or the code of the refusal; sorted."""
    return sorted("done" if answer.is_success else answer.json()["code"] for answer in answers)
