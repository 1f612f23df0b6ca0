"""Watching a run: does every instance answer, and since when does a service not know what is news?"""

import asyncio
import time
import uuid
from collections import Counter
from dataclasses import dataclass

import asyncpg
import httpx

from chassis.embedded import SUPERUSER, Cluster
from contracts.topics import SERVICES
from tests.chaos.client import KELA, CarefulClient, Done

PROBE_EVERY_S = 0.5
PROBE_TIMEOUT_S = 2.0
LOOK_EVERY_S = 0.5
FRESH_S = 2.0
"""A service has caught up while it has heard of everything that is older than this."""

_ASK_WITHIN_S = 2.0
_WATCHED = (
    ("registration.contracts", "contract_id", ("courses", "decisions", "notifications", "search")),
    ("courses.courses", "course_id", ("registration", "decisions", "notifications", "search")),
    ("decisions.decisions", "decision_ref", ("courses", "notifications")),
    ("decisions.client_contacts", "client_ref", ("notifications",)),
)
_BEHIND = " UNION ALL ".join(
    f"SELECT '{service}.{owner.partition('.')[2]}' AS copy, owned.{key} AS key, owned.version::bigint AS version"
    f" FROM {owner} owned LEFT JOIN {service}.{owner.partition('.')[2]} copy USING ({key})"
    " WHERE copy.version IS DISTINCT FROM owned.version"
    for owner, key, services in _WATCHED
    for service in services
)

NEWS = "news of "


@dataclass(frozen=True)
class Sample:
    """What was seen of a subject (an instance, or the news of a service) at a moment."""

    at: float
    subject: str
    good: bool


@dataclass(frozen=True)
class Errand:
    """A command or query that shows whether an instance does its work."""

    route: str
    body: dict | None = None
    path: dict | None = None
    who: tuple | None = KELA


class Probe:
    """Sends one instance its errands, one after another, each until it is answered."""

    def __init__(self, client: CarefulClient, program, errands, samples: list[Sample]):
        self._client = client
        self._program = program
        self._errands = errands
        self._samples = samples

    async def run(self, until: asyncio.Event):
        """Probe until told to stop; the last errand is brought to its end as well."""
        limits = httpx.Limits(max_connections=2, keepalive_expiry=2)
        async with httpx.AsyncClient(timeout=PROBE_TIMEOUT_S, limits=limits, trust_env=False) as http:
            while not until.is_set():
                await self._errand(http, next(self._errands))
                await asyncio.sleep(PROBE_EVERY_S)

    async def _errand(self, http, errand):
        method, _, template = errand.route.partition(" ")
        path = errand.path or {}
        url = f"http://127.0.0.1:{self._program.port}{template.format(**path)}"
        headers = {"authorization": self._client.token(errand.who), "idempotency-key": str(uuid.uuid4())}
        while True:
            began = time.monotonic()
            try:
                response = await http.request(method, url, json=errand.body, headers=headers)
                good = response.status_code < 500
            except httpx.TransportError:
                good = False
            self._samples.append(Sample(time.monotonic(), self._program.name, good))
            if good:
                break
            await asyncio.sleep(max(0.1, PROBE_EVERY_S - (time.monotonic() - began)))
        if method != "GET" and response.is_success:
            known = tuple(mark.strip() for mark in response.headers.get("rekku-known", "").split(",") if mark.strip())
            done = Done(self._program.service, errand.route, True, errand.body or {}, path, response.json(), known)
            self._client.journal.done.append(done)


class News:
    """Since when a service does not know what another one's rows say, over every row it keeps a copy of.

    Asked of PostgreSQL alone: from the owner's commit over outbox, relay, topic and consumer to the
    copy's own commit, whatever stands still in between. `missed` counts those rows, by service.
    """

    def __init__(self, cluster: Cluster, samples: list[Sample]):
        self._cluster = cluster
        self._samples = samples
        self.missed: list[tuple[float, dict[str, int]]] = []
        self._missed_since: dict[tuple, float] = {}

    async def run(self, until: asyncio.Event):
        """Look until told to stop, with a new connection after each failure."""
        while not until.is_set():
            try:
                database = await asyncpg.connect(self._cluster.url(SUPERUSER), command_timeout=_ASK_WITHIN_S)
                try:
                    while not until.is_set():
                        self._note(await database.fetch(_BEHIND))
                        await asyncio.sleep(LOOK_EVERY_S)
                finally:
                    database.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                at = time.monotonic()
                self._samples += [Sample(at, f"{NEWS}{name}", good=False) for name in SERVICES]
                await asyncio.sleep(LOOK_EVERY_S)

    def _note(self, rows):
        at = time.monotonic()
        missed = {(row["copy"], row["key"], row["version"]) for row in rows}
        self._missed_since = {what: self._missed_since.get(what, at) for what in missed}
        self.missed.append((at, dict(Counter(copy.partition(".")[0] for copy, _, _ in missed))))
        behind = {what[0].partition(".")[0] for what, since in self._missed_since.items() if at - since > FRESH_S}
        self._samples += [Sample(at, f"{NEWS}{name}", name not in behind) for name in SERVICES]
