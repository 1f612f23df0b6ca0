"""The courses service answers whatever fits its document, and what does not, as its document says."""

from datetime import date, timedelta

import pytest

from chassis.auth import Role
from services.courses.app import SERVICE
from tests.conftest import NewService
from tests.courses.builders import CONTRACT, FIRST_DAY, OFFICE, PROVIDER, SERVICE_CODE, CoursesUnderTest, expect
from tests.fuzz.fuzzing import Known, fuzz
from tests.openapi import watched


async def a_scene(courses: CoursesUnderTest) -> Known:
    """Courses in their states with clients on them, clients without one, and unfinished courses."""
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
    return Known(
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


@pytest.mark.campaign("fuzz")
async def test_nothing_is_answered_outside_the_document(new_service: NewService):
    """Issue 4: no 500 and no answer outside the document, for a provider, an officer and nobody."""
    service = await new_service(SERVICE)
    with watched(service):
        known = await a_scene(CoursesUnderTest(service))
        clients = [service.http(Role.PROVIDER, PROVIDER), service.http(Role.OFFICER), service.http(None)]
        assert await fuzz(service.runtime.app.openapi(), clients, known) == []
