"""The courses service under test."""

from collections.abc import AsyncIterator

import pytest

from services.courses.app import SERVICE
from tests.conftest import NewService
from tests.courses.builders import CoursesUnderTest
from tests.openapi import watched


@pytest.fixture
async def empty_courses(new_service: NewService) -> AsyncIterator[CoursesUnderTest]:
    """The service, having heard of nothing yet; whatever it answers has to stand in its document."""
    service = await new_service(SERVICE)
    with watched(service):
        yield CoursesUnderTest(service)


@pytest.fixture
async def courses(empty_courses: CoursesUnderTest) -> CoursesUnderTest:
    """The service with a contract, an office, a description and room for 100 places in 2024 and 2025."""
    await empty_courses.start()
    return empty_courses
