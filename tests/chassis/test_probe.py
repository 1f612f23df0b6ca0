"""The probe: one question at a time however many ask, and an answer whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from chassis import probe
from chassis.probe import Probe
from chassis.testing import ServiceUnderTest

MANY = 50


class Silent:
    """A server that takes connections and says nothing, as a PostgreSQL that hangs; `connections` counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.read()
        writer.close()


@asynccontextmanager
async def silent() -> AsyncIterator[Silent]:
    found = Silent()
    server = await asyncio.start_server(found.take, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


async def test_any_number_of_probes_are_one_question(monkeypatch: pytest.MonkeyPatch):
    """Probes are for everybody: strangers' do not make one wait that decides whether there is traffic."""
    monkeypatch.setattr(probe, "_WITHIN_S", 0.2)
    async with silent() as server:
        asked = Probe(f"postgresql://x@127.0.0.1:{server.port}/x?sslmode=disable")
        assert await asyncio.gather(*(asked.answers() for _ in range(MANY))) == [False] * MANY
        assert server.connections == 1
        assert not await asked.answers()
        assert server.connections == 2, "the next one asks anew"


async def test_control_questions_of_their_own_are_as_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(probe, "_WITHIN_S", 0.2)
    async with silent() as server:
        asked = Probe(f"postgresql://x@127.0.0.1:{server.port}/x?sslmode=disable")
        await asyncio.gather(*(asked._ask() for _ in range(MANY)))
        assert server.connections == MANY


async def test_who_goes_away_takes_the_answer_from_nobody(toy: ServiceUnderTest):
    asked = Probe(toy.settings.database_url.get_secret_value())
    gone, stays = asyncio.create_task(asked.answers()), asyncio.create_task(asked.answers())
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays
    asked.close()


@pytest.mark.parametrize("error", [asyncpg.InternalClientError("no protocol"), ValueError("x"), OSError()])
async def test_whatever_the_driver_fails_with_is_a_no(monkeypatch: pytest.MonkeyPatch, error: Exception):
    async def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(asyncpg, "connect", fails)
    assert not await Probe("postgresql://x").answers()
