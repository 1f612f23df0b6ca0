"""Scenes with courses of three periods, as they are set up for moves."""

from datetime import UTC, date, datetime, time
from typing import Any

from contracts.decisions import Decision
from tests.courses.builders import CoursesUnderTest, a_period, expect

FIRST = (date(2024, 3, 4), date(2024, 5, 6), date(2024, 8, 5))
LATER = (date(2024, 4, 1), date(2024, 6, 3), date(2024, 9, 2))


def periods_on(first_days: tuple[date, ...]) -> list[dict[str, Any]]:
    return [a_period(first, 5, mode="face_to_face") for first in first_days]


async def a_three_period_course(
    courses: CoursesUnderTest, first_days: tuple[date, ...] = FIRST, **differences: Any
) -> dict[str, Any]:
    return await courses.a_course(periods=periods_on(first_days), **differences)


async def a_running_course(
    courses: CoursesUnderTest, on: date, first_days: tuple[date, ...] = FIRST, **differences: Any
) -> tuple[dict[str, Any], list[Decision]]:
    """A course with six clients, confirmed, whose first day came before `on`, which is today."""
    course = await a_three_period_course(courses, first_days, **differences)
    clients = [await courses.grant() for _ in range(6)]
    for client in clients:
        expect(201, await courses.pin(course, client))
    expect(200, await courses.confirm(course))
    await go_to(courses, on)
    return await courses.get(course), clients


async def go_to(courses: CoursesUnderTest, day: date) -> None:
    """It is noon of that day, and everything due has been done."""
    await courses.clock.set(datetime.combine(day, time(12), UTC))
    await courses.service.fire_timers()
