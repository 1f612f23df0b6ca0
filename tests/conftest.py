"""Fixtures every test may use: one real PostgreSQL per run, one fresh database per test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chassis.service import Service
from chassis.testing import ClusterUnderTest, ServiceUnderTest, service_under_test

NewService = Callable[[Service], Awaitable[ServiceUnderTest]]


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[ClusterUnderTest]:
    """The run's PostgreSQL."""
    running = await asyncio.to_thread(ClusterUnderTest)
    await running.prepare()
    yield running
    running.close()


@pytest.fixture
async def new_service(cluster: ClusterUnderTest, tmp_path: Path) -> AsyncIterator[NewService]:
    """`await new_service(SERVICE)`: the service on a fresh database, cleaned up after the test."""
    async with AsyncExitStack() as stack:

        async def start(service: Service) -> ServiceUnderTest:
            home = tmp_path / service.name
            home.mkdir(exist_ok=True)
            return await stack.enter_async_context(service_under_test(cluster, service, home))

        yield start
