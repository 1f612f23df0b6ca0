"""What is turned away leaves a line and a count: who as a pseudonym, what, and where; never a token or an address.

The pseudonym is the same in every process of a service, so that lines can be brought together, and leads back
to nobody without the service's own secret.
"""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable

from fastapi import Request
from fastapi.routing import iter_route_contexts
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import telemetry
from chassis.auth import Principal
from chassis.peers import peer_of
from chassis.settings import Settings
from chassis.windows import Windows

_log = logging.getLogger(__name__)

LINES_OF_ONE = 10
"""Lines a minute about one caller and kind."""
LINES_OF_ALL = 300
"""Lines a minute, whoever they are about."""

_KINDS = {401: "UNAUTHENTICATED", 403: "NOT_ALLOWED", 429: "TOO_MANY_REQUESTS"}
"""The statuses that leave a line, and what they are called where no refusal code is known."""


class Refusals:
    """The record of one process. Everything is counted; lines are bounded, and the next one says how many are missing.

    Args:
        secret: the pseudonyms' key; without one they are this process's own.
        clock: seconds, only ever forwards.
    """

    def __init__(self, secret: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = hashlib.sha256(b"rekku pseudonyms\0" + (secret.encode() or secrets.token_bytes(32))).digest()
        self._of_one = Windows(clock=clock)
        self._of_all = Windows(clock=clock)
        self._withheld = 0

    @classmethod
    def of(cls, settings: Settings) -> "Refusals":
        """The record of a process with these settings."""
        return cls(settings.fingerprint_secret.get_secret_value())

    def record(self, kind: str, who: str, **facts: str | int) -> None:
        """Count a refusal, and leave a line about it.

        Args:
            kind: the refusal code, or what a connection exceeded.
            who: what identifies the caller; only its pseudonym is written.
            facts: what was refused; nothing that the caller wrote.
        """
        telemetry.turned_away.add(1, {"kind": kind})
        if self._of_one.count((kind, who), LINES_OF_ONE) or self._of_all.count(None, LINES_OF_ALL):
            self._withheld += 1
            return
        pseudonym = hmac.digest(self._key, who.encode(), hashlib.sha256)[:8].hex()
        missing = {"withheld": self._withheld} if self._withheld else {}
        self._withheld = 0
        _log.warning("refused", extra={"facts": {"kind": kind, "who": pseudonym, **facts, **missing}})


def know(request: Request, principal: Principal) -> None:
    """Let what is refused from here on be the principal's, not that of the address it came from."""
    request.scope.setdefault("state", {}).setdefault("principal", principal)


def who(scope: Scope) -> str:
    """What identifies the caller of a request as well as is known so far."""
    principal: Principal | None = scope.get("state", {}).get("principal")
    return peer_of(scope) if principal is None else name_of(principal)


def name_of(principal: Principal) -> str:
    """What identifies a principal."""
    return f"{principal.role} {principal.provider_id or ''} {principal.subject}"


def route_of(scope: Scope) -> str:
    """The template of the route that a request has taken or would take; empty where there is none."""
    if "route" in scope:
        return str(getattr(scope["route"], "path", ""))
    routes = iter_route_contexts(scope["app"].routes)
    return next((route.path or "" for route in routes if route.matches(scope)[0] is Match.FULL), "")


class RefusalLines:
    """Around everything that answers: a 401, 403 or 429 leaves its line, whoever made it."""

    def __init__(self, app: ASGIApp, refusals: Refusals) -> None:
        self._app = app
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _KINDS:
                self._record(scope, message["status"])
            await send(message)

        await self._app(scope, receive, watched)

    def _record(self, scope: Scope, status: int) -> None:
        kind = scope.get("state", {}).get("refused", _KINDS[status])
        self._refusals.record(kind, who(scope), status=status, method=scope["method"], route=route_of(scope))
