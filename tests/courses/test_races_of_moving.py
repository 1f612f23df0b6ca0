"""Moving against moving, pinning, revoking and confirming, in hundreds of seeded rounds.

Each race has a negative control: without the guard it ends badly.
"""

import asyncio
import random
from datetime import date

import asyncpg
import pytest

from contracts.courses import ClientMoved, ClientPinned, ClientUnpinned, CourseConfirmed
from contracts.refusals import Refusal
from contracts.values import DeliveryMode
from services.courses import copies, handlers, pinning, store
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.creation import Proposal, ProposedPeriod
from services.courses.moving import handlers as moving
from services.courses.moving import store as moves
from services.courses.moving.domain import Destination
from tests.courses.builders import CONTRACT, FIRST_DAY, OFFICE, granted, provider, revoked
from tests.courses.consistency import assert_consistent
from tests.races import Gate, count_waiting, take_away, until

ROUNDS = 300
CONSENT = Consent("decision-1", date(2024, 1, 15), GivenBy.CLIENT, Channel.PHONE)
DROP_PLACES_CHECK = "ALTER TABLE courses DROP CONSTRAINT courses_places_fit"
DROP_ENOUGH_CHECK = "ALTER TABLE courses DROP CONSTRAINT courses_confirmed_with_enough"


def move(courses, here, there, decision_ref):
    """A move by hand, outside HTTP."""

    async def work(tx):
        return await moving.move_client(
            tx, here, decision_ref, Destination(there, CONSENT), reason="agreed with the client"
        )

    return courses.service.db.run(work, provider(f"moving {decision_ref}"))


def pin(courses, course_id, decision_ref):
    async def work(tx):
        return await pinning.pin_client(tx, course_id, decision_ref)

    return courses.service.db.run(work, provider(f"pinning {decision_ref}"))


def unpin(courses, course_id, decision_ref):
    async def work(tx):
        return await pinning.unpin_client(tx, course_id, decision_ref, reason="agreed with the client")

    return courses.service.db.run(work, provider(f"unpinning {decision_ref}"))


async def a_course_of(courses, pinned, group_size=12):
    """A published course with clients: (its id, their decisions)."""
    period = ProposedPeriod(FIRST_DAY, FIRST_DAY, mode=DeliveryMode.FACE_TO_FACE)

    events = [granted() for _ in range(pinned)]
    refs = [event.decision.decision_ref for event in events]

    async def hear(tx):
        for event in events:
            await pinning.on_decision(tx, event)

    async def work(tx):
        course = await handlers.create_course(tx, CONTRACT, OFFICE, Proposal(group_size, ("group_a",), None, (period,)))
        await handlers.publish_course(tx, course.course_id)
        for ref in refs:
            await pinning.pin_client(tx, course.course_id, ref)
        return course.course_id, refs

    await courses.service.db.run(hear)
    return await courses.service.db.run(work, provider("setting up"))


async def state_of(courses, course_id):
    async with courses.service.transaction() as tx:
        return await store.get_course(tx, course_id)


# Two moves crossing each other (E-26).


async def test_crossing_moves_never_wait_in_a_circle(empty_courses):
    """E-26: both courses are locked in the order of their ids, whichever way a client goes."""
    courses = empty_courses
    await courses.start({2024: 100})
    chance = random.Random(26)
    deadlocks = 0
    (one, here), (other, there) = await a_course_of(courses, 8), await a_course_of(courses, 0)
    at = dict.fromkeys(here, one) | dict.fromkeys(there, other)

    async def cross(ref):
        nonlocal deadlocks
        target = other if at[ref] == one else one
        try:
            async with courses.service.transaction(provider(ref)) as tx:
                await moving.move_client(tx, at[ref], ref, Destination(target, CONSENT), reason="to and fro")
            at[ref] = target
        except asyncpg.DeadlockDetectedError:
            deadlocks += 1

    rounds = ROUNDS // 8
    for _ in range(rounds):
        order = chance.sample(sorted(at), 8)
        await asyncio.gather(*(cross(ref) for ref in order))
    assert deadlocks == 0
    assert len(await courses.service.published(ClientMoved)) == rounds * 8
    await assert_consistent(courses.service)


async def test_control_locking_in_the_order_of_the_move_ends_in_a_deadlock(courses, monkeypatch):
    """E-26, negative control: from here to there and from there to here at once."""
    (one, [first]), (other, [second]) = await a_course_of(courses, 1), await a_course_of(courses, 1)
    locked = 0

    async def lock_as_asked(tx, *course_ids):
        nonlocal locked
        found = [await store.lock_course(tx, course_ids[0])]
        locked += 1
        await until(both_have_locked)
        return [*found, await store.lock_course(tx, course_ids[1])]

    async def both_have_locked():
        return locked == 2

    monkeypatch.setattr(moves, "lock_courses", lock_as_asked)

    async def cross(here, there, ref):
        async with courses.service.transaction(provider(ref)) as tx:
            await moving.move_client(tx, here, ref, Destination(there, CONSENT))

    outcomes = await asyncio.gather(cross(one, other, first), cross(other, one, second), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome] == [asyncpg.DeadlockDetectedError]


# Moving against pinning for the last place (E-22).


async def test_the_last_place_is_given_to_a_move_or_to_a_pin(empty_courses):
    """E-22, E-26, R-CRS-14: exactly one gets it; a move that does not leaves its client where it was."""
    courses = empty_courses
    await courses.start({2024: 100})
    chance = random.Random(22)
    full, _ = await a_course_of(courses, 5, group_size=6)
    home, movers = await a_course_of(courses, 6)
    newcomers = [await courses.grant() for _ in range(4)]
    winners = set()
    for _ in range(ROUNDS):
        mover, newcomer = chance.choice(movers), chance.choice(newcomers).decision_ref
        attempts = [move(courses, home, full, mover), pin(courses, full, newcomer)]
        chance.shuffle(attempts)
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert [outcome.code for outcome in refused if isinstance(outcome, Refusal)] == ["COURSE_FULL"]
        assert (await state_of(courses, full)).pinned == 6
        moved = [outcome for outcome in outcomes if isinstance(outcome, moving.Moved)]
        winners.add("move" if moved else "pin")
        if moved:
            await move(courses, full, home, mover)
        else:
            assert (await state_of(courses, home)).pinned == 6
            await unpin(courses, full, newcomer)
    assert winners == {"move", "pin"}
    await assert_consistent(courses.service)


@pytest.mark.parametrize("constrained", [True, False])
async def test_control_without_the_lock_the_constraint_holds_and_without_both_it_is_overfilled(
    courses, monkeypatch, constrained
):
    """E-22, negative control: the race is real, and the CHECK on the counter is a second wall."""
    full, _ = await a_course_of(courses, 5, group_size=6)
    home, [mover] = await a_course_of(courses, 1)
    newcomer = (await courses.grant()).decision_ref
    if not constrained:
        await take_away(courses.service, DROP_PLACES_CHECK)
    gate = Gate(courses.service, 2)

    async def look_without_locking(tx, course_id):
        found = await store.get_course(tx, course_id)
        if course_id == full:
            await gate.pass_through()
        return found

    monkeypatch.setattr(store, "lock_course", look_without_locking)
    outcomes = await asyncio.gather(
        move(courses, home, full, mover), pin(courses, full, newcomer), return_exceptions=True
    )
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [type(outcome) for outcome in failed] == ([asyncpg.CheckViolationError] if constrained else [])
    assert (await state_of(courses, full)).pinned == (6 if constrained else 7)


# Moving against a revocation (E-19).


async def test_whatever_a_move_and_a_revocation_do_first_no_pin_is_left(empty_courses):
    """E-19, E-21: hundreds of clients moved and revoked at once."""
    courses = empty_courses
    await courses.start({2024: 1000})
    chance = random.Random(19)
    one, _ = await a_course_of(courses, 0)
    other, _ = await a_course_of(courses, 0)
    outcomes = set()

    async def race(decision):
        here, there = chance.sample((one, other), 2)
        await pin(courses, here, decision.decision_ref)
        attempts = [move(courses, here, there, decision.decision_ref), courses.service.deliver(revoked(decision))]
        chance.shuffle(attempts)
        found = await asyncio.gather(*attempts, return_exceptions=True)
        outcomes.update(outcome.code if isinstance(outcome, Refusal) else type(outcome) for outcome in found if outcome)

    for _ in range(ROUNDS // 10):
        decisions = [await courses.grant() for _ in range(10)]
        await asyncio.gather(*(race(decision) for decision in decisions))
    assert outcomes == {moving.Moved, "NOT_PINNED"}
    assert [(await state_of(courses, course_id)).occupied for course_id in (one, other)] == [0, 0]
    await assert_consistent(courses.service)


@pytest.mark.parametrize("locking", [True, False])
async def test_control_without_the_locks_a_revoked_client_is_moved_and_stays(courses, monkeypatch, locking):
    """E-19, negative control: the revocation comes between the move's look and its save."""
    here, [ref, *_] = await a_course_of(courses, 3)
    there, _ = await a_course_of(courses, 0)
    lock_decision, find_stays = copies.lock_decision, moves.find_stays
    looked, delivered = asyncio.Event(), asyncio.Event()

    async def delivered_or_waiting():
        return delivered.is_set() or await count_waiting(courses.service) > 0

    async def decide_without_locking(tx, decision_ref):
        async with courses.service.transaction() as elsewhere:
            return await lock_decision(elsewhere, decision_ref)

    async def look_without_locking(tx, *course_ids):
        return [await store.get_course(tx, course_id) for course_id in course_ids]

    async def held_find_stays(tx, decision_ref):
        found = await find_stays(tx, decision_ref)
        looked.set()
        await until(delivered_or_waiting)
        return found

    monkeypatch.setattr(moves, "find_stays", held_find_stays)
    if not locking:
        monkeypatch.setattr(copies, "lock_decision", decide_without_locking)
        monkeypatch.setattr(moves, "lock_courses", look_without_locking)

    async def revoke():
        await looked.wait()
        await courses.service.deliver(revoked(granted(decision_ref=ref).decision))
        delivered.set()

    await asyncio.gather(move(courses, here, there, ref), revoke())
    async with courses.service.transaction() as tx:
        active = await store.find_active_pin(tx, ref)
    assert (active is None) is locking


@pytest.mark.parametrize("letting_go", [True, False])
async def test_a_revocation_that_waited_for_a_move_does_not_keep_the_old_course(courses, monkeypatch, letting_go):
    """E-19, E-26: else it would hold one course and wait for the other, in a circle with a move that comes back.

    The negative control locks once and keeps what it has locked.
    """

    async def lock_and_keep(tx, decision_ref):
        pinned_to = "(SELECT pinned_to FROM decisions WHERE decision_ref = $1)"
        await tx.execute(f"SELECT FROM courses WHERE course_id = {pinned_to} FOR UPDATE", decision_ref)

    if not letting_go:
        monkeypatch.setattr(store, "lock_course_of_pin", lock_and_keep)
    here, [ref] = await a_course_of(courses, 1)
    there, _ = await a_course_of(courses, 0)

    merge_decision, kept = copies.merge_decision, []

    async def look_and_merge(tx, snapshot, version):
        async with courses.service.transaction() as elsewhere:
            free = "SELECT course_id FROM courses WHERE course_id = ANY($1) FOR UPDATE SKIP LOCKED"
            rows = await elsewhere.fetch(free, [here, there])
        kept.extend({here, there} - {row["course_id"] for row in rows})
        return await merge_decision(tx, snapshot, version)

    async def somebody_waits():
        return await count_waiting(courses.service) > 0

    monkeypatch.setattr(copies, "merge_decision", look_and_merge)
    async with courses.service.transaction(provider("moving")) as tx:
        await moving.move_client(tx, here, ref, Destination(there, CONSENT))
        revocation = asyncio.create_task(courses.service.deliver(revoked(granted(decision_ref=ref).decision)))
        await until(somebody_waits)
    await revocation
    assert kept == ([there] if letting_go else [here])
    assert (await state_of(courses, there)).occupied == 0
    await assert_consistent(courses.service)


# Moving against confirming (E-39).


def pinned_at_the_confirmation(events, course_id):
    """How many clients were on the course when it was confirmed, in the order of the commits; None if it was not."""
    pinned = 0
    for event in events:
        if isinstance(event, ClientPinned | ClientUnpinned | ClientMoved) and event.pin.course_id == course_id:
            pinned += 1 if isinstance(event, ClientPinned) else -1
        if isinstance(event, CourseConfirmed) and event.key == course_id:
            return pinned
    return None


def confirm(courses, course_id):
    async def work(tx):
        return await handlers.confirm_course(tx, course_id)

    return courses.service.db.run(work, provider("confirming"))


async def test_a_course_is_never_confirmed_with_five_because_the_sixth_moved(empty_courses):
    """E-39, E-26, acceptance example 15: confirming and moving one of six away, in either order."""
    courses = empty_courses
    await courses.start({2024: 10_000})
    chance = random.Random(39)
    seen = set()

    async def race():
        (here, refs), (there, _) = await a_course_of(courses, 6, group_size=6), await a_course_of(courses, 0)
        attempts = [confirm(courses, here), move(courses, here, there, chance.choice(refs))]
        chance.shuffle(attempts)
        found = await asyncio.gather(*attempts, return_exceptions=True)
        assert [outcome.code for outcome in found if isinstance(outcome, Refusal)] in ([], ["CONFIRM_TOO_FEW"])
        seen.add(any(isinstance(outcome, Refusal) for outcome in found))
        return here

    raced = []
    for _ in range(200 // 8):
        raced += await asyncio.gather(*(race() for _ in range(8)))
    events = await courses.service.published()
    assert {pinned_at_the_confirmation(events, course_id) for course_id in raced} == {6, None}
    assert seen == {True, False}
    await assert_consistent(courses.service)


@pytest.mark.parametrize("constrained", [True, False])
async def test_control_without_the_lock_a_course_is_confirmed_with_five(courses, monkeypatch, constrained):
    """E-39, negative control: the move comes between confirming's look and its save."""
    (here, refs), (there, _) = await a_course_of(courses, 6), await a_course_of(courses, 0)
    if not constrained:
        await take_away(courses.service, DROP_ENOUGH_CHECK)
    lock_course = store.lock_course
    looked, moved = asyncio.Event(), asyncio.Event()

    async def has_moved():
        return moved.is_set()

    async def look(tx, course_id):
        if tx.principal.subject != "confirming":
            return await lock_course(tx, course_id)
        found = await store.get_course(tx, course_id)
        looked.set()
        await until(has_moved)
        return found

    monkeypatch.setattr(store, "lock_course", look)

    async def move_away():
        await looked.wait()
        await move(courses, here, there, refs[0])
        moved.set()

    outcome, _ = await asyncio.gather(confirm(courses, here), move_away(), return_exceptions=True)
    assert isinstance(outcome, asyncpg.CheckViolationError) is constrained
    assert pinned_at_the_confirmation(await courses.service.published(), here) == (None if constrained else 5)
