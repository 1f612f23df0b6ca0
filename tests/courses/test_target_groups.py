"""Adding and changing disease groups of a course that exists."""

from contracts.courses import CourseChanged
from contracts.registration import TargetGroup
from tests.courses.builders import a_description, descriptions_published, expect, refusal, text
from tests.courses.consistency import assert_consistent


async def test_the_fitting_disease_group_is_added_until_the_course_is_confirmed(courses):
    """R-CRS-16, R-CRS-17: confirming freezes the target group."""
    course = await courses.a_course(pinned=6)
    changed = expect(200, await courses.put(course, "target-groups", target_groups=["group_a", "group_b"]))
    assert changed["target_groups"] == ["group_a", "group_b"]
    [event] = await courses.service.published(CourseChanged)
    assert event.course.target_groups == ("group_a", "group_b")
    expect(200, await courses.confirm(course))
    code, values = refusal(await courses.put(course, "target-groups", target_groups=["group_c"]))
    assert (code, values["confirmed_on"]) == ("TARGET_GROUP_FROZEN", "2024-01-15")
    assert (await courses.get(course))["target_groups"] == ["group_a", "group_b"]
    await assert_consistent(courses.service)


async def test_target_groups_are_those_of_the_description_the_course_was_created_under(courses):
    """R-CRS-16, E-13: a later description does not bind an older course."""
    course = await courses.a_course()
    later = a_description(
        description_version=2, target_groups=(TargetGroup(code="group_z", names=text("z")),), target_groups_max=1
    )
    await courses.know(descriptions_published(a_description(), later, version=2))
    expect(200, await courses.put(course, "target-groups", target_groups=["group_b", "group_c"]))
    code, values = refusal(await courses.put(course, "target-groups", target_groups=["group_z"]))
    assert (code, values["known"]) == ("TARGET_GROUP_UNKNOWN", ["group_a", "group_b", "group_c"])
    assert refusal(await courses.put(course, "target-groups", target_groups=[]))[0] == "TARGET_GROUPS_COUNT"
