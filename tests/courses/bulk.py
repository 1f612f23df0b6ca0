"""A scene for reading in bulk: two providers' courses in several states, with pins that came and went."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from contracts.decisions import Decision
from tests.courses.builders import CoursesUnderTest, a_description, descriptions_published, expect, text
from tests.courses.stories import a_course_of_another_provider, go_to

TODAY = date(2024, 3, 10)
"""After the first day of `past`; the others begin later."""


@dataclass(frozen=True)
class Scene:
    """Ours: `past` is stale with two clients, `full_enough` must run with seven, `next_year` is created only."""

    courses: CoursesUnderTest
    past: dict[str, Any]
    full_enough: dict[str, Any]
    next_year: dict[str, Any]
    theirs: dict[str, Any]
    moved: Decision
    unpinned: Decision
    other: httpx.AsyncClient

    def names(self, items: list[dict[str, Any]]) -> list[str]:
        """Which of the scene's courses these are, in their order."""
        ids = {
            course["course_id"]: name
            for name in ("past", "full_enough", "next_year", "theirs")
            for course in [getattr(self, name)]
        }
        return [ids[item["course_id"]] for item in items]


async def a_scene(courses: CoursesUnderTest) -> Scene:
    """Everything the lists and files of the tests are about."""
    await courses.start()
    await courses.know(descriptions_published(a_description(names=text("=1+1")), version=2))
    past = await courses.a_course(pinned=2)
    full_enough = await courses.a_course(pinned=6, first_day=date(2024, 5, 6))
    moved, unpinned = await courses.grant(), await courses.grant()
    for client in (moved, unpinned):
        expect(201, await courses.pin(past, client))
    expect(201, await courses.move(past, full_enough, moved))
    expect(200, await courses.unpin(past, unpinned))
    next_year = await courses.create(first_day=date(2025, 2, 3), group_size=6)
    theirs, other = await a_course_of_another_provider(courses)
    await go_to(courses, TODAY)
    return Scene(courses, past, full_enough, next_year, theirs, moved, unpinned, other)
