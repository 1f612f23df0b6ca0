"""What clients attend, rehabilitations that end early, and how pins end with their course."""

from datetime import date

from contracts.courses import ClientUnpinned, ParticipationNoted, PinFulfilled, RehabilitationInterrupted
from contracts.values import PinState
from tests.courses.builders import expect, refusal, revoked
from tests.courses.consistency import assert_consistent
from tests.courses.stories import LATER, a_running_course, a_three_period_course, go_to


async def test_what_a_client_attended_is_noted_period_by_period(courses):
    """E-20: the same again changes nothing; what was noted can be put right."""
    course, clients = await a_running_course(courses, on=date(2024, 3, 4))
    decision = clients[0]
    noted = expect(200, await courses.note(course, decision, [1]))
    assert (noted["attended"], noted["missed"], noted["version"]) == ([1], [], 2)
    assert expect(200, await courses.note(course, decision, [1]))["version"] == 2
    corrected = expect(200, await courses.note(course, decision, [], [1]))
    assert (corrected["attended"], corrected["missed"], corrected["version"]) == ([], [1], 3)
    events = await courses.service.published(ParticipationNoted)
    assert [(event.version, event.pin.attended, event.pin.state) for event in events] == [
        (2, (1,), PinState.ACTIVE),
        (3, (), PinState.ACTIVE),
    ]
    await assert_consistent(courses.service)


async def test_only_periods_that_have_begun_are_noted(courses):
    """E-20."""
    course, clients = await a_running_course(courses, on=date(2024, 3, 4))
    waiting = await a_three_period_course(courses, LATER)
    elsewhere = await courses.grant()
    await courses.pin(waiting, elsewhere)
    assert refusal(await courses.note(course, clients[0], [1, 2])) == ("PERIOD_NOT_BEGUN", {"number": 2})
    assert refusal(await courses.note(course, clients[0], [4])) == ("PERIOD_NOT_PLANNED", {"planned": [1, 2, 3]})
    assert refusal(await courses.note(course, clients[0], [1], [1]), status=422) == (
        "PERIOD_NOTED_TWICE",
        {"periods": [1]},
    )
    assert refusal(await courses.note(waiting, elsewhere, [1])) == ("PERIOD_NOT_BEGUN", {"number": 1})
    assert refusal(await courses.note(course, elsewhere, [1]), status=404)[0] == "NOT_PINNED"
    assert refusal(await courses.note(course, clients[0], [0]), status=422)[0] == "VALIDATION"
    path = f"/courses/{course['course_id']}/pins/{clients[0].decision_ref}/participation"
    stale = await courses.provider.put(path, json={"attended": [1]}, headers={"if-match": '"9"'})
    assert refusal(stale, status=412) == ("STALE_VERSION", {"current": 1})
    assert await courses.service.published(ParticipationNoted) == []


async def test_what_was_attended_is_noted_also_after_a_cancellation(courses):
    """E-20, E-34: Kela cancels what has begun; the client goes on elsewhere with what remains."""
    course, clients = await a_running_course(courses, on=date(2024, 3, 11))
    expect(200, await courses.cancel(course))
    noted = expect(200, await courses.note(course, clients[0], [1]))
    assert (noted["state"], noted["attended"]) == ("released", [1])
    assert refusal(await courses.note(course, clients[0], [1, 2])) == ("PERIOD_NOT_BEGUN", {"number": 2})
    there = await a_three_period_course(courses, LATER)
    expect(201, await courses.pin(there, clients[0]))
    assert (await courses.history(clients[0]))[-1]["planned"] == [2, 3]
    await assert_consistent(courses.service)


async def test_what_was_attended_is_noted_also_after_a_revocation(courses):
    """E-21: attended periods stay on record for billing; the pin stays released."""
    course, clients = await a_running_course(courses, on=date(2024, 3, 6))
    await courses.know(revoked(clients[0]))
    await go_to(courses, date(2024, 5, 10))
    noted = expect(200, await courses.note(course, clients[0], [1]))
    assert (noted["state"], noted["attended"], noted["version"]) == ("released", [1], 3)
    assert refusal(await courses.note(course, clients[0], [1, 2])) == ("PERIOD_NOT_BEGUN", {"number": 2})
    assert len(await courses.service.published(ClientUnpinned)) == 1
    await assert_consistent(courses.service)


async def test_once_a_client_has_gone_on_what_was_attended_stands(courses):
    """E-20: the newest pin is the one that is noted."""
    here, clients = await a_running_course(courses, on=date(2024, 3, 11))
    there = await a_three_period_course(courses, LATER)
    expect(200, await courses.note(here, clients[0], [1]))
    expect(201, await courses.move(here, there, clients[0]))
    assert refusal(await courses.note(here, clients[0], []), status=404)[0] == "NOT_PINNED"


async def test_an_interrupted_rehabilitation_keeps_its_place_and_its_decision(courses):
    """E-57, R-DEC-7: nothing is revoked; what remains may be taken later (E-20)."""
    course, clients = await a_running_course(courses, on=date(2024, 3, 11))
    decision = clients[0]
    assert refusal(await courses.interrupt(course, decision))[0] == "PARTICIPATION_NOT_NOTED"
    expect(200, await courses.note(course, decision, [1]))
    ended = expect(200, await courses.interrupt(course, decision))
    assert (ended["state"], ended["occupies_place"], ended["attended"]) == ("interrupted", True, [1])
    after = await courses.get(course)
    assert (after["pinned"], after["occupied"]) == (5, 6)
    [event] = await courses.service.published(RehabilitationInterrupted)
    assert (event.version, event.pin.state, event.pin.attended) == (3, PinState.INTERRUPTED, (1,))
    assert refusal(await courses.interrupt(course, decision), status=404)[0] == "NOT_PINNED"
    later = await a_three_period_course(courses, LATER)
    assert expect(201, await courses.pin(later, decision))["planned"] == [2, 3]
    await assert_consistent(courses.service)


async def test_the_last_attended_period_of_an_interrupted_client_is_final_where_that_is_said(courses):
    """E-29: what was attended is then all that was planned; where nothing was, nothing can be final."""
    course, clients = await a_running_course(courses, on=date(2024, 5, 6))
    stayed, left, absent = clients[:3]
    for decision in (stayed, left):
        expect(200, await courses.note(course, decision, [1, 2]))
    expect(200, await courses.note(course, absent, [], [1, 2]))
    assert refusal(await courses.interrupt(course, absent, final=True))[0] == "NOTHING_ATTENDED"
    assert expect(200, await courses.interrupt(course, stayed, final=True))["planned"] == [1, 2]
    assert expect(200, await courses.interrupt(course, left, final=False))["planned"] is None
    told = {event.key: event.pin.planned for event in await courses.service.published(RehabilitationInterrupted)}
    assert told == {stayed.decision_ref: (1, 2), left.decision_ref: None}
    await assert_consistent(courses.service)


async def test_before_the_start_there_is_nothing_to_interrupt(courses):
    """E-57."""
    course = await a_three_period_course(courses)
    decision = await courses.grant()
    await courses.pin(course, decision)
    assert refusal(await courses.interrupt(course, decision)) == (
        "COURSE_NOT_BEGUN",
        {"course_number": course["course_number"], "first_day": "2024-03-04"},
    )


async def test_when_a_course_is_completed_what_nobody_spoke_of_was_attended(courses):
    """E-20: a client who came for the last two periods attended those, one who missed the second the others."""
    here, movers = await a_running_course(courses, on=date(2024, 3, 11))
    there, clients = await a_running_course(courses, on=date(2024, 4, 1), first_days=LATER)
    expect(200, await courses.note(here, movers[0], [1]))
    await go_to(courses, date(2024, 4, 8))
    expect(201, await courses.move(here, there, movers[0]))
    await go_to(courses, date(2024, 6, 10))
    expect(200, await courses.note(there, clients[0], [1], [2]))
    await go_to(courses, date(2024, 9, 7))
    ended = {
        event.key: event.pin
        for event in await courses.service.published(PinFulfilled)
        if event.pin.course_id == there["course_id"]
    }
    assert len(ended) == 7
    assert ended[movers[0].decision_ref].attended == (2, 3)
    assert ended[clients[0].decision_ref].attended == (1, 3)
    assert ended[clients[1].decision_ref].attended == (1, 2, 3)
    kept = {pin["decision_ref"]: tuple(pin["attended"]) for pin in await courses.pins_of(there, PinState.FULFILLED)}
    assert kept == {ref: pin.attended for ref, pin in ended.items()}
    await assert_consistent(courses.service)
