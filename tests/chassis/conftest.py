"""The toy service the chassis is tested with."""

from collections.abc import AsyncIterator

import pytest

from chassis.testing import ClusterUnderTest, ServiceUnderTest
from tests.chassis.issuer import Issuer, an_issuer
from tests.chassis.toy.app import SERVICE
from tests.conftest import NewService
from tests.rebuilding import OnBus, on_bus


@pytest.fixture
async def toy(new_service: NewService) -> ServiceUnderTest:
    return await new_service(SERVICE)


@pytest.fixture
async def here(cluster: ClusterUnderTest, toy: ServiceUnderTest) -> AsyncIterator[OnBus]:
    """The toy on the embedded bus."""
    async with on_bus(cluster, toy) as running:
        yield running


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """A token issuer, reached over HTTP."""
    async with an_issuer() as running:
        yield running
