"""A careful client: the same Idempotency-Key again, at another instance, until there is an answer."""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from chassis.auth import DevIssuer, Role
from rekku.demo.api import newest
from rekku.up import System

TIMEOUT_S = 5.0
GIVES_UP_AFTER_S = 180.0
_MOST_KNOWN = 20

KELA = (Role.OFFICER, None)


@dataclass(frozen=True)
class Done:
    """A command that was answered with success: what was asked, and what the answer said.

    `known` are the versions it led to, as `kind:id@version`.
    """

    service: str
    route: str
    audited: bool
    body: Mapping[str, Any]
    path: Mapping[str, Any]
    answer: Any
    known: tuple[str, ...]


@dataclass
class Journal:
    """What the clients know: their successes, their refusals, and who never got an answer."""

    done: list[Done] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    waits: list[tuple[float, float, str]] = field(default_factory=list)

    @property
    def commands(self) -> int:
        """Commands that came to an end."""
        return len(self.waits)


class Refused(Exception):
    """The command was refused by a rule; nothing happened."""

    def __init__(self, code: str, values: Mapping[str, Any]):
        super().__init__(code)
        self.code, self.values_ = code, values


class Unanswered(Exception):
    """Nobody answered for minutes; nobody knows what happened."""


class CarefulClient:
    """Talks to any instance of each service; what it was told of is in its journal."""

    def __init__(self, system: System, rng: random.Random):
        self.journal = Journal()
        self._urls: dict[str, list[str]] = {}
        for program in system.programs:
            self._urls.setdefault(program.service, []).append(f"http://127.0.0.1:{program.port}")
        self._issuer = DevIssuer(system.settings)
        self._tokens: dict[tuple, str] = {}
        self._rng = rng
        self._http = httpx.AsyncClient(
            timeout=TIMEOUT_S, limits=httpx.Limits(max_connections=None, keepalive_expiry=2), trust_env=False
        )

    async def close(self):
        """Close the connections."""
        await self._http.aclose()

    def token(self, who):
        """The Authorization header of a role."""
        if who not in self._tokens:
            self._tokens[who] = f"Bearer {self._issuer.token(*who)}"
        return self._tokens[who]

    async def command(self, who, service, route, body=None, /, *, known=(), **path):
        """Give a command until it is answered; `route` is `METHOD /template`, `path` fills the template.

        Raises:
            Refused: by a rule.
            Unanswered: for minutes.
        """
        headers = {"accept-language": "en"}
        if who is not None:
            headers |= {
                "authorization": self.token(who),
                "idempotency-key": str(uuid.UUID(int=self._rng.getrandbits(128))),
            }
        if known:
            headers["rekku-known"] = ", ".join(newest(known)[-_MOST_KNOWN:])
        began = time.monotonic()
        try:
            response = await self._until_answered(service, route, path, headers, body)
        finally:
            self.journal.waits.append((began, time.monotonic() - began, service))
        if response.is_success:
            marks = response.headers.get("rekku-known", "")
            known = tuple(mark.strip() for mark in marks.split(",") if mark.strip())
            done = Done(service, route, who is not None, body or {}, path, response.json(), known)
            self.journal.done.append(done)
            return done
        problem = response.json()
        self.journal.refused[problem["code"]] += 1
        raise Refused(problem["code"], problem.get("values", {}))

    async def ask(self, service, path, /, **query):
        """What any instance answers to a query of Kela's officer; patient in the same way."""
        response = await self._until_answered(
            service, f"GET {path}", {}, {"authorization": self.token(KELA)}, query=query
        )
        return response.json() if response.is_success else None

    async def look(self, url, headers):
        """What one instance answers now; `{"unreachable": 1}` where it does not."""
        try:
            response = await self._http.get(url, headers=headers)
        except httpx.TransportError:
            return {"unreachable": 1}
        return response.json() if response.is_success else {"unreachable": 1}

    async def _until_answered(self, service, route, path, headers, body=None, query=None):
        method, _, template = route.partition(" ")
        urls, deadline = self._urls[service], time.monotonic() + GIVES_UP_AFTER_S
        turn = self._rng.randrange(len(urls))
        for attempt in range(10_000):
            url = urls[(turn + attempt) % len(urls)] + template.format(**path)
            self.journal.tries["all"] += 1
            try:
                response = await self._http.request(method, url, json=body, params=query, headers=headers)
            except httpx.TransportError as error:
                self.journal.tries[type(error).__name__] += 1
            else:
                if response.status_code < 500:
                    return response
                self.journal.tries[str(response.status_code)] += 1
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    self.journal.errors.append(f"{service}: {route} was answered {response.status_code}")
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(min(1.0, 0.05 * 2 ** min(attempt, 5)) * self._rng.uniform(0.5, 1))
        self.journal.unanswered.append(f"{service}: {route}")
        raise Unanswered(route)
