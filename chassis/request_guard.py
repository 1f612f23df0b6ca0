"""The outermost layer of every HTTP application: limits, personal identity codes, traces, last resort."""

import json
import logging
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

from fastapi import FastAPI
from opentelemetry.trace import SpanKind
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import telemetry
from chassis.db import TRANSIENT_ERRORS
from chassis.problems import ProblemWriter
from contracts.values import looks_like_personal_identity_code

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 65_536
_UNREAD_HEADERS = {b"authorization", b"cookie", b"user-agent", b"traceparent", b"tracestate", b"referer"}


class _TooLarge(Exception):
    pass


class RequestGuard:
    """Refuses oversized bodies and personal identity codes before anything else sees the request (E-59)."""

    def __init__(self, app: ASGIApp, problems: ProblemWriter) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        traceparent = headers.get(b"traceparent", b"").decode("latin-1") or None
        with telemetry.span(f"{scope['method']} {scope['path'].split('/')[1]}", SpanKind.SERVER, traceparent):
            await self._guarded(scope, receive, send, headers.get(b"accept-language", b"").decode("latin-1"))

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, language: str) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        async def refuse(response: Response) -> None:
            await response(scope, receive, send)

        try:
            body = await _read_body(receive)
            if any(looks_like_personal_identity_code(text) for text in _texts_of(scope, body)):
                await refuse(self._problems.answer(language, 422, "PERSONAL_IDENTITY_CODE"))
                return
            await self._app(scope, _again(body, receive), watched)
        except _TooLarge:
            await refuse(self._problems.answer(language, 413, "BODY_TOO_LARGE", {"allowed_bytes": MAX_BODY_BYTES}))
        except TRANSIENT_ERRORS as error:
            _log.warning("a request failed for the moment: %s", type(error).__name__)
            if started:
                raise
            await refuse(self._problems.answer(language, 503, "UNAVAILABLE"))
        except Exception:
            _log.exception("a request failed")
            if started:
                raise
            await refuse(self._problems.answer(language, 500, "INTERNAL"))


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise _TooLarge
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _texts_of(scope: Scope, body: bytes) -> Iterator[str]:
    coded = [scope["path"], scope["query_string"].decode("latin-1"), body.decode("utf-8", "replace")]
    coded += [value.decode("latin-1") for name, value in scope["headers"] if name not in _UNREAD_HEADERS]
    for text in coded:
        yield text
        if "%" in text or "+" in text:
            yield unquote(text)
            yield unquote_plus(text)
    if b"\\u" in body:
        try:
            yield json.dumps(json.loads(body), ensure_ascii=False)
        except ValueError:
            return


def guard(app: FastAPI, problems: ProblemWriter) -> None:
    """Put the guard around `app`."""
    app.add_middleware(RequestGuard, problems=problems)
