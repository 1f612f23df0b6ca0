"""Brokers of Apache Kafka in KRaft mode, on free loopback ports: started, hurt and stopped by whoever needs them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.metadata import MetadataRequest
from pydantic import Field, TypeAdapter

from chassis.files import read_or_make, read_whole, write_whole
from chassis.kafka.asking import answer
from chassis.kafka.jars import KafkaUnavailable, Say, fetch_jars, require_java
from chassis.kafka.kept import alone, classes_of, format_as_kept, keep_formatted
from chassis.kafka.ports import HOST, free_pair, is_free

_READY_WITHIN_S = 90.0
_POLL_S = 0.05
_GRACE_S = 10.0
_TOGETHER_GRACE_S = 2.0
_ARCHIVED_WITHIN_S = 120.0

_BROKER = "kafka.Kafka"
_LOG4J = Path(__file__).with_name("log4j2.yaml")
_TIED = Path(__file__).with_name("tied.py")
_JVM = (
    # Ready in half the time: a broker of a test or a laptop does not live long enough to earn the other compiler.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    f"-Dlog4j2.configurationFile={_LOG4J}",
)

_IDENTITY = "cluster.json"


@dataclass(frozen=True)
class _Identity:
    """A cluster's id, and each broker's own and controller port."""

    id: Annotated[str, Field(min_length=1)]
    ports: dict[int, tuple[int, int]] = field(default_factory=dict)


Advertise = Callable[[int, int], int]
"""From a broker's number and the port it listens on to the port its clients are told."""


class Broker:
    """One broker, which is a controller as well, as a child process with a folder of its own."""

    def __init__(self, number: int, folder: Path, heap_mb: int) -> None:
        self.number = number
        self.port = 0
        self._folder = folder
        self._heap_mb = heap_mb
        self._archive: Path | None = None
        self._jars = Path()
        self._killed = False
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """What it says: warnings and worse."""
        return self._folder / "broker.log"

    @property
    def pid(self) -> int | None:
        """The id of its process, while there is one."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        """Its process is there, perhaps suspended."""
        return self._process is not None and self._process.returncode is None and not self._killed

    async def prepare(self, jars: Path, port: int, cluster_id: str, properties: dict[str, str | int]) -> None:
        """Write its configuration and, the first time, format its folder.

        Raises:
            FileUnusable: what Kafka keeps its ids in is broken.
            KafkaUnavailable: it is missing, or another cluster's, or the folder cannot be formatted.
        """
        self.port, self._jars = port, jars
        data = self._folder / "data"
        (self._folder / "tmp").mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}" for name, value in (properties | {"log.dirs": str(data)}).items()]
        write_whole(self._configuration, "\n".join(lines) + "\n")
        identity = {"cluster.id": cluster_id, "node.id": str(self.number), "directory.id": _new_id()}
        if not self._is_formatted(data, cluster_id) and not format_as_kept(jars, data, identity):
            tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(self._configuration))
            formatting = await self._run_java(*tool)
            if await formatting.wait():
                raise KafkaUnavailable(f"broker {self.number} cannot use its folder; its log says why: {self.log}")
            keep_formatted(jars, data)

    def archive_classes(self, archive: Path) -> None:
        """Write the classes that it has used to `archive` when it stops, which then takes some seconds."""
        self._archive = archive

    def _is_formatted(self, data: Path, cluster_id: str) -> bool:
        """Its data are there, and of this cluster; to format a folder with records would cut them off."""
        ids = data / "meta.properties"
        remedy = f"put it back from a backup, or remove {data} to begin without its records"
        text = read_whole(ids, str, remedy)
        if text is None:
            if data.exists() and any(path.is_dir() for path in data.iterdir()):
                raise KafkaUnavailable(f"{ids} is missing, and there are records beside it: {remedy}")
            return False
        if f"cluster.id={cluster_id}" not in text.splitlines():
            raise KafkaUnavailable(f"{ids} is not of the cluster in {self._folder.parent / _IDENTITY}: {remedy}")
        return True

    async def start(self) -> None:
        """Start it and wait until it serves its clients as a member of the cluster; nothing where it does.

        Raises:
            KafkaUnavailable: it does not.
        """
        if not self.alive:
            await self._gone()
            self._process = await self._run_java(_BROKER, str(self._configuration))
            self._killed = False
        await self._ready()

    async def _ready(self) -> None:
        """Wait until it answers for metadata and counts itself among the brokers."""
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                while not await self._serves():
                    if not self.alive:
                        raise KafkaUnavailable(f"broker {self.number} ended; its log says why: {self.log}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise KafkaUnavailable(f"broker {self.number} is not ready; its log may say why: {self.log}") from error

    async def _serves(self) -> bool:
        return any(
            number == self.number for number, *_ in await answer(self.port, MetadataRequest([]), "brokers") or ()
        )

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        self._signal(signal.SIGKILL)
        self._killed = True

    def suspend(self) -> None:
        """SIGSTOP: connections stay, answers do not come; returns when its last thread has stopped, or it has ended."""
        self._signal(signal.SIGSTOP)
        if self._process is not None and self._process.returncode is None:
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        self._signal(signal.SIGCONT)

    def _signal(self, name: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(name)

    async def stop(self, grace_s: float = _GRACE_S) -> None:
        """SIGTERM: it hands its partitions over and ends; killed where that takes longer than `grace_s`."""
        self.resume()
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                await self._gone()
        except TimeoutError:
            self.kill()
            await self._gone()

    async def _gone(self) -> None:
        if self._process is not None:
            await self._process.wait()

    @property
    def _configuration(self) -> Path:
        return self._folder / "server.properties"

    async def _run_java(self, *words: str) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-IS",
                str(_TIED),
                str(os.getpid()),
                require_java(),
                *_JVM,
                *self._sharing(words[0]),
                f"-Xmx{self._heap_mb}m",
                f"-Djava.io.tmpdir={self._folder / 'tmp'}",
                "-cp",
                ":".join(map(str, sorted(self._jars.glob("*.jar")))),
                *words,
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )

    def _sharing(self, program: str) -> Iterable[str]:
        """What Java does about an archive of classes: it reads the one that is kept, or writes one as it ends."""
        kept = classes_of(self._jars)
        if kept.exists() and kept.stat().st_size:
            yield f"-XX:SharedArchiveFile={kept}"
        elif self._archive is not None and program == _BROKER:
            yield f"-XX:ArchiveClassesAtExit={self._archive}"


class KafkaCluster:
    """One broker or several under `home/kafka`; data, cluster id and ports outlive a restart.

    Args:
        home: the folder it may use.
        brokers: how many; three replicate and survive the loss of one.
        heap_mb: each broker's heap.
        advertised: what clients are told instead of the port a broker listens on, for a proxy between.
        say: where to say that the jars are being fetched.
    """

    def __init__(
        self,
        home: Path,
        brokers: int = 1,
        *,
        heap_mb: int = 256,
        advertised: Advertise | None = None,
        say: Say = lambda _: None,
    ) -> None:
        self._folder = home.resolve() / "kafka"
        self._advertised = advertised or (lambda _, port: port)
        self._say = say
        self._told: dict[int, int] = {}
        self.brokers = [Broker(number, self._folder / str(number), heap_mb) for number in range(1, brokers + 1)]

    @property
    def servers(self) -> str:
        """The bootstrap addresses of its clients: host:port,host:port."""
        return ",".join(f"{HOST}:{self._told[broker.number]}" for broker in self.brokers)

    async def start(self) -> None:
        """Start every broker and wait until all of them serve.

        Raises:
            KafkaUnavailable: without Java or the jars, or when a broker does not come up.
            FileUnusable: a file it needs is broken, or missing where there are records.
        """
        jars = await fetch_jars(self._say)
        await _keep_classes(jars, self._say)
        await self._start_all(jars)

    async def _start_all(self, jars: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        cluster_id, ports = self._identity()
        self._told = {
            broker.number: self._advertised(broker.number, ports[broker.number][0]) for broker in self.brokers
        }
        try:
            async with asyncio.TaskGroup() as starting:
                for broker in self.brokers:
                    starting.create_task(self._start(broker, jars, cluster_id, ports))
            await self._coordinating()
        except ExceptionGroup as failed:
            await self.stop()
            raise failed.exceptions[0] from failed
        except BaseException:
            await self.stop()
            raise

    async def _start(self, broker: Broker, jars: Path, cluster_id: str, ports: dict[int, tuple[int, int]]) -> None:
        await broker.prepare(jars, ports[broker.number][0], cluster_id, self._properties(broker.number, ports))
        await broker.start()

    async def _coordinating(self) -> None:
        """Wait until there is a coordinator for consumer groups: asked by all of them at once, it takes seconds."""
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                while await answer(self.brokers[0].port, FindCoordinatorRequest("rekku", 0), "error_code") != 0:
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise KafkaUnavailable(f"nobody coordinates groups; the log may say why: {self.brokers[0].log}") from error

    async def stop(self) -> None:
        """Stop every broker; the last of several cannot hand over, and is killed after a moment."""
        grace_s = _GRACE_S if len(self.brokers) == 1 else _TOGETHER_GRACE_S
        await asyncio.gather(*(broker.stop(grace_s) for broker in self.brokers))

    def _identity(self) -> tuple[str, dict[int, tuple[int, int]]]:
        """The cluster's id and each broker's own and controller port: as last time where they are free."""
        path = self._folder / _IDENTITY
        records = next(self._folder.glob("*/data/meta.properties"), None)
        known = read_or_make(
            path,
            TypeAdapter(_Identity).validate_json,
            lambda: json.dumps({"id": _new_id()}),
            opens=records and records.parent,
        )
        ports: dict[int, tuple[int, int]] = {}
        for broker in self.brokers:
            own, controller = known.ports.get(broker.number, (0, 0))
            usable = own and is_free(own) and is_free(controller)
            ports[broker.number] = (own, controller) if usable else free_pair(ports.values())
        write_whole(path, json.dumps(asdict(_Identity(known.id, ports)), indent=1))
        return known.id, ports

    def _properties(self, number: int, ports: dict[int, tuple[int, int]]) -> dict[str, str | int]:
        own, controller = ports[number]
        copies = min(3, len(self.brokers))
        in_sync = 2 if copies == 3 else 1
        return {
            "process.roles": "broker,controller",
            "node.id": number,
            "controller.quorum.voters": ",".join(f"{n}@{HOST}:{theirs}" for n, (_, theirs) in ports.items()),
            "listeners": f"PLAINTEXT://{HOST}:{own},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self._told[number]}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            "unclean.leader.election.enable": "false",
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            # A lost broker is noticed within seconds.
            "broker.heartbeat.interval.ms": 500,
            "broker.session.timeout.ms": 3000,
            "replica.lag.time.max.ms": 4000,
            # Small, as the heap is.
            "num.network.threads": 2,
            "num.io.threads": 4,
            "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
        }


async def _keep_classes(jars: Path, say: Say) -> None:
    """Where this Java has no archive of the jars' classes yet, let a broker that nobody uses write it."""
    archive = classes_of(jars)
    if archive.exists():
        return
    with alone(archive) as ours:
        if not ours:
            return
        say("Preparing Apache Kafka's classes, so that its brokers start sooner (only this once) …")
        with tempfile.TemporaryDirectory(prefix="classes-", dir=jars, ignore_cleanup_errors=True) as home:
            cluster, made = KafkaCluster(Path(home)), Path(home) / archive.name
            (broker,) = cluster.brokers
            broker.archive_classes(made)
            await cluster._start_all(jars)
            await broker.stop(_ARCHIVED_WITHIN_S)
            made.touch()  # a Java that writes none has an empty one: nobody tries again
            made.rename(archive)


def _new_id() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
