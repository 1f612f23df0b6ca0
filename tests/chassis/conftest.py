"""The toy service the chassis is tested with."""

import pytest

from chassis.testing import ServiceUnderTest
from tests.chassis.toy.app import SERVICE
from tests.conftest import NewService


@pytest.fixture
async def toy(new_service: NewService) -> ServiceUnderTest:
    return await new_service(SERVICE)
