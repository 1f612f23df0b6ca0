"""The notifications service on a database of its own."""

import pytest

from chassis.testing import ServiceUnderTest
from services.notifications.app import SERVICE
from tests.notifications.builders import Notifications


@pytest.fixture
async def service(new_service) -> ServiceUnderTest:
    """The running service with its inbox, as the chassis hands it out."""
    return await new_service(SERVICE)


@pytest.fixture
async def notifications(service: ServiceUnderTest) -> Notifications:
    """The service with words for what these tests do with it."""
    return Notifications(service)
