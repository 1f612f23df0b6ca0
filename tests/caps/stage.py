"""The decisions service as several processes on one database, with the embedded bus; they die when told to."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx

from chassis.auth import DevIssuer, Role
from chassis.clock import set_simulated_now
from chassis.embedded import SUPERUSER
from chassis.testing import CLOCK_START, ClusterUnderTest
from contracts.envelope import Event, encode, new_event_id
from rekku.nursery import Nursery
from rekku.processes import Program, keep_running
from rekku.up import free_ports
from services.decisions.app import SERVICE
from tests.caps.attempts import AREA, ROOMY, Cap, Kind
from tests.decisions.builders import a_description, described, expect, registered
from tests.failpoints.rounds import until

YEAR = CLOCK_START.year
FAILPOINTS = ("commit.before", "commit.after", "send.before", "send.after")
_APPEND = "SELECT rekku_bus.append($1::rekku_bus.outgoing[])"


@dataclass
class Stage:
    """Running processes, the database as everybody's eyes see it, and how often somebody was killed."""

    programs: Sequence[Program]
    folder: Path
    admin: asyncpg.Connection
    registration: asyncpg.Connection
    token: str
    kills: list[str] = field(default_factory=list)

    @property
    def ports(self) -> list[int]:
        return [program.port for program in self.programs]

    async def open(self, caps: Sequence[Cap]) -> None:
        """The registration service has told of all contracts on the bus, and Kela has set its quotas."""
        services = sorted({cap.service for cap in caps})
        contracts = [contract for cap in caps for contract in _contracts(cap)]
        await self._tell(*(described(a_description(service=service)) for service in services))
        await self._tell(*(registered(**contract) for contract in contracts))

        async def known() -> bool:
            heard = "SELECT (SELECT count(*) FROM decisions.contracts) + (SELECT count(*) FROM decisions.services)"
            return await self.admin.fetchval(heard) == len(contracts) + len(services)

        await until(known, "the service knows of every contract")
        headers = {"authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.ports[0]}", headers=headers) as officer:
            for cap in caps:
                if cap.kind is not Kind.COUNT:
                    scope = {"area": AREA} if cap.kind is Kind.AREA else {}
                    url = f"/quotas/{cap.service}/{YEAR}"
                    expect(200, await officer.put(url, json={"limit": cap.size}, params=scope))

    async def _tell(self, *events: Event) -> None:
        outgoing = []
        for event in events:
            source = "/rekku/registration"
            headers, value = encode(event, event_id=new_event_id(), source=source, time=CLOCK_START, traceparent=None)
            names, values = [name for name, _ in headers], [value for _, value in headers]
            outgoing.append((event.topic, event.key.encode(), names, values, value))
        await self.registration.execute(_APPEND, outgoing)

    async def kill(self, failpoint: str, nth: int, rng: random.Random, over: Callable[[], bool]) -> None:
        """Some process dies at the failpoint and comes back, unless everything is over first.

        Whoever comes there for the nth time: of the relay's steps only the process that relays does.
        """
        programs = self.programs if failpoint.startswith("send") else [rng.choice(self.programs)]
        before = [(program, program.process) for program in programs]
        orders = [self._order(program, f"{failpoint} {nth}") for program in programs]

        async def one_is_gone() -> bool:
            return over() or any(process.returncode is not None for _, process in before)

        await until(one_is_gone, f"somebody reaches {failpoint}")
        for order in orders:
            order.unlink(missing_ok=True)
        for program, process in before:
            if process.returncode is not None:
                assert process.returncode == -signal.SIGKILL, f"{program.name} ended with {process.returncode}"
                self.kills.append(failpoint)
        await self.all_ready()

    def _order(self, program: Program, told: str) -> Path:
        order = self.folder / f"{program.service}-{program.instance}"
        draft = order.with_name(f".{order.name}")
        draft.write_text(told)
        return draft.rename(order)

    async def all_ready(self) -> None:
        """Wait until every process answers."""
        waiting = self.ports
        async with httpx.AsyncClient(timeout=5) as client:

            async def ready() -> bool:
                try:
                    while waiting and (await client.get(f"http://127.0.0.1:{waiting[-1]}/readyz")).is_success:
                        waiting.pop()
                except httpx.TransportError:
                    return False
                return not waiting

            await until(ready, "every process is ready")

    async def all_sent(self) -> None:
        """Wait until everything that was committed is on the bus."""

        async def empty() -> bool:
            return not await self.admin.fetchval("SELECT count(*) FROM decisions.outbox")

        await until(empty, "everything is on the bus")


def _contracts(cap: Cap) -> list[dict]:
    count = cap.size if cap.kind is Kind.COUNT else ROOMY
    return [{"counts": {YEAR: count}, "contract_id": c, "service": cap.service} for c in cap.contracts]


@asynccontextmanager
async def stage(cluster: ClusterUnderTest, home: Path, processes: int, program: str = "") -> AsyncIterator[Stage]:
    """So many processes of `rekku serve`, or of another program, ready, on a fresh database."""
    folder = home / "failpoints"
    folder.mkdir()
    async with cluster.database([SERVICE]) as name:
        admin = await asyncpg.connect(cluster.cluster.url(SUPERUSER, name))
        registration = await asyncpg.connect(cluster.cluster.url("rekku_registration", name))
        await set_simulated_now(admin, CLOCK_START)
        nursery = Nursery(os.environ, home / "nursery.log", program)
        programs = _programs(cluster, home, name, processes, nursery)
        settings = cluster.settings("decisions", name, home)
        token = DevIssuer(settings).token(Role.OFFICER)
        prepared = Stage(programs, folder, admin, registration, token)
        pauses = (0.01, 0.01)
        running = [asyncio.create_task(keep_running(one, _nothing, _nothing, pauses)) for one in programs]
        try:
            await prepared.all_ready()
            yield prepared
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await nursery.close()
            await admin.close()
            await registration.close()


def _programs(cluster: ClusterUnderTest, home: Path, name: str, processes: int, parent: Nursery) -> list[Program]:
    settings = cluster.settings("decisions", name, home)
    shared = os.environ | {
        "REKKU_HOME": str(home),
        "REKKU_CLOCK": settings.clock,
        "REKKU_DATABASE_URL": settings.database_url.get_secret_value(),
        "REKKU_KEYS_DATABASE_URL": settings.keys_database_url.get_secret_value(),
        "REKKU_FINGERPRINT_SECRET": settings.fingerprint_secret.get_secret_value(),
        "REKKU_JWKS_URL": settings.jwks_url,
        "REKKU_FAILPOINTS": str(home / "failpoints"),
        "REKKU_LEASE_S": "1",
        "REKKU_LOG_LEVEL": "WARNING",
        "REKKU_LAUNCHER": str(os.getpid()),
    }
    return [
        Program(
            service="decisions",
            instance=nth,
            port=port,
            environment=shared | {"REKKU_PORT": str(port), "REKKU_INSTANCE": str(nth)},
            log=home / f"decisions-{nth}.log",
            parent=parent,
        )
        for nth, port in enumerate(free_ports(processes), 1)
    ]


def _nothing(*_: object) -> None:
    """Nobody has to be told."""
