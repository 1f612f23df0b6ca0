"""A revoked decision holds no place, also when its client has been moved (E-19, E-21)."""

from itertools import permutations

import pytest

from contracts.courses import ClientMoved, ClientPinned, ClientUnpinned, CoursePlacesChanged
from contracts.decisions import DecisionExpired, DecisionUsed
from contracts.envelope import new_event_id
from contracts.values import DecisionState, ReleaseReason
from tests.courses.builders import (
    OTHER_PROVIDER,
    a_decision,
    annulled,
    expect,
    granted,
    provider_changed,
    refusal,
    revoked,
)
from tests.courses.consistency import assert_consistent
from tests.courses.stories import a_course_of_another_provider


async def test_acceptance_example_10_a_revocation_while_pinned(courses):
    """Acceptance example 10, E-21, E-33, R-CRS-44: seven pinned become six, and the new provider need not wait."""
    here, (theirs, new_provider) = await courses.a_course(pinned=6), await a_course_of_another_provider(courses)
    elsewhere = await courses.a_course()
    old = await courses.grant(client_ref="client-x")
    await courses.pin(elsewhere, old)
    moved = expect(201, await courses.move(elsewhere, here, old))
    assert (moved["joined"]["pinned"], moved["joined"]["must_run"]) == (7, True)
    new = await courses.grant(client_ref="client-x", provider_id=OTHER_PROVIDER, contract_id="contract-2")
    # The revocation is still on its way.
    body = {"decision_ref": new.decision_ref}
    expect(201, await new_provider.post(f"/courses/{theirs['course_id']}/pins", json=body))
    await courses.know(revoked(old))
    after = await courses.get(here)
    assert (after["pinned"], after["free_places"], after["must_run"]) == (6, 6, False)
    assert after["must_run_since"] == "2024-01-15"
    [unpinned] = await courses.service.published(ClientUnpinned)
    assert (unpinned.key, unpinned.pin.reason) == (old.decision_ref, ReleaseReason.DECISION_REVOKED)
    places = (await courses.service.published(CoursePlacesChanged))[-1]
    assert (places.key, places.course.free_places) == (here["course_id"], 6)
    await assert_consistent(courses.service)


async def test_a_revocation_after_a_move_releases_the_new_pin(courses):
    """E-21: the new place is free; the old one was free since the move."""
    here, there, decision = await courses.a_course(), await courses.a_course(), await courses.grant()
    await courses.pin(here, decision)
    expect(201, await courses.move(here, there, decision))
    await courses.know(revoked(decision))
    events = await courses.pin_events(decision)
    assert [(type(event), event.version) for event in events] == [
        (ClientPinned, 1),
        (ClientMoved, 2),
        (ClientPinned, 3),
        (ClientUnpinned, 4),
    ]
    assert (events[-1].pin.course_id, events[-1].pin.reason) == (there["course_id"], ReleaseReason.DECISION_REVOKED)
    assert [(await courses.get(course))["occupied"] for course in (here, there)] == [0, 0]
    await assert_consistent(courses.service)


async def test_a_revocation_before_a_move_leaves_nothing_to_move(courses):
    """E-19, E-21."""
    here, there, decision = await courses.a_course(), await courses.a_course(), await courses.grant()
    await courses.pin(here, decision)
    await courses.know(revoked(decision))
    assert refusal(await courses.move(here, there, decision), status=404)[0] == "NOT_PINNED"
    await assert_consistent(courses.service)


@pytest.mark.parametrize("taken_back", [revoked, annulled, provider_changed])
async def test_every_order_of_moves_and_a_revocation_ends_without_a_pin(courses, taken_back):
    """E-19, E-21: the end of a decision before, between and after two moves, with what came before delivered again."""
    here, there = await courses.a_course(), await courses.a_course()
    for order in permutations(("move", "back", "revocation", "grant again", "revocation again")):
        decision = await courses.grant()
        expect(201, await courses.pin(here, decision))
        ids = {"grant": new_event_id(), "revocation": new_event_id()}
        for step in order:
            kind = step.removesuffix(" again")
            if kind == "move":
                await courses.move(here, there, decision)
            elif kind == "back":
                await courses.move(there, here, decision)
            else:
                event = granted(decision) if kind == "grant" else taken_back(decision)
                await courses.service.deliver(event, event_id=ids[kind])
        assert [pin["state"] for pin in await courses.history(decision)].count("active") == 0, order
    assert [(await courses.get(course))["occupied"] for course in (here, there)] == [0, 0]
    await assert_consistent(courses.service)


@pytest.mark.parametrize(
    ("taken_back", "reason"),
    [
        (revoked, ReleaseReason.DECISION_REVOKED),
        (annulled, ReleaseReason.DECISION_ANNULLED),
        (provider_changed, ReleaseReason.PROVIDER_CHANGED),
    ],
)
async def test_a_pin_goes_with_why_its_decision_was_taken_back(courses, taken_back, reason):
    """E-21, E-65, R-CRS-30: revoked, annulled as given in error, or because the client goes on with another provider.

    Whichever comes first, the grant or its end, and however often: the same end.
    """
    here, there = await courses.a_course(), await courses.a_course()
    decision, late = await courses.grant(), a_decision()
    ended = {one.decision_ref: taken_back(one) for one in (decision, late)}
    await courses.pin(here, decision)
    expect(201, await courses.move(here, there, decision))
    await courses.know(ended[decision.decision_ref], granted(decision), ended[decision.decision_ref])
    [told] = await courses.service.published(ClientUnpinned)
    assert (told.key, told.pin.reason, told.pin.course_id) == (decision.decision_ref, reason, there["course_id"])
    await courses.know(ended[late.decision_ref], granted(late))
    assert refusal(await courses.pin(here, late))[0] == "DECISION_REVOKED"
    await assert_consistent(courses.service)


@pytest.mark.parametrize(
    ("event", "state"), [(DecisionExpired, DecisionState.EXPIRED), (DecisionUsed, DecisionState.USED)]
)
async def test_an_expired_or_used_decision_keeps_the_pin_it_has_and_gets_no_other(courses, event, state):
    """Section 7, E-25: neither takes a client off a course; neither lets one on, and the list says why."""
    course, decision, idle = await courses.a_course(), await courses.grant(), await courses.grant()
    await courses.pin(course, decision)
    for one in (decision, idle):
        await courses.know(event(version=2, decision=one.model_copy(update={"state": state})), granted(one))
    assert [pin["state"] for pin in await courses.history(decision)] == ["active"]
    assert refusal(await courses.pin(course, idle)) == ("DECISION_NOT_GRANTED", {"state": state})
    listed = expect(200, await courses.provider.get("/pinnable-clients"))["items"]
    assert {item["decision_ref"]: item["reason"] for item in listed}[idle.decision_ref] == state
    await courses.know(granted(decision, version=3))
    await courses.know(annulled(decision, version=4))
    assert [pin["reason"] for pin in await courses.history(decision)] == [ReleaseReason.DECISION_ANNULLED]
    await assert_consistent(courses.service)
