"""Courses in their states with clients on them."""

from datetime import date, timedelta

from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from tests.courses.builders import CONTRACT, FIRST_DAY, OFFICE, PROVIDER, SERVICE_CODE, CoursesUnderTest, expect
from tests.fuzz.fuzzing import Known
from tests.fuzz.scenes.scene import Scene


async def set_up(service: ServiceUnderTest) -> Scene:
    """Courses in their states with clients on them, clients without one, and unfinished courses."""
    courses = CoursesUnderTest(service)
    await courses.start({2024: 400, 2025: 400})
    created = [await courses.create() for _ in range(2)]
    published = [await courses.a_course(pinned=pinned) for pinned in (0, 1, 5)]
    confirmed = [await courses.a_course(pinned=6, first_day=FIRST_DAY - timedelta(days=21)) for _ in range(2)]
    for course in confirmed:
        expect(200, await courses.confirm(course))
    past = await courses.a_course(pinned=2, first_day=FIRST_DAY - timedelta(days=21))
    deleted = await courses.a_course()
    expect(200, await courses.delete(deleted))
    decisions = [await courses.grant() for _ in range(6)]
    drafts = [
        expect(
            201,
            await courses.officer.post(
                "/legacy-drafts",
                json={"legacy_ref": f"8323{number}", "contract_id": CONTRACT, "saved_on": "2024-09-27", "known": {}},
            ),
        )
        for number in range(3)
    ]
    await courses.clock.advance(timedelta(days=30))
    await courses.service.fire_timers()
    every = [*created, *published, *confirmed, past, deleted]
    pinned = [pin["decision_ref"] for course in every for pin in await courses.pins_of(course)]
    course_ids = [course["course_id"] for course in every]
    days = [str(date(2024, month, 4)) for month in range(2, 12)]
    known = Known(
        {
            "course_id": course_ids,
            "to_course_id": course_ids,
            "decision_ref": [*pinned[::4], *(decision.decision_ref for decision in decisions)],
            "draft_id": [draft["draft_id"] for draft in drafts],
            "contract_id": [CONTRACT],
            "office_id": [OFFICE],
            "service": [SERVICE_CODE],
            "provider_id": [PROVIDER],
            "year": [2024, 2025],
            "target_groups": [["group_a"], ["group_b", "group_c"]],
            "age_group": [None],
            "group_size": [6, 8, 12],
            "given_on": ["2024-01-20"],
            "first_day": days,
            "last_day": days,
            "after": [""],
            "planned": [None],
        },
        learnt=("course_id", "draft_id"),
    )
    return Scene.of(service, known, [service.http(Role.PROVIDER, PROVIDER), courses.officer])
