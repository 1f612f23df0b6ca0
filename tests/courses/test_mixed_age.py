"""The year's last course for every age, and those who have to know of it."""

from datetime import UTC, datetime, time

import asyncpg
import pytest

from contracts.courses import CourseChanged, CourseConfirmed
from contracts.registration import AgeGroup
from services.courses import handlers
from services.courses.changing import notices
from services.courses.ending import handlers as ending
from tests.courses.builders import (
    FIRST_DAY,
    a_consent,
    a_description,
    a_transfer,
    contract_registered,
    count_changed,
    descriptions_published,
    expect,
    office_registered,
    provider,
    refusal,
    text,
)
from tests.courses.consistency import assert_consistent

YOUNG = AgeGroup(code="under_68", names=text("alle 68"), min_age=18, max_age=67)
OLD = AgeGroup(code="from_68", names=text("68 täyttäneet"), min_age=68)
STATED = {"raising_not_possible": True}
LEFT_OVER = 5


@pytest.fixture
async def aged(empty_courses):
    """A service with two age groups, and room for a course of twelve and five more."""
    description = a_description(min_age=18, age_groups=(YOUNG, OLD))
    await empty_courses.know(
        descriptions_published(description), office_registered(), contract_registered({2024: 12 + LEFT_OVER})
    )
    return empty_courses


async def mix(courses, course, **body):
    return await courses.provider.post(f"/courses/{course['course_id']}/mixed-age", json=STATED | body)


async def acknowledge(courses, course, decision_ref, **differences):
    return await courses.put(course, f"age-notices/{decision_ref}", **a_consent(**differences))


async def a_mixed_course(courses, pinned=0):
    course = await courses.a_course(pinned=pinned, age_group="under_68")
    expect(200, await mix(courses, course))
    return await courses.get(course)


async def test_the_last_course_of_the_year_may_be_for_every_age(aged):
    """R-CRS-47, R-CRS-49, E-47: five places are left after it, too few for a group of six."""
    course = await aged.a_course(age_group="under_68")
    assert (course["age_group"], course["min_age"], course["max_age"]) == ("under_68", 18, 67)
    mixed = expect(200, await mix(aged, course))
    assert (mixed["mixed_age"], mixed["age_group"], mixed["min_age"], mixed["max_age"]) == (True, None, 18, None)
    again = expect(200, await mix(aged, course))
    assert again["version"] == mixed["version"]
    [event] = await aged.service.published(CourseChanged)
    assert (event.course.mixed_age, event.course.min_age, event.course.max_age) == (True, 18, None)
    await assert_consistent(aged.service)


async def test_where_another_course_fits_ages_are_not_mixed(aged):
    """R-CRS-48, E-47: with six places left a course of its own is possible; raising the count comes first."""
    course = await aged.a_course(age_group="under_68", group_size=11)
    assert refusal(await mix(aged, course)) == ("MIXED_AGE_NOT_LAST", {"year": 2024, "free": 6, "group_min": 6})
    assert (await aged.get(course))["age_group"] == "under_68"
    for said in (False, None, "perhaps"):
        assert refusal(await mix(aged, course, raising_not_possible=said), 422)[0] == "VALIDATION"


async def test_a_service_without_age_groups_has_nothing_to_mix(courses):
    course = await courses.a_course()
    assert refusal(await mix(courses, course))[0] == "NO_AGE_GROUP"
    expect(201, await courses.pin(course, decision := await courses.grant()))
    assert refusal(await acknowledge(courses, course, decision.decision_ref))[0] == "NOT_MIXED_AGE"
    notice = {"decision_ref": (await courses.grant()).decision_ref, "age_notice": a_consent()}
    refused = await courses.provider.post(f"/courses/{course['course_id']}/pins", json=notice)
    assert refusal(refused)[0] == "NOT_MIXED_AGE"


async def test_a_mixed_course_is_confirmed_when_every_client_knows(aged):
    """R-CRS-49, E-47, E-58: until then it is refused with those who have not acknowledged; who leaves is not asked."""
    course = await a_mixed_course(aged, pinned=8)
    first, *rest = [pin["decision_ref"] for pin in await aged.pins_of(course)]
    assert refusal(await aged.confirm(course)) == ("AGE_NOTICE_MISSING", {"decision_refs": [first, *rest]})
    for decision_ref in rest[:-1]:
        answer = expect(200, await acknowledge(aged, course, decision_ref, by="guardian"))
        assert (answer["acknowledged"], answer["by"]) == (True, "guardian")
    assert refusal(await aged.confirm(course))[1] == {"decision_refs": [first, rest[-1]]}
    expect(200, await acknowledge(aged, course, first))
    left = f"/courses/{course['course_id']}/pins/{rest[-1]}"
    expect(200, await aged.provider.request("DELETE", left, json={"reason": "wants another provider"}))
    listed = expect(200, await aged.provider.get(f"/courses/{course['course_id']}/age-notices"))["items"]
    known = {notice["decision_ref"]: notice["acknowledged"] for notice in listed}
    assert known == dict.fromkeys((first, *rest[:-1]), True)
    expect(200, await aged.confirm(course))
    [confirmed] = await aged.service.published(CourseConfirmed)
    assert confirmed.course.mixed_age
    await assert_consistent(aged.service)


async def test_a_confirmed_mixed_course_takes_only_clients_who_know(aged):
    """R-CRS-49, E-47: whoever is pinned after the confirmation brings the acknowledgement along."""
    course = await a_mixed_course(aged, pinned=6)
    for pin in await aged.pins_of(course):
        expect(200, await acknowledge(aged, course, pin["decision_ref"]))
    expect(200, await aged.confirm(course))
    decision = await aged.grant()
    refused = await aged.pin(course, decision)
    assert refusal(refused) == ("AGE_NOTICE_MISSING", {"decision_refs": [decision.decision_ref]})
    assert len(await aged.pins_of(course)) == 6
    body = {"decision_ref": decision.decision_ref, "age_notice": a_consent()}
    expect(201, await aged.provider.post(f"/courses/{course['course_id']}/pins", json=body))
    expect(200, await aged.unpin(course, decision, reason="wants to think it over"))
    expect(201, await aged.pin(course, decision))
    await assert_consistent(aged.service)


async def test_clients_come_to_a_confirmed_mixed_course_by_a_move_or_a_deletion_only_if_they_know(aged):
    """R-CRS-49, E-47: the notice comes with the move as it does with a pin, and is kept."""
    await aged.know(count_changed({2024: 12 + 6 + LEFT_OVER}, version=2))
    here = await aged.a_course(pinned=2, group_size=6, age_group="under_68")
    there = await a_mixed_course(aged, pinned=6)
    for pin in await aged.pins_of(there):
        expect(200, await acknowledge(aged, there, pin["decision_ref"]))
    expect(200, await aged.confirm(there))
    moving, staying = sorted(pin["decision_ref"] for pin in await aged.pins_of(here))
    path = f"/courses/{here['course_id']}/pins/{moving}/move"
    refused = await aged.provider.post(path, json=a_transfer(there))
    assert refusal(refused) == ("AGE_NOTICE_MISSING", {"decision_refs": [moving]})
    ahead = await aged.provider.post(path, json=a_transfer(there, age_notice=a_consent(given_on="2024-01-16")))
    assert refusal(ahead)[0] == "CONSENT_IN_FUTURE"
    knows = a_transfer(there, age_notice=a_consent(by="guardian"), reason="nearer")
    expect(201, await aged.provider.post(path, json=knows))
    about = {"decision_ref": staying, "target_number": there["course_number"]}
    refused = await aged.delete(here, reason="Too few.", transfers={staying: a_transfer(there)})
    assert refusal(refused) == ("AGE_NOTICE_MISSING", {"decision_refs": [staying]} | about)
    knows = a_transfer(there, age_notice=a_consent())
    expect(200, await aged.delete(here, reason="Too few.", transfers={staying: knows}))
    listed = expect(200, await aged.provider.get(f"/courses/{there['course_id']}/age-notices"))["items"]
    assert {n["decision_ref"]: n["by"] for n in listed}.items() >= {moving: "guardian", staying: "client"}.items()
    await assert_consistent(aged.service)


async def test_only_pinned_clients_acknowledge_and_nobody_tomorrow(aged):
    """E-47."""
    course = await a_mixed_course(aged, pinned=1)
    [pin] = await aged.pins_of(course)
    stranger = await aged.grant()
    assert refusal(await acknowledge(aged, course, stranger.decision_ref), 404)[0] == "NOT_PINNED"
    ahead = await acknowledge(aged, course, pin["decision_ref"], given_on="2024-01-16")
    assert refusal(ahead) == ("CONSENT_IN_FUTURE", {"given_on": "2024-01-16", "today": "2024-01-15"})
    for _ in range(2):
        expect(200, await acknowledge(aged, course, pin["decision_ref"]))
    async with aged.service.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM age_notices") == 1


async def test_confirming_freezes_the_ages_too(aged):
    """R-CRS-17."""
    course = await aged.a_course(age_group="under_68", pinned=6)
    expect(200, await aged.confirm(course))
    assert refusal(await mix(aged, course))[0] == "TARGET_GROUP_FROZEN"


async def test_a_mixed_course_is_confirmed_late_only_when_every_client_knows(aged):
    """E-40, E-47: the acknowledgement can still be given then."""
    course = await a_mixed_course(aged, pinned=6)
    await aged.clock.set(datetime.combine(FIRST_DAY, time(12), UTC))
    refs = [pin["decision_ref"] for pin in await aged.pins_of(course)]
    assert refusal(await aged.confirm_late(course)) == ("AGE_NOTICE_MISSING", {"decision_refs": refs})
    for ref in refs:
        expect(200, await acknowledge(aged, course, ref))
    assert expect(200, await aged.confirm_late(course))["state"] == "running"
    await assert_consistent(aged.service)


@pytest.mark.parametrize("late", [False, True])
async def test_without_the_check_the_database_still_refuses_to_confirm(aged, monkeypatch, late):
    """E-47: a trigger is the second wall, also of a late confirmation."""

    async def nobody_asks(tx, course):
        return None

    course = await a_mixed_course(aged, pinned=6)
    if late:
        await aged.clock.set(datetime.combine(FIRST_DAY, time(12), UTC))
    confirm = ending.confirm_retroactively if late else handlers.confirm_course
    monkeypatch.setattr(notices, "require_all_know", nobody_asks)
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await aged.service.db.run(lambda tx: confirm(tx, course["course_id"]), provider("worker"))
    assert caught.value.constraint_name == "courses_mixed_are_known"
    assert (await aged.get(course))["state"] == "published"
