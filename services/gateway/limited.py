"""The layer that counts every request before anything else is done for it."""

import math
from contextlib import suppress

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.auth import TokenRefused
from chassis.peers import peer_of
from chassis.refused import know, name_of, route_of, who
from contracts.refusals import Refusal
from services.gateway.rates import UNLIMITED, kind_of, survey_of
from services.gateway.visitor import gateway_of


class RateLimits:
    """Answers 429 with Retry-After to a caller that has used up its minute; see `Rates` for the kinds.

    A survey is counted by its link, and as a guess of the address until its answer shows that it leads
    somewhere. So an address that has used up its guesses hears the same of every link, good or bad, until its
    minute ends: nothing can be learned beyond the limit, also not by many guesses at once. Others behind the
    same address (a mobile network) wait as long, which is a minute at most; the limit is high, because what
    keeps links from being guessed is their length.
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
        refusal = _count_survey(request, survey) if survey else await _count_caller(request)
        if refusal:
            await refusal(scope, receive, send)
        elif survey:
            await self._judged(request, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _judged(self, request: Request, receive: Receive, send: Send) -> None:
        """Answer a survey's link; one that leads somewhere was no guess."""
        wrong = False

        async def watched(message: Message) -> None:
            nonlocal wrong
            wrong = wrong or (message["type"] == "http.response.start" and message["status"] == 404)
            await send(message)

        try:
            await self._app(request.scope, receive, watched)
        finally:
            if not wrong:
                gateway_of(request).meter.take_back("guess", peer_of(request.scope))


def _count_survey(request: Request, survey: str) -> Response | None:
    peer = peer_of(request.scope)
    kinds = (("surveys", peer), ("survey", survey), ("guess", peer))
    return next(filter(None, (_count(request, kind, key) for kind, key in kinds)), None)


async def _count_caller(request: Request) -> Response | None:
    """Count a request as one of its address, or of who holds its token; a token that is not valid changes nothing.

    To check a token may take a while, so that is counted before it is done.
    """
    peer, kind = peer_of(request.scope), kind_of(request.scope["path"])
    token = _token(request) if kind == "api" else None
    if token is not None:
        verifier = gateway_of(request).verifier
        holder = verifier.just_checked(token)
        if holder is None:
            if refusal := _count(request, "token", peer):
                return refusal
            # What is wrong with it the service says.
            with suppress(TokenRefused, Refusal):
                holder = await verifier.principal_of(token)
        if holder is not None:
            know(request, holder)
            return _count(request, "caller", name_of(holder))
    return _count(request, kind, peer)


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


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
