"""The HTTP server of a process, and what one connection and one peer may take of it.

uvicorn has no limits of time, size or number of its own; they are kept here, where its parser calls.
So they hold without a proxy in front, and behind one for the connections of the proxy itself.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from chassis.certificates import Certificate
from chassis.doors import Doors, bound_unacknowledged
from chassis.files import Unusable
from chassis.peers import TrustedProxies, neighbourhood
from chassis.refused import Refusals
from chassis.secured import SecuredProtocol
from chassis.settings import Settings

_log = logging.getLogger(__name__)
# What is no HTTP leaves its own, bounded line; what our application failed at is an error.
_log.setLevel(logging.ERROR)

_STATUS_LINES = {
    400: b"HTTP/1.1 400 Bad Request",
    408: b"HTTP/1.1 408 Request Timeout",
    431: b"HTTP/1.1 431 Request Header Fields Too Large",
    503: b"HTTP/1.1 503 Service Unavailable",
}
_MOST_WAITING = 16
"""Requests that one connection sends ahead; browsers send none."""
_AROUND_A_HEADER = len(": \r\n")
_IDLE, _HEADERS, _BODY = "", "headers", "body"


class ServerConfig(uvicorn.Config):
    """How `app` is served with `settings`: over TLS where there is a certificate."""

    def __init__(
        self, app: Any, settings: Settings, refusals: Refusals, *, grace_s: int, certificate: Certificate | None = None
    ) -> None:
        super().__init__(
            app,
            host=settings.host,
            port=settings.port,
            # uvicorn calls it for each connection, whatever it is.
            http=LimitedProtocol if certificate is None else partial(_secured, certificate),  # type: ignore[arg-type]
            # A connection that is something else from then on would be outside all limits.
            ws="none",
            # Who is trusted is our own setting (`chassis.peers`); uvicorn trusts this machine.
            proxy_headers=False,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=grace_s,
        )
        self.doors = Doors(settings.connections, TrustedProxies(settings.trusted_proxies), refusals)


class Server(uvicorn.Server):
    """Leaves signals to who runs it: `serve` also has to interrupt the wait for PostgreSQL.

    Raises:
        Unusable: it cannot listen where it should.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            # Why stands in the log.
            where = f"port {self.config.port} of {self.config.host}"
            raise Unusable(f"{where} cannot be listened on; choose others with REKKU_PORT and REKKU_HOST") from None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _secured(
    certificate: Certificate,
    config: ServerConfig,
    server_state: ServerState,
    app_state: dict[str, Any],
    _loop: asyncio.AbstractEventLoop | None = None,
) -> SecuredProtocol:
    inner = LimitedProtocol(config, server_state, app_state, _loop, within_tls=True)
    return SecuredProtocol(inner.loop, inner, certificate.context, config.doors)


class _Patience:
    """How long a peer may still take for what it has to send next; while we do not read, that time stands still."""

    def __init__(self, loop: asyncio.AbstractEventLoop, over: Callable[[], None]) -> None:
        self._loop = loop
        self._over = over
        self._left_s: float | None = None
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def begun(self) -> bool:
        """Whether anything is waited for."""
        return self._left_s is not None

    def begin(self, within_s: float | None) -> None:
        """Wait for the next thing, so long; or for nothing."""
        self._cancel()
        self._left_s = within_s
        self._run()

    def stop(self) -> None:
        """We read no further."""
        if self._timer is not None:
            self._left_s = max(0.0, self._timer.when() - self._loop.time())
        self._cancel()
        self._stopped = True

    def go_on(self) -> None:
        """We read again."""
        self._stopped = False
        self._run()

    def _run(self) -> None:
        if self._left_s is not None and not self._stopped:
            self._timer = self._loop.call_later(self._left_s, self._end)

    def _end(self) -> None:
        self._timer = self._left_s = None
        self._over()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Flow(FlowControl):
    """Lets a peer's time stand still while nothing is read of it."""

    def __init__(self, transport: asyncio.Transport, patience: _Patience) -> None:
        super().__init__(transport)
        self._patience = patience

    def pause_reading(self) -> None:
        if not self.read_paused:
            self._patience.stop()
        super().pause_reading()

    def resume_reading(self) -> None:
        if self.read_paused:
            self._patience.go_on()
        super().resume_reading()


class LimitedProtocol(HttpToolsProtocol):
    """One connection, closed with 408 or 431 where a request takes too long or its headers are too large."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        within_tls: bool = False,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._within_tls = within_tls
        self.logger = _log
        self._doors = config.doors
        self._limits = config.doors.limits
        self._entered: str | None = None
        self._reading = _IDLE
        self._message = 0
        self._parts = self._header_bytes = self._held_bytes = 0
        self._excess = False
        self._patience = _Patience(self.loop, self._too_slow)
        self._answer_deadline: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None

    @property
    def _host(self) -> str:
        return self.client[0] if self.client else "unknown"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self._patience)
        if self._within_tls:
            # All that follows has been done when the connection was made; asyncio's TLS takes 0 for always.
            transport.set_write_buffer_limits(high=1)
            self._wait()
            return
        # Whatever the kernel does not take at once is waited for: `answer_s` holds for small answers too.
        transport.set_write_buffer_limits(high=0)
        bound_unacknowledged(transport, self._limits.answer_s)
        self._entered = self._doors.enter(self._host)
        if self._entered is None:
            self._turn_away(503, "CONNECTIONS")
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._doors.leave(self._entered)
        self._patience.begin(None)
        if self._answer_deadline is not None:
            self._answer_deadline.cancel()
        self._cut()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        message, reading, parts = self._message, self._reading, self._parts
        super().data_received(data)
        begun = self._message != message
        headers = self._reading is _HEADERS and (not begun or reading is _IDLE)
        trailers = self._reading is _BODY and not begun and reading is _BODY and self._parts == parts
        if headers or trailers:
            # Nothing else was in it: the parser holds what has not ended yet, and says nothing of it.
            self._held_bytes += len(data)
            if self._held_bytes > self._limits.header_bytes:
                self._turn_away(431, "HEADERS")
        if begun or self._reading != reading or (self._at_rest and not self._patience.begun):
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading = _HEADERS
        self._message += 1
        self._header_bytes = self._held_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_header(len(name) + len(value) + _AROUND_A_HEADER)

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._limits.header_bytes or len(self.headers) > self._limits.headers:
            self._excess = True
            raise ValueError("more headers than are read")

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and any(map(_announces_a_body, self.headers)):
            raise ValueError("of what asks for an upgrade the parser leaves the body out")
        if len(self.pipeline) >= _MOST_WAITING:
            raise ValueError("more requests at once than are kept")
        self._reading = _BODY
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._parts += 1
        self._held_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading = _IDLE
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._reading is not _IDLE:
            # Of the next request something is here already: it has its own time.
            self._unset_keepalive_if_required()

    def send_400_response(self, msg: str) -> None:
        """The parser gave up: on what is no HTTP, or because a callback of ours did."""
        self._turn_away(*((431, "HEADERS") if self._excess else (400, "NO_HTTP")))

    def _unsupported_upgrade_warning(self) -> None:
        """HTTP goes on, and says so by its answer."""

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._answer_deadline is None:
            self._answer_deadline = self.loop.call_later(self._limits.answer_s, self._answer_not_taken)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._answer_deadline is not None:
            self._answer_deadline.cancel()
            self._answer_deadline = None

    @property
    def _at_rest(self) -> bool:
        """Nothing is being read, and nothing is to be answered."""
        return self._reading is _IDLE and (self._newest is None or self._newest.response_complete)

    @property
    def _newest(self) -> RequestResponseCycle | None:
        """The request whose headers were read last."""
        return self.cycle

    def _wait(self) -> None:
        """Begin to wait for what has to come next: headers, the rest of a body, or nothing while we are answering."""
        if self._reading is _BODY:
            self._patience.begin(self._limits.body_s)
        elif self._reading is _HEADERS or self._at_rest:
            self._patience.begin(self._limits.header_s)
        else:
            self._patience.begin(None)

    def _too_slow(self) -> None:
        if self._reading is _IDLE:
            self.transport.close()
        else:
            self._turn_away(408, f"TIME_FOR_{self._reading.upper()}")

    def _answer_not_taken(self) -> None:
        self._doors.refusals.record("TIME_FOR_ANSWER", neighbourhood(self._host))
        self._cut()
        self.transport.abort()

    def _cut(self) -> None:
        """No more is answered here: not the request that is worked on, nor those that wait for it.

        uvicorn itself looks only at the newest request, which is not the running one where some wait.
        """
        self.pipeline.clear()
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()

    def _turn_away(self, status: int, kind: str) -> None:
        """Answer, unless that would be taken for the answer to an earlier request, and close.

        Half a request becomes none.
        """
        if self.transport.is_closing():
            return
        self._doors.refusals.record(kind, neighbourhood(self._host), status=status)
        unanswered = self._newest
        if unanswered is not None and unanswered.response_complete:
            unanswered = None
        half = unanswered if self._reading is _BODY else None
        if not self.pipeline and (unanswered is None or (half is not None and not half.response_started)):
            self.transport.write(_STATUS_LINES[status] + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self._cut()
        self.transport.close()


def _announces_a_body(header: tuple[bytes, bytes]) -> bool:
    name, value = header
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
