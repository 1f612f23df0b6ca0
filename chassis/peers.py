"""Who is at the other end: the address of a caller, also behind proxies that this installation trusts."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_ONE_SUBSCRIBER = 64
"""The prefix of IPv6 that one subscriber has to itself: whoever has one address has them all."""
_MAPPED = IPv6Network("::ffff:0:0/96")
_SCHEMES = frozenset({"http", "https"})


def read_network(text: str) -> Network:
    """A network or one address, as a setting names it; IPv4 in IPv6's clothes is IPv4.

    Raises:
        ValueError: it is none, has bits outside its prefix, or is everybody.
    """
    network = ip_network(text.strip())
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        plain = IPv4Address(int(network.network_address) & 0xFFFF_FFFF)
        network = IPv4Network((plain, network.prefixlen - _MAPPED.prefixlen))
    if network.prefixlen == 0:
        raise ValueError(f"{text.strip()} is everybody, and not everybody can be trusted")
    return network


def read_address(text: str) -> Address | None:
    """An address as sockets and proxies write it (`192.0.2.7`, `192.0.2.7:4711`, `[2001:db8::7]:4711`), or None.

    The zone of a link-local address is dropped, and IPv4 in IPv6's clothes is IPv4.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@functools.lru_cache(maxsize=4096)
def neighbourhood(host: str) -> str:
    """What is counted as one caller: an IPv4 address, or the /64 of an IPv6 one; what is no address stays as it is."""
    address = read_address(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _ONE_SUBSCRIBER), strict=False))
    return host if address is None else str(address)


def peer_of(scope: Scope) -> str:
    """The neighbourhood that a request came from."""
    client = scope.get("client")
    return neighbourhood(client[0]) if client else "unknown"


class TrustedProxies:
    """The networks whose word on where a request came from is taken."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def __contains__(self, host: str) -> bool:
        address = read_address(host)
        return address is not None and self._trusts(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def origin(self, peer: str, hops: Sequence[str], schemes: Sequence[str]) -> tuple[str, str | None]:
        """Where a request came from, and over which scheme as far as that is known.

        Each proxy adds to the end whom it was called by. So the list is read from its end: the first
        hop that is not trusted is the client, and what stands before it anybody may have written. An
        entry that is no address ends the reading as well: the client is then the proxy that wrote it.

        Args:
            peer: the other end of the connection.
            hops: the entries of X-Forwarded-For, in order.
            schemes: those of X-Forwarded-Proto.
        """
        if peer not in self:
            return peer, None
        client, nearer = peer, 0
        for hop in reversed(hops):
            address = read_address(hop)
            if address is None:
                break
            client = str(address)
            if not self._trusts(address):
                break
            nearer += 1
        # Proxies that add to this list as well add one entry each; others keep the one there is.
        scheme = schemes[max(len(schemes) - 1 - nearer, 0)] if schemes else ""
        return client, scheme if scheme in _SCHEMES else None


class BehindProxies:
    """A request from a trusted proxy is one of the client that the proxy names.

    X-Forwarded-Host and Forwarded are never looked at.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = TrustedProxies(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        client = scope.get("client")
        if scope["type"] == "http" and client:
            hops, schemes = (list(_entries(scope, name)) for name in (b"x-forwarded-for", b"x-forwarded-proto"))
            host, scheme = self._trusted.origin(client[0], hops, schemes)
            if host != client[0]:
                scope["client"] = (host, 0)
            if scheme is not None:
                scope["scheme"] = scheme
        await self._app(scope, receive, send)


def _entries(scope: Scope, wanted: bytes) -> Iterator[str]:
    """The entries of a list header: several lines of it are one list, and empty ones do not count (RFC 9110, 5.6.1)."""
    for name, value in scope["headers"]:
        if name == wanted:
            yield from (entry.strip().lower() for entry in value.decode("latin-1").split(",") if entry.strip())
