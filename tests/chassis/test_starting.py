"""A process that starts while PostgreSQL cannot be used: it waits, leaves nothing behind, and ends when it is to."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace

import asyncpg
import pytest

from chassis import runtime
from chassis.db import Transaction
from chassis.runtime import connect, serve
from chassis.testing import ServiceUnderTest
from tests.chassis.test_bus import until
from tests.chassis.toy.app import SERVICE

ENDS_WITHIN_S = 10


class Waiting:
    """A service whose start-up work finds a PostgreSQL that is read-only, and what would end its process."""

    def __init__(self, toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tries = 0
        self.on: dict[signal.Signals, Callable[[], object]] = {}
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "add_signal_handler", self.on.__setitem__)
        monkeypatch.setattr(runtime, "start_telemetry", lambda *_: None)
        service = replace(SERVICE, startup=self._start_up)
        self.serving = asyncio.create_task(serve(service, toy.settings.model_copy(update={"port": 0})))

    async def _start_up(self, _tx: Transaction) -> None:
        self.tries += 1
        raise asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction")

    async def waits(self) -> bool:
        return self.tries >= 2


async def test_a_process_whose_start_waits_for_postgresql_ends_when_it_is_asked_to(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    waiting = Waiting(toy, monkeypatch)
    await until(waiting.waits)
    waiting.on[signal.SIGTERM]()
    await asyncio.wait_for(waiting.serving, ENDS_WITHIN_S)


@pytest.mark.parametrize(
    "error", [asyncpg.LockNotAvailableError("x"), asyncpg.InternalClientError("cannot switch to state 11"), OSError()]
)
async def test_every_try_gives_its_connections_back(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    """Else a server that has too many of them would have more at every try."""
    monkeypatch.setattr(runtime, "backoff_s", lambda *_, **__: 0)
    look, fails = runtime.missing_migrations, [error] * 3

    async def missing(*of: object) -> object:
        if fails:
            raise fails.pop()
        return await look(*of)  # type: ignore[arg-type]

    monkeypatch.setattr(runtime, "missing_migrations", missing)
    before = await connections(toy)
    database = await connect(SERVICE, toy.settings)

    async def one_more() -> bool:
        return await connections(toy) == before + 1

    assert not fails
    await until(one_more)
    await database.close()
    await database.vault.close()


async def connections(toy: ServiceUnderTest) -> int:
    async with toy.db.connection() as connection:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'rekku-notifications'"
            )
        )
