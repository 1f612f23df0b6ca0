"""The second wall behind confirming: what the course was confirmed with, the database keeps."""

from datetime import timedelta

import asyncpg

from tests.courses.builders import FIRST_DAY, a_period, expect

PERIODS = [
    a_period(FIRST_DAY, 5, mode="face_to_face"),
    a_period(FIRST_DAY + timedelta(days=14), 5, mode="online"),
    a_period(FIRST_DAY + timedelta(days=28), 5, mode="face_to_face"),
]
BREAKS = {
    "a smaller group": "group_size = 7",
    "other target groups": "target_groups = '{group_b}'",
    "other ages": "mixed_age = true",
    "the first face-to-face period": "periods = jsonb_set(periods, '{0,last_day}', '\"2024-03-07\"')",
    "the online period": "periods = jsonb_set(periods, '{1,last_day}', '\"2024-03-21\"')",
    "the online period's mode": "periods = jsonb_set(periods, '{1,mode}', '\"remote\"')",
}
KEEPS = {
    "a bigger group": "group_size = 12",
    "a later period": "periods = jsonb_set(periods, '{2,last_day}', '\"2024-04-04\"')",
}


async def try_to(courses, change) -> str | None:
    """Change the only course behind the code's back and take it back; what refused it."""
    async with courses.service.transaction() as tx:
        try:
            async with tx.savepoint():
                await tx.execute(f"UPDATE courses SET {change}")
                raise TakenBack
        except TakenBack:
            return None
        except asyncpg.CheckViolationError as error:
            return error.constraint_name


class TakenBack(Exception):
    """The change went through."""


async def test_the_database_keeps_what_a_course_was_confirmed_with(courses):
    """R-CRS-17, E-35, E-41: whatever the code above it does. Before the confirmation everything may change."""
    course = await courses.a_course(pinned=6, group_size=8, periods=PERIODS)
    assert [what for what, change in (BREAKS | KEEPS).items() if await try_to(courses, change)] == []
    expect(200, await courses.confirm(course))
    assert {what: await try_to(courses, change) for what, change in BREAKS.items()} == dict.fromkeys(
        BREAKS, "courses_keep_commitment"
    )
    assert [what for what, change in KEEPS.items() if await try_to(courses, change)] == []
