"""What every request passes before a route, and every answer after one: the layers and their order, stated here."""

import logging
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import telemetry
from chassis.failures import of_the_moment
from chassis.peers import BehindProxies
from chassis.plain_requests import PlainRequests
from chassis.problems import ProblemWriter
from chassis.refused import RefusalLines
from chassis.request_guard import RequestGuard

if TYPE_CHECKING:
    from chassis.runtime import Runtime

_log = logging.getLogger(__name__)


def layers(runtime: "Runtime", problems: ProblemWriter) -> list[Middleware]:
    """The layers of a service's application, from the outside inwards.

    1. `BehindProxies`: who the client is, before anybody counts or logs it; only where a proxy is trusted.
    2. `PlainRequests`: what the request is, before anybody looks at its method or address.
    3. `Traced`: everything further in belongs to the request's trace, problem answers among it.
    4. `LastResort`: what fails further in is answered.
    5. Those of the service: at the gateway `BrowserManners`, for which problems become pages, a `LastResort`, so
       that failures do too, and `RateLimits`, before anything is read or looked up.
    6. `RefusalLines`: what is turned away further in leaves its line.
    7. `RequestGuard`: whole requests only, their body read once.

    What the first two or `Traced` fail at `ProblemWriter.on_failure` answers, outside of them all.
    """
    settings, service = runtime.settings, runtime.service
    proxies = [Middleware(BehindProxies, trusted=settings.trusted_proxies)] if settings.trusted_proxies else []
    return [
        *proxies,
        Middleware(PlainRequests),
        Middleware(Traced),
        Middleware(LastResort, problems=problems),
        *(service.layers(runtime, problems) if service.layers else ()),
        Middleware(RefusalLines, refusals=runtime.refusals),
        Middleware(RequestGuard, problems=problems),
    ]


class Traced:
    """Each request is a span, which continues the caller's trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        traceparent = Headers(scope=scope).get("traceparent")
        with telemetry.span(scope["method"], SpanKind.SERVER, traceparent) as span:
            try:
                await self._app(scope, receive, send)
            finally:
                # By the route, never by the address, which may hold anything.
                if "route" in scope:
                    span.update_name(f"{scope['method']} {scope['route'].path.lstrip('/').split('/')[0]}")


class LastResort:
    """Whatever fails further in is answered as a problem, once: 503 where it may pass, else 500."""

    def __init__(self, app: ASGIApp, problems: ProblemWriter) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if of_the_moment(error):
                _log.warning("a request failed for the moment: %s", type(error).__name__)
                status, code = 503, "UNAVAILABLE"
            else:
                _log.exception("a request failed")
                status, code = 500, "INTERNAL"
            if started:
                raise
        else:
            return
        language = Headers(scope=scope).get("accept-language")
        await self._problems.answer(language, status, code)(scope, receive, send)
