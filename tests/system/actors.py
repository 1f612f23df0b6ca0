"""The people of the stories, each with their own token, talking to a running system over HTTP."""

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import httpx
from stdnum.fi import ytunnus

from chassis.auth import DevIssuer, Role
from chassis.clock import set_simulated_now, utc_now
from chassis.embedded import SUPERUSER
from contracts.envelope import decode, encode, new_event_id
from contracts.topics import TOPICS
from rekku.demo.api import newest
from rekku.up import System
from tests.system.buses import AnyBus, bus_of

_numbers = count(1)
_WITHIN_S = 30.0


async def eventually(condition, within_s=_WITHIN_S):
    """Wait until `await condition()` is true or no longer fails, and give its value back."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            value = await condition()
            if value:
                return value
        except (AssertionError, KeyError, IndexError):
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, f"{condition.__name__} did not come true within {within_s} s"
        await asyncio.sleep(0.02)


def a_business_id():
    """A Y-tunnus nobody has, with the right check digit."""
    while True:
        digits = f"{9_800_000 + next(_numbers)}"
        for check in range(10):
            if ytunnus.is_valid(digits + str(check)):
                return f"{digits}-{check}"


@dataclass
class World:
    """A running system with its clock; what was written is known to whoever asks next, as at the gateway."""

    system: System
    client: httpx.AsyncClient
    bus: AnyBus
    admin: asyncpg.Connection
    known: list = field(default_factory=list)

    def __post_init__(self):
        self._issuer = DevIssuer(self.system.settings)

    @property
    def home(self) -> Path:
        return self.system.settings.home

    def url(self, service, instance=1):
        name = service if instance == 1 else f"{service}-{instance}"
        return f"http://127.0.0.1:{self.system.program(name).port}"

    async def set_clock(self, now):
        await set_simulated_now(self.admin, now)

    async def send(self, actor, method, service, path, body=None, /, *, key=None, instance=1, **query):
        """One request, once the service has heard of what was written elsewhere; again while it is unavailable."""
        headers = {"accept-language": "en"}
        if actor is not None:
            headers["authorization"] = self._authorization(*actor)
        if key:
            headers["idempotency-key"] = key
        base, deadline = self.url(service, instance), time.monotonic() + _WITHIN_S
        await self._caught_up(base, deadline)
        while True:
            response = await self.client.request(method, base + path, json=body, headers=headers, params=query)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                break
        if known := response.headers.get("rekku-known"):
            self.known.append(known)
        return response

    async def _caught_up(self, base, deadline):
        """Let a service hear of what was written elsewhere; Kela's systems wait, who see what anybody wrote."""
        if not self.known:
            return
        headers = {
            "authorization": self._authorization(Role.SYSTEM),
            "rekku-known": ", ".join(newest(self.known)[-20:]),
        }
        while time.monotonic() < deadline:
            response = await self.client.get(f"{base}/progress", headers=headers)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break

    def _authorization(self, role, provider_id=None):
        return f"Bearer {self._issuer.token(role, provider_id)}"

    def kela(self):
        return Actor(self, (Role.OFFICER, None))

    def public(self):
        return Actor(self, None)

    def provider(self, provider_id):
        return Actor(self, (Role.PROVIDER, provider_id))

    async def events(self, topic, event):
        """What stands on a topic, in order within each partition; once, however often it was sent."""
        envelopes = await self._envelopes(topic)
        return [envelope.event for envelope in envelopes.values() if isinstance(envelope.event, event)]

    async def sizes(self):
        """How many events stand on each topic, each counted once."""
        return Counter(topic for topic, _ in await self._envelopes(*TOPICS))

    async def _envelopes(self, *topics):
        envelopes = {}
        for record in await self.bus.records(*topics):
            envelope = None if record.value is None else decode(record.headers, record.value)
            if envelope is not None:
                envelopes.setdefault((record.topic, envelope.id), envelope)
        return envelopes

    async def signal(self, event, source="/kela/funds-follow-up"):
        """What one of Kela's other systems sends; this one follows the money."""
        headers, value = encode(event, event_id=new_event_id(), source=source, time=utc_now(), traceparent=None)
        await self.append(event.topic, event.key.encode(), headers, value)

    async def append(self, topic, key, headers, value):
        """Put a record on a topic from outside."""
        await self.bus.append(topic, key, headers, value)

    async def at_rest(self):
        """Wait until nothing is on its way between the services."""

        async def quiet():
            for service in ("registration", "courses", "decisions", "notifications", "search"):
                told = await self.kela().get(service, "/progress")
                if told["outbox"] or told["lag"] or told["timers_due"]:
                    return False
            return True

        await eventually(quiet)
        await eventually(quiet)


@dataclass
class Actor:
    """Somebody with a role; `post` and the others expect success, `refused` a refusal."""

    world: World
    who: tuple | None

    async def _ok(self, method, service, path, body=None, /, **options):
        response = await self.world.send(self.who, method, service, path, body, **options)
        assert response.is_success, f"{method} {service}{path}: {response.status_code} {response.text}"
        return response.json()

    async def get(self, service, path, /, **query):
        return await self._ok("GET", service, path, **query)

    async def post(self, service, path, body=None, **options):
        return await self._ok("POST", service, path, body, **options)

    async def put(self, service, path, body, **options):
        return await self._ok("PUT", service, path, body, **options)

    async def refused(self, method, service, path, body=None, **options):
        """The code and the figures of a refusal."""
        response = await self.world.send(self.who, method, service, path, body, **options)
        assert 400 <= response.status_code < 500, f"{method} {service}{path}: {response.status_code} {response.text}"
        problem = response.json()
        return problem["code"], problem.get("values", {})


@asynccontextmanager
async def world_of(system, client):
    """The world of a running system."""
    admin = await asyncpg.connect(system.cluster.url(SUPERUSER))
    try:
        yield World(system, client, bus_of(system), admin)
    finally:
        await admin.close()
