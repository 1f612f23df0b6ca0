"""The layer that counts every request before anything else is done for it."""

import math

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.auth import Principal, TokenRefused
from chassis.peers import peer_of
from chassis.refused import know, name_of, route_of, who
from contracts.refusals import Refusal
from services.gateway.rates import UNLIMITED, kind_of, survey_of
from services.gateway.visitor import gateway_of


class RateLimits:
    """Answers 429 with Retry-After to a caller that has used up its minute; see `Rates` for the kinds.

    A survey is counted by its link; a link that leads nowhere counts as a guess of the address, whose
    other links still lead where they should.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        survey = survey_of(scope["path"])
        for kind, key in [("surveys", peer_of(scope)), ("survey", survey)] if survey else [await _caller(request)]:
            if refusal := _count(request, kind, key):
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, _guesses_counted(request, receive, send) if survey else send)


async def _caller(request: Request) -> tuple[str, str]:
    """As which kind a request counts, and of whom. A token that is not valid changes nothing."""
    kind = kind_of(request.scope["path"])
    if kind == "api" and (holder := await _token_holder(request)):
        request.state.token_holder = holder
        know(request, holder)
        return "caller", name_of(holder)
    return kind, peer_of(request.scope)


async def _token_holder(request: Request) -> Principal | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return await gateway_of(request).verifier.principal_of(token.strip())
    except (TokenRefused, Refusal):
        # The service says what is wrong with it.
        return None


def _guesses_counted(request: Request, receive: Receive, send: Send) -> Send:
    """Send what is answered, but in place of one 404 too many that it is too many."""
    refused = False

    async def counted(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and message["status"] == 404:
            refusal = _count(request, "guess", peer_of(request.scope))
            if refusal:
                refused = True
                await refusal(request.scope, receive, send)
        if not refused:
            await send(message)

    return counted


def _count(request: Request, kind: str, key: str) -> Response | None:
    """Count a request: None, or its refusal."""
    wait_s = gateway_of(request).meter.count(kind, key)
    if not wait_s:
        return None
    scope, state = request.scope, request.app.state
    facts = {"status": 429, "method": scope["method"], "route": route_of(scope), "rate": kind}
    state.runtime.refusals.record("TOO_MANY_REQUESTS", who(scope), **facts)
    answer: Response = state.problems.answer(request.headers.get("accept-language"), 429, "TOO_MANY_REQUESTS")
    answer.headers["Retry-After"] = str(math.ceil(wait_s))
    return answer


def limit_rates(app: FastAPI) -> None:
    """Put `RateLimits` around the application as it is now."""
    app.add_middleware(RateLimits)
