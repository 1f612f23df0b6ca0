"""Ports of this machine for brokers: free when they are chosen, and kept over restarts."""

import secrets
import socket
from collections.abc import Iterable

HOST = "127.0.0.1"
_PORTS = range(10240, 32768)
"""Below Linux' ephemeral ports: nobody's outgoing connection takes a broker's port while the broker is away."""


def is_free(port: int) -> bool:
    """Whether a broker could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_pair(taken: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Two ports that are free now, and not among those of the other brokers."""
    given = {port for pair in taken for port in pair}
    candidates = secrets.SystemRandom().sample(_PORTS, 1000)
    first, second, *_ = (port for port in candidates if port not in given and is_free(port))
    return first, second
