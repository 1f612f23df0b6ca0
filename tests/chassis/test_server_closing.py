"""Peers that go, are turned away or stop reading while they are being answered."""

import asyncio
import logging
import socket
import struct

import pytest
import uvloop

from chassis.server import LimitedProtocol
from tests.chassis.test_server import HEAD, HELLO, LIMIT_S, PATIENCE_S, Echo, kinds, let_pass, own_time, serving

RESET = struct.pack("ii", 1, 0)
SMALL = 4096
PENDING = 50_000
"""Less than asyncio and uvloop buffer before they ask to wait (64 KB)."""


class TwoParts(Echo):
    """Sends an answer's head and, once the connection has gone, its body."""

    connections = frozenset()

    async def __call__(self, scope, receive, send):
        async def send_each(message):
            await send(message)
            await none_of(self.connections)

        await super().__call__(scope, receive, send_each)


async def none_of(what):
    async with asyncio.timeout(PATIENCE_S):
        while what:
            await asyncio.sleep(0)


async def close_two(here):
    peer = await here.connect(HELLO * 2)
    await here.app.begun.wait()
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.writer.transport.abort()


async def turn_two_away(here):
    peer = await here.connect(HELLO)
    await here.app.begun.wait()
    await peer.say(HELLO + HEAD + b"a: " + b"x" * 2100)
    await peer.rest()


def leave(how, caplog):
    """How many errors are logged, and which requests have run, where a peer is gone amid the first of two.

    On the event loop that a process has: writing to what is closed is an error there.
    """

    async def play():
        app = TwoParts()
        app.go_on.clear()
        async with serving(app, header_bytes=2048) as here:
            app.connections = here.server.server_state.connections
            await how(here)
            app.go_on.set()
            await none_of(here.server.server_state.connections)
            await none_of(here.server.server_state.tasks)
        return app.seen

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(play())
    return sum(record.levelno >= logging.ERROR for record in caplog.records), seen


@pytest.mark.parametrize("how", [close_two, turn_two_away])
def test_who_is_gone_amid_several_requests_leaves_no_error_and_no_further_request_runs(how, caplog):
    assert leave(how, caplog) == (0, [0])


@pytest.mark.parametrize("how", [close_two, turn_two_away])
def test_control_where_only_the_newest_request_learns_of_it_the_running_one_fails(how, caplog, monkeypatch):
    monkeypatch.setattr(LimitedProtocol, "_cut", lambda _: None)
    assert leave(how, caplog)[0] > 0


async def connect_deaf(here, *parts):
    """A peer that takes a few thousand bytes and then no more; the server's kernel keeps as few."""
    here.listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    peer.setblocking(False)
    await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", here.port))
    peer.send(b"".join(parts))
    await here.app.begun.wait()
    return peer


ONCE = HEAD + b"connection: close\r\n\r\n"


@own_time
@pytest.mark.parametrize("asked", [HELLO, ONCE], ids=["kept alive", "closed behind the answer"])
async def test_who_stops_reading_a_small_answer_is_gone_within_the_time_for_it(asked, caplog):
    async with serving(Echo(answer_bytes=PENDING), answer_s=LIMIT_S) as here:
        with await connect_deaf(here, asked):
            await let_pass(LIMIT_S - 2)
            assert len(here.server.server_state.connections) == 1
            await let_pass(4)
            assert not here.server.server_state.connections
    assert kinds(caplog) == ["TIME_FOR_ANSWER"]


@own_time
@pytest.mark.parametrize("asked", [HELLO, ONCE], ids=["kept alive", "closed behind the answer"])
async def test_control_with_the_usual_buffer_nobody_notices(asked, caplog, monkeypatch):
    monkeypatch.setattr(
        asyncio.selector_events._SelectorSocketTransport, "set_write_buffer_limits", lambda self, high: None
    )
    async with serving(Echo(answer_bytes=PENDING), answer_s=LIMIT_S) as here:
        with await connect_deaf(here, asked):
            await let_pass(4 * LIMIT_S)
            assert len(here.server.server_state.connections) == 1
            for connection in here.server.server_state.connections:
                connection.transport.abort()
    assert kinds(caplog) == []


async def test_the_kernel_keeps_what_is_not_taken_as_long_and_no_longer():
    async with serving(answer_s=7) as here:
        peer = await here.connect(HELLO)
        await peer.answer()
        (connection,) = here.server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
