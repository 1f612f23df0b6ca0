"""What one connection and one peer may take, on a real server and sockets, plain ones and over TLS."""

import asyncio
import json
import logging
import ssl
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import ValidationError

from chassis.certificates import Certificate
from chassis.limits import ConnectionLimits
from chassis.refused import Refusals
from chassis.server import Server, ServerConfig
from chassis.settings import Settings
from tests.authority import Authority

PATIENCE_S = 20
HEAD = b"GET / HTTP/1.1\r\nhost: here\r\n"
HELLO = HEAD + b"\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
POST = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\n"


LIMIT_S = 60
AT_ONCE_S = 1
"""Less than a connection is kept where nothing comes."""

own_time = pytest.mark.asyncio(loop_scope="function")
"""For tests that let the loop's time pass: nothing else may run on it."""


async def let_pass(seconds):
    """Let the server's time pass: how fast this machine is does not matter to it."""
    loop = asyncio.get_running_loop()
    for _ in range(seconds // AT_ONCE_S):
        now = loop.time
        loop.time = lambda now=now: now() + AT_ONCE_S
        for _ in range(3):
            await asyncio.sleep(0)


class Echo:
    """Answers the length of each whole body; what came of each request stands in `seen`."""

    def __init__(self, answer_bytes=0):
        self.seen = []
        self.answer_bytes = answer_bytes
        self.begun = asyncio.Event()
        self.read_on = asyncio.Event()
        self.read_on.set()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, scope, receive, send):
        self.begun.set()
        await self.read_on.wait()
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.seen.append("cut")
                return
            body, more = body + message.get("body", b""), message["more_body"]
        self.seen.append(len(body))
        await self.go_on.wait()
        answer = f"{len(body)}\n".encode() + b"x" * self.answer_bytes
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class Socket:
    """One plain connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def say(self, *parts):
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def answer(self):
        """The status and body of the next answer."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
            body = await self.reader.readexactly(int(fields["content-length"]))
        return int(head.split()[1]), body.decode()

    async def first_line(self):
        """The first line of an answer; nothing where the connection is closed instead."""
        with suppress(ConnectionError):
            return await self.reader.readline()

    async def rest(self):
        """Everything until the server closes the connection."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                return await self.reader.read()
        return b""

    async def status_at_the_end(self):
        """The status of the only answer, after which the connection is closed; None without one."""
        rest = await self.rest()
        assert rest.count(b"HTTP/1.1") <= 1
        return int(rest.split()[1]) if rest else None


class Wire:
    """What is spoken over: TLS where there is an authority."""

    authority = None

    @classmethod
    def certificate(cls):
        return cls.authority and Certificate(cls.authority.certificate_file, cls.authority.key_file)

    @classmethod
    def trust(cls):
        return cls.authority and ssl.create_default_context(cafile=cls.authority.ca_file)


@pytest.fixture(autouse=True, params=["plain", "TLS"])
def over(request, tmp_path, monkeypatch):
    """Every test here is one of plain connections, and one of such over TLS."""
    if request.param == "TLS":
        monkeypatch.setattr(Wire, "authority", Authority(tmp_path / "authority"))
    return request.param


class Served:
    """A running server."""

    def __init__(self, server, app):
        self.server, self.app = server, app
        self.listening = server.servers[0].sockets[0]
        self.port = self.listening.getsockname()[1]
        self._open = []

    async def connect(self, *parts):
        try:
            streams = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22, ssl=Wire.trust())
        except OSError:
            if Wire.authority is None:
                raise
            # The connection has ended amid the handshake.
            streams = asyncio.StreamReader(), None
            streams[0].feed_eof()
            return Socket(*streams)
        socket = Socket(*streams)
        self._open.append(socket)
        with suppress(ConnectionError):
            await socket.say(*parts)
        return socket

    def close(self):
        for socket in self._open:
            socket.writer.close()


@asynccontextmanager
async def serving(app=None, trusted="", **limits):
    app = app or Echo()
    settings = Settings(port=0, trusted_proxies=trusted, connections=ConnectionLimits(**limits))
    config = ServerConfig(app, settings, Refusals("secret"), grace_s=1, certificate=Wire.certificate())
    config.lifespan = "off"
    server = Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
    served = Served(server, app)
    try:
        yield served
    finally:
        served.close()
        server.should_exit = True
        await running


def kinds(caplog):
    return [record.facts["kind"] for record in caplog.records if record.name == "chassis.refused"]


async def test_ordinary_requests_are_served_one_after_the_other_and_in_a_pipeline():
    async with serving() as here:
        socket = await here.connect(HELLO)
        assert await socket.answer() == (200, "0\n")
        await socket.say(POST, b"0123456789" + POST + b"abcdefghij" + HELLO)
        assert [await socket.answer() for _ in range(3)] == [(200, "10\n"), (200, "10\n"), (200, "0\n")]


@pytest.mark.parametrize(
    ("parts", "fits"),
    [
        pytest.param([HEAD, b"a: " + b"x" * 1900 + b"\r\n\r\n"], True, id="just below"),
        pytest.param([HEAD, b"a: " + b"x" * 2100 + b"\r\n\r\n"], False, id="one long header"),
        pytest.param([HEAD, b"a: " + b"x" * 1100, b"x" * 1100], False, id="one that does not end"),
        pytest.param([HEAD, b"a" * 2100], False, id="a name that does not end"),
        pytest.param([b"GET /" + b"x" * 2100], False, id="an address that does not end"),
        pytest.param([HEAD + b"a: xxxxxxxxxx\r\n" * 140 + b"\r\n"], False, id="many bytes in small headers"),
        pytest.param([HEAD + b"a: b\r\n" * 99 + b"\r\n"], True, id="a hundred headers"),
        pytest.param([HEAD + b"a: b\r\n" * 100 + b"\r\n"], False, id="one more"),
        pytest.param([CHUNKED, b"0\r\nt: x\r\n\r\n"], True, id="a trailer"),
        pytest.param([CHUNKED, b"0\r\n" + b"t: x\r\n" * 120 + b"\r\n"], False, id="many trailers"),
        pytest.param([CHUNKED, b"0\r\nt: ", *[b"x" * 700] * 3], False, id="a trailer that does not end"),
        pytest.param([CHUNKED, b"1;", *[b"x" * 700] * 3], False, id="what is said beside a chunk does not end"),
        pytest.param([CHUNKED, *[b"1\r\nx\r\n"] * 900, b"0\r\n\r\n"], True, id="many small chunks"),
    ],
)  # fmt: skip
async def test_a_requests_headers_are_bounded_in_bytes_and_number(parts, fits, caplog):
    async with serving(header_bytes=2048, headers=100) as here:
        socket = await here.connect()
        for part in parts:
            await socket.say(part)
            await asyncio.sleep(0.001)  # so that each arrives by itself
        if fits:
            assert (await socket.answer())[0] == 200
        else:
            assert await socket.status_at_the_end() == 431
            assert kinds(caplog) == ["HEADERS"]


async def test_a_refusal_is_not_taken_for_the_answer_to_an_earlier_request(caplog):
    app = Echo()
    async with serving(app, header_bytes=2048) as here:
        app.go_on.clear()
        socket = await here.connect(POST + b"0123456789")
        await app.begun.wait()
        await socket.say(HEAD + b"a: " + b"x" * 2100)
        assert await socket.rest() == b""
        app.go_on.set()
        assert (app.seen, kinds(caplog)) == ([10], ["HEADERS"])


async def test_a_connection_sends_few_requests_ahead(caplog):
    app = Echo()
    async with serving(app) as here:
        app.go_on.clear()
        patient = await here.connect(HELLO * 16)
        greedy = await here.connect(HELLO * 2000)
        assert await greedy.rest() == b""
        assert kinds(caplog) == ["NO_HTTP"]
        app.go_on.set()
        assert [await patient.answer() for _ in range(16)] == [(200, "0\n")] * 16
        assert len(app.seen) <= 17


async def test_control_with_wide_limits_the_same_headers_are_read():
    async with serving(header_bytes=200_000, headers=2000) as here:
        socket = await here.connect(HEAD, b"a: " + b"x" * 100_000 + b"\r\n", b"b: c\r\n" * 1000, b"\r\n")
        assert await socket.answer() == (200, "0\n")


async def trickle(socket, part):
    """Send byte after byte, one a second, until the connection ends; with nothing to send, wait for it."""
    with suppress(ConnectionError):
        for number in range(10 * LIMIT_S):
            if socket.reader.at_eof() or socket.reader.exception():
                return
            if part:
                await socket.say(part[number % len(part) :][:1])
            await let_pass(1)


@pytest.mark.parametrize(
    ("begin", "more", "kind"),
    [
        pytest.param(b"", b"", None, id="nothing at all"),
        pytest.param(b"", b"\r\n", None, id="empty lines"),
        pytest.param(HEAD, b"", "TIME_FOR_HEADERS", id="half a head"),
        pytest.param(HEAD, b"a: b\r\n", "TIME_FOR_HEADERS", id="header after header, slowly"),
        pytest.param(POST + b"01", b"", "TIME_FOR_BODY", id="half a body"),
        pytest.param(POST.replace(b"10", b"9999"), b"x", "TIME_FOR_BODY", id="a body, slowly"),
        pytest.param(HELLO, b"\r\n", None, id="empty lines after a request"),
        pytest.param(HELLO + HEAD, b"a: b\r\n", "TIME_FOR_HEADERS", id="the second request's headers"),
    ],
)
@own_time
async def test_headers_and_bodies_have_their_time_however_they_trickle(begin, more, kind, caplog):
    async with serving(header_s=LIMIT_S, body_s=LIMIT_S, header_bytes=10**6, headers=10**6) as here:
        socket = await here.connect(begin)
        answered = begin.startswith(HELLO)
        if answered:
            assert await socket.answer() == (200, "0\n")
        await trickle(socket, more)
        status = await socket.status_at_the_end()
        # Who is still sending may not get to read it.
        assert status == (408 if kind else None) or (more and status is None)
        assert kinds(caplog) == ([kind] if kind else [])
        assert here.app.seen == ([0] if answered else ["cut"] if kind == "TIME_FOR_BODY" else [])


async def test_control_who_is_slow_within_the_time_is_answered():
    async with serving(header_s=20, body_s=20) as here:
        socket = await here.connect()
        for byte in POST + b"0123456789":
            await socket.say(bytes([byte]))
            await asyncio.sleep(0.003)
        assert await socket.answer() == (200, "10\n")


@own_time
async def test_a_slow_answer_of_ours_is_not_the_callers_fault(caplog):
    """While an earlier request is worked on, no later one is read: that time does not count, its end neither."""
    app = Echo()
    async with serving(app, header_s=LIMIT_S, body_s=LIMIT_S) as here:
        app.go_on.clear()
        socket = await here.connect(HELLO)
        await app.begun.wait()
        await socket.say(HELLO + HEAD)
        await let_pass(2 * LIMIT_S - 2)
        app.go_on.set()
        assert await socket.answer() == (200, "0\n")
        await let_pass(LIMIT_S - 2)
        await socket.say(b"\r\n")
        assert [await socket.answer() for _ in range(2)] == [(200, "0\n")] * 2
    assert kinds(caplog) == []


@own_time
async def test_control_while_we_read_on_the_time_of_the_caller_counts(caplog):
    app = Echo()
    async with serving(app, header_s=LIMIT_S) as here:
        app.go_on.clear()
        socket = await here.connect(HELLO)
        await app.begun.wait()
        await socket.say(HEAD)
        await let_pass(LIMIT_S + 2)
        assert await socket.rest() == b""
        app.go_on.set()
    assert kinds(caplog) == ["TIME_FOR_HEADERS"]


@own_time
@pytest.mark.parametrize("patient", [True, False])
async def test_of_the_time_for_a_body_only_that_counts_in_which_we_read(patient, caplog):
    app = Echo()
    async with serving(app, header_s=LIMIT_S, body_s=LIMIT_S) as here:
        app.read_on.clear()
        socket = await here.connect(POST.replace(b"10", b"200000"))
        await app.begun.wait()
        await let_pass(LIMIT_S // 2)
        await socket.say(b"x" * 100_000)
        await let_pass(LIMIT_S + LIMIT_S // 3)
        app.read_on.set()
        await let_pass(LIMIT_S // 2 - 2 if patient else LIMIT_S // 2 + 2)
        if patient:
            await socket.say(b"x" * 100_000)
            assert await socket.answer() == (200, "200000\n")
        else:
            assert await socket.status_at_the_end() == 408
    assert kinds(caplog) == ([] if patient else ["TIME_FOR_BODY"])


async def test_who_does_not_take_an_answer_is_not_waited_for(caplog):
    async with serving(Echo(answer_bytes=50_000_000), answer_s=0.3) as here:
        socket = await here.connect(HELLO)
        async with asyncio.timeout(PATIENCE_S):
            while kinds(caplog) != ["TIME_FOR_ANSWER"]:
                await asyncio.sleep(0.01)
        assert len(await socket.rest()) < 50_000_000


async def test_control_who_takes_it_gets_all_of_it():
    async with serving(Echo(answer_bytes=5_000_000), answer_s=20) as here:
        socket = await here.connect(HELLO)
        status, body = await socket.answer()
        assert (status, len(body)) == (200, 5_000_002)


async def test_a_peer_has_so_many_connections_and_gets_one_back_for_each_it_closes(over, caplog):
    async with serving(per_peer=3) as here:
        first, second, third = [await here.connect(HELLO) for _ in range(3)]
        assert [await socket.answer() for socket in (first, second, third)] == [(200, "0\n")] * 3
        fourth = await here.connect()
        assert await fourth.status_at_the_end() == (503 if over == "plain" else None)
        assert kinds(caplog) == ["CONNECTIONS"]
        first.writer.close()
        async with asyncio.timeout(PATIENCE_S):
            while await (await here.connect(HELLO)).first_line() != b"HTTP/1.1 200 OK\r\n":
                pass
        await second.say(HELLO)
        assert await second.answer() == (200, "0\n")


async def test_a_trusted_proxys_connections_are_not_counted(caplog):
    async with serving(per_peer=3, trusted="127.0.0.0/8") as here:
        sockets = [await here.connect(HELLO) for _ in range(12)]
        assert [await socket.answer() for socket in sockets] == [(200, "0\n")] * 12
    assert kinds(caplog) == []


async def test_what_is_no_http_is_refused_and_leaves_few_lines(caplog):
    caplog.set_level(logging.DEBUG)
    async with serving() as here:
        for _ in range(30):
            socket = await here.connect(b"\x16\x03\x01 hello\r\n\r\n")
            assert await socket.status_at_the_end() == 400
    assert 0 < len(kinds(caplog)) < 30
    assert "127.0.0.1" not in json.dumps([record.__dict__.get("facts") for record in caplog.records])
    assert [record for record in caplog.records if record.name == "uvicorn.error" and "Invalid" in record.msg] == []


@pytest.mark.parametrize("wanted", [b"websocket", b"h2c"])
async def test_a_connection_does_not_become_something_else(wanted):
    asking = b"\r\nconnection: upgrade\r\nupgrade: " + wanted + b"\r\nsec-websocket-version: 13\r\n"
    async with serving() as here:
        for request in (HELLO, HEAD + b"content-length: 0\r\n\r\n"):
            socket = await here.connect(request.replace(b"\r\n", asking, 1))
            assert await socket.answer() == (200, "0\n")
        half = await here.connect(POST.replace(b"\r\n", asking, 1), b"0123456789")
        assert await half.status_at_the_end() == 400
        chunked = HEAD.replace(b"GET", b"DELETE") + b"transfer-encoding: chunked\r\n\r\n"
        half = await here.connect(chunked.replace(b"\r\n", asking, 1), b"3\r\nabc\r\n0\r\n\r\n")
        assert await half.status_at_the_end() == 400
        assert here.app.seen == [0, 0], "a request whose body the parser leaves out would be another request"


def test_limits_are_set_as_json_and_misspelt_ones_are_refused(monkeypatch):
    monkeypatch.setenv("REKKU_CONNECTIONS", '{"per_peer": 17}')
    assert Settings().connections == ConnectionLimits(per_peer=17)
    for wrong in ('{"per_pear": 17}', '{"per_peer": 0}', '{"header_s": -1}'):
        monkeypatch.setenv("REKKU_CONNECTIONS", wrong)
        with pytest.raises(ValidationError, match="connections"):
            Settings()
