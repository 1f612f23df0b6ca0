"""Scenes with courses of three periods, as they are set up for moves."""

from datetime import UTC, date, datetime, time
from typing import Any

import httpx

from chassis.auth import Role
from contracts.decisions import Decision
from tests.courses.builders import (
    OTHER_PROVIDER,
    CoursesUnderTest,
    a_period,
    a_proposal,
    contract_registered,
    expect,
    office_registered,
)

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


async def a_course_of_another_provider(courses: CoursesUnderTest) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """A published course of another provider in the same service, and that provider's hand on it."""
    await courses.know(
        office_registered(office_id="office-2", provider_id=OTHER_PROVIDER),
        contract_registered({2024: 12}, contract_id="contract-2", provider_id=OTHER_PROVIDER),
    )
    other = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    body = a_proposal(contract_id="contract-2", office_id="office-2")
    course = expect(201, await other.post("/courses", json=body))
    expect(200, await other.post(f"/courses/{course['course_id']}/publication"))
    return course, other


async def go_to(courses: CoursesUnderTest, day: date) -> None:
    """It is noon of that day, and everything due has been done."""
    await courses.clock.set(datetime.combine(day, time(12), UTC))
    await courses.service.fire_timers()
