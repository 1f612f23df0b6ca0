"""TLS around a connection: who it may be, how long it may take and how it ends hold from its first byte on.

asyncio gives a connection to the application after the handshake only. Until then nothing would be counted, and
what the kernel does not take of a finished answer would rest out of the application's sight; so the layer is
asyncio's own, and what it is called with is watched here.
"""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol, SSLProtocolState

from chassis.doors import Doors, bound_unacknowledged
from chassis.peers import neighbourhood

_RECORDS_BYTES = 2 * 16_384 + 1024
"""What is read at once, and kept for every connection; asyncio itself would keep 256 KiB."""


class SecuredProtocol(SSLProtocol):
    """One connection whose handshake has to end within the time that headers have.

    A peer with too many connections gets none, and no answer: that would need the handshake first.
    """

    max_size = _RECORDS_BYTES
    _state: SSLProtocolState
    _outgoing: ssl.MemoryBIO
    _ssl_writing_paused: bool

    def __init__(
        self, loop: asyncio.AbstractEventLoop, inner: asyncio.Protocol, context: ssl.SSLContext, doors: Doors
    ) -> None:
        super().__init__(
            loop,
            inner,
            context,
            None,  # type: ignore[arg-type]  # nobody waits for it
            server_side=True,
            ssl_handshake_timeout=doors.limits.header_s,  # type: ignore[arg-type]
            ssl_shutdown_timeout=doors.limits.answer_s,
        )
        self._doors = doors
        self._host = "unknown"
        self._entered: str | None = None
        self._shaken = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The peer has connected, and has sent nothing yet."""
        peer = transport.get_extra_info("peername")
        self._host = str(peer[0]) if peer else self._host
        self._entered = self._doors.enter(self._host)
        if self._entered is None:
            self._shaken = True
            self._doors.refusals.record("CONNECTIONS", neighbourhood(self._host))
            transport.abort()
            return
        bound_unacknowledged(transport, self._doors.limits.answer_s)
        # What waits below the TLS layer is to be seen above it.
        transport.set_write_buffer_limits(high=0)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has ended, whoever ended it."""
        self._doors.leave(self._entered)
        if not self._shaken:
            self._doors.refusals.record("HANDSHAKE", neighbourhood(self._host))
        super().connection_lost(exc)

    def _on_handshake_complete(self, handshake_exc: BaseException | None) -> None:
        self._shaken = handshake_exc is None
        super()._on_handshake_complete(handshake_exc)

    def pause_writing(self) -> None:
        """The kernel does not take all of it."""
        super().pause_writing()
        self._pass_on()

    def resume_writing(self) -> None:
        """The kernel has taken all of it."""
        super().resume_writing()
        self._pass_on()
        self._end_if_said()

    def _pass_on(self) -> None:
        if self._state is SSLProtocolState.DO_HANDSHAKE or self._app_protocol is None:
            return
        if self._ssl_writing_paused:
            self._app_protocol.pause_writing()
        else:
            self._app_protocol.resume_writing()

    def _do_shutdown(self) -> None:
        super()._do_shutdown()  # type: ignore[misc]
        self._end_if_said()

    def _end_if_said(self) -> None:
        """Once our end has been sent, the peer's is not waited for: a client that rests would not send it."""
        ending = self._state is SSLProtocolState.SHUTDOWN
        if ending and self._transport is not None and not self._outgoing.pending and not self._ssl_writing_paused:
            self._transport.close()
