"""Deleting and cancelling courses against the real database."""

from datetime import UTC, date, datetime

import asyncpg
import pytest

from chassis.auth import Role
from contracts.courses import ClientMoved, ClientPinned, ClientUnpinned, CourseCancelled, CourseDeleted, ReportFiled
from contracts.values import CourseState, PinState, ReleaseReason, ReportKind
from tests.courses.builders import (
    OTHER_PROVIDER,
    a_description,
    a_proposal,
    a_transfer,
    count_changed,
    descriptions_published,
    expect,
    refusal,
    revoked,
)
from tests.courses.consistency import assert_consistent
from tests.races import take_away

# The course of the builders begins on 4.3.2024: the last day of deleting on time is 3.2.
LATE = datetime(2024, 2, 3, 22, tzinfo=UTC)
LAST_MOMENT_ON_TIME = datetime(2024, 2, 3, 21, 59, 59, tzinfo=UTC)
FIRST_MOMENT = datetime(2024, 3, 3, 22, tzinfo=UTC)


async def everybody_to(courses, course, target):
    return {pin["decision_ref"]: a_transfer(target) for pin in await courses.pins_of(course, PinState.ACTIVE)}


async def test_acceptance_example_1_a_deleted_course_frees_its_places_for_others_of_its_year(empty_courses):
    """Acceptance example 1, R-CRS-37, R-CRS-2: announced 24; 12 + 12; 6 refused; one deleted; 12 free; 6 fit."""
    courses = empty_courses
    await courses.start({2026: 24})
    first_day = date(2026, 3, 2)
    await courses.a_course(group_size=12, first_day=first_day)
    second = await courses.a_course(group_size=12, first_day=first_day)
    six = a_proposal(group_size=6, first_day=first_day)
    code, values = refusal(await courses.provider.post("/courses", json=six))
    assert (code, values) == (
        "PLACE_LEDGER_FULL",
        {"year": 2026, "announced": 24, "reserved": 24, "free": 0, "requested": 6},
    )
    expect(200, await courses.delete(second))
    assert await courses.ledger(2026) == (24, 12, 12)
    expect(201, await courses.provider.post("/courses", json=six))
    assert await courses.ledger(2026) == (24, 18, 6)
    await assert_consistent(courses.service)


async def test_a_deleted_course_is_a_tombstone(courses):
    """E-36, R-CRS-7: its id, number and history stay; nothing more can be done with it."""
    course = await courses.a_course()
    answer = await courses.delete(course)
    gone = expect(200, answer)
    assert (gone["state"], gone["course_number"], gone["version"]) == ("deleted", course["course_number"], 3)
    assert answer.headers["rekku-known"] == f"course:{course['course_id']}@3"
    [event] = await courses.service.published(CourseDeleted)
    assert (event.version, event.course.state, event.course.holds_places) == (3, CourseState.DELETED, False)
    for again in (
        await courses.delete(course),
        await courses.confirm(course),
        await courses.pin(course, await courses.grant()),
        await courses.provider.post(f"/courses/{course['course_id']}/publication"),
    ):
        assert refusal(again) == ("COURSE_GONE", {"course_number": course["course_number"], "state": "deleted"})
    assert await courses.ledger() == (100, 0, 100)
    assert await courses.reports() == []
    ending = expect(200, await courses.provider.get(f"/courses/{course['course_id']}/ending"))
    assert (ending["kind"], ending["late"], ending["reason"], ending["ended_at"]) == (
        "deleted",
        False,
        None,
        "2024-01-15T08:00:00Z",
    )
    await assert_consistent(courses.service)


async def test_a_course_that_goes_on_has_no_ending(courses):
    course = await courses.a_course()
    for course_id, code in ((course["course_id"], "NOT_ENDED"), ("nowhere", "COURSE_UNKNOWN")):
        answer = await courses.provider.get(f"/courses/{course_id}/ending")
        assert refusal(answer, status=404)[0] == code


async def test_a_never_published_course_can_be_deleted(courses):
    """Domain section 7: created goes to deleted too."""
    expect(200, await courses.delete(await courses.create()))
    assert await courses.ledger() == (100, 0, 100)


async def test_acceptance_example_3_seven_pinned_must_run_and_cannot_be_deleted(courses):
    """Acceptance example 3, E-34: 5 confirm refused; 6 allowed; 7 must run, delete refused - for Kela as well."""
    course = await courses.a_course(pinned=5)
    assert refusal(await courses.confirm(course)) == ("CONFIRM_TOO_FEW", {"pinned": 5, "needed": 6})
    await courses.pin(course, await courses.grant())
    assert (await courses.get(course))["may_confirm"] is True
    await courses.pin(course, await courses.grant())
    target = await courses.a_course()
    plan = await everybody_to(courses, course, target)
    for by in (courses.provider, courses.officer):
        answer = await courses.delete(course, by, reason="no staff", transfers=plan)
        assert refusal(answer) == ("MUST_RUN", {"pinned": 7, "must_run_at": 7})
    assert (await courses.get(course))["pinned"] == 7


async def test_a_confirmed_course_cannot_be_deleted(courses):
    """E-34."""
    course = await courses.a_course(pinned=6)
    await courses.confirm(course)
    answer = await courses.delete(course, transfers=await everybody_to(courses, course, await courses.a_course()))
    assert refusal(answer) == ("CONFIRMED", {"course_number": course["course_number"]})


async def test_clients_go_to_other_courses_in_the_same_transaction(courses):
    """R-CRS-36, E-38, E-26: each on the course the plan says, its deadline as before."""
    course = await courses.a_course(pinned=3)
    near, far = await courses.a_course(group_size=6), await courses.a_course(pinned=2)
    refs = sorted(pin["decision_ref"] for pin in await courses.pins_of(course))
    plan = {refs[0]: near["course_id"], refs[1]: far["course_id"], refs[2]: far["course_id"]}
    transfers = {ref: a_transfer({"course_id": target_id}) for ref, target_id in plan.items()}
    answer = await courses.delete(course, transfers=transfers)
    assert expect(200, answer)["pinned"] == 0
    assert {f"pin:{ref}@3" for ref in refs} <= set(answer.headers["rekku-known"].split(", "))
    assert (await courses.get(near))["pinned"] == 1
    assert (await courses.get(far))["pinned"] == 4
    assert {pin["state"] for pin in await courses.pins_of(course)} == {"moved"}
    moved = await courses.service.published(ClientMoved)
    assert [(e.key, e.version, e.pin.course_id, e.pin.moved_to) for e in moved] == [
        (ref, 2, course["course_id"], plan[ref]) for ref in refs
    ]
    pinned = [event for event in await courses.service.published(ClientPinned) if event.pin.moved_from]
    assert [(e.key, e.version, e.pin.course_id, e.pin.moved_from) for e in pinned] == [
        (ref, 3, plan[ref], course["course_id"]) for ref in refs
    ]
    assert not any(event.pin.occupies_place for event in moved)
    assert (await courses.get(near))["confirm_by"] == "2024-07-15"
    await assert_consistent(courses.service)


async def test_nobody_is_left_behind(courses):
    """E-38: without a full plan nothing happens, and the refusal names who is missing."""
    course, target = await courses.a_course(pinned=2), await courses.a_course()
    first, second = sorted(pin["decision_ref"] for pin in await courses.pins_of(course))
    assert refusal(await courses.delete(course)) == (
        "TRANSFERS_MISSING",
        {"pinned": 2, "planned": 0, "missing": [first, second]},
    )
    half = await courses.delete(course, transfers={second: a_transfer(target)})
    assert refusal(half)[1]["missing"] == [first]
    stranger = await courses.grant()
    plan = dict.fromkeys((first, second, stranger.decision_ref), a_transfer(target))
    assert refusal(await courses.delete(course, transfers=plan), status=404)[0] == "NOT_PINNED"
    assert (await courses.get(course))["state"] == "published"


async def test_when_one_client_does_not_fit_nothing_changes(courses):
    """E-26, E-38: the first two would fit, the third does not."""
    course = await courses.a_course(pinned=3)
    target = await courses.a_course(group_size=6, pinned=4)
    everybody = await everybody_to(courses, course, target)
    before = await courses.get(course), await courses.get(target), len(await courses.service.published())
    about = {"decision_ref": max(everybody), "target_number": target["course_number"]}
    may_grow = {"group_size": 6, "offer": "grow_group", "may_grow_to": 12}
    assert refusal(await courses.delete(course, transfers=everybody)) == ("COURSE_FULL", may_grow | about)
    assert (await courses.get(course), await courses.get(target), len(await courses.service.published())) == before
    to_itself = await courses.delete(course, transfers=await everybody_to(courses, course, course))
    assert refusal(to_itself, status=422)[0] == "SAME_COURSE"
    nowhere = dict.fromkeys(everybody, a_transfer({"course_id": "nowhere"}))
    assert refusal(await courses.delete(course, transfers=nowhere), status=404)[0] == "COURSE_UNKNOWN"


async def test_until_the_last_moment_of_the_thirtieth_day_before_the_start_deleting_is_on_time(courses):
    """E-14, R-CRS-35: by the Helsinki date, not by 720 hours."""
    on_time, late = await courses.a_course(), await courses.a_course()
    await courses.clock.set(LAST_MOMENT_ON_TIME)
    expect(200, await courses.delete(on_time))
    await courses.clock.set(LATE)
    assert refusal(await courses.delete(late)) == (
        "REASON_REQUIRED",
        {"notice_by": "2024-02-03", "must_run_since": None},
    )
    expect(200, await courses.delete(late, reason="Only two clients."))
    assert await courses.reports() == [("late_deletion", late["course_id"], "Only two clients.")]
    ending = expect(200, await courses.officer.get(f"/courses/{late['course_id']}/ending"))
    assert (ending["late"], ending["reason"]) == (True, "Only two clients.")
    [event] = await courses.service.published(ReportFiled)
    assert (event.report_kind, event.course_id) == (ReportKind.LATE_DELETION, late["course_id"])
    await assert_consistent(courses.service)


async def test_acceptance_example_5_five_pins_warn_from_day_one_and_are_late_on_the_second_of_march(empty_courses):
    """Acceptance example 5, E-14, E-15: start 31.3.2025; last on-time deletion 1.3.2025; on 2.3. flagged late."""
    courses = empty_courses
    await courses.start({2025: 24})
    course = await courses.a_course(pinned=5, first_day=date(2025, 3, 31))
    warning = {"pinned": 5, "needed": 6, "notice_by": "2025-03-01", "late": False}
    assert course["underfilled"] == warning
    await courses.clock.set(datetime(2025, 3, 1, 21, 59, 59, tzinfo=UTC))
    assert (await courses.get(course))["underfilled"] == warning
    await courses.clock.set(datetime(2025, 3, 1, 22, tzinfo=UTC))
    assert (await courses.get(course))["underfilled"] == warning | {"late": True}
    target = await courses.a_course(first_day=date(2025, 4, 28))
    plan = await everybody_to(courses, course, target)
    assert refusal(await courses.delete(course, transfers=plan))[0] == "REASON_REQUIRED"
    expect(200, await courses.delete(course, reason="Five of six.", transfers=plan))
    assert await courses.reports() == [("late_deletion", course["course_id"], "Five of six.")]


async def test_a_course_keeps_the_notice_of_the_description_it_was_created_under(courses):
    """E-13: what the description says later changes nothing."""
    course = await courses.a_course()
    newer = a_description(description_version=2, valid_from=date(2024, 1, 1), move_notice_days=10)
    await courses.know(descriptions_published(a_description(), newer, version=2))
    assert (await courses.get(course))["underfilled"]["notice_by"] == "2024-02-03"
    assert (await courses.a_course())["underfilled"]["notice_by"] == "2024-02-23"


async def test_deleting_what_was_once_to_be_carried_out_asks_for_a_reason_and_is_reported(courses):
    """E-33: seven were pinned, two decisions were revoked, five are left."""
    course, target = await courses.a_course(pinned=5), await courses.a_course()
    leaving = [await courses.grant(), await courses.grant()]
    for decision in leaving:
        await courses.pin(course, decision)
    await courses.know(*(revoked(decision) for decision in leaving))
    plan = await everybody_to(courses, course, target)
    assert refusal(await courses.delete(course, transfers=plan)) == (
        "REASON_REQUIRED",
        {"notice_by": "2024-02-03", "must_run_since": "2024-01-15"},
    )
    expect(200, await courses.delete(course, reason="Two went.", transfers=plan))
    assert await courses.reports() == [("must_run_course_deleted", course["course_id"], "Two went.")]


async def test_a_stale_version_deletes_nothing(courses):
    """If-Match is the version of the course to be deleted."""
    course = await courses.a_course()
    path = f"/courses/{course['course_id']}/deletion"
    answer = await courses.provider.post(path, json={}, headers={"if-match": '"1"'})
    assert refusal(answer, 412) == ("STALE_VERSION", {"current": 2})
    expect(200, await courses.provider.post(path, json={}, headers={"if-match": '"2"'}))


async def test_a_repeated_deletion_gets_the_stored_answer(courses):
    """E-23: once per Idempotency-Key; the places are freed once."""
    course = await courses.a_course()
    path, headers = f"/courses/{course['course_id']}/deletion", {"idempotency-key": "once"}
    first, again = [await courses.provider.post(path, json={}, headers=headers) for _ in range(2)]
    assert (first.status_code, again.json()) == (200, first.json())
    assert await courses.ledger() == (100, 0, 100)
    assert len(await courses.service.published(CourseDeleted)) == 1


async def test_another_providers_course_is_not_found(courses):
    course = await courses.a_course()
    other = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    assert refusal(await courses.delete(course, other), status=404)[0] == "COURSE_UNKNOWN"


async def test_kela_cancels_a_confirmed_course_and_its_places_are_free(courses):
    """E-34, E-72: not yet begun, so nothing of the year's count was carried out; clients' deadlines are open again."""
    course = await courses.a_course(pinned=6)
    await courses.confirm(course)
    gone = expect(200, await courses.cancel(course, "The house burnt down."))
    assert (gone["state"], gone["pinned"], gone["occupied"]) == ("cancelled", 0, 0)
    assert await courses.ledger() == (100, 0, 100)
    ended = await courses.service.published(ClientUnpinned)
    assert {(e.version, e.pin.state, e.pin.reason, e.pin.occupies_place) for e in ended} == {
        (2, PinState.RELEASED, ReleaseReason.COURSE_CANCELLED, False)
    }
    assert len(ended) == 6
    [event] = await courses.service.published(CourseCancelled)
    assert (event.course.state, event.course.holds_places) == (CourseState.CANCELLED, False)
    await courses.clock.set(FIRST_MOMENT)
    assert await courses.service.fire_timers() == 0
    pinnable = (await courses.provider.get("/pinnable-clients", params={"pinnable": True})).json()["items"]
    assert len(pinnable) == 6
    assert refusal(await courses.cancel(course))[0] == "COURSE_GONE"
    await assert_consistent(courses.service)


async def test_a_course_cancelled_after_its_start_keeps_its_places(courses):
    """E-34, E-1, E-21: it was carried out in part; the pins that end keep theirs."""
    course = await courses.a_course(pinned=6)
    await courses.confirm(course)
    await courses.clock.set(FIRST_MOMENT)
    await courses.service.fire_timers()
    gone = expect(200, await courses.cancel(course))
    assert (gone["state"], gone["pinned"], gone["occupied"]) == ("cancelled", 0, 6)
    assert await courses.ledger() == (100, 12, 88)
    assert {pin["occupies_place"] for pin in await courses.pins_of(course)} == {True}
    await courses.clock.set(datetime(2024, 5, 1, tzinfo=UTC))
    assert await courses.service.fire_timers() == 0
    await assert_consistent(courses.service)


async def test_only_kela_cancels_with_a_reason_and_only_what_is_committed_to(courses):
    """E-34."""
    course = await courses.a_course()
    path = f"/courses/{course['course_id']}/cancellation"
    by_provider = await courses.provider.post(path, json={"reason": "no staff"})
    assert refusal(by_provider, status=403)[0] == "NOT_ALLOWED"
    for nothing, code in (
        ({}, "VALIDATION"),
        ({"reason": "  "}, "TEXT_EMPTY"),
        ({"reason": "a\x00b"}, "TEXT_CONTROL_CHARACTER"),
    ):
        assert refusal(await courses.officer.post(path, json=nothing), status=422)[0] == code
    assert refusal(await courses.cancel(course)) == ("NOT_CONFIRMED", {"course_number": course["course_number"]})


async def test_a_personal_identity_code_in_a_reason_is_refused_and_not_echoed(courses):
    """E-59: reasons are people's own words."""
    course = await courses.a_course()
    answer = await courses.delete(course, reason="131052-308T was ill")
    assert refusal(answer, status=422)[0] == "PERSONAL_IDENTITY_CODE"
    assert "131052" not in answer.text
    too_long = await courses.delete(course, reason="x" * 1001)
    assert refusal(too_long, status=422)[0] == "TEXT_TOO_LONG"
    assert (await courses.get(course))["state"] == "published"


async def test_the_database_itself_brings_nothing_back(courses):
    """Domain section 7: no unpublishing, no unconfirming, no revival; and nobody is pinned to what is over."""
    course = await courses.a_course()
    for state in ("created", "running", "completed", "cancelled"):
        with pytest.raises(asyncpg.PostgresError):
            await take_away(courses.service, f"SET rekku.scope = '*'; UPDATE courses SET state = '{state}'")
    expect(200, await courses.delete(course))
    for change in ("state = 'published', holds_places = true", "pinned = 1, occupied = 1", "holds_places = true"):
        with pytest.raises(asyncpg.CheckViolationError):
            await take_away(courses.service, f"SET rekku.scope = '*'; UPDATE courses SET {change}")


async def test_a_corrected_count_below_what_is_reserved_is_freed_all_the_same(courses):
    """E-3: an overdrawn ledger gives places back without refusing."""
    course = await courses.a_course()
    await courses.know(count_changed({2024: 5}, version=2))
    expect(200, await courses.delete(course))
    assert await courses.ledger() == (5, 0, 5)
