"""Family courses: what is agreed to or acknowledged is the guardian's (E-58)."""

from datetime import timedelta

import pytest

from services.courses import copies
from tests.courses.builders import (
    FIRST_DAY,
    CoursesUnderTest,
    a_consent,
    a_description,
    a_transfer,
    contract_registered,
    descriptions_published,
    expect,
    office_registered,
    refusal,
    text,
)
from tests.courses.consistency import assert_consistent
from tests.courses.test_mixed_age import LEFT_OVER, OLD, YOUNG, a_mixed_course, acknowledge

A_WEEK_LATER = FIRST_DAY + timedelta(days=7)


@pytest.fixture
async def family(empty_courses: CoursesUnderTest) -> CoursesUnderTest:
    """A family course's service of two age groups, with room for two courses of six and five more."""
    description = a_description(family_course=True, names=text("family"), age_groups=(YOUNG, OLD))
    await empty_courses.know(
        descriptions_published(description), office_registered(), contract_registered({2024: 12 + LEFT_OVER})
    )
    return empty_courses


async def a_group(courses: CoursesUnderTest, pinned: int = 0) -> dict:
    return await courses.a_course(pinned=pinned, group_size=6, age_group="under_68")


async def test_the_guardian_agrees_to_new_dates_of_a_family_course(family):
    """E-58, R-CRS-34: of every pinned client; whose guardian has not is named, and nothing changes."""
    course = await a_group(family, pinned=2)
    first, second = [pin["decision_ref"] for pin in await family.pins_of(course)]
    given = [a_consent(decision_ref=first, by="guardian"), a_consent(decision_ref=second)]
    answer = await family.reschedule(course, A_WEEK_LATER, consents=given)
    assert refusal(answer) == ("GUARDIAN_NEEDED", {"decision_refs": [second]})
    assert (await family.get(course))["version"] == course["version"]
    given[1]["by"] = "guardian"
    expect(200, await family.reschedule(course, A_WEEK_LATER, consents=given))
    await assert_consistent(family.service)


async def test_the_guardian_agrees_to_a_move_and_to_a_deletions_plan(family):
    """E-58, R-CRS-28."""
    here, there = await a_group(family, pinned=1), await a_group(family)
    moving = await family.grant()
    expect(201, await family.pin(here, moving))
    answer = await family.move(here, there, moving)
    assert refusal(answer) == ("GUARDIAN_NEEDED", {"decision_refs": [moving.decision_ref]})
    expect(201, await family.move(here, there, moving, consent=a_consent(by="guardian")))
    [staying] = [pin["decision_ref"] for pin in await family.pins_of(here) if pin["state"] == "active"]
    answer = await family.delete(here, reason="Too few.", transfers={staying: a_transfer(there)})
    assert refusal(answer)[0] == "GUARDIAN_NEEDED"
    agreed = a_transfer(there, consent=a_consent(by="guardian"))
    expect(200, await family.delete(here, reason="Too few.", transfers={staying: agreed}))
    await assert_consistent(family.service)


async def test_the_guardian_acknowledges_mixed_ages(family):
    """E-58, E-47."""
    course = await a_mixed_course(family, pinned=1)
    [pin] = await family.pins_of(course)
    refused = await acknowledge(family, course, pin["decision_ref"])
    assert refusal(refused) == ("GUARDIAN_NEEDED", {"decision_refs": [pin["decision_ref"]]})
    expect(200, await acknowledge(family, course, pin["decision_ref"], by="guardian"))


async def test_control_without_the_guard_a_child_agrees_to_a_move(family, monkeypatch):
    """E-58: the tests above fail where nobody asks what kind of course it is."""

    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr(copies, "is_family_course", never)
    here, there = await a_group(family), await a_group(family)
    moving = await family.grant()
    expect(201, await family.pin(here, moving))
    expect(201, await family.move(here, there, moving))
