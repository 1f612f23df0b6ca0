"""What every answer to a browser gets: security headers, and problems as pages instead of JSON."""

import json
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.visitor import bare_frame, render, words_for

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'none'",
        "object-src 'none'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""No scripts at all, nothing inline, nothing from elsewhere; `data:` is for the icons inside hds-core."""

_MACHINES = "/api/"
_MACHINE_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/progress", "/version", "/openapi.json", "/session"})
_PROBLEM_TYPE = "application/problem+json"

_KINDS = {
    "PERSONAL_IDENTITY_CODE": "problem-identity",
    "BODY_TOO_LARGE": "problem-too-large",
    "NOT_FOUND": "problem-not-found",
    "METHOD_NOT_ALLOWED": "problem-not-found",
    "UNKNOWN_SERVICE": "problem-not-found",
    "ISSUER_UNREACHABLE": "problem-unavailable",
    "UNAVAILABLE": "problem-unavailable",
    "UPSTREAM_UNAVAILABLE": "problem-unavailable",
    "NOT_YET_KNOWN": "problem-unavailable",
    "TOO_MANY_REQUESTS": "problem-too-many",
    "CSRF_REFUSED": "problem-csrf",
    "SIGN_IN_NEEDED": "sign-in-needed",
    "SIGN_IN_OFF": "sign-in-off",
    "NOT_ALLOWED": "problem-forbidden",
}


class BrowserManners:
    """Whatever answered, the answer says how a browser has to treat it.

    Args:
        secure: browsers reach the gateway by https.
        development: pages say that this is not production.
    """

    def __init__(self, app: ASGIApp, *, secure: bool, development: bool) -> None:
        self._app = app
        self._secure = secure
        self._development = development

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: MutableMapping[str, Any] = {}
        parts: list[bytes] = []

        async def mannered(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(scope, message)
                if is_page(scope) and _is_problem(message):
                    held.update(message)
                    return
            elif held:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    await self._page(scope, held, b"".join(parts))(scope, receive, send)
                return
            await send(message)

        await self._app(scope, receive, mannered)

    def _add_headers(self, scope: Scope, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "geolocation=(), camera=(), microphone=()"
        if self._secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        static = scope["path"].startswith("/static/") and message["status"] < 400
        headers.setdefault("Cache-Control", "public, max-age=600" if static else "no-store")

    def _page(self, scope: Scope, start: MutableMapping[str, Any], body: bytes) -> HTMLResponse:
        problem = json.loads(body)
        t = words_for(Request(scope))
        kind = _KINDS.get(problem.get("code", ""), "problem")
        text = t(kind) if kind != "problem" else str(problem.get("detail", ""))
        field = str(problem.get("values", {}).get("field", "")).rpartition(".")[2]
        if t.has(f"problem-field-{field}"):
            text = f"{text} {t('problem-in-field', field=t(f'problem-field-{field}'))}"
        page = render("message.html", t, bare_frame(self._development), title=t(f"{kind}-title"), text=text)
        kept = {
            name: value
            for name, value in Headers(raw=start["headers"]).items()
            if name not in ("content-type", "content-length", "content-language")
        }
        return HTMLResponse(page, start["status"], {**kept, "Content-Language": t.language})


def is_page(scope: Scope) -> bool:
    """Whether a request is a browser's that asks for a page."""
    path, accept = scope["path"], Headers(scope=scope).get("accept", "")
    return "text/html" in accept and not path.startswith(_MACHINES) and path not in _MACHINE_PATHS


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(_PROBLEM_TYPE)
