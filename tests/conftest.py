"""Fixtures every test may use: one real PostgreSQL and one real Kafka broker per run, one fresh database per test."""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from chassis.kafka.cluster import KafkaCluster
from chassis.kafka.jars import KafkaUnavailable
from chassis.service import Service
from chassis.testing import ClusterUnderTest, ServiceUnderTest, service_under_test
from tests import runs
from tests.runs import pytest_addoption, pytest_collection_modifyitems, pytest_configure, pytest_report_header

__all__ = ["pytest_addoption", "pytest_collection_modifyitems", "pytest_configure", "pytest_report_header"]

LEFT_OUT = "LEFT OUT: "
"""How the reason of a test begins that a tool is missing for; the summary says it in capitals."""

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


@pytest.fixture
async def new_service(cluster: ClusterUnderTest, tmp_path: Path) -> AsyncIterator[NewService]:
    """`await new_service(SERVICE, **settings)`: the service on a fresh database, cleaned up after the test."""
    async with AsyncExitStack() as stack:

        async def start(service: Service, **settings: Any) -> ServiceUnderTest:
            home = tmp_path / service.name
            home.mkdir(exist_ok=True)
            return await stack.enter_async_context(service_under_test(cluster, service, home, **settings))

        yield start


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


def leave_out(reason: str) -> NoReturn:
    """Leave a test out because something is not installed; where REKKU_REQUIRE_KAFKA is set, that is a failure."""
    if os.environ.get("REKKU_REQUIRE_KAFKA"):
        pytest.fail(LEFT_OUT + reason)
    pytest.skip(LEFT_OUT + reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how long each folder took, and in capitals how many tests were left out, and why."""
    runs.pytest_terminal_summary(terminalreporter, config)
    reasons = Counter(
        report.longrepr[2].partition(LEFT_OUT)[2]
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple) and LEFT_OUT in report.longrepr[2]
    )
    for reason, tests in reasons.items():
        terminalreporter.section("NOT EVERYTHING WAS TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(f"TESTS LEFT OUT: {tests}. {reason.upper()}", red=True, bold=True)
