"""Asking for decisions over HTTP: at most so many at once, each again until it is answered."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.caps.attempts import MUNICIPALITY, Attempt

IN_FLIGHT = 64
_WITHIN_S = 60.0
_ONE_ANSWER_S = 15.0
_PAUSE_S = 0.05
_ASK_AGAIN = (502, 503, 504)

GRANTED, WAITS, REFUSED = "granted", "awaiting_quota", "ANNOUNCED_COUNT_FULL"

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """What an attempt got, when it was made and when it had its answer; `tries` is how often it had to ask."""

    attempt: Attempt
    called: float
    answered: float
    outcome: str
    decision_ref: str | None
    new_client: bool
    tries: int


class _Asker:
    """One of those in flight, with a connection of its own to each process."""

    def __init__(self, ports: Sequence[int], token: str, rng: random.Random) -> None:
        self._ports = ports
        self._token = token
        self._rng = rng
        self._connections: dict[int, _Connection] = {}

    async def ask(self, attempt: Attempt, body: bytes) -> Answer:
        """The answer of the first process that gives one, under the same Idempotency-Key."""
        called, tries = time.monotonic(), 0
        async with asyncio.timeout(_WITHIN_S):
            while True:
                tries += 1
                port = self._rng.choice(self._ports)
                try:
                    async with asyncio.timeout(_ONE_ANSWER_S):
                        status, said = await self._send(port, attempt, body)
                except (OSError, asyncio.IncompleteReadError, TimeoutError):
                    self._drop(port)
                else:
                    if status not in _ASK_AGAIN:
                        break
                await asyncio.sleep(_PAUSE_S)
        outcome = said["state"] if status == 201 else said["code"]
        assert outcome in (GRANTED, WAITS, REFUSED), (status, said)
        ref, new_client = said.get("decision_ref"), said.get("new_client", False)
        return Answer(attempt, called, time.monotonic(), outcome, ref, new_client, tries)

    async def close(self) -> None:
        for port in list(self._connections):
            writer = self._drop(port)
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _send(self, port: int, attempt: Attempt, body: bytes) -> tuple[int, dict]:
        if port not in self._connections:
            self._connections[port] = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = self._connections[port]
        writer.write(
            b"POST /decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            + f"Authorization: Bearer {self._token}\r\nIdempotency-Key: attempt-{attempt.number}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        said = json.loads(await reader.readexactly(length))
        if b"connection: close" in head:
            self._drop(port)
        return int(head.split(b" ", 2)[1]), said

    def _drop(self, port: int) -> asyncio.StreamWriter | None:
        if connection := self._connections.pop(port, None):
            connection[1].close()
            return connection[1]
        return None


async def ask_all(
    attempts: Iterable[Attempt],
    ports: Sequence[int],
    token: str,
    applied_on: str,
    seed: int,
    done: Callable[[Answer], None],
) -> None:
    """Make all attempts in their order, at most `IN_FLIGHT` at once; `done` hears of each answer as it comes."""
    waiting = iter(attempts)

    async def work(number: int) -> None:
        asker = _Asker(ports, token, random.Random(f"{seed} {number}"))
        try:
            for attempt in waiting:
                done(await asker.ask(attempt, _body(attempt, applied_on)))
        finally:
            await asker.close()

    async with asyncio.TaskGroup() as together:
        for number in range(IN_FLIGHT):
            together.create_task(work(number))


def _body(attempt: Attempt, applied_on: str) -> bytes:
    return json.dumps(
        {
            "application_ref": attempt.application_ref,
            "client_ref": attempt.client_ref,
            "contract_id": attempt.contract_id,
            "applied_on": applied_on,
            "outcome": "granted",
            "municipality_code": MUNICIPALITY,
        }
    ).encode()
