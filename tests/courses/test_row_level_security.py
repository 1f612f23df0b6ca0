"""The second wall: what SQL itself shows to whom."""

from datetime import timedelta

from chassis.auth import PUBLIC, Principal, Role
from tests.courses.builders import FIRST_DAY, OTHER_PROVIDER, PROVIDER, expect

TABLES = ("contracts", "offices", "place_ledgers", "courses", "decisions", "pins")


async def rows_seen(courses, principal):
    async with courses.service.transaction(principal) as tx:
        return {table: await tx.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


async def test_a_provider_sees_its_own_rows_and_nobody_elses(courses):
    """Officers and systems see all, the public nothing."""
    await courses.a_course(pinned=1)
    everything = await rows_seen(courses, Principal("officer", Role.OFFICER))
    assert min(everything.values()) >= 1
    assert await rows_seen(courses, Principal("worker", Role.PROVIDER, PROVIDER)) == everything
    nothing = dict.fromkeys(TABLES, 0)
    assert await rows_seen(courses, Principal("worker", Role.PROVIDER, OTHER_PROVIDER)) == nothing
    assert await rows_seen(courses, PUBLIC) == nothing


CHANGED_TABLES = ("reschedulings", "schedule_consents", "age_notices")


async def test_what_changed_courses_keep_is_seen_by_their_provider_only(courses):
    """Moved dates, consents to them and acknowledged notices are rows of a provider."""
    course = await courses.a_course(pinned=1)
    expect(200, await courses.reschedule(course, FIRST_DAY + timedelta(days=7)))
    async with courses.service.transaction() as tx:
        await tx.execute(
            "INSERT INTO age_notices (course_id, decision_ref, provider_id, given_on, given_by, channel, recorded_at,"
            " recorded_by) SELECT course_id, decision_ref, provider_id, '2024-01-15', 'client', 'phone', $1, 'worker'"
            " FROM pins",
            tx.now,
        )
    for principal, rows in (
        (Principal("worker", Role.PROVIDER, PROVIDER), 1),
        (Principal("worker", Role.PROVIDER, OTHER_PROVIDER), 0),
        (PUBLIC, 0),
    ):
        async with courses.service.transaction(principal) as tx:
            assert [await tx.fetchval(f"SELECT count(*) FROM {table}") for table in CHANGED_TABLES] == [rows] * 3
