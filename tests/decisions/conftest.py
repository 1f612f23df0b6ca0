"""The decisions service under test."""

import pytest

from services.decisions.app import SERVICE
from tests.conftest import NewService
from tests.decisions.builders import DecisionsUnderTest


@pytest.fixture
async def empty_decisions(new_service: NewService) -> DecisionsUnderTest:
    """The service, having heard of nothing yet."""
    return DecisionsUnderTest(await new_service(SERVICE))


@pytest.fixture
async def decisions(empty_decisions: DecisionsUnderTest) -> DecisionsUnderTest:
    """The service with a description and a contract that announced 100 for 2024 and for 2025."""
    await empty_decisions.start()
    return empty_decisions
