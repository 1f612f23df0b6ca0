"""Past courses that nobody confirmed: did they take place? (E-40)."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from chassis.auth import Role
from contracts.courses import (
    ClientUnpinned,
    CourseBegan,
    CourseCompleted,
    CourseConfirmed,
    CourseDeleted,
    PinFulfilled,
    ReportFiled,
)
from contracts.values import CourseState, ReleaseReason
from tests.courses.builders import OTHER_PROVIDER, PROVIDER, expect, refusal, revoked
from tests.courses.consistency import assert_consistent
from tests.races import take_away

# The course of the builders runs from 4.3. to 19.4.2024.
BEFORE = datetime(2024, 3, 3, 21, 59, 59, tzinfo=UTC)
STARTED = datetime(2024, 3, 3, 22, tzinfo=UTC)
LAST_MOMENT = datetime(2024, 4, 19, 20, 59, 59, tzinfo=UTC)
DAY_AFTER = datetime(2024, 4, 19, 21, tzinfo=UTC)


async def stale_courses(courses, by=None, **query):
    return expect(200, await (by or courses.officer).get("/stale-courses", params=query))


async def test_a_course_with_six_at_its_start_is_confirmed_afterwards_and_runs_to_its_end(courses):
    """E-40, R-CRS-41: marked as confirmed late, and completed by the usual timer."""
    course = await courses.a_course(pinned=6)
    await courses.clock.set(STARTED)
    late = expect(200, await courses.confirm_late(course))
    assert (late["state"], late["late_confirmed"], late["confirmed_on"]) == ("running", True, "2024-03-04")
    assert (late["stale_unconfirmed"], late["confirm_by"]) == (False, "2024-07-15")
    [event] = await courses.service.published(CourseConfirmed)
    assert (event.course.state, event.course.late_confirmed, event.course.pinned) == (CourseState.RUNNING, True, 6)
    assert await courses.service.published(CourseBegan) == []
    await courses.clock.set(LAST_MOMENT)
    assert await courses.service.fire_timers() == 0
    await courses.clock.set(DAY_AFTER)
    assert await courses.service.fire_timers() == 1
    assert (await courses.get(course))["state"] == "completed"
    assert refusal(await courses.confirm_late(course))[0] == "COURSE_GONE"
    await assert_consistent(courses.service)


async def test_a_course_that_is_over_is_confirmed_and_completed_at_once(courses):
    """E-40, R-CRS-41: its pins are fulfilled, so that the follow-up closes."""
    course = await courses.a_course(pinned=6)
    await courses.clock.set(DAY_AFTER)
    late = expect(200, await courses.confirm_late(course))
    assert (late["state"], late["late_confirmed"], late["pinned"], late["occupied"]) == ("completed", True, 0, 6)
    assert {pin["state"] for pin in await courses.pins_of(course)} == {"fulfilled"}
    [confirmed] = await courses.service.published(CourseConfirmed)
    [completed] = await courses.service.published(CourseCompleted)
    assert (completed.version, completed.course.late_confirmed) == (confirmed.version + 1, True)
    assert len(await courses.service.published(PinFulfilled)) == 6
    assert await courses.service.fire_timers() == 0
    await assert_consistent(courses.service)


async def test_who_was_there_at_midnight_of_the_first_day_counts(courses):
    """E-40: not who was pinned or has left since."""
    five = await courses.a_course(pinned=5)
    six = await courses.a_course(pinned=5)
    leaving = await courses.grant()
    await courses.pin(six, leaving)
    gone = await courses.grant()
    await courses.pin(five, gone)
    await courses.clock.set(BEFORE)
    await courses.know(revoked(gone))
    await courses.clock.set(STARTED.replace(second=1))
    await courses.know(revoked(leaving))
    await courses.pin(five, await courses.grant())
    assert refusal(await courses.confirm_late(five)) == ("LATE_CONFIRM_TOO_FEW", {"pinned_at_start": 5, "needed": 6})
    late = expect(200, await courses.confirm_late(six))
    assert (late["state"], late["pinned"]) == ("running", 5)
    await assert_consistent(courses.service)


async def test_with_fewer_an_official_confirms_with_a_reason(courses):
    """E-40, R-CRS-43."""
    course = await courses.a_course(pinned=2)
    await courses.clock.set(STARTED)
    assert refusal(await courses.confirm_late(course, reason="It took place."))[0] == "LATE_CONFIRM_TOO_FEW"
    assert refusal(await courses.confirm_late(course, courses.officer))[0] == "REASON_REQUIRED"
    late = expect(200, await courses.confirm_late(course, courses.officer, reason="Attendance lists seen."))
    assert (late["state"], late["pinned"]) == ("running", 2)
    with pytest.raises(asyncpg.CheckViolationError, match="courses_confirmed_with_enough"):
        await take_away(courses.service, "SET rekku.scope = '*'; UPDATE courses SET override_reason = NULL")


async def test_nothing_is_settled_before_it_has_begun_or_when_it_was_confirmed(courses):
    """E-40."""
    course, confirmed, hidden = await courses.a_course(), await courses.a_course(pinned=6), await courses.create()
    await courses.confirm(confirmed)
    await courses.clock.set(BEFORE)
    not_yet = ("COURSE_NOT_STARTED", {"first_day": "2024-03-04"})
    for settle in (courses.confirm_late, courses.did_not_happen):
        assert refusal(await settle(course)) == not_yet
        assert refusal(await settle(hidden))[0] == "NOT_PUBLISHED"
    assert refusal(await courses.confirm_late(confirmed))[0] == "ALREADY_CONFIRMED"
    assert refusal(await courses.did_not_happen(confirmed))[0] == "CONFIRMED"


async def test_a_course_that_did_not_happen_lets_its_clients_go_and_its_places(courses):
    """E-40, R-CRS-42, R-CRS-37: reported like every late deletion (E-15); deadlines are open again."""
    course = await courses.a_course(pinned=6)
    await courses.clock.set(STARTED)
    assert refusal(await courses.delete(course, reason="forgotten"))[0] == "COURSE_STARTED"
    assert refusal(await courses.did_not_happen(course)) == (
        "REASON_REQUIRED",
        {"notice_by": "2024-02-03", "must_run_since": None},
    )
    gone = expect(200, await courses.did_not_happen(course, reason="The physician fell ill."))
    assert (gone["state"], gone["pinned"], gone["occupied"]) == ("deleted", 0, 0)
    ended = await courses.service.published(ClientUnpinned)
    assert {(e.pin.reason, e.pin.occupies_place) for e in ended} == {(ReleaseReason.DID_NOT_HAPPEN, False)}
    assert len(ended) == 6
    assert len(await courses.service.published(CourseDeleted)) == 1
    assert await courses.ledger() == (100, 0, 100)
    assert await courses.reports() == [("late_deletion", course["course_id"], "The physician fell ill.")]
    assert expect(200, await courses.officer.get(f"/courses/{course['course_id']}/ending"))["kind"] == "did_not_happen"
    next_one = await courses.a_course(first_day=date(2024, 5, 6))
    first = (await courses.pins_of(course))[0]["decision_ref"]
    answer = await courses.provider.post(f"/courses/{next_one['course_id']}/pins", json={"decision_ref": first})
    expect(201, answer)
    await assert_consistent(courses.service)


async def test_a_course_that_was_to_be_carried_out_is_settled_by_an_official(courses):
    """E-34: seven were pinned; the report says that it should have run (E-33)."""
    course = await courses.a_course(pinned=7)
    await courses.clock.set(STARTED)
    answer = await courses.did_not_happen(course, reason="ill")
    assert refusal(answer) == ("MUST_RUN", {"pinned": 7, "must_run_at": 7})
    leaving = (await courses.pins_of(course))[0]["decision_ref"]
    await courses.clock.advance(timedelta(days=1))
    path = f"/courses/{course['course_id']}/pins/{leaving}"
    expect(200, await courses.provider.request("DELETE", path, json={"reason": "fell ill"}))
    assert refusal(await courses.did_not_happen(course, reason="ill")) == ("MUST_RUN", {"pinned": 7, "must_run_at": 7})
    expect(200, await courses.did_not_happen(course, courses.officer, reason="ill"))
    told = ["client_left_must_run_course", "late_deletion", "must_run_course_deleted"]
    assert [kind for kind, _, _ in await courses.reports()] == told


async def test_two_answers_at_once_settle_a_course_once(courses):
    """E-40: yes and no at the same time, several times; the course's lock decides."""
    for _ in range(3):
        course = await courses.a_course(pinned=6, first_day=courses.clock.now.date() + timedelta(days=1))
        await courses.clock.advance(timedelta(days=2))
        answers = await asyncio.gather(
            *(courses.confirm_late(course) for _ in range(3)),
            *(courses.did_not_happen(course, reason="ill") for _ in range(3)),
        )
        assert [answer.status_code for answer in answers].count(200) == 1
        codes = {answer.json()["code"] for answer in answers if answer.status_code == 409}
        assert codes in ({"ALREADY_CONFIRMED", "CONFIRMED"}, {"COURSE_GONE"})
    await assert_consistent(courses.service)


async def test_past_unconfirmed_courses_are_listed_for_the_provider_and_for_kela(courses):
    """R-CRS-39, R-CRS-40: with who was there at the start, and whether the provider can confirm by itself."""
    first, second = await courses.a_course(pinned=6), await courses.a_course(pinned=2)
    confirmed, hidden = await courses.a_course(pinned=6), await courses.create()
    await courses.confirm(confirmed)
    await courses.clock.set(BEFORE)
    assert (await stale_courses(courses))["items"] == []
    await courses.clock.set(STARTED)
    listed = [
        (item["course_id"], item["pinned_at_start"], item["may_confirm_late"], item["stale_unconfirmed"])
        for item in (await stale_courses(courses, courses.provider))["items"]
    ]
    assert listed == [(first["course_id"], 6, True, True), (second["course_id"], 2, False, True)]
    page = await stale_courses(courses, limit=1)
    assert [item["course_id"] for item in page["items"]] == [first["course_id"]]
    rest = await stale_courses(courses, limit=1, after=page["next"])
    assert ([item["course_id"] for item in rest["items"]], rest["next"]) == ([second["course_id"]], None)
    other = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    assert (await stale_courses(courses, other))["items"] == []
    await courses.confirm_late(first)
    await courses.did_not_happen(second, reason="Two only.")
    assert (await stale_courses(courses))["items"] == []
    assert (await courses.get(hidden))["state"] == "created"


async def test_a_provider_that_cannot_confirm_tells_kela(courses):
    """R-CRS-43."""
    course = await courses.a_course(pinned=5)
    path = f"/courses/{course['course_id']}/confirmation-problem"
    body = {"reason": "One client's decision came late."}
    assert refusal(await courses.provider.post(path, json=body))[0] == "COURSE_NOT_STARTED"
    await courses.clock.set(STARTED)
    report = expect(201, await courses.provider.post(path, json=body))
    assert (report["kind"], report["provider_id"]) == ("cannot_confirm_past_course", PROVIDER)
    assert await courses.reports() == [("cannot_confirm_past_course", course["course_id"], body["reason"])]
    [event] = await courses.service.published(ReportFiled)
    assert event.key == report["report_id"]


async def test_reports_are_listed_by_kind_and_course_and_each_provider_sees_its_own(courses):
    """R-CRS-43, E-15: pages in the order they were filed."""
    made = [await courses.a_course() for _ in range(3)]
    await courses.clock.set(STARTED)
    for course in made:
        path = f"/courses/{course['course_id']}/confirmation-problem"
        expect(201, await courses.provider.post(path, json={"reason": "It does not work."}))
    await courses.did_not_happen(made[0], reason="None came.")
    ids = [course["course_id"] for course in made]
    assert [course for _, course, _ in await courses.reports(kind="cannot_confirm_past_course")] == ids
    assert [kind for kind, _, _ in await courses.reports(course_id=ids[0])] == [
        "cannot_confirm_past_course",
        "late_deletion",
    ]
    page = expect(200, await courses.provider.get("/reports", params={"limit": 3}))
    rest = expect(200, await courses.provider.get("/reports", params={"limit": 3, "after": page["next"]}))
    assert (len(page["items"]), [item["kind"] for item in rest["items"]], rest["next"]) == (3, ["late_deletion"], None)
    other = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    assert expect(200, await other.get("/reports"))["items"] == []
    assert refusal(await courses.officer.get("/reports", params={"kind": "gossip"}), status=422)[0] == "VALIDATION"
