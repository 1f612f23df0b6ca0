"""Growing and shrinking a group against the real database."""

from contracts.courses import CourseChanged
from tests.courses.builders import expect, refusal
from tests.courses.consistency import assert_consistent


async def test_growing_takes_places_and_shrinking_gives_them_back(empty_courses):
    """R-CRS-15, E-41: the year's ledger follows, and says when it is full."""
    await empty_courses.start({2024: 10})
    course = await empty_courses.a_course(group_size=8)
    grown = expect(200, await empty_courses.put(course, "group-size", group_size=10))
    assert (grown["group_size"], grown["free_places"], grown["version"]) == (10, 10, 3)
    assert await empty_courses.ledger() == (10, 10, 0)
    assert refusal(await empty_courses.put(course, "group-size", group_size=12)) == (
        "PLACE_LEDGER_FULL",
        {"year": 2024, "announced": 10, "reserved": 10, "free": 0, "requested": 2},
    )
    expect(200, await empty_courses.put(course, "group-size", group_size=6))
    assert await empty_courses.ledger() == (10, 6, 4)
    changed = await empty_courses.service.published(CourseChanged)
    assert [(event.version, event.course.group_size) for event in changed] == [(3, 10), (4, 6)]
    await assert_consistent(empty_courses.service)


async def test_a_confirmed_course_grows_to_the_maximum_and_takes_more_clients(courses):
    """R-CRS-15, R-CRS-24: also after the confirmation, up to twelve; it never shrinks again (E-41)."""
    course = await courses.a_course(group_size=6, pinned=6)
    expect(200, await courses.confirm(course))
    full = refusal(await courses.pin(course, await courses.grant()))
    assert full == ("COURSE_FULL", {"group_size": 6, "offer": "grow_group", "may_grow_to": 12})
    expect(200, await courses.put(course, "group-size", group_size=7))
    expect(201, await courses.pin(course, await courses.grant()))
    code, values = refusal(await courses.put(course, "group-size", group_size=6))
    assert (code, values) == ("SHRINK_AFTER_CONFIRMATION", {"group_size": 7, "requested": 6})
    code, values = refusal(await courses.put(course, "group-size", group_size=13))
    assert (code, values) == ("GROUP_SIZE_OUT_OF_RANGE", {"group_size": 13, "group_min": 6, "group_max": 12})
    await assert_consistent(courses.service)


async def test_a_full_group_offers_to_grow_as_far_as_the_count_allows(empty_courses):
    """E-22: below the maximum and within the ledger; otherwise nothing is offered."""
    await empty_courses.start({2024: 8})
    course = await empty_courses.a_course(group_size=6, pinned=6)
    answer = await empty_courses.pin(course, await empty_courses.grant())
    assert refusal(answer)[1] == {"group_size": 6, "offer": "grow_group", "may_grow_to": 8}
    assert answer.json()["detail"] == "The course is full: 6 places are taken. You can grow the group to 8."
    expect(200, await empty_courses.put(course, "group-size", group_size=8))
    for _ in range(2):
        expect(201, await empty_courses.pin(course, await empty_courses.grant()))
    answer = await empty_courses.pin(course, await empty_courses.grant())
    assert refusal(answer) == ("COURSE_FULL", {"group_size": 8})
    assert answer.json()["detail"] == "The course is full: 8 places are taken."


async def test_a_group_shrinks_no_further_than_its_clients(courses):
    """E-41."""
    course = await courses.a_course(group_size=12, pinned=8)
    assert refusal(await courses.put(course, "group-size", group_size=7)) == (
        "SHRINK_BELOW_PINNED",
        {"pinned": 8, "requested": 7},
    )
    assert expect(200, await courses.put(course, "group-size", group_size=8))["free_places"] == 0


async def test_a_size_sent_again_or_on_an_old_version_changes_nothing(courses):
    """E-23: the same size is a success without an event; a stale version is refused with the current one."""
    course = await courses.a_course(group_size=12)
    path, size = f"/courses/{course['course_id']}/group-size", {"group_size": 8}
    key = {"idempotency-key": "once", "if-match": '"2"'}
    first = await courses.provider.put(path, json=size, headers=key)
    again = await courses.provider.put(path, json=size, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    stale = await courses.provider.put(path, json=size, headers={"if-match": '"2"'})
    assert refusal(stale, status=412) == ("STALE_VERSION", {"current": 3})
    assert expect(200, await courses.put(course, "group-size", group_size=8))["version"] == 3
    assert len(await courses.service.published(CourseChanged)) == 1
    assert await courses.ledger() == (100, 8, 92)
