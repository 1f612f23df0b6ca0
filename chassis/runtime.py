"""Running one service: its database, bus, consumer, relay, timers, workers and HTTP application."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import asyncpg
from fastapi import FastAPI

from chassis import telemetry
from chassis.application import create_app
from chassis.auth import TokenVerifier
from chassis.bus import Bus, Subscription
from chassis.bus.choice import open_bus
from chassis.certificates import Certificate
from chassis.consumer import Consumer
from chassis.db import Database
from chassis.failpoints import arm
from chassis.failures import backoff_s, until_it_passes
from chassis.files import Unusable
from chassis.inbox import Inbox
from chassis.migrate import missing_migrations
from chassis.pruning import prune_answers
from chassis.refused import Refusals
from chassis.relay import relay
from chassis.server import Server, ServerConfig
from chassis.service import Service
from chassis.settings import Settings
from chassis.sharing import Lane, Together
from chassis.tasks import MOST_DEATHS, WITHIN_S, Tasks, Work
from chassis.telemetry import start_telemetry
from chassis.texts import Texts
from chassis.timers import fire_timers
from chassis.turns import LEFT_FOR_OTHERS, Turns
from chassis.vault import Vault

_log = logging.getLogger(__name__)

_STUCK_AFTER_S = 60.0
_MEASURE_EVERY_S = 10.0
_GRACE_S = 8


class Runtime:
    """One process' share of a service."""

    def __init__(self, service: Service, settings: Settings, database: Database) -> None:
        self.service = service
        self.settings = settings
        self.fingerprint_secret = settings.fingerprint_secret.get_secret_value()
        self.database = database
        self.texts = Texts(service.root / "texts")
        self.verifier = TokenVerifier(settings)
        self.refusals = Refusals.of(settings)
        lanes = max(2, settings.pool_size - 3)
        self.inbox = Inbox(service, database, lanes=lanes, sources=settings.outside_sources)
        self.bus: Bus = open_bus(settings, database)
        self._subscription: Subscription | None = None
        self._consumer: Consumer | None = None
        self.tasks = Tasks(service.name)
        self.turns = Turns(max(1, settings.pool_size - LEFT_FOR_OTHERS))
        self._beat = time.monotonic()
        self._lanes: dict[Together[Any, Any], Lane[Any, Any]] = {}
        self.app = create_app(self)

    @property
    def kick(self) -> asyncio.Event:
        """Set after commits of this process: a worker may have something to do."""
        return self.database.committed

    @property
    def paused(self) -> int:
        """Partitions of which nothing more is read for the moment, because of failures."""
        return len(self._consumer.paused) if self._consumer else 0

    @property
    def alive(self) -> bool:
        """False when the loop stands still or a background task is dead."""
        return not self.tasks.dead and time.monotonic() - self._beat < _STUCK_AFTER_S

    def lane(self, together: Together[Any, Any]) -> Lane[Any, Any]:
        """The lane of the commands that `together` does."""
        return self._lanes.setdefault(together, Lane(self.database, together))

    async def lag(self) -> int:
        """Records on the bus that this service has not finished."""
        return await self._subscription.lag() if self._subscription else 0

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Background work runs while the HTTP application does."""
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def start(self) -> None:
        """Start relay, consumer, timers and workers; the service's start-up work has been done."""
        work: list[tuple[str, Work]] = [
            ("heartbeat", self._heartbeat),
            ("relay", partial(relay, self.database, self.bus)),
            ("measures", self._measure),
            ("answers", partial(prune_answers, self.database, self.settings.answers_kept_days)),
        ]
        if self.service.topics:
            self._subscription = self.bus.subscribe(self.settings.instance, self.service.topics)
            self._consumer = Consumer(self.service.name, self._subscription, self.inbox)
            work.append(("consumer", self._consumer.run))
        if self.settings.jwks_url:
            work.append(("issuer keys", self.verifier.keep_fresh))
        if self.service.timers:
            work.append(("timers", partial(fire_timers, self.service, self.database)))
        work += [(getattr(worker, "__name__", "worker"), partial(worker, self)) for worker in self.service.workers]
        for name, task in work:
            self.tasks.start(name, task)

    async def stop(self) -> None:
        """Stop background work: what runs is cancelled, and its transactions roll back and come again."""
        await self.tasks.stop()
        await self.verifier.close()
        await self.bus.close()

    async def _heartbeat(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(1)

    async def _measure(self) -> None:
        """Set the gauges that alerts look at; what cannot be read now is read next time."""
        while True:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._measure_once()
            await asyncio.sleep(_MEASURE_EVERY_S)

    async def _measure_once(self) -> None:
        of_service = {"service": self.service.name}
        telemetry.resting_keys.set(self._consumer.resting if self._consumer else 0, of_service)
        row = await self.database.pool.fetchrow(
            "SELECT count(*) AS waiting, extract(epoch FROM clock_timestamp() - min(created_at)) AS age,"
            " (SELECT count(*) FROM dead_letters WHERE state = 'open') AS letters,"
            " (SELECT count(*) FROM parked_keys) AS parked FROM outbox"
        )
        if row is not None:
            telemetry.outbox_waiting.set(row["waiting"], of_service)
            telemetry.outbox_age.set(float(row["age"] or 0), of_service)
            telemetry.open_letters.set(row["letters"], of_service)
            telemetry.parked_keys.set(row["parked"], of_service)
        telemetry.bus_lag.set(await self.lag(), of_service)


class KeepsDying(Unusable):
    """Background tasks died so often that this process has ended; another one may do better."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service}: {MOST_DEATHS} tasks died within {WITHIN_S:g} s; the log says of what")


async def connect(service: Service, settings: Settings) -> Database:
    """Connect to PostgreSQL, waiting for it with backoff and one clear line per try, and for its schema."""
    attempt = 0
    vault = Vault(settings.keys_database_url.get_secret_value(), settings.secret.get_secret_value())
    while True:
        try:
            database = await Database.connect(
                settings.database_url.get_secret_value(), service.name, settings.clock, vault, size=settings.pool_size
            )
            async with AsyncExitStack() as otherwise:
                otherwise.push_async_callback(database.close)
                async with database.connection() as connection:
                    missing = await missing_migrations(connection, service.migrations)
                if not missing:
                    otherwise.pop_all()
                    return database
            problem = f"{len(missing)} migrations are missing; run `rekku migrate`"
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            problem = f"PostgreSQL cannot be reached ({type(error).__name__})"
        attempt += 1
        pause = 0.2 + backoff_s(attempt, first_s=0.2, most_s=5.0)
        _log.warning("%s waits: %s; next try in %.1f s", service.name, problem, pause)
        await asyncio.sleep(pause)


async def make_ready(service: Service, settings: Settings) -> Database:
    """Connect and do the service's start-up work, waiting for PostgreSQL as long as it takes."""
    database = await connect(service, settings)
    try:
        if service.startup is not None:
            await until_it_passes(partial(database.run, service.startup), "start-up work waits")
    except BaseException:
        await database.close()
        raise
    return database


async def serve(service: Service, settings: Settings) -> None:
    """Run one service until SIGTERM or SIGINT.

    Raises:
        Unusable: a setting is missing or cannot be used, or it cannot listen where it should.
        KeepsDying: its background tasks died too often.
    """
    service.require(settings)
    certificate = Certificate.of(settings)
    arm(settings.failpoints, f"{service.name}-{settings.instance}")
    start_telemetry(service.name, settings)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    preparing = asyncio.create_task(make_ready(service, settings))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({preparing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not preparing.done():
        preparing.cancel()
        await asyncio.wait({preparing})
        return
    database = await preparing
    runtime = Runtime(service, settings, database)
    config = ServerConfig(runtime.app, settings, runtime.refusals, grace_s=_GRACE_S, certificate=certificate)
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    given_up = asyncio.create_task(runtime.tasks.given_up.wait())
    await asyncio.wait({serving, stopped, given_up}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    stopped.cancel()
    given_up.cancel()
    await database.close()
    await database.vault.close()
    if runtime.tasks.given_up.is_set():
        raise KeepsDying(service.name)
