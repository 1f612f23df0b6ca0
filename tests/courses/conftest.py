"""The courses service under test."""

import pytest

from services.courses.app import SERVICE
from tests.conftest import NewService
from tests.courses.builders import CoursesUnderTest


@pytest.fixture
async def empty_courses(new_service: NewService) -> CoursesUnderTest:
    """The service, having heard of nothing yet."""
    return CoursesUnderTest(await new_service(SERVICE))


@pytest.fixture
async def courses(empty_courses: CoursesUnderTest) -> CoursesUnderTest:
    """The service with a contract, an office, a description and room for 100 places in 2024 and 2025."""
    await empty_courses.start()
    return empty_courses
