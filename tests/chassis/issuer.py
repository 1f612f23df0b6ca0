"""A token issuer on a free port of this machine: publishes its keys, or fails to, in every way there is."""

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from chassis.settings import Settings

FAILURES = ("hangs", "drips", "fails", "redirects", "talks nonsense", "is cut off", "has another shape", "is too large")
_ISSUER = "https://issuer.example"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


def a_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


OLD = a_key("old")


class Issuer:
    """Answers every request with `keys`, in its `manner`: as it should (`answers`), or as one of `FAILURES`."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.manner = "answers"
        self.asked = 0
        self.url = ""
        self._open: set[asyncio.Task[Any]] = set()

    def settings(self, **differences: Any) -> Settings:
        return Settings.model_validate({"issuer": _ISSUER, "jwks_url": self.url, **differences})

    def publish(self, *keys: ECKey | RSAKey | Mapping[str, Any] | object) -> None:
        """From now on these are the keys."""
        self.keys = [key.as_dict(private=False) if isinstance(key, ECKey | RSAKey) else key for key in keys]

    @property
    def document(self) -> dict[str, Any]:
        return {"keys": self.keys}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            await self._answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(self.document).encode()
        if self.manner == "hangs":
            await asyncio.get_running_loop().create_future()
        if self.manner == "drips":
            writer.write(_HEAD + b"\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        head, body = {
            "fails": (_HEAD.replace(b"200 OK", b"500 Oops"), body),
            "redirects": (_HEAD.replace(b"200 OK", b"302 Found") + b"Location: /elsewhere\r\n", body),
            "talks nonsense": (_HEAD, b"<html>"),
            "has another shape": (_HEAD, json.dumps(self.keys).encode()),
            "is too large": (_HEAD, body + b" " * 300_000),
        }.get(self.manner, (_HEAD, body))
        length = len(body) + (self.manner == "is cut off")
        writer.write(head + f"Content-Length: {length}\r\n\r\n".encode() + body)
        await writer.drain()

    async def close(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


@asynccontextmanager
async def an_issuer() -> AsyncIterator[Issuer]:
    """A running issuer that publishes the old key."""
    issuer = Issuer()
    issuer.publish(OLD)
    async with await asyncio.start_server(issuer.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        issuer.url = f"http://127.0.0.1:{port}/jwks.json"
        yield issuer
        await issuer.close()


def a_token(key: ECKey | RSAKey, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """A token signed with `key`; a claim or header that is None is left out."""
    now = int(time.time())
    said = {"iss": _ISSUER, "aud": "rekku", "sub": "officer-7", "role": "officer", "iat": now, "exp": now + 3600}
    algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
    headers = {"alg": algorithm, "kid": key.kid, **(header or {})}
    return jws.serialize_compact(_present(headers), json.dumps(_present({**said, **claims})), key)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def rewritten(token: str, header: Mapping[str, Any]) -> str:
    """The token with another header, as somebody without the key can write it."""
    said = urlsafe_b64encode(json.dumps({"alg": "ES256", "kid": "old", **header}).encode()).decode().rstrip("=")
    return said + "." + token.partition(".")[2]
