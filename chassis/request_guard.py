"""The layer that lets requests in: whole ones only, with headers that can be read and their body read once."""

import logging
import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.entry_points import HEADERS
from chassis.problems import ProblemWriter
from chassis.request_body import BODY, BodyRefused, HalfARequest, read_body, receive_whole
from contracts.refusals import Refusal

_log = logging.getLogger(__name__)

_READ = frozenset(name.encode() for name in HEADERS)
_PRINTABLE = re.compile(rb"[\t\x20-\x7e]*")
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(:[0-9]{0,5})?")


class MalformedHeader(Refusal):
    """A header that is read is not printable ASCII, or not what it has to be; `field` says which (400)."""

    status = 400

    def __init__(self, name: str) -> None:
        super().__init__("MALFORMED_HEADER", field=f"header.{name}")


class RequestGuard:
    """Lets whole requests through, each with its body read; half a request has no effect and no answer."""

    def __init__(self, app: ASGIApp, problems: ProblemWriter) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            _require_readable(scope)
            sent = await receive_whole(receive)
            body = read_body(sent, headers.get("content-type", ""), headers.get("content-encoding", ""))
        except HalfARequest:
            _log.info("a connection ended in the middle of a request; nothing was done")
            return
        except (BodyRefused, MalformedHeader) as refused:
            await self._problems.refused(headers.get("accept-language"), refused)(scope, receive, send)
            return
        scope[BODY] = body
        await self._app(scope, _again(body.content, receive), send)


def _require_readable(scope: Scope) -> None:
    for name, value in scope["headers"]:
        if name in _READ and not (_HOST if name == b"host" else _PRINTABLE).fullmatch(value):
            raise MalformedHeader(name.decode())


def _again(content: bytes, receive: Receive) -> Receive:
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": content, "more_body": False}

    return receive_again
