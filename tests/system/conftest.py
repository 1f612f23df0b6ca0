"""A whole running system for the stories, on either bus: a process per service, and two of courses."""

import shutil
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from chassis.kafka.cluster import KafkaCluster
from chassis.settings import BusKind
from rekku.home import Home
from rekku.up import Launch, free_ports, system
from tests.kafka_topics import fresh_topics, no_topics
from tests.system.actors import world_of
from tests.system.people import Kela

START = datetime(2024, 1, 15, 8, tzinfo=UTC)


@contextmanager
def a_home():
    """A folder of its own that PostgreSQL's user can reach."""
    home = Path(tempfile.mkdtemp(prefix="rekku-system-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="package", params=list(BusKind))
def brokers(request):
    """The run's Kafka for the system on it; nothing for the one on the embedded bus."""
    return request.getfixturevalue("kafka") if request.param is BusKind.KAFKA else None


@pytest.fixture(scope="package")
async def running(brokers, nursery):
    """The system of these stories, once on each bus; `rekku up` starts one in the same way."""
    if brokers is not None:
        await no_topics(brokers.servers)
    with a_home() as home:
        launch = Launch(
            Home(home),
            free_ports(1)[0],
            START,
            instances={"courses": 2},
            say=lambda _: None,
            bus=BusKind.KAFKA if brokers else BusKind.EMBEDDED,
            brokers=brokers or 0,
            parent=nursery,
        )
        async with system(launch) as started:
            yield started


@pytest.fixture
async def world(running):
    """The running system as people see it, on the morning the stories begin."""
    limits = httpx.Limits(keepalive_expiry=2)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client, world_of(running, client) as world:
        await world.set_clock(START)
        yield world


@pytest.fixture
def kela(world):
    return Kela(world)


@pytest.fixture(params=list(BusKind))
def bus_servers(request):
    """For services in this process: nothing for the embedded bus, then the addresses of the run's Kafka."""
    return "" if request.param is BusKind.EMBEDDED else request.getfixturevalue("empty_kafka").servers


@pytest.fixture
async def empty_kafka(kafka: KafkaCluster):
    """The run's Kafka, every topic empty and nobody's positions."""
    await fresh_topics(kafka.servers)
    return kafka
