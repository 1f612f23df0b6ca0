"""A running system for failpoints, on either bus."""

import pytest

from chassis.settings import BusKind
from tests.campaigns import SEED
from tests.failpoints.rounds import grounds
from tests.kafka_topics import no_topics
from tests.system.conftest import a_home

_REPORT = pytest.StashKey[list[str]]()


@pytest.fixture(scope="package", params=list(BusKind))
async def bus(request):
    """Either bus."""
    return request.param


@pytest.fixture(scope="package")
def brokers(request, bus):
    """The run's Kafka: only services are killed."""
    return request.getfixturevalue("kafka") if bus is BusKind.KAFKA else 0


@pytest.fixture(scope="package")
async def ground(request, bus, brokers, nursery):
    """One start for all kills: every test takes years of its own."""
    if brokers:
        await no_topics(brokers.servers)
    with a_home() as home:
        async with grounds(home, bus, brokers=brokers, parent=nursery) as prepared:
            yield prepared
    said = request.config.stash.setdefault(_REPORT, [])
    said += [f"{prepared.bus_kind} (seed {SEED}): {line}" for line in prepared.report]


def pytest_terminal_summary(terminalreporter, config):
    """How many kills were survived."""
    if said := config.stash.get(_REPORT, []):
        terminalreporter.section("killed and back")
        for line in said:
            terminalreporter.line(line)
