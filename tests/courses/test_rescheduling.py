"""Moving a course's dates against the real database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.courses import CourseBegan, CourseCompleted, CourseRescheduled, ReportFiled
from contracts.values import ReportKind
from tests.courses.builders import (
    FIRST_DAY,
    a_consent,
    a_period,
    a_proposal,
    count_changed,
    expect,
    refusal,
    revoked,
)
from tests.courses.consistency import assert_consistent
from tests.courses.stories import LATER, a_running_course, a_three_period_course, periods_on
from tests.decision_refs import a_decision_ref

NEXT_YEAR = date(2025, 3, 3)
A_WEEK_LATER = FIRST_DAY + timedelta(days=7)
FIRE = "Tilat eivät ole käytettävissä."


async def a_course_for_next_year(courses, pinned=6):
    """Clients whose deadline is in the next summer."""
    course = await courses.a_course()
    for _ in range(pinned):
        expect(201, await courses.pin(course, await courses.grant(confirm_by=date(2025, 6, 30))))
    return await courses.get(course)


async def reports(courses) -> list[tuple[ReportKind, str | None]]:
    filed = [event.report_kind for event in await courses.service.published(ReportFiled)]
    async with courses.service.transaction() as tx:
        rows = await tx.fetch("SELECT kind, reason FROM reports ORDER BY report_id")
    assert [row["kind"] for row in rows] == filed
    return [(row["kind"], row["reason"]) for row in rows]


async def test_a_course_moves_with_the_consent_of_every_pinned_client(courses):
    """R-CRS-32, R-CRS-34, E-58: consents are kept, also a guardian's, and so are the dates as they were."""
    course = await courses.a_course(pinned=2)
    first, second = [pin["decision_ref"] for pin in await courses.pins_of(course)]
    given = [a_consent(decision_ref=first)]
    refused = await courses.reschedule(course, A_WEEK_LATER, consents=given)
    assert refusal(refused) == ("CONSENT_MISSING", {"change": "dates", "decision_refs": [second]})
    assert refused.json()["detail"] == f"These pinned clients have not agreed to the new dates: {second}."
    given.append(a_consent(decision_ref=second, by="guardian", channel="letter", given_on="2024-01-14"))
    moved = expect(200, await courses.reschedule(course, A_WEEK_LATER, consents=given))
    assert [period["first_day"] for period in moved["periods"]] == ["2024-03-11", "2024-04-22"]
    assert moved["version"] == course["version"] + 1
    [event] = await courses.service.published(CourseRescheduled)
    assert (event.version, event.course.periods[0].first_day) == (moved["version"], A_WEEK_LATER)
    path = f"/courses/{course['course_id']}/reschedulings"
    [kept] = expect(200, await courses.provider.get(path))["items"]
    assert (kept["before"], kept["after"]) == (course["periods"], moved["periods"])
    assert (kept["late"], kept["consents"], kept["version"]) == (False, 2, moved["version"])
    async with courses.service.transaction() as tx:
        rows = await tx.fetch("SELECT given_on, given_by, channel FROM schedule_consents ORDER BY decision_ref")
    assert [tuple(row) for row in rows] == [
        (date(2024, 1, 15), "client", "phone"),
        (date(2024, 1, 14), "guardian", "letter"),
    ]
    await assert_consistent(courses.service)


async def test_the_same_dates_again_change_nothing(courses):
    """E-23: nobody is asked for a consent to what is already so."""
    course = await courses.a_course(pinned=1)
    same = expect(200, await courses.reschedule(course, FIRST_DAY, consents=[]))
    assert same["version"] == course["version"]
    assert await courses.service.published(CourseRescheduled) == []


async def test_moving_to_the_next_year_frees_this_years_places(courses):
    """R-CRS-33, E-1, E-37: one transaction frees the one year and takes the other; moving back the same."""
    course = await a_course_for_next_year(courses)
    moved = expect(200, await courses.reschedule(course, NEXT_YEAR))
    assert moved["year"] == 2025
    assert (await courses.ledger(2024), await courses.ledger(2025)) == ((100, 0, 100), (100, 12, 88))
    await assert_consistent(courses.service)
    back = expect(200, await courses.reschedule(course, FIRST_DAY))
    assert back["year"] == 2024
    assert (await courses.ledger(2024), await courses.ledger(2025)) == ((100, 12, 88), (100, 0, 100))
    path = f"/courses/{course['course_id']}/reschedulings"
    page = expect(200, await courses.provider.get(path, params={"limit": 1}))
    rest = expect(200, await courses.provider.get(path, params={"limit": 1, "after": page["next"]}))
    assert [item["version"] for item in page["items"] + rest["items"]] == [moved["version"], back["version"]]
    assert rest["next"] is None
    await assert_consistent(courses.service)


async def test_the_next_year_needs_an_announced_count_with_room(empty_courses):
    """R-CRS-33, E-37: announced or taken by default, what counts is that the year has a count."""
    await empty_courses.start({2024: 12})
    course = await a_course_for_next_year(empty_courses, pinned=1)
    nothing = {"year": 2025, "announced": 0, "reserved": 0, "free": 0, "requested": 12}
    assert refusal(await empty_courses.reschedule(course, NEXT_YEAR)) == ("PLACE_LEDGER_FULL", nothing)
    await empty_courses.know(count_changed({2024: 12, 2025: 11}, version=2))
    assert refusal(await empty_courses.reschedule(course, NEXT_YEAR))[1]["free"] == 11
    assert await empty_courses.ledger(2024) == (12, 12, 0)
    await empty_courses.know(count_changed({2024: 12, 2025: 12}, version=3))
    expect(200, await empty_courses.reschedule(course, NEXT_YEAR))
    assert (await empty_courses.ledger(2024), await empty_courses.ledger(2025)) == ((12, 0, 12), (12, 12, 0))


async def test_a_move_past_a_clients_deadline_is_refused_with_the_list(courses):
    """R-CRS-19, E-37: with the decisions whose deadline would break."""
    course = await courses.a_course()
    early, late = await courses.grant(confirm_by=date(2024, 7, 15)), await courses.grant(confirm_by=date(2025, 3, 3))
    for decision in (early, late):
        expect(201, await courses.pin(course, decision))
    code, values = refusal(await courses.reschedule(course, NEXT_YEAR))
    assert (code, values["decision_refs"], values["deadlines"]) == (
        "DEADLINE_BREAKS",
        [early.decision_ref],
        ["2024-07-15"],
    )
    await courses.know(revoked(early))
    expect(200, await courses.reschedule(course, NEXT_YEAR))


async def test_dates_on_which_a_moved_clients_path_would_be_too_long_are_refused_with_the_list(courses):
    """E-12, E-37: the client began on another course on 4 March, so 4 December is the last day allowed."""
    here, clients = await a_running_course(courses, on=date(2024, 3, 11))
    there = await a_three_period_course(courses, LATER)
    expect(200, await courses.note(here, clients[0], [1]))
    expect(201, await courses.move(here, there, clients[0]))
    expect(201, await courses.pin(there, await courses.grant()))
    days = (date(2024, 4, 8), date(2024, 6, 3))
    too_late = {"periods": periods_on((*days, date(2024, 12, 1)))}
    assert refusal(await courses.reschedule(there, FIRST_DAY, **too_late)) == (
        "PATHS_TOO_LONG",
        {
            "months": 9,
            "last_day": "2024-12-05",
            "decision_refs": [clients[0].decision_ref],
            "latest": ["2024-12-04"],
        },
    )
    expect(
        200, await courses.reschedule(there, FIRST_DAY, reason=FIRE, periods=periods_on((*days, date(2024, 11, 30))))
    )


async def test_after_the_confirmation_only_later_periods_move(courses):
    """R-CRS-17, E-35: the first face-to-face and the online period are committed to."""
    course = await courses.a_course(
        pinned=6,
        periods=[
            a_period(FIRST_DAY, 5, mode="face_to_face"),
            a_period(FIRST_DAY + timedelta(days=21), 5, mode="online"),
            a_period(FIRST_DAY + timedelta(days=42), 5, mode="face_to_face"),
        ],
    )
    expect(200, await courses.confirm(course))
    asked = [{key: period[key] for key in ("first_day", "last_day", "mode")} for period in course["periods"]]
    everything = [a_period(date.fromisoformat(p["first_day"]) + timedelta(days=1), 5, mode=p["mode"]) for p in asked]
    refused = await courses.reschedule(course, FIRST_DAY, periods=everything)
    assert refusal(refused) == ("PERIOD_FROZEN", {"periods": [1, 2]})
    later = [*asked[:2], a_period(FIRST_DAY + timedelta(days=49), 5, mode="face_to_face")]
    assert refusal(await courses.reschedule(course, FIRST_DAY, periods=later, consents=[]))[0] == "CONSENT_MISSING"
    moved = expect(200, await courses.reschedule(course, FIRST_DAY, periods=later))
    assert (moved["state"], moved["periods"][2]["first_day"]) == ("confirmed", "2024-04-22")
    await assert_consistent(courses.service)


async def test_a_moved_course_begins_and_ends_on_its_new_days(courses):
    """E-35, E-16: its timers are planned anew; the old days pass without anything."""
    remote, face = date(2024, 3, 4), date(2024, 3, 18)
    course = await courses.a_course(
        pinned=6, periods=[a_period(remote, 2, mode="remote"), a_period(face, 5, mode="face_to_face")]
    )
    expect(200, await courses.confirm(course))
    begins_later = [a_period(remote + timedelta(days=7), 2, mode="remote"), a_period(face, 5, mode="face_to_face")]
    expect(200, await courses.reschedule(course, remote, periods=begins_later))
    await courses.clock.set(datetime(2024, 3, 4, 12, tzinfo=UTC))
    assert await courses.service.fire_timers() == 0
    await courses.clock.set(datetime(2024, 3, 10, 22, tzinfo=UTC))
    assert await courses.service.fire_timers() == 1
    assert [event.course.state for event in await courses.service.published(CourseBegan)] == ["running"]
    await courses.clock.set(datetime(2024, 3, 22, 22, tzinfo=UTC))
    assert await courses.service.fire_timers() == 1
    assert len(await courses.service.published(CourseCompleted)) == 1
    await assert_consistent(courses.service)


async def test_a_running_course_whose_last_period_moves_is_completed_later(courses):
    """E-35."""
    last = date(2024, 4, 15)
    course = await courses.a_course(
        pinned=6, periods=[a_period(FIRST_DAY, 5, mode="face_to_face"), a_period(last, 5, mode="face_to_face")]
    )
    expect(200, await courses.confirm(course))
    await courses.clock.set(datetime(2024, 3, 10, 12, tzinfo=UTC))
    await courses.service.fire_timers()
    later = [a_period(FIRST_DAY, 5, mode="face_to_face"), a_period(last + timedelta(days=7), 5, mode="face_to_face")]
    expect(200, await courses.reschedule(course, FIRST_DAY, periods=later))
    await courses.clock.set(datetime(2024, 4, 20, 12, tzinfo=UTC))
    assert await courses.service.fire_timers() == 0
    await courses.clock.set(datetime(2024, 4, 26, 21, tzinfo=UTC))
    assert await courses.service.fire_timers() == 1
    assert (await courses.get(course))["state"] == "completed"
    await assert_consistent(courses.service)


@pytest.mark.parametrize(
    ("now", "late"),
    [(datetime(2024, 2, 3, 21, 59, tzinfo=UTC), False), (datetime(2024, 2, 3, 22, tzinfo=UTC), True)],
    ids=["3 February", "4 February"],
)
async def test_a_move_after_the_thirty_days_is_flagged_and_reported(courses, now, late):
    """R-CRS-35, E-14, E-15: 4.3.2024 less thirty days is 3.2.2024, until midnight in Helsinki."""
    course = await courses.a_course(pinned=5)
    await courses.clock.set(now)
    if late:
        code, values = refusal(await courses.reschedule(course, A_WEEK_LATER))
        assert (code, values) == ("REASON_REQUIRED", {"notice_by": "2024-02-03", "must_run_since": None})
    expect(200, await courses.reschedule(course, A_WEEK_LATER, reason=FIRE if late else None))
    [kept] = expect(200, await courses.officer.get(f"/courses/{course['course_id']}/reschedulings"))["items"]
    assert kept["late"] is late
    assert await reports(courses) == ([(ReportKind.LATE_MOVE, FIRE)] if late else [])
    await assert_consistent(courses.service)


async def test_moving_a_course_that_had_to_run_is_reported_also_when_it_no_longer_has_to(courses):
    """E-33: seven were pinned, five are left."""
    course = await courses.a_course(pinned=7)
    for pin in (await courses.pins_of(course))[:2]:
        path = f"/courses/{course['course_id']}/pins/{pin['decision_ref']}"
        expect(200, await courses.provider.request("DELETE", path, json={"reason": "wants another course"}))
    code, values = refusal(await courses.reschedule(course, A_WEEK_LATER))
    assert (code, values["must_run_since"]) == ("REASON_REQUIRED", "2024-01-15")
    expect(200, await courses.reschedule(course, A_WEEK_LATER, reason=FIRE))
    left = (ReportKind.CLIENT_LEFT_MUST_RUN_COURSE, "wants another course")
    assert await reports(courses) == [left, left, (ReportKind.MUST_RUN_COURSE_MOVED, FIRE)]
    [event] = await courses.service.published(CourseRescheduled)
    assert event.course.must_run_since == date(2024, 1, 15)
    assert FIRE not in event.model_dump_json()


async def test_the_year_turns_at_midnight_in_helsinki(courses):
    """E-16, E-37: at 22:00 UTC on New Year's Eve this year is already the past one."""
    course = await courses.create()
    new_years_eve = date(2024, 12, 31)
    await courses.clock.set(datetime(2024, 12, 31, 21, 59, 59, tzinfo=UTC))
    expect(200, await courses.reschedule(course, new_years_eve, reason=FIRE))
    assert (await courses.ledger(2024))[1] == 12
    await courses.clock.set(datetime(2024, 12, 31, 22, tzinfo=UTC))
    code, values = refusal(await courses.reschedule(course, new_years_eve - timedelta(days=1), reason=FIRE))
    assert (code, values) == ("PERIODS_IN_PAST", {"first_day": "2024-12-30", "today": "2025-01-01"})
    expect(200, await courses.reschedule(course, date(2025, 1, 1), reason=FIRE))
    assert ((await courses.ledger(2024))[1], (await courses.ledger(2025))[1]) == (0, 12)


async def test_a_refused_move_leaves_everything_as_it_was(courses):
    """R-CRS-32: all or nothing; a stale version is refused with the current one."""
    course = await courses.a_course(pinned=1)
    before = await courses.get(course)
    overlapping = [a_period(FIRST_DAY, 5, mode="online"), a_period(FIRST_DAY, 5, mode="online")]
    assert refusal(await courses.reschedule(course, FIRST_DAY, periods=overlapping), 422)[0] == "PERIODS_OVERLAP"
    ahead = [a_consent(decision_ref=a_decision_ref(1), given_on="2024-01-16")]
    assert refusal(await courses.reschedule(course, A_WEEK_LATER, consents=ahead))[0] == "CONSENT_IN_FUTURE"
    stale = await courses.provider.put(
        f"/courses/{course['course_id']}/periods",
        json={"periods": a_proposal(first_day=A_WEEK_LATER)["periods"]},
        headers={"if-match": '"1"'},
    )
    assert refusal(stale, 412) == ("STALE_VERSION", {"current": before["version"]})
    assert await courses.get(course) == before
    async with courses.service.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM reschedulings") == 0


async def test_a_move_sent_twice_is_applied_once(courses):
    """E-23."""
    course = await courses.a_course()
    body, key = {"periods": a_proposal(first_day=A_WEEK_LATER)["periods"]}, {"idempotency-key": "once"}
    path = f"/courses/{course['course_id']}/periods"
    first, again = [await courses.provider.put(path, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (200, first.json())
    assert len(await courses.service.published(CourseRescheduled)) == 1
