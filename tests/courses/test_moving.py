"""Moving clients between courses against the real database."""

from datetime import date

from chassis.auth import Role
from contracts.courses import ClientMoved, ClientPinned, CoursePlacesChanged, ReportFiled
from contracts.values import PinState, ReportKind
from tests.courses.builders import OTHER_PROVIDER, a_consent, expect, refusal
from tests.courses.consistency import assert_consistent
from tests.courses.stories import LATER, a_course_of_another_provider, a_running_course, a_three_period_course, go_to


async def test_a_client_moves_before_the_confirmation_and_after_it(courses):
    """R-CRS-12, R-CRS-13, R-CRS-27: both courses and both pins are told of, in the order of the pin's versions."""
    here, there = await courses.a_course(pinned=6), await courses.a_course()
    decision = await courses.grant(confirm_by=date(2024, 7, 1))
    await courses.pin(there, decision)
    move = expect(201, await courses.move(there, here, decision, reason="wants the other town"))
    assert (move["left"]["pinned"], move["joined"]["pinned"]) == (0, 7)
    assert (move["pin"]["moved_from"], move["pin"]["version"]) == (there["course_id"], 3)
    expect(200, await courses.confirm(here))
    back = expect(201, await courses.move(here, there, decision, reason="wants the first one again"))
    assert (back["left"]["pinned"], back["left"]["must_run"], back["joined"]["pinned"]) == (6, False, 1)
    events = await courses.pin_events(decision)
    assert [type(event) for event in events] == [ClientPinned, ClientMoved, ClientPinned, ClientMoved, ClientPinned]
    assert [event.version for event in events] == [1, 2, 3, 4, 5]
    left, arrived = events[1].pin, events[2].pin
    assert (left.state, left.course_id, left.moved_to, left.occupies_place) == (
        PinState.MOVED,
        there["course_id"],
        here["course_id"],
        False,
    )
    assert (arrived.state, arrived.course_id, arrived.moved_from) == (
        PinState.ACTIVE,
        here["course_id"],
        there["course_id"],
    )
    told = (await courses.service.published(CoursePlacesChanged))[-2:]
    assert {(event.key, event.course.pinned) for event in told} == {(here["course_id"], 6), (there["course_id"], 1)}
    await assert_consistent(courses.service)


async def test_a_move_keeps_the_decisions_deadline(courses):
    """E-26: the clock does not restart; both courses' dates are worked out anew (E-44)."""
    here, there = await courses.a_course(), await courses.a_course()
    decision = await courses.grant(confirm_by=date(2024, 7, 1))
    await courses.pin(here, decision)
    expect(201, await courses.move(here, there, decision))
    assert (await courses.get(here))["confirm_by"] is None
    assert (await courses.get(there))["confirm_by"] == "2024-07-01"


async def test_acceptance_example_11_a_move_after_period_1_of_3(courses):
    """Acceptance example 11, R-CRS-31, E-12, E-20: the whole path is at most 9 months long."""
    here, clients = await a_running_course(courses, on=date(2024, 3, 11))
    decision = clients[0]
    # 4 March and nine months: 4 December is the last day allowed.
    too_late = await a_three_period_course(courses, (date(2024, 4, 8), date(2024, 6, 3), date(2024, 12, 1)))
    in_time = await a_three_period_course(courses, (date(2024, 4, 8), date(2024, 6, 3), date(2024, 11, 30)))
    assert refusal(await courses.move(here, in_time, decision)) == (
        "PARTICIPATION_NOT_NOTED",
        {"course_number": here["course_number"], "periods": [1]},
    )
    expect(200, await courses.note(here, decision, [1]))
    assert refusal(await courses.move(here, too_late, decision)) == (
        "PATH_TOO_LONG",
        {"months": 9, "first_day": "2024-03-04", "latest": "2024-12-04", "last_day": "2024-12-05"},
    )
    move = expect(201, await courses.move(here, in_time, decision))
    assert move["warnings"] == ["DISEASE_GROUP_UNKNOWN"]
    assert move["pin"]["planned"] == [2, 3]
    attended, remaining = await courses.history(decision)
    assert (attended["course_id"], attended["state"], attended["attended"]) == (here["course_id"], "moved", [1])
    assert (remaining["course_id"], remaining["planned"], remaining["attended"]) == (in_time["course_id"], [2, 3], [])
    await assert_consistent(courses.service)


async def test_after_the_start_the_old_place_is_not_given_again(courses):
    """E-20, R-CRS-12: five are left on the old course, six places are taken; the new pin says what is to come."""
    here, clients = await a_running_course(courses, on=date(2024, 3, 11), group_size=6)
    there = await a_three_period_course(courses, LATER)
    expect(200, await courses.note(here, clients[0], [1]))
    move = expect(201, await courses.move(here, there, clients[0]))
    assert (move["left"]["pinned"], move["left"]["free_places"], move["joined"]["free_places"]) == (5, 0, 11)
    assert refusal(await courses.pin(here, await courses.grant()))[0] == "COURSE_FULL"
    [moved] = await courses.service.published(ClientMoved)
    assert (moved.pin.occupies_place, moved.pin.attended, moved.pin.planned) == (True, (1,), None)
    arrived = (await courses.service.published(ClientPinned))[-1].pin
    assert (arrived.planned, arrived.attended) == ((2, 3), ())
    await assert_consistent(courses.service)


async def test_a_client_moves_as_often_as_they_like_and_all_of_it_is_kept(courses):
    """R-CRS-29, R-CRS-28, E-58: every pin, and with whose consent each move was made."""
    here, there = await courses.a_course(), await courses.a_course()
    decision = await courses.grant()
    await courses.pin(here, decision)
    pair = [here, there]
    for number in range(10):
        by = "guardian" if number % 2 else "client"
        answer = await courses.move(pair[number % 2], pair[1 - number % 2], decision, consent=a_consent(by=by))
        expect(201, answer)
    history = await courses.history(decision)
    assert [pin["state"] for pin in history] == ["moved"] * 10 + ["active"]
    assert [pin["move"] and pin["move"]["consent_by"] for pin in history] == ["client", "guardian"] * 5 + [None]
    assert history[0]["move"] == {
        "consent_given_on": "2024-01-15",
        "consent_by": "client",
        "consent_channel": "phone",
        "reason": None,
        "moved_by": history[0]["move"]["moved_by"],
    }
    path = f"/decisions/{decision.decision_ref}/pins"
    first = expect(200, await courses.provider.get(path, params={"limit": 6}))
    second = expect(200, await courses.provider.get(path, params={"limit": 6, "after": first["next"]}))
    assert ([*first["items"], *second["items"]], second["next"]) == (history, None)
    stranger = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    assert refusal(await stranger.get(path), status=404)[0] == "DECISION_UNKNOWN"
    await assert_consistent(courses.service)


async def test_nobody_is_moved_without_consent(courses):
    """R-CRS-28: missing, from the future, or not in a known way."""
    here, there = await courses.a_course(), await courses.a_course()
    decision = await courses.grant()
    await courses.pin(here, decision)
    assert refusal(await courses.move(here, there, decision, consent=None)) == ("CONSENT_MISSING", {"change": "course"})
    tomorrow = a_consent(given_on="2024-01-16")
    assert refusal(await courses.move(here, there, decision, consent=tomorrow)) == (
        "CONSENT_IN_FUTURE",
        {"given_on": "2024-01-16", "today": "2024-01-15"},
    )
    for wrong in ({"by": "neighbour"}, {"channel": "rumour"}, {"given_on": "sometime"}):
        answer = await courses.move(here, there, decision, consent=a_consent() | wrong)
        assert refusal(answer, status=422)[0] == "VALIDATION"
        assert next(iter(wrong.values())) not in answer.text
    assert [pin["course_id"] for pin in await courses.history(decision)] == [here["course_id"]]


async def test_a_move_that_is_refused_changes_nothing(courses):
    """E-26: the target full, not published, another service's, gone or unknown; the client stays."""
    here, full = await courses.a_course(), await courses.a_course(group_size=6, pinned=6)
    draft = await courses.create()
    decision = await courses.grant()
    await courses.pin(here, decision)
    before = await courses.get(here), await courses.get(full)
    assert refusal(await courses.move(here, full, decision))[0] == "COURSE_FULL"
    assert refusal(await courses.move(here, draft, decision))[0] == "NOT_PUBLISHED"
    assert refusal(await courses.move(here, here, decision), status=422)[0] == "SAME_COURSE"
    assert refusal(await courses.move(here, {"course_id": "nowhere"}, decision), status=404)[0] == "COURSE_UNKNOWN"
    assert refusal(await courses.move(full, here, decision), status=404)[0] == "NOT_PINNED"
    assert (await courses.get(here), await courses.get(full)) == before
    assert await courses.service.published(ClientMoved) == []
    await assert_consistent(courses.service)


async def test_a_full_course_offers_a_move_how_far_its_group_may_grow(empty_courses):
    """E-22: as pinning does, by what is left of the year's count; not where nothing is left."""
    courses = empty_courses
    await courses.start({2024: 21})
    here, full = await courses.a_course(), await courses.a_course(group_size=6, pinned=6)
    decision = await courses.grant()
    await courses.pin(here, decision)
    offered = {"group_size": 6, "offer": "grow_group", "may_grow_to": 9}
    assert refusal(await courses.move(here, full, decision)) == ("COURSE_FULL", offered)
    expect(200, await courses.put(here, "group-size", group_size=6))
    await courses.a_course(group_size=9)
    assert refusal(await courses.move(here, full, decision)) == ("COURSE_FULL", {"group_size": 6})


async def test_a_course_of_another_provider_is_unknown_to_the_provider_and_named_to_an_officer(courses):
    """R-CRS-27: moves stay within a provider; the client who wants another changes provider (R-CRS-30)."""
    here, (theirs, _) = await courses.a_course(), await a_course_of_another_provider(courses)
    decision = await courses.grant()
    await courses.pin(here, decision)
    assert refusal(await courses.move(here, theirs, decision), status=404)[0] == "COURSE_UNKNOWN"
    path = f"/courses/{here['course_id']}/pins/{decision.decision_ref}/move"
    body = {"to_course_id": theirs["course_id"], "consent": a_consent()}
    assert refusal(await courses.officer.post(path, json=body)) == ("OTHER_PROVIDER", {})


async def test_the_same_move_again_is_a_success_without_an_event(courses):
    """E-23: with and without an Idempotency-Key; a stale version is refused."""
    here, there = await courses.a_course(), await courses.a_course()
    decision = await courses.grant()
    await courses.pin(here, decision)
    path = f"/courses/{here['course_id']}/pins/{decision.decision_ref}/move"
    body = {"to_course_id": there["course_id"], "consent": a_consent()}
    stale = await courses.provider.post(path, json=body, headers={"if-match": '"7"'})
    assert refusal(stale, status=412) == ("STALE_VERSION", {"current": 1})
    headers = {"if-match": '"1"', "idempotency-key": "move-once"}
    first = await courses.provider.post(path, json=body, headers=headers)
    kept = await courses.provider.post(path, json=body, headers=headers)
    again = await courses.provider.post(path, json=body)
    assert [answer.status_code for answer in (first, kept, again)] == [201, 201, 200]
    assert first.json()["pin"] == again.json()["pin"]
    assert first.headers["rekku-known"].startswith(f"pin:{decision.decision_ref}@3, course:{here['course_id']}@4")
    assert len(await courses.service.published(ClientMoved)) == 1


async def test_leaving_a_course_that_has_had_to_be_run_is_reported(courses):
    """E-33: by moving and by unpinning, with a reason that stays here."""
    here, there = await courses.a_course(pinned=5), await courses.a_course()
    first, second = await courses.grant(), await courses.grant()
    for decision in (first, second):
        await courses.pin(here, decision)
    needed = {"course_number": here["course_number"], "must_run_since": "2024-01-15"}
    assert refusal(await courses.move(here, there, first)) == ("MUST_RUN_REASON_REQUIRED", needed)
    assert refusal(await courses.unpin(here, second)) == ("MUST_RUN_REASON_REQUIRED", needed)
    assert await courses.service.published(ReportFiled) == []
    expect(201, await courses.move(here, there, first, reason="the client moves to Oulu"))
    expect(200, await courses.unpin(here, second, reason="the client fell ill"))
    told = await courses.service.published(ReportFiled)
    assert [(event.report_kind, event.course_id, event.decision_ref) for event in told] == [
        (ReportKind.CLIENT_LEFT_MUST_RUN_COURSE, here["course_id"], decision.decision_ref)
        for decision in (first, second)
    ]
    assert all("Oulu" not in event.model_dump_json() for event in told)
    assert (await courses.history(first))[0]["move"]["reason"] == "the client moves to Oulu"
    await assert_consistent(courses.service)


async def test_a_personal_identity_code_in_a_reason_is_refused_and_not_echoed(courses):
    """E-59: by moving and by unpinning; a reason of nothing but space is none."""
    here, there, decision = await courses.a_course(), await courses.a_course(), await courses.grant()
    await courses.pin(here, decision)
    hetu = "131052-308T"
    for answer in (
        await courses.move(here, there, decision, reason=f"client {hetu}"),
        await courses.unpin(here, decision, reason=hetu),
    ):
        assert refusal(answer, status=422)[0] == "PERSONAL_IDENTITY_CODE"
        assert hetu not in answer.text
    for wrong, code in (("   ", "TEXT_EMPTY"), ("", "TEXT_EMPTY"), ("nul\x00", "TEXT_CONTROL_CHARACTER")):
        assert refusal(await courses.move(here, there, decision, reason=wrong), status=422)[0] == code
    assert [pin["state"] for pin in await courses.history(decision)] == ["active"]


async def test_a_client_unpinned_after_the_start_goes_on_elsewhere_with_what_remains(courses):
    """E-20, E-12: unpinning and pinning is no way around the rules of a move."""
    here, clients = await a_running_course(courses, on=date(2024, 3, 11))
    later = await a_three_period_course(courses, LATER)
    too_late = await a_three_period_course(courses, (date(2024, 4, 8), date(2024, 6, 3), date(2024, 12, 1)))
    expect(200, await courses.note(here, clients[0], [1]))
    expect(200, await courses.unpin(here, clients[0]))
    assert refusal(await courses.pin(too_late, clients[0]))[0] == "PATH_TOO_LONG"
    pinned = expect(201, await courses.pin(later, clients[0]))
    assert (pinned["planned"], pinned["warnings"]) == ([2, 3], ["DISEASE_GROUP_UNKNOWN"])
    await assert_consistent(courses.service)


async def test_a_client_takes_three_periods_on_three_courses(courses):
    """R-CRS-29, E-20: the path goes over all the courses of the decision."""
    first, clients = await a_running_course(courses, on=date(2024, 3, 11))
    second, _ = await a_running_course(
        courses, on=date(2024, 3, 12), first_days=(date(2024, 3, 12), date(2024, 4, 8), date(2024, 6, 3))
    )
    third = await a_three_period_course(courses, (date(2024, 4, 1), date(2024, 5, 6), date(2024, 7, 1)))
    decision = clients[0]
    expect(200, await courses.note(first, decision, [1]))
    expect(201, await courses.move(first, second, decision))
    await go_to(courses, date(2024, 4, 15))
    expect(200, await courses.note(second, decision, [2]))
    moved = expect(201, await courses.move(second, third, decision, reason="the third course is nearer"))
    assert moved["pin"]["planned"] == [3]
    assert [pin["attended"] for pin in await courses.history(decision)] == [[1], [2], []]
    await assert_consistent(courses.service)
