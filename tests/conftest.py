"""Fixtures every test may use: one real PostgreSQL and one real Kafka broker per run, each test's database as new."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from chassis import knowing
from chassis.kafka.cluster import KafkaCluster
from chassis.kafka.jars import KafkaUnavailable
from chassis.service import Service
from chassis.testing import ClusterUnderTest, ServiceUnderTest
from rekku.nursery import Nursery
from tests import runs
from tests.commands import Rekku, commands
from tests.databases import Databases, databases_of
from tests.grouping import ByGroupOrFile
from tests.runs import pytest_addoption, pytest_collection_modifyitems, pytest_configure, pytest_report_header

__all__ = ["pytest_addoption", "pytest_collection_modifyitems", "pytest_configure", "pytest_report_header"]

LEFT_OUT = "LEFT OUT: "
"""How the reason of a test begins that a tool is missing for; the summary says it in capitals."""

ROOT = Path(__file__).parents[1]

NewService = Callable[..., Awaitable[ServiceUnderTest]]

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 6 * 2**30
"""More than all servers of a run have written at once."""


def work_in_memory() -> None:
    """Keep what tests write in memory where there is room: a database is made ten times as fast as on a disk.

    Nobody pulls the plug here, so nothing is lost by it; TMPDIR says otherwise. The long run and the demo use the disk.
    """
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


work_in_memory()


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[ClusterUnderTest]:
    """The run's PostgreSQL."""
    running = await asyncio.to_thread(ClusterUnderTest)
    await running.prepare()
    yield running
    running.close()


@pytest.fixture(scope="session")
async def databases(cluster: ClusterUnderTest) -> AsyncIterator[Databases]:
    """The databases that tests use one after another."""
    async with databases_of(cluster) as databases:
        yield databases


@pytest.fixture
async def new_service(databases: Databases, tmp_path: Path) -> AsyncIterator[NewService]:
    """`await new_service(SERVICE, **settings)`: the service as after its start; no test has left anything there."""
    async with AsyncExitStack() as stack:

        async def start(service: Service, **settings: Any) -> ServiceUnderTest:
            home = tmp_path / service.name
            home.mkdir(exist_ok=True)
            return await stack.enter_async_context(databases.serve(service, home, **settings))

        yield start


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a copy does not know yet is not waited for; how long it is, tests/chassis/test_knowing.py waits out."""
    monkeypatch.setattr(knowing, "_WAIT_S", 0.02)


@pytest.fixture(scope="session")
async def kafka() -> AsyncIterator[KafkaCluster]:
    """The run's Apache Kafka, one broker; without Java or Maven its tests are left out, loudly."""
    with tempfile.TemporaryDirectory(prefix="rekku-kafka-", ignore_cleanup_errors=True) as home:
        cluster = KafkaCluster(Path(home))
        try:
            await cluster.start()
        except KafkaUnavailable as error:
            leave_out(str(error))
        yield cluster
        await cluster.stop()


@pytest.fixture(scope="session")
async def nursery(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    """Where services and commands are forked from: to load them takes longer than most of what tests ask of them.

    It runs outside the repository: a file that is found there by chance is found in no container.
    """
    folder = tmp_path_factory.mktemp("nursery")
    running = Nursery(os.environ | {"PYTHONPATH": str(ROOT)}, folder / "nursery.log")
    with contextlib.chdir(folder):
        await running.open()
    yield running
    await running.close()


@pytest.fixture
def rekku(nursery: Nursery, tmp_path: Path) -> Rekku:
    """`await rekku("topics", HOME=…)`: a command with these REKKU_ variables and no others."""
    return commands(nursery, tmp_path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroupOrFile | None:
    """Groups, and else files."""
    return ByGroupOrFile(config, log) if config.getvalue("dist") == "loadgroup" else None


def leave_out(reason: str) -> NoReturn:
    """Leave a test out because something is not installed; where REKKU_REQUIRE_KAFKA is set, that is a failure."""
    if os.environ.get("REKKU_REQUIRE_KAFKA"):
        pytest.fail(LEFT_OUT + reason)
    pytest.skip(LEFT_OUT + reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say how long each folder took, and in capitals how many tests were left out, and why."""
    runs.pytest_terminal_summary(terminalreporter, exitstatus, config)
    reasons = Counter(
        report.longrepr[2].partition(LEFT_OUT)[2]
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple) and LEFT_OUT in report.longrepr[2]
    )
    for reason, tests in reasons.items():
        terminalreporter.section("NOT EVERYTHING WAS TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(f"TESTS LEFT OUT: {tests}. {reason.upper()}", red=True, bold=True)
