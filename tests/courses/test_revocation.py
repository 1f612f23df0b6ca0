"""A revoked decision holds no place: whatever the order, the repetition and the delay (E-19, E-21)."""

from itertools import permutations

from contracts.courses import ClientPinned, ClientUnpinned, CoursePlacesChanged
from contracts.envelope import new_event_id
from contracts.values import PinState, ReleaseReason
from tests.courses.builders import (
    CoursesUnderTest,
    a_decision,
    contract_registered,
    descriptions_published,
    expect,
    granted,
    office_registered,
    refusal,
    revoked,
)
from tests.courses.consistency import assert_consistent


async def test_a_revocation_releases_the_pin_and_the_place(courses):
    """Acceptance example 10, R-CRS-44: seven pinned become six, must-run no more, but since when is kept."""
    course = await courses.a_course(pinned=6)
    decision = await courses.grant()
    assert expect(201, await courses.pin(course, decision))["must_run"] is True
    await courses.know(revoked(decision))
    after = await courses.get(course)
    assert (after["pinned"], after["free_places"], after["must_run"]) == (6, 6, False)
    assert after["must_run_since"] == "2024-01-15"
    [event] = await courses.service.published(ClientUnpinned)
    assert (event.version, event.pin.state, event.pin.reason) == (2, PinState.RELEASED, ReleaseReason.DECISION_REVOKED)
    assert event.pin.occupies_place is False
    places = (await courses.service.published(CoursePlacesChanged))[-1]
    assert (places.course.pinned, places.course.free_places) == (6, 6)
    await assert_consistent(courses.service)


async def test_the_clients_new_decision_is_pinned_at_once(courses):
    """E-21, acceptance example 10: also while the revocation is still on its way."""
    course = await courses.a_course()
    old, new = await courses.grant(client_ref="client-x"), await courses.grant(client_ref="client-x")
    await courses.pin(course, old)
    expect(201, await courses.pin(course, new))
    await courses.know(revoked(old))
    assert [pin["decision_ref"] for pin in await courses.pins_of(course, "active")] == [new.decision_ref]


async def test_a_revocation_delivered_twice_releases_once(courses):
    """Delivered at least once, applied once."""
    course = await courses.a_course()
    decision = await courses.grant()
    await courses.pin(course, decision)
    event, event_id = revoked(decision), new_event_id()
    await courses.service.deliver(event, event, event_id=event_id)
    await courses.know(event)
    assert len(await courses.service.published(ClientUnpinned)) == 1
    assert (await courses.get(course))["pinned"] == 0
    await assert_consistent(courses.service)


async def test_a_revocation_that_overtakes_its_grant_wins(courses):
    """E-19: order by version, never by arrival."""
    course = await courses.a_course()
    decision = a_decision()
    await courses.know(revoked(decision))
    assert refusal(await courses.pin(course, decision))[0] == "DECISION_REVOKED"
    await courses.know(granted(decision))
    assert refusal(await courses.pin(course, decision))[0] == "DECISION_REVOKED"


async def test_every_order_and_repetition_ends_without_a_pin(courses):
    """E-19: grant, revocation, both again, with pinning tried after each of them."""
    course = await courses.a_course()
    for order in permutations(("grant", "revocation", "grant again", "revocation again")):
        decision = a_decision()
        ids = {"grant": new_event_id(), "revocation": new_event_id()}
        for step in order:
            kind = step.removesuffix(" again")
            event = granted(decision) if kind == "grant" else revoked(decision)
            await courses.service.deliver(event, event_id=ids[kind])
            await courses.pin(course, decision)
        assert refusal(await courses.pin(course, decision))[0] == "DECISION_REVOKED", order
    assert await courses.pins_of(course, "active") == []
    await assert_consistent(courses.service)


async def test_both_orders_of_pinning_and_revoking_leave_the_same(courses):
    """E-19."""
    course = await courses.a_course()
    first, second = await courses.grant(), await courses.grant()
    await courses.pin(course, first)
    await courses.know(revoked(first), revoked(second))
    assert refusal(await courses.pin(course, second))[0] == "DECISION_REVOKED"
    after = await courses.get(course)
    assert (after["pinned"], after["occupied"]) == (0, 0)


async def test_a_decision_heard_of_before_its_contract_is_kept(empty_courses: CoursesUnderTest):
    """E-67: topics overtake one another; what came early is used when the rest is there."""
    decision = await empty_courses.grant()
    await empty_courses.know(office_registered(), contract_registered({2024: 12}), descriptions_published())
    course = await empty_courses.a_course()
    expect(201, await empty_courses.pin(course, decision))


async def test_a_revocation_after_an_unpin_changes_nothing(courses):
    course = await courses.a_course()
    decision = await courses.grant()
    await courses.pin(course, decision)
    await courses.unpin(course, decision)
    await courses.know(revoked(decision))
    events = await courses.pin_events(decision)
    assert [type(event) for event in events] == [ClientPinned, ClientUnpinned]


async def test_a_newer_snapshot_of_a_valid_decision_keeps_the_pin(courses):
    """Level-triggered: only what the merged copy says counts."""
    course = await courses.a_course()
    decision = await courses.grant()
    await courses.pin(course, decision)
    await courses.know(granted(decision, version=2))
    assert (await courses.get(course))["pinned"] == 1
