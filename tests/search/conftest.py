"""The search service on a database of its own."""

import pytest

from chassis.testing import ServiceUnderTest
from services.search.app import SERVICE
from tests.search.builders import Search


@pytest.fixture
async def service(new_service) -> ServiceUnderTest:
    """The running service with its inbox, as the chassis hands it out."""
    running: ServiceUnderTest = await new_service(SERVICE)
    return running


@pytest.fixture
async def search(service: ServiceUnderTest) -> Search:
    """The service with words for what these tests do with it."""
    return Search(service)
