"""Who is connected to a process, and how long the kernel keeps for a peer what it does not take."""

import asyncio
import socket
from collections import Counter
from contextlib import suppress

from chassis.limits import ConnectionLimits
from chassis.peers import TrustedProxies, neighbourhood
from chassis.refused import Refusals


class Doors:
    """Who is connected: so many connections a peer, and any number of a trusted proxy."""

    def __init__(self, limits: ConnectionLimits, trusted: TrustedProxies, refusals: Refusals) -> None:
        self.limits = limits
        self.refusals = refusals
        self._trusted = trusted
        self._open: Counter[str] = Counter()

    def enter(self, host: str) -> str | None:
        """Let a peer in: the name to leave by, or None where it has too many connections.

        A trusted proxy's connections are not counted; its name is empty.
        """
        if host in self._trusted:
            return ""
        peer = neighbourhood(host)
        if self._open[peer] >= self.limits.per_peer:
            return None
        self._open[peer] += 1
        return peer

    def leave(self, peer: str | None) -> None:
        """A connection has ended."""
        if peer:
            self._open[peer] -= 1
            if not self._open[peer]:
                del self._open[peer]


def bound_unacknowledged(transport: asyncio.BaseTransport, limit_s: float) -> None:
    """How long the kernel keeps what a peer does not take, also after we have closed; where it can be set (Linux)."""
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, int(limit_s * 1000)))
