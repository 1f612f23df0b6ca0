import pytest

from tests.deploy.somewhere import PostgresSomewhere


@pytest.fixture(scope="module")
async def somewhere():
    """A PostgreSQL that is not the embedded one."""
    server = PostgresSomewhere()
    try:
        await server.ready()
        yield server
    finally:
        server.stop()
