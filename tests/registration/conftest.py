"""Registration on a real database of its own."""

import pytest

from chassis.testing import ServiceUnderTest
from services.registration.app import SERVICE


@pytest.fixture
async def registration(new_service) -> ServiceUnderTest:
    return await new_service(SERVICE)
