"""The gateway and, where a test needs them, the real services behind it."""

import pytest

from chassis.testing import ServiceUnderTest
from services.courses.app import SERVICE as COURSES
from services.gateway.app import SERVICE as GATEWAY
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.search.app import SERVICE as SEARCH
from tests.conftest import NewService
from tests.gateway.builders import GatewayUnderTest, open_survey, tell_courses, tell_search


@pytest.fixture
async def gateway(new_service: NewService) -> GatewayUnderTest:
    """The gateway, with nothing behind it yet."""
    return GatewayUnderTest(await new_service(GATEWAY))


@pytest.fixture
async def search(gateway: GatewayUnderTest, new_service: NewService) -> ServiceUnderTest:
    """A search that knows one office with one course, behind the gateway."""
    service = await new_service(SEARCH)
    await tell_search(service)
    gateway.put_behind(service)
    return service


@pytest.fixture
async def courses(gateway: GatewayUnderTest, new_service: NewService) -> ServiceUnderTest:
    """A courses service that knows a contract with room and seven clients, behind the gateway."""
    service = await new_service(COURSES)
    await tell_courses(service, decisions=7)
    gateway.put_behind(service)
    return service


@pytest.fixture
async def notifications(gateway: GatewayUnderTest, new_service: NewService) -> ServiceUnderTest:
    """A notifications service behind the gateway."""
    service = await new_service(NOTIFICATIONS)
    gateway.put_behind(service)
    return service


@pytest.fixture
async def token(notifications: ServiceUnderTest) -> str:
    """The link's token of an open survey."""
    return await open_survey(notifications)
