"""Requests as routes know them: HEAD is answered as GET is, and a slash at an address' end is nothing."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PlainRequests:
    """Makes of a request the one that routes know.

    Whatever has a GET has a HEAD: the same answer without its body (RFC 9110, 9.3.2). `/notes/` is `/notes`,
    without a redirect: one would need a scheme and a host, and those of a request are whatever its sender says.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] != "/" and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"][:-1]}
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers
