"""A whole running system for the stories: every service a process of its own, the courses service two."""

import shutil
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from rekku.home import Home
from rekku.up import Launch, free_ports, system
from tests.system.actors import connect
from tests.system.people import Kela

START = datetime(2024, 1, 15, 8, tzinfo=UTC)


@contextmanager
def a_home():
    """A folder of its own that PostgreSQL's user can reach."""
    home = Path(tempfile.mkdtemp(prefix="rekku-system-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
async def running():
    """The system of this test run; `rekku up` starts one in the same way."""
    said = []
    with a_home() as home:
        launch = Launch(Home(home), free_ports(1)[0], START, instances={"courses": 2}, say=said.append)
        async with system(launch) as started:
            yield started


@pytest.fixture
async def world(running):
    """The running system as people see it, on the morning the stories begin."""
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(keepalive_expiry=2)) as client:
        world = await connect(running, client)
        await world.set_clock(START)
        yield world
        await world.bus.close()
        await world.admin.close()


@pytest.fixture
def kela(world):
    return Kela(world)
