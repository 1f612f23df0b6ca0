"""Registration on a real database of its own."""

from collections.abc import AsyncIterator

import pytest

from chassis.testing import ServiceUnderTest
from services.registration.app import SERVICE
from tests.openapi import watched


@pytest.fixture
async def registration(new_service) -> AsyncIterator[ServiceUnderTest]:
    """The service; whatever it answers has to stand in its document."""
    service = await new_service(SERVICE)
    with watched(service):
        yield service
