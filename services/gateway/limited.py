"""Rate limits as route dependencies."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from services.gateway.visitor import gateway_of


def client_address(request: Request) -> str:
    """The address that rates are counted by; kept for a minute, in memory only."""
    return request.client.host if request.client else "unknown"


def limited(kind: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency: counts the request as one of `kind`, and refuses it where the address made too many."""

    async def count(request: Request) -> None:
        gateway_of(request).rates.count(kind, client_address(request))

    return count
