"""HTTP byte by byte, to a real server: for requests that no client library would send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import uvicorn
from fastapi import FastAPI

Parser = Literal["httptools", "h11"]


class Served:
    """An application behind a real server on a free port."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        self._port = server.servers[0].sockets[0].getsockname()[1]

    async def send(self, sent: bytes) -> bytes:
        """What is answered to these bytes; the connection ends with the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(sent)
        answer = await reader.read()
        writer.close()
        return answer

    async def send_and_leave(self, sent: bytes) -> None:
        """Send these bytes and end the connection; then wait until the server has nothing left to do with them."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(sent)
        writer.write_eof()
        await reader.read()
        writer.close()
        async with asyncio.timeout(10):
            while self._server.server_state.tasks:
                await asyncio.sleep(0)


@asynccontextmanager
async def served(app: FastAPI, parser: Parser = "httptools") -> AsyncIterator[Served]:
    """The application on a free port of this machine, without its background work."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http=parser, lifespan="off", log_config=None, access_log=False
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield Served(server)
    finally:
        await server.shutdown()


def request(
    method: str, path: str, body: bytes = b"", *, announced: int | None = None, chunks: bool = False, **headers: str
) -> bytes:
    """A request; `announced` is its Content-Length, `chunks` sends the body as a chunk without the last one."""
    lines = [f"{method} {path} HTTP/1.1", "host: service", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(
        "transfer-encoding: chunked" if chunks else f"content-length: {len(body) if announced is None else announced}"
    )
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head + (b"%x\r\n%s\r\n" % (len(body), body) if chunks else body)
