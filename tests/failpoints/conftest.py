"""A running system for failpoints, on either bus."""

import pytest

from chassis.settings import BusKind
from tests.campaigns import SEED
from tests.failpoints.rounds import grounds
from tests.system.conftest import a_home

_REPORT = pytest.StashKey[list[str]]()


@pytest.fixture(scope="package", params=list(BusKind))
async def bus(request):
    """Either bus."""
    return request.param


@pytest.fixture(scope="package")
async def ground(request, bus):
    """One start for all kills: every test takes years of its own."""
    with a_home() as home:
        async with grounds(home, bus) as prepared:
            yield prepared
    said = request.config.stash.setdefault(_REPORT, [])
    said += [f"{prepared.bus_kind} (seed {SEED}): {line}" for line in prepared.report]


def pytest_terminal_summary(terminalreporter, config):
    """How many kills were survived."""
    if said := config.stash.get(_REPORT, []):
        terminalreporter.section("killed and back")
        for line in said:
            terminalreporter.line(line)
