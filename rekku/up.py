"""The whole system on one machine: PostgreSQL, on request Apache Kafka, then every service as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hmac
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import httpx

from chassis.auth import DevIssuer
from chassis.clock import ClockKind, set_simulated_now
from chassis.embedded import (
    SUPERUSER,
    Cluster,
    data_of,
    making_ready,
    passwords_of,
    provision,
    start_cluster,
)
from chassis.files import FileUnusable, read_or_make
from chassis.migrate import MigrationConflict, migrate, migrations_of
from chassis.settings import BusKind, Settings
from rekku.brokers import on_kafka, running_brokers
from rekku.home import Home, Instance, Run
from rekku.nursery import Nursery
from rekku.problems import Problem
from rekku.processes import PAUSES_S, Program, Say, keep_running
from rekku.services import GATEWAY, SERVICES, migrations_folder
from rekku.watching import end_who_hangs, keep_broker, keep_postgres

if TYPE_CHECKING:
    from chassis.kafka.cluster import KafkaCluster

READY_WITHIN_S = 90.0
_READY_POLL_S = 0.05
_TRIM_EVERY_S = 3600.0
_HOST = "127.0.0.1"
_SHORTEST_SECRET = 32
NOTIFICATIONS = "notifications"


def say(line: str) -> None:
    """One line for the person at the terminal."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Launch:
    """What to start: where, on which port, by which clock, how many instances of which service.

    Args:
        bus: which bus carries the events; Kafka's brokers are started here too.
        brokers: how many, on Kafka; or those that run already, and go on afterwards.
        parent: what starts the services instead of a nursery of their own: one that runs already, and goes on
            afterwards, or what Python runs with a service's name behind it.
        environment: more for the services' processes than their own settings.
        pauses_s: the first and the longest pause before a process that died starts again.
    """

    home: Home
    port: int
    simulated_clock: datetime | None = None
    instances: Mapping[str, int] = field(default_factory=dict)
    say: Say = say
    bus: BusKind = BusKind.EMBEDDED
    brokers: int | KafkaCluster = 1
    parent: Nursery | tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    pauses_s: tuple[float, float] = PAUSES_S

    @property
    def clock(self) -> ClockKind:
        """Simulated where a start was given."""
        return ClockKind.REAL if self.simulated_clock is None else ClockKind.SIMULATED


@dataclass(frozen=True)
class System:
    """A running system: where it answers, its database, its processes, and its brokers where it is on Kafka."""

    run: Run
    cluster: Cluster
    settings: Settings
    programs: Sequence[Program]
    kafka: KafkaCluster | None = None

    def program(self, name: str) -> Program:
        """A process by its name: the service, with `-2` for its second instance."""
        return next(program for program in self.programs if program.name == name)


@contextlib.asynccontextmanager
async def system(launch: Launch) -> AsyncIterator[System]:
    """Start everything, wait until it is ready, and stop all of it at the end.

    Port 0 is any port that is free.

    Raises:
        Problem: the home or the port cannot be used, or a service does not become ready.
        Unusable: PostgreSQL, Kafka or a file of the home cannot be used.
    """
    # First: production is not what this is for, and nothing is made there.
    settings = Settings(home=launch.home.path, dev_issuer=True, clock=launch.clock, bus=BusKind.EMBEDDED)
    launch.home.prepare()
    if launch.port:
        _check_port(launch.port)
    else:
        launch = replace(launch, port=free_ports(1)[0])
    with launch.home.locked():
        DevIssuer(settings)
        read_keys(launch.home)
        async with (
            _parent(launch) as parent,
            running_brokers(launch.home.path, _wanted_brokers(launch), launch.say) as brokers,
        ):
            cluster = await start_database(launch.home)
            try:
                kafka = await brokers
                if kafka is not None:
                    settings = await on_kafka(settings, kafka)
                    launch.say(f"Apache Kafka is ready at {kafka.servers}")
                async with _processes(launch, cluster, settings, kafka, parent) as running:
                    yield running
            finally:
                await asyncio.to_thread(cluster.stop)


@contextlib.asynccontextmanager
async def _parent(launch: Launch) -> AsyncIterator[Nursery | tuple[str, ...]]:
    """What starts the services; the nursery loads them while PostgreSQL starts."""
    if launch.parent is not None:
        yield launch.parent
        return
    environment = os.environ | {"REKKU_HOME": str(launch.home.path), "PYTHONUNBUFFERED": "1"}
    nursery = Nursery(environment, launch.home.logs / "nursery.log")
    await nursery.open()
    try:
        yield nursery
    finally:
        await nursery.close()


def _wanted_brokers(launch: Launch) -> int | KafkaCluster:
    return launch.brokers if launch.bus is BusKind.KAFKA else 0


async def start_database(home: Home) -> Cluster:
    """Start the embedded PostgreSQL of this home.

    Raises:
        Unusable: the home cannot hold it, it does not start, or a file that it needs is broken.
    """
    read_keys(home)
    return await asyncio.to_thread(start_cluster, home.path, SERVICES)


@contextlib.asynccontextmanager
async def _processes(
    launch: Launch,
    cluster: Cluster,
    settings: Settings,
    kafka: KafkaCluster | None,
    parent: Nursery | tuple[str, ...],
) -> AsyncIterator[System]:
    with making_ready(cluster):
        await provision(cluster, SERVICES)
        if launch.simulated_clock is not None:
            await set_clock(cluster, launch.simulated_clock)
    programs = _programs(launch, cluster, settings, parent)
    run = Run(
        pid=os.getpid(),
        url=f"http://{_HOST}:{launch.port}",
        clock=launch.clock,
        socket=str(cluster.socket),
        bus=settings.bus,
        kafka_servers=settings.kafka_servers,
    )
    running = System(replace(run, instances=_instances(programs)), cluster, settings, programs, kafka)

    def changed() -> None:
        try:
            launch.home.write_run(replace(run, instances=_instances(programs)))
        except FileUnusable as problem:
            launch.say(f"{problem}; what runs goes on")

    launch.home.write_run(running.run)
    # They start while the schemas are brought up to date, and wait for theirs: importing takes longer.
    tasks = [asyncio.create_task(keep_running(program, changed, launch.say, launch.pauses_s)) for program in programs]
    try:
        with making_ready(cluster):
            await migrate_all(cluster)
        await _until_ready(programs, launch.home)
        yield running
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def set_clock(cluster: Cluster, now: datetime) -> None:
    """Set the simulated clock before anything reads it."""
    connection = await asyncpg.connect(cluster.url(SUPERUSER))
    try:
        await set_simulated_now(connection, now)
    finally:
        await connection.close()


async def migrate_all(cluster: Cluster) -> dict[str, list[str]]:
    """Bring every service's schema up to date; what was applied now, by service.

    Raises:
        Problem: the database is of another version.
    """

    async def one(name: str) -> list[str]:
        return await migrate(cluster.url(f"rekku_{name}_owner"), name, migrations_of(migrations_folder(name)))

    try:
        return dict(zip(SERVICES, await asyncio.gather(*map(one, SERVICES)), strict=True))
    except MigrationConflict as error:
        raise Problem(f"the database in this home is of another version: {error}") from error


def _programs(launch: Launch, cluster: Cluster, settings: Settings, parent: Nursery | tuple[str, ...]) -> list[Program]:
    wanted = [(name, nth) for name in SERVICES for nth in range(1, launch.instances.get(name, 1) + 1)]
    free = iter(free_ports(len(wanted)))
    ports = {(name, nth): launch.port if (name, nth) == (GATEWAY, 1) else next(free) for name, nth in wanted}
    upstreams = {name: f"http://{_HOST}:{ports[name, 1]}" for name in SERVICES if name != GATEWAY}
    shared = os.environ | {
        "REKKU_ENVIRONMENT": settings.environment,
        "REKKU_HOME": str(launch.home.path),
        "REKKU_HOST": _HOST,
        "REKKU_CLOCK": launch.clock,
        "REKKU_BUS": settings.bus,
        "REKKU_KAFKA_SERVERS": settings.kafka_servers,
        "REKKU_KAFKA_SECURITY": settings.kafka_security,
        "REKKU_JWKS_URL": DevIssuer.jwks_path(launch.home.path).as_uri(),
        "REKKU_PUBLIC_URL": f"http://{_HOST}:{launch.port}",
        # On this machine they speak plainly, to one another too.
        "REKKU_TLS_CERT_FILE": "",
        "REKKU_TLS_KEY_FILE": "",
        "REKKU_LAUNCHER": str(os.getpid()),
        "PYTHONUNBUFFERED": "1",
        **launch.environment,
    }
    own = {
        name: {"REKKU_KEYS_DATABASE_URL": cluster.keys_url(name), "REKKU_FINGERPRINT_SECRET": secret}
        for name, secret in fingerprint_secrets(launch.home).items()
    }
    own[NOTIFICATIONS] |= {"REKKU_SECRET": _secret(launch.home)}
    own[GATEWAY] |= {"REKKU_DEV_ISSUER": "true", "REKKU_UPSTREAMS": json.dumps(upstreams)}
    return [
        Program(
            service=name,
            instance=nth,
            port=ports[name, nth],
            environment=shared
            | {
                "REKKU_PORT": str(ports[name, nth]),
                "REKKU_INSTANCE": str(nth),
                "REKKU_DATABASE_URL": cluster.url(f"rekku_{name}"),
            }
            | own[name],
            log=launch.home.logs / (f"{name}.log" if nth == 1 else f"{name}-{nth}.log"),
            parent=parent,
        )
        for name, nth in wanted
    ]


def _instances(programs: Iterable[Program]) -> tuple[Instance, ...]:
    return tuple(
        Instance(program.service, program.port, program.process.pid if program.process else None)
        for program in programs
    )


def read_keys(home: Home) -> None:
    """See that the home has what opens its data, before anything is started; made only where there are no data.

    Raises:
        FileUnusable: the passwords or the secret are broken, or missing where there are data.
    """
    passwords_of(home.path)
    _secret(home)
    fingerprint_secrets(home)


def _secret(home: Home) -> str:
    """This home's secret: with another one no survey link that was sent would lead anywhere."""
    return read_or_make(home.path / "secret", _as_secret, lambda: secrets.token_hex(32), opens=data_of(home.path))


def fingerprint_secrets(home: Home) -> dict[str, str]:
    """Each service's own, out of one that is kept. It opens nothing: with another one only kept answers are lost."""
    kept = read_or_make(home.path / "fingerprint-secret", _as_secret, lambda: secrets.token_hex(32)).strip()
    return {name: hmac.digest(kept.encode(), name.encode(), "sha256").hex() for name in SERVICES}


def _as_secret(text: str) -> str:
    if len(text.strip()) < _SHORTEST_SECRET:
        raise ValueError
    return text


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise Problem(f"port {port} {why}; choose another with REKKU_PORT") from error


def free_ports(count: int) -> list[int]:
    """Ports that are free now, all different: they are held together before any is let go."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind((_HOST, 0))
        return [probe.getsockname()[1] for probe in sockets]


async def _until_ready(programs: Sequence[Program], home: Home) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    waiting = list(programs)
    async with httpx.AsyncClient(timeout=5) as client:
        while waiting:
            answers = await asyncio.gather(*(_is_ready(client, program) for program in waiting))
            waiting = [program for program, ready in zip(waiting, answers, strict=True) if not ready]
            hopeless = next((program for program in waiting if program.restarts >= 3), None)
            if hopeless is not None:
                raise Problem(f"{hopeless.name} does not start; its log says why: {hopeless.log}", status=1)
            if waiting and time.monotonic() > deadline:
                names = ", ".join(program.name for program in waiting)
                raise Problem(f"not ready after {READY_WITHIN_S:g} s: {names}; see the logs in {home.logs}", status=1)
            if waiting:
                await asyncio.sleep(_READY_POLL_S)


async def _is_ready(client: httpx.AsyncClient, program: Program) -> bool:
    try:
        return (await client.get(f"http://{_HOST}:{program.port}/readyz")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def up(launch: Launch) -> None:
    """Run the system until cancelled; says one line with the address when it is ready."""
    started = time.monotonic()
    launch.say(f"Starting rekku in {launch.home.path} …")
    try:
        async with system(launch) as running:
            launch.say(f"rekku is ready at {running.run.url} ({time.monotonic() - started:.1f} s; Ctrl-C stops it)")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(keep_postgres(running.cluster, launch.say))
                for broker in running.kafka.brokers if running.kafka else ():
                    tasks.create_task(keep_broker(broker, launch.say))
                for program in running.programs:
                    tasks.create_task(end_who_hangs(program, launch.say))
                if launch.bus is BusKind.EMBEDDED:
                    tasks.create_task(trim_bus(running.cluster))
    except asyncio.CancelledError:
        launch.say("Stopped.")
        raise


async def trim_bus(cluster: Cluster) -> None:
    """Drop every hour what retention and compaction let go of the embedded bus' log, for ever."""
    while True:
        try:
            connection = await asyncpg.connect(cluster.url(SUPERUSER))
            try:
                await connection.execute("SELECT rekku_bus.trim_log()")
            finally:
                await connection.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing else of the system waits for it or ends
            say(f"the bus' log could not be trimmed ({type(error).__name__}); the next try is in an hour")
        await asyncio.sleep(_TRIM_EVERY_S)
