"""`/api/<service>/…`: the services' APIs behind one address, with the caller's token or the session's."""

from typing import Annotated
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask
from starlette.responses import Response

from chassis.auth import Role, TokenRefused
from chassis.entry_points import PASSED_ON
from chassis.knowing import merge_marks, well_formed_marks
from chassis.preconditions import joined
from chassis.telemetry import current_traceparent
from contracts.identity_codes import TextKind
from contracts.refusals import NotFound
from services.gateway import domain
from services.gateway.forms import require_form_token
from services.gateway.handlers import Session
from services.gateway.visitor import Gateway, Visitor, visitor

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"

_PASSED_ON = (
    "accept",
    "accept-language",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "tracestate",
)
_NOT_PASSED_BACK = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "set-cookie",
        "server",
        "date",
    }
)

router = APIRouter(tags=["proxy"])


@router.api_route(
    "/api/{service}/{path:path}",
    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    include_in_schema=False,
    openapi_extra=dict(PASSED_ON),
)
async def pass_on(
    service: Annotated[str, TextKind.MACHINE, Path()],
    path: Annotated[str, TextKind.PROSE, Path()],
    request: Request,
    visitor: Annotated[Visitor, Depends(visitor)],
) -> Response:
    """Hand a request to a service and its answer back, as they are.

    A request with a token of its own needs nothing else; one that lives on the session's cookie
    must carry the session's form token when it changes anything. What stands in the address and the body
    is examined by the service, whose refusals name its fields (E-59).
    """
    gateway, session = visitor.gateway, visitor.session
    if "authorization" in request.headers:
        session = None
    elif session is not None and request.method not in SAFE_METHODS:
        require_form_token(session.csrf_token, request.headers.get(CSRF_HEADER, ""))
    client = gateway.upstreams.client(service)
    if not domain.is_plain_path(path):
        raise NotFound("UNKNOWN_PATH")
    if domain.is_probe(path) and not await _is_officer(gateway, session, request):
        raise NotFound("UNKNOWN_PATH")
    outgoing = client.build_request(
        request.method,
        _address(client.base_url, path, request),
        headers=_headers_for(request, session),
        content=await request.body(),
    )
    answer = await gateway.upstreams.open(service, outgoing)
    if session and request.method not in SAFE_METHODS and answer.is_success:
        await visitor.remember(answer.headers.get("rekku-known", ""))
    headers = {name: value for name, value in answer.headers.items() if name not in _NOT_PASSED_BACK}
    return StreamingResponse(answer.aiter_raw(), answer.status_code, headers, background=BackgroundTask(answer.aclose))


@router.get("/session")
async def show_session(visitor: Annotated[Visitor, Depends(visitor)]) -> dict[str, str | None]:
    """Who is signed in, and the form token that unsafe requests of this session carry in `X-CSRF-Token`."""
    session = visitor.session
    if session is None:
        return {"role": Role.PUBLIC, "provider_id": None, "csrf_token": None}
    return {"role": session.role, "provider_id": session.provider_id, "csrf_token": session.csrf_token}


async def _is_officer(gateway: Gateway, session: Session | None, request: Request) -> bool:
    if session is not None:
        return session.is_officer
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        principal = await gateway.verifier.principal_of(token.strip())
    except TokenRefused:
        return False
    return principal.role in (Role.OFFICER, Role.SYSTEM)


def _address(base: httpx.URL, path: str, request: Request) -> httpx.URL:
    raw = base.raw_path.rstrip(b"/") + b"/" + quote(path, safe="/:@~").encode()
    if request.url.query:
        raw += b"?" + request.url.query.encode()
    return base.copy_with(raw_path=raw)


def _headers_for(request: Request, session: Session | None) -> dict[bytes, bytes]:
    headers = {name: value for name in _PASSED_ON if (value := joined(request.headers, name)) is not None}
    known = joined(request.headers, "rekku-known") or ""
    if session is not None:
        headers["authorization"] = f"Bearer {session.token}"
        known = ", ".join(merge_marks(session.known, well_formed_marks(known)))
    elif "authorization" in request.headers:
        headers["authorization"] = request.headers["authorization"]
    if known and "authorization" in headers:
        headers["rekku-known"] = known
    traceparent = current_traceparent() or request.headers.get("traceparent")
    if traceparent:
        headers["traceparent"] = traceparent
    # As the bytes they came as: what is no ASCII is for the service to refuse.
    return {name.encode(): value.encode("latin-1") for name, value in headers.items()}
