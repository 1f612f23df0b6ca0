"""Pinning against a revocation on its way in (E-19), with a negative control, and against itself."""

import asyncio

import pytest

from contracts.courses import ClientPinned, ClientUnpinned
from services.courses import copies, pinning
from tests.courses.builders import PROVIDER, annulled, provider, provider_changed, revoked
from tests.courses.consistency import assert_consistent
from tests.races import count_waiting, until


async def pin_while_a_revocation_arrives(courses, monkeypatch, *, locking: bool, taken_back=revoked):
    """The revocation arrives between pinning's look at the decision and its save; the pins left."""
    course = await courses.a_course()
    decision = await courses.grant()
    lock_decision = copies.lock_decision
    looked, delivered = asyncio.Event(), asyncio.Event()

    async def look_without_locking(tx, decision_ref):
        async with courses.service.transaction() as elsewhere:
            return await lock_decision(elsewhere, decision_ref)

    async def delivered_or_waiting():
        return delivered.is_set() or await count_waiting(courses.service) > 0

    async def held_lock_decision(tx, decision_ref):
        found = await (lock_decision if locking else look_without_locking)(tx, decision_ref)
        if tx.principal.provider_id == PROVIDER:
            looked.set()
            await until(delivered_or_waiting)
        return found

    monkeypatch.setattr(copies, "lock_decision", held_lock_decision)

    async def pin(tx):
        return await pinning.pin_client(tx, course["course_id"], decision.decision_ref)

    async def revoke():
        await looked.wait()
        await courses.service.deliver(taken_back(decision))
        delivered.set()

    await asyncio.gather(courses.service.db.run(pin, provider("pinning")), revoke())
    return await courses.pins_of(course, "active"), await courses.pin_events(decision)


@pytest.mark.parametrize("taken_back", [revoked, annulled, provider_changed])
async def test_a_revocation_that_arrives_while_pinning_ends_the_pin(courses, monkeypatch, taken_back):
    """E-19, E-21: the decision's lock puts them in an order; the pin is made and goes. So with an annulment."""
    pins, events = await pin_while_a_revocation_arrives(courses, monkeypatch, locking=True, taken_back=taken_back)
    assert pins == []
    assert [(type(event), event.version) for event in events] == [(ClientPinned, 1), (ClientUnpinned, 2)]
    await assert_consistent(courses.service)


@pytest.mark.parametrize("taken_back", [revoked, annulled, provider_changed])
async def test_control_without_the_decisions_lock_a_revoked_decision_keeps_its_place(courses, monkeypatch, taken_back):
    """E-19, negative control: the race is real."""
    pins, _ = await pin_while_a_revocation_arrives(courses, monkeypatch, locking=False, taken_back=taken_back)
    assert len(pins) == 1


async def test_pinning_waits_for_a_revocation_in_flight_and_is_refused(courses):
    """E-19, the other order: the revocation came first."""
    course = await courses.a_course()
    decision = await courses.grant()
    async with courses.service.transaction() as tx:
        await pinning.on_decision(tx, revoked(decision))
        pin = asyncio.create_task(courses.pin(course, decision))

        async def pinning_waits():
            return await count_waiting(courses.service) > 0

        await until(pinning_waits)
    answer = await pin
    assert (answer.status_code, answer.json()["code"]) == (409, "DECISION_REVOKED")
    await assert_consistent(courses.service)


async def test_revoking_and_unpinning_together_release_each_pin_once(courses):
    """E-19, E-21: both lock the course before the decision, so neither waits in a circle."""
    course = await courses.a_course()
    decisions = [await courses.grant() for _ in range(8)]
    for decision in decisions:
        await courses.pin(course, decision)
    answers, _ = await asyncio.gather(
        asyncio.gather(*(courses.unpin(course, decision, "another time") for decision in decisions)),
        asyncio.gather(*(courses.service.deliver(revoked(decision)) for decision in decisions)),
    )
    assert {answer.status_code for answer in answers} <= {200, 404}
    assert len(await courses.service.published(ClientUnpinned)) == 8
    assert await courses.pins_of(course, "active") == []
    await assert_consistent(courses.service)


@pytest.mark.parametrize("courses_in_race", [1, 2])
async def test_one_client_is_pinned_once_however_many_try(courses, courses_in_race):
    """E-21, E-23: one active pin per decision, on one course or on several."""
    targets = [await courses.a_course() for _ in range(courses_in_race)]
    decision = await courses.grant()
    answers = await asyncio.gather(*(courses.pin(targets[n % courses_in_race], decision) for n in range(6)))
    assert [answer.status_code for answer in answers].count(201) == 1
    assert {answer.json().get("code") for answer in answers if answer.status_code == 409} <= {"ALREADY_PINNED"}
    assert len(await courses.service.published(ClientPinned)) == 1
    await assert_consistent(courses.service)
