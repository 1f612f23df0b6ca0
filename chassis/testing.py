"""The testing kit: real PostgreSQL, real handlers, a clock that tests move. Never a fake of our own code."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import asyncpg
import httpx
from pydantic import SecretStr

from chassis.auth import SYSTEM, DevIssuer, Principal, Role
from chassis.bus import BusUnavailable, Record
from chassis.clock import ClockKind, set_simulated_now
from chassis.db import Database, Transaction
from chassis.embedded import SUPERUSER, Cluster, migrate_services, provision, start_cluster
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.settings import BusKind, Settings
from chassis.timers import fire_one
from chassis.vault import Vault
from contracts.envelope import Event, decode, encode, new_event_id
from contracts.topics import SERVICES

ALL_SERVICES = (*SERVICES, "gateway")
CLOCK_START = datetime(2024, 1, 15, 8, tzinfo=UTC)

EventT = TypeVar("EventT", bound=Event)
_database_numbers = count(1)


class ClusterUnderTest:
    """One PostgreSQL for a test run; every test gets a database of its own, copied from a migrated template."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="rekku-test-"))
        self.home.chmod(0o755)
        self.cluster: Cluster = start_cluster(self.home, ALL_SERVICES)
        self._templates: dict[frozenset[Path], str] = {}
        self._making = asyncio.Lock()
        # Read once: Settings look through the environment, which takes longer than a request.
        self._settings = Settings.model_validate(
            {
                "home": self.home,
                "clock": ClockKind.SIMULATED,
                "dev_issuer": True,
                "secret": "for tests only, and long enough for anything",
                "fingerprint_secret": "for tests only, and another one",
                "lease_s": 1.0,
            }
        )

    async def prepare(self) -> None:
        """Trade durability for speed, as nothing here outlives the run, and make the issuer's key."""
        admin = await asyncpg.connect(self.cluster.url(SUPERUSER, "postgres"))
        for setting in ("fsync = off", "full_page_writes = off", "scram_iterations = 1"):
            await admin.execute(f"ALTER SYSTEM SET {setting}")
        await admin.execute("SELECT pg_reload_conf()")
        # The services' roles are made later, and so with as few iterations.
        await admin.execute("SET scram_iterations = 1")
        await admin.execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{self.cluster.passwords[SUPERUSER]}'")
        await admin.close()
        DevIssuer(Settings(home=self.home, dev_issuer=True))

    def close(self) -> None:
        """Stop the server and remove its data."""
        self.cluster.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @asynccontextmanager
    async def database(self, services: Iterable[Service]) -> AsyncIterator[str]:
        """A fresh database with the schemas of `services`, dropped afterwards; its name."""
        template = await self._template(tuple(services))
        name = f"t_{os.getpid()}_{next(_database_numbers)}"
        admin = await asyncpg.connect(self.cluster.url(SUPERUSER, "postgres"))
        try:
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
            try:
                yield name
            finally:
                await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await admin.close()

    async def _template(self, services: Sequence[Service]) -> str:
        roots = frozenset(service.root for service in services)
        async with self._making:
            if roots not in self._templates:
                template = f"template_{len(self._templates)}"
                await provision(self.cluster, ALL_SERVICES, template)
                await migrate_services(self.cluster, services, template)
                self._templates[roots] = template
            return self._templates[roots]

    def settings(self, service: str, database: str, home: Path) -> Settings:
        """Settings of a service on the given test database."""
        for name in ("dev-issuer.json", "dev-issuer-jwks.json"):
            shutil.copy(self.home / name, home / name)
        return self._settings.model_copy(
            update={
                "home": home,
                "database_url": SecretStr(self.cluster.url(f"rekku_{service}", database)),
                "owner_database_url": SecretStr(self.cluster.url(f"rekku_{service}_owner", database)),
                "keys_database_url": SecretStr(self.cluster.keys_url(service)),
                "jwks_url": f"file://{DevIssuer.jwks_path(home)}",
            }
        )


class SimulatedClock:
    """The shared simulated clock of one test database.

    Args:
        url: a superuser's, for a connection at each move.
        kept: a superuser's connection that is there already, and is used instead.
    """

    def __init__(self, url: str, kept: asyncpg.Connection[asyncpg.Record] | None = None) -> None:
        self._url = url
        self._kept = kept
        self._moving = asyncio.Lock()
        self.now = CLOCK_START

    async def set(self, now: datetime) -> None:
        """Set the business instant of every process on this database."""
        self.now = now
        if self._kept is not None:
            async with self._moving:
                await set_simulated_now(self._kept, now)
            return
        connection = await asyncpg.connect(self._url)
        try:
            await set_simulated_now(connection, now)
        finally:
            await connection.close()

    async def advance(self, by: timedelta) -> None:
        """Move the clock on."""
        await self.set(self.now + by)


class _Issuer(DevIssuer):
    """Signs a token once for all tests: that takes as long as many a request."""

    _signed: ClassVar[dict[tuple[str | None, Role, str | None], str]] = {}

    def of(self, role: Role, provider_id: str | None) -> str:
        """The token of a role, as `token` makes it."""
        whose = (self._key.kid, role, provider_id)
        if whose not in self._signed:
            self._signed[whose] = self.token(role, provider_id)
        return self._signed[whose]


class ServiceUnderTest:
    """One service in this process, on a real database of its own, without a bus between."""

    def __init__(self, service: Service, runtime: Runtime, database: Database, clock: SimulatedClock) -> None:
        self.service = service
        self.runtime = runtime
        self.db = database
        self.clock = clock
        self.settings = runtime.settings
        self._issuer = _Issuer(runtime.settings)
        self._positions = count(1)
        self._clients: list[httpx.AsyncClient] = []

    def http(self, role: Role | None = Role.OFFICER, provider_id: str | None = None) -> httpx.AsyncClient:
        """A client of the service's HTTP application; role None sends no token."""
        headers = {"accept-language": "en"}
        if role is not None and role is not Role.PUBLIC:
            headers["authorization"] = f"Bearer {self._issuer.of(role, provider_id)}"
        transport = httpx.ASGITransport(self.runtime.app)
        client = httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)
        self._clients.append(client)
        return client

    def token(self, role: Role, provider_id: str | None = None) -> str:
        """A token as the development issuer makes it."""
        return self._issuer.of(role, provider_id)

    def record_of(self, event: Event, *, event_id: UUID | None = None, source: str | None = None) -> Record:
        """The record a producer of `event` would put on its topic."""
        headers, value = encode(
            event,
            event_id=event_id or new_event_id(),
            source=source or f"/rekku/{event.topic}",
            time=self.clock.now,
            traceparent=None,
        )
        return Record(event.topic, 0, next(self._positions), event.key.encode(), tuple(headers), value)

    async def deliver(self, *events: Event, event_id: UUID | None = None, source: str | None = None) -> None:
        """Deliver events through the real inbox, one after the other."""
        for event in events:
            await self.deliver_records(self.record_of(event, event_id=event_id, source=source))

    async def deliver_records(self, *records: Record) -> None:
        """Deliver raw records through the real inbox as one batch."""
        await self.runtime.inbox.apply(records)

    async def published(self, event_type: type[EventT] | None = None) -> list[EventT]:
        """What the service has emitted so far, in order; only `event_type` where given."""
        async with self.db.transaction() as tx:
            rows = await tx.fetch(
                "SELECT header_names, header_values, value FROM outbox WHERE value IS NOT NULL ORDER BY id"
            )
        found = []
        for row in rows:
            envelope = decode(zip(row["header_names"], row["header_values"], strict=True), row["value"])
            if envelope is not None and isinstance(envelope.event, event_type or Event):
                found.append(envelope.event)
        return found  # type: ignore[return-value]  # Event where no type was asked for

    def transaction(self, principal: Principal = SYSTEM) -> AbstractAsyncContextManager[Transaction]:
        """A transaction on the service's schema in the scope of `principal`."""
        return self.db.transaction(principal)

    async def fire_timers(self) -> int:
        """Fire everything that is due; how many timers fired."""
        fired = 0
        while await fire_one(self.service, self.db):
            fired += 1
        return fired

    async def close_clients(self) -> None:
        """Close the HTTP clients that were given out."""
        for client in self._clients:
            await client.aclose()

    async def close(self) -> None:
        """Close clients and connections."""
        await self.close_clients()
        await self.db.close()
        await self.db.vault.close()


@asynccontextmanager
async def service_under_test(
    cluster: ClusterUnderTest, service: Service, home: Path, **differences: Any
) -> AsyncIterator[ServiceUnderTest]:
    """`service` on a fresh database, its start-up work done, its clock at `CLOCK_START`; `differences` in settings."""
    async with cluster.database([service]) as name:
        settings = cluster.settings(service.name, name, home).model_copy(update=differences)
        clock = SimulatedClock(cluster.cluster.url(SUPERUSER, name))
        await clock.set(CLOCK_START)
        database = await Database.connect(
            settings.database_url.get_secret_value(),
            service.name,
            settings.clock,
            Vault(settings.keys_database_url.get_secret_value(), settings.secret.get_secret_value()),
            size=20,
        )
        under_test = ServiceUnderTest(service, Runtime(service, settings, database), database, clock)
        try:
            if service.startup is not None:
                await database.run(service.startup)
            yield under_test
        finally:
            await under_test.close()


class SystemUnderTest:
    """Several services in this process on one database, with a real bus between them."""

    def __init__(self, services: dict[str, ServiceUnderTest], clock: SimulatedClock) -> None:
        self.services = services
        self.clock = clock

    def __getitem__(self, name: str) -> ServiceUnderTest:
        return self.services[name]

    async def settled(self, *, within_s: float = 30) -> None:
        """Wait until nothing is on its way: outboxes empty, everything consumed, due timers fired.

        Raises:
            TimeoutError: something still moves after `within_s` seconds.
        """
        async with asyncio.timeout(within_s):
            quiet = 0
            while quiet < 2:
                counts = [await self._moving(one) for one in self.services.values()]
                quiet = quiet + 1 if not any(counts) else 0
                await asyncio.sleep(0.02)

    async def _moving(self, one: ServiceUnderTest) -> int:
        async with one.db.transaction() as tx:
            waiting = await tx.fetchval(
                "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM timers WHERE due_at <= $1)", tx.now
            )
        try:
            return int(waiting) + await one.runtime.lag()
        except BusUnavailable:
            return 1


@asynccontextmanager
async def system_under_test(
    cluster: ClusterUnderTest, services: Sequence[Service], home: Path, kafka_servers: str = ""
) -> AsyncIterator[SystemUnderTest]:
    """`services` running together on a fresh database, the clock at `CLOCK_START`.

    The bus between them is the embedded one, or an Apache Kafka that has the topics.
    """
    bus = BusKind.KAFKA if kafka_servers else BusKind.EMBEDDED
    async with cluster.database(services) as name, AsyncExitStack() as stack:
        clock = SimulatedClock(cluster.cluster.url(SUPERUSER, name))
        await clock.set(CLOCK_START)
        running = {}
        for service in services:
            settings = cluster.settings(service.name, name, home).model_copy(
                update={"bus": bus, "kafka_servers": kafka_servers}
            )
            vault = Vault(settings.keys_database_url.get_secret_value(), settings.secret.get_secret_value())
            database = await Database.connect(
                settings.database_url.get_secret_value(), service.name, settings.clock, vault
            )
            under_test = ServiceUnderTest(service, Runtime(service, settings, database), database, clock)
            stack.push_async_callback(under_test.close)
            if service.startup is not None:
                await database.run(service.startup)
            await under_test.runtime.start()
            stack.push_async_callback(under_test.runtime.stop)
            running[service.name] = under_test
        yield SystemUnderTest(running, clock)
