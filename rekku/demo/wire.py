"""A small HTTP/1.1 client over kept connections: the demo's ten thousand requests should cost the services, not it."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

_IDLE_S = 2.0
"""Shorter than the services keep an idle connection: none is used just as it is being closed."""
_TIMEOUT_S = 30.0


class NoAnswer(Exception):
    """The connection ended before the answer was whole."""


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0

    @property
    def usable(self) -> bool:
        fresh = time.monotonic() - self.idle_since < _IDLE_S
        return fresh and not self.reader.at_eof() and not self.writer.is_closing()


@dataclass
class Wire:
    """Connections to any number of servers; as many at once as there are requests in flight."""

    headers: Mapping[str, str] = field(default_factory=dict)
    _idle: dict[tuple[str, int], list[_Connection]] = field(default_factory=lambda: defaultdict(list))

    async def request(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request and read the whole answer; a body of text is XML.

        Raises:
            NoAnswer: the server ended the connection.
            OSError: there is no server.
            TimeoutError: no answer for half a minute.
        """
        address = urlsplit(url)
        place = (address.hostname or "", address.port or 80)
        target = address.path + (f"?{urlencode(query)}" if query else "")
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        content = text.encode()
        told = {**self.headers, **(headers or {}), "host": address.netloc, "content-length": str(len(content))}
        if body is not None:
            told["content-type"] = "application/xml" if isinstance(body, str) else "application/json"
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        message = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + content
        async with asyncio.timeout(_TIMEOUT_S):
            connection = await self._connection(place)
            try:
                connection.writer.write(message)
                response = await _read_response(connection.reader)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                connection.writer.close()
                raise NoAnswer(f"{method} {address.path}") from error
            except BaseException:
                connection.writer.close()
                raise
        connection.idle_since = time.monotonic()
        self._idle[place].append(connection)
        return response

    async def _connection(self, place: tuple[str, int]) -> _Connection:
        """The connection used last, so that the others can go idle; or a new one."""
        idle = self._idle[place]
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            connection.writer.close()
        return _Connection(*await asyncio.open_connection(*place))

    def close(self) -> None:
        """Close what is open."""
        for idle in self._idle.values():
            for connection in idle:
                connection.writer.close()
        self._idle.clear()


async def _read_response(reader: asyncio.StreamReader) -> Response:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Response(int(status.split(" ")[1]), headers, body)
