"""Tools for races: hold commands between loading and saving, and take guards away."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from chassis.db import Transaction
from chassis.testing import ServiceUnderTest

_DEADLINE_S = 60
"""Reached only where something is broken: two workers and their servers share a machine."""


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + _DEADLINE_S
    while not await condition():
        assert time.monotonic() < deadline, "the race never came about"
        await asyncio.sleep(0.005)


async def count_waiting(service: ServiceUnderTest) -> int:
    """How many transactions wait for somebody else's lock."""
    async with service.db.pool.acquire() as connection:
        waiting: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    return waiting


class Gate:
    """Holds commands that have loaded until every one has loaded or waits for a lock."""

    def __init__(self, service: ServiceUnderTest, parties: int) -> None:
        self._service = service
        self._parties = parties
        self._loaded = 0
        self._open = False

    async def pass_through(self) -> None:
        """Wait with the others; once open, the gate stays open."""
        self._loaded += 1
        await until(self._everybody_is_here)

    async def _everybody_is_here(self) -> bool:
        if not self._open:
            self._open = self._loaded + await count_waiting(self._service) >= self._parties
        return self._open


def meet(
    service: ServiceUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    lock: str,
    get: str,
    *,
    locking: bool,
    last_load: int = 1,
) -> None:
    """Hold two commands between their last loading and saving; without the lock both have loaded the same."""
    gate, load, loads = Gate(service, 2), getattr(where, lock if locking else get), Counter[int]()

    async def held(tx: Transaction, *wanted: Any) -> Any:
        loaded = await load(tx, *wanted)
        loads[id(tx)] += 1
        if loads[id(tx)] == last_load:
            await gate.pass_through()
        return loaded

    monkeypatch.setattr(where, lock, held)


async def take_away(service: ServiceUnderTest, ddl: str) -> None:
    """Change this test's own database as the owner of its schema."""
    connection = await asyncpg.connect(
        service.settings.owner_database_url.get_secret_value(), server_settings={"search_path": service.service.name}
    )
    try:
        await connection.execute(ddl)
    finally:
        await connection.close()
