"""From confirmation to completion: the timers, and what becomes of the pins."""

from datetime import UTC, datetime, timedelta

from contracts.courses import CourseBegan, CourseCompleted, PinFulfilled
from tests.courses.builders import expect, refusal, revoked
from tests.courses.consistency import assert_consistent

# The course of the builders runs from 4.3. to 19.4.2024; Helsinki is two hours ahead of UTC, three in summer.
JUST_BEFORE = datetime(2024, 3, 3, 21, 59, 59, tzinfo=UTC)
FIRST_MOMENT = datetime(2024, 3, 3, 22, tzinfo=UTC)
LAST_MOMENT = datetime(2024, 4, 19, 20, 59, 59, tzinfo=UTC)
DAY_AFTER = datetime(2024, 4, 19, 21, tzinfo=UTC)


async def a_confirmed_course(courses, pinned=6):
    course = await courses.a_course(pinned=pinned)
    expect(200, await courses.confirm(course))
    return course


async def test_a_confirmed_course_begins_at_midnight_in_helsinki_and_ends_the_day_after(courses):
    """Domain section 7, E-16."""
    course = await a_confirmed_course(courses)
    await courses.clock.set(JUST_BEFORE)
    assert await courses.service.fire_timers() == 0
    await courses.clock.set(FIRST_MOMENT)
    assert await courses.service.fire_timers() == 1
    assert (await courses.get(course))["state"] == "running"
    await courses.clock.set(LAST_MOMENT)
    assert await courses.service.fire_timers() == 0
    await courses.clock.set(DAY_AFTER)
    assert await courses.service.fire_timers() == 1
    after = await courses.get(course)
    assert (after["state"], after["pinned"], after["occupied"]) == ("completed", 0, 6)
    assert {pin["state"] for pin in await courses.pins_of(course)} == {"fulfilled"}
    fulfilled = await courses.service.published(PinFulfilled)
    assert [(event.version, event.pin.occupies_place) for event in fulfilled] == [(2, True)] * 6
    await assert_consistent(courses.service)


async def test_after_an_outage_both_days_are_made_up_for_once(courses):
    """Design, timers: every missed one fires once, in order."""
    course = await a_confirmed_course(courses)
    await courses.clock.set(DAY_AFTER + timedelta(days=100))
    assert await courses.service.fire_timers() == 2
    assert await courses.service.fire_timers() == 0
    assert (await courses.get(course))["state"] == "completed"
    began = await courses.service.published(CourseBegan)
    completed = await courses.service.published(CourseCompleted)
    assert [event.version for event in began + completed] == [10, 11]
    await assert_consistent(courses.service)


async def test_an_unconfirmed_course_never_begins(courses):
    """R-CRS-39: it is shown as stale, and can no longer be confirmed as if it were ahead."""
    course = await courses.a_course(pinned=6)
    await courses.clock.set(FIRST_MOMENT)
    assert await courses.service.fire_timers() == 0
    after = await courses.get(course)
    assert (after["state"], after["stale_unconfirmed"]) == ("published", True)
    assert refusal(await courses.confirm(course)) == ("COURSE_STARTED", {"first_day": "2024-03-04"})


async def test_a_place_is_free_again_only_before_the_course_has_begun(courses):
    """E-20, E-21: what an ended pin occupies is fixed when it ends."""
    course = await a_confirmed_course(courses, pinned=11)
    early, late = await courses.grant(), await courses.grant()
    await courses.pin(course, early)
    await courses.know(revoked(early))
    await courses.pin(course, late)
    await courses.clock.set(FIRST_MOMENT)
    await courses.know(revoked(late))
    after = await courses.get(course)
    assert (after["state"], after["pinned"], after["occupied"], after["free_places"]) == ("confirmed", 11, 12, 0)
    pins = {pin["decision_ref"]: pin for pin in await courses.pins_of(course, "released")}
    assert pins[early.decision_ref]["occupies_place"] is False
    assert pins[late.decision_ref]["occupies_place"] is True
    await courses.service.fire_timers()
    assert refusal(await courses.pin(course, await courses.grant())) == ("COURSE_FULL", {"group_size": 12})
    await assert_consistent(courses.service)


async def test_a_completed_course_is_closed_and_its_pins_stay(courses):
    """Domain section 7: fulfilled is not active, so a late revocation takes nothing back."""
    course = await a_confirmed_course(courses)
    decision = await courses.grant()
    await courses.pin(course, decision)
    await courses.clock.set(DAY_AFTER)
    await courses.service.fire_timers()
    await courses.know(revoked(decision))
    assert {pin["state"] for pin in await courses.pins_of(course)} == {"fulfilled"}
    assert refusal(await courses.pin(course, await courses.grant()))[0] == "COURSE_GONE"
    assert refusal(await courses.unpin(course, decision), status=404)[0] == "NOT_PINNED"
    await assert_consistent(courses.service)


async def test_a_confirmed_course_stays_confirmed_when_clients_leave(courses):
    """R-CRS-26."""
    course = await a_confirmed_course(courses)
    for pin in await courses.pins_of(course):
        expect(200, await courses.provider.delete(f"/courses/{course['course_id']}/pins/{pin['decision_ref']}"))
    assert (await courses.get(course))["state"] == "confirmed"
    await courses.clock.set(FIRST_MOMENT)
    await courses.service.fire_timers()
    assert (await courses.get(course))["state"] == "running"
