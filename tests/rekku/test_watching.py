"""What `rekku up` looks after: a dead PostgreSQL, a dead broker and a service that hangs."""

import asyncio
import errno
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest

from chassis.embedded import SUPERUSER, Cluster, start_cluster
from chassis.files import Unusable
from chassis.kafka.cluster import KafkaCluster
from chassis.probe import Probe
from chassis.testing import ALL_SERVICES
from rekku import watching
from rekku.processes import Program, keep_running
from rekku.up import free_ports, trim_bus
from rekku.watching import end_who_hangs, keep_broker, keep_postgres
from tests.chassis.test_bus import until

HANGS = """
import http.server, os, sys, time

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if os.path.exists(sys.argv[1] + ".hangs"):
            os.rename(sys.argv[1] + ".hangs", sys.argv[1] + ".hung")
            time.sleep(3600)
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(os.environ["REKKU_PORT"])), Answers).serve_forever()
"""


@pytest.fixture
async def own_cluster() -> AsyncIterator[Cluster]:
    home = Path(tempfile.mkdtemp(prefix="rekku-watched-"))
    await asyncio.to_thread(home.chmod, 0o755)
    cluster = await asyncio.to_thread(start_cluster, home, ALL_SERVICES)
    yield cluster
    cluster.stop()
    shutil.rmtree(home, ignore_errors=True)


async def test_postgresql_that_was_killed_is_started_again_and_said_so_in_one_line(own_cluster: Cluster):
    said: list[str] = []
    probe = Probe(own_cluster.url(SUPERUSER, "postgres"))
    watching_it = asyncio.create_task(keep_postgres(own_cluster, said.append))
    for times in (1, 2):
        before = own_cluster.server.get_pid()
        os.kill(before, signal.SIGKILL)

        async def started(times: int = times) -> bool:
            return len(said) == times

        await until(started)
        await until(probe.answers)
        assert own_cluster.server.get_pid() != before
    watching_it.cancel()
    await asyncio.gather(watching_it, return_exceptions=True)
    probe.close()
    assert said == ["PostgreSQL had died, and was started again"] * 2


async def test_control_nobody_else_starts_it(own_cluster: Cluster):
    os.kill(own_cluster.server.get_pid(), signal.SIGKILL)

    async def gone() -> bool:
        return not own_cluster.runs

    await until(gone)
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await asyncpg.connect(own_cluster.url(SUPERUSER, "postgres"))
    await asyncio.to_thread(own_cluster.start_again)
    assert own_cluster.runs


async def test_a_broker_that_was_killed_is_started_again_at_its_address(kafka: KafkaCluster):
    said: list[str] = []
    [broker] = kafka.brokers
    servers, before = kafka.servers, broker.pid
    watching_it = asyncio.create_task(keep_broker(broker, said.append))
    assert before is not None
    os.kill(before, signal.SIGKILL)

    async def started() -> bool:
        return bool(said)

    await until(started)
    watching_it.cancel()
    await asyncio.gather(watching_it, return_exceptions=True)
    assert said == ["Apache Kafka's broker 1 had died, and was started again"]
    assert broker.pid not in (None, before)
    assert kafka.servers == servers


async def test_a_server_that_cannot_be_started_yet_ends_nothing_else(monkeypatch: pytest.MonkeyPatch):
    """Its log may have no room, or the machine no process left for it: what runs goes on, and it is tried again."""
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(watching, "backoff_s", lambda *_, **__: 0)
    problems: list[Exception] = [
        OSError(errno.EAGAIN, "no process"),
        OSError(errno.ENOSPC, "full", "log"),
        Unusable("x"),
    ]
    said: list[str] = []
    started = asyncio.Event()

    async def start() -> None:
        if problems:
            raise problems.pop(0)
        started.set()

    watching_it = asyncio.create_task(watching._keep("The server", started.is_set, start, said.append))
    async with asyncio.timeout(20):
        await started.wait()

    async def reported() -> bool:
        return len(said) == 2

    await until(reported)
    watching_it.cancel()
    await asyncio.gather(watching_it, return_exceptions=True)
    assert "does not start: " in said[0]
    assert said[1] == "The server had died, and was started again"


async def test_a_log_that_cannot_be_trimmed_now_ends_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Also where the server dies between a question and the answer, which asyncpg calls an error of its own."""

    async def dies(*_: object) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 11")

    monkeypatch.setattr(asyncpg, "connect", dies)
    trimming = asyncio.create_task(trim_bus(SimpleNamespace(url=str)))  # type: ignore[arg-type]
    said = ""

    async def reported() -> bool:
        nonlocal said
        said += "".join(capsys.readouterr())
        return "could not be trimmed (InternalClientError)" in said

    await until(reported)
    assert not trimming.done()
    trimming.cancel()


async def test_a_service_that_was_alive_and_hangs_is_killed_and_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watching, "ASK_EVERY_S", 0.2)
    monkeypatch.setattr(watching, "MOST_SILENCE", 3)
    said: list[str] = []
    port = free_ports(1)[0]
    program = Program(
        service=str(tmp_path / "toy"),
        instance=1,
        port=port,
        environment=os.environ | {"REKKU_PORT": str(port)},
        log=tmp_path / "toy.log",
        parent=("-c", HANGS),
    )
    tasks = [
        asyncio.create_task(keep_running(program, lambda: None, said.append, (0.01, 0.01))),
        asyncio.create_task(end_who_hangs(program, said.append)),
    ]

    async def answers() -> bool:
        return await watching._is_alive(client)

    client = watching.httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=1)
    await until(answers)
    first = program.process.pid if program.process else None
    # Alive for a while: nobody touches it.
    await asyncio.sleep(1)
    assert said == []
    await asyncio.to_thread((tmp_path / "toy.hangs").touch)

    async def another() -> bool:
        return program.process is not None and program.process.pid != first

    await until(another)
    await until(answers)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.aclose()
    assert "does not say that it is alive" in said[0]
    assert "was killed by SIGKILL" in said[1]


async def test_a_process_that_has_never_answered_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """As a service that waits for PostgreSQL at its start."""
    monkeypatch.setattr(watching, "ASK_EVERY_S", 0.02)
    monkeypatch.setattr(watching, "MOST_SILENCE", 2)
    killed: list[bool] = []
    process = SimpleNamespace(pid=7, returncode=None, kill=lambda: killed.append(True))
    program = SimpleNamespace(name="toy", port=free_ports(1)[0], process=process)
    asks = 0

    async def silent(_client: object) -> bool:
        nonlocal asks
        asks += 1
        return False

    monkeypatch.setattr(watching, "_is_alive", silent)
    looking = asyncio.create_task(end_who_hangs(program, lambda _: None))  # type: ignore[arg-type]

    async def asked() -> bool:
        return asks > 10

    await until(asked)
    looking.cancel()
    assert killed == []
