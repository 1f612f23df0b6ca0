"""The proxies before the brokers: fine, slow, stalled and cut."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from tests.chaos.network import Network, Weather


@asynccontextmanager
async def an_echo():
    """A server that says what it is told; its port."""

    async def answer(reader, writer):
        while piece := await reader.read(1024):
            writer.write(piece)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def network():
    network = Network()
    yield network
    await network.close()


@pytest.fixture
async def link(network):
    """The link to broker 1, which echoes."""
    async with an_echo() as port:
        network.advertise(1, port)
        yield network.links[1]
        await network.close()


async def call(link):
    reader, writer = await asyncio.open_connection("127.0.0.1", link.advertised)
    return Call(reader, writer)


class Call:
    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    async def says(self, text, within_s=5.0):
        """What comes back, and how long it took."""
        began = time.monotonic()
        self._writer.write(text)
        async with asyncio.timeout(within_s):
            return await self._reader.readexactly(len(text)), time.monotonic() - began

    async def close(self):
        self._writer.transport.abort()


async def test_in_fine_weather_everything_passes(link):
    conversation = await call(link)
    assert (await conversation.says(b"hello"))[0] == b"hello"
    await conversation.close()


async def test_a_slow_network_takes_its_time_both_ways(link):
    conversation = await call(link)
    link.become(Weather.SLOW)
    answer, took = await conversation.says(b"hello")
    assert answer == b"hello"
    assert took >= 2 * link.delay_s
    await conversation.close()


async def test_what_a_stalled_network_was_given_arrives_when_it_moves_again(link):
    conversation = await call(link)
    link.become(Weather.STALLED)
    with pytest.raises(TimeoutError):
        await conversation.says(b"hel", within_s=0.2)
    link.become(Weather.FINE)
    assert (await conversation.says(b"lo"))[0] == b"he"
    await conversation.close()


async def test_a_cut_network_ends_connections_and_takes_no_new_ones(link):
    conversation = await call(link)
    await conversation.says(b"hello")
    link.become(Weather.CUT)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await conversation.says(b"hello")
    late = await call(link)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await late.says(b"hello")
    link.become(Weather.FINE)
    again = await call(link)
    assert (await again.says(b"hello"))[0] == b"hello"
    for each in (conversation, late, again):
        await each.close()


async def test_a_broker_that_comes_back_on_another_port_keeps_its_link(link, network):
    before = link.advertised
    async with an_echo() as port:
        assert network.advertise(1, port) == before
        conversation = await call(link)
        assert (await conversation.says(b"hello"))[0] == b"hello"
        await conversation.close()
