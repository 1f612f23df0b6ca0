"""Deleting against pinning, creating and confirming (E-38): hundreds of seeded rounds of real transactions.

Each race has a negative control: without the guards the same two commands end badly.
"""

import asyncio
import random
from collections import Counter
from datetime import UTC, date, datetime

import asyncpg
import pytest

from contracts.courses import ClientPinned, CourseConfirmed, CourseDeleted
from contracts.refusals import Refusal
from contracts.values import DeliveryMode
from services.courses import copies, handlers, pinning, store
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.creation import Proposal, ProposedPeriod
from services.courses.ending import handlers as ending
from services.courses.moving.domain import Destination
from tests.courses.builders import (
    CONTRACT,
    OFFICE,
    a_decision,
    a_description,
    contract_registered,
    descriptions_published,
    office_registered,
    provider,
)
from tests.courses.consistency import assert_consistent
from tests.races import Gate, take_away

ROUNDS = 150
IN_FLIGHT = 64
SEEDS = (1, 2)
ONE_PERIOD = ProposedPeriod(date(2024, 3, 4), date(2024, 3, 8), mode=DeliveryMode.FACE_TO_FACE)

DROP_PINS_CHECK = "ALTER TABLE courses DROP CONSTRAINT courses_over_without_pins"
DROP_STATE_GUARDS = """
DROP TRIGGER courses_follow_their_states ON courses;
ALTER TABLE courses DROP CONSTRAINT courses_deleted_unconfirmed, DROP CONSTRAINT courses_hold_places,
    DROP CONSTRAINT courses_confirmed_with_enough
"""


@pytest.fixture
async def small(empty_courses):
    """A service whose courses may be confirmed with one client, and never must run: rounds stay short."""
    tiny = a_description(group_min=1, confirm_min=1, must_run_at=None)
    counts = contract_registered({2024: 100_000})
    await empty_courses.know(descriptions_published(tiny), office_registered(), counts)
    return empty_courses


async def create(tx, size=12):
    return await handlers.create_course(tx, CONTRACT, OFFICE, Proposal(size, ("group_a",), None, (ONE_PERIOD,)))


async def a_published_course(tx):
    course = await create(tx, size=6)
    return await handlers.publish_course(tx, course.course_id)


async def a_known_decision(tx):
    decision = a_decision()
    await copies.merge_decision(tx, decision, 1)
    return decision.decision_ref


async def in_rounds(courses, seed, prepare, *sides):
    """Let the sides race `ROUNDS` times, the order and the head start by chance; every round's outcomes."""
    chance = random.Random(seed)
    at_once = IN_FLIGHT // len(sides)

    async def one_round(scene, starts):
        async def act(side, yields):
            for _ in range(yields):
                await asyncio.sleep(0)
            return await courses.service.db.run(lambda tx: side(tx, *scene), provider(side.__name__))

        order = sorted(range(len(sides)), key=starts.__getitem__)
        done = await asyncio.gather(*(act(sides[n], starts[n]) for n in order), return_exceptions=True)
        return [done[order.index(n)] for n in range(len(sides))]

    outcomes = []
    while len(outcomes) < ROUNDS:
        scenes = [await courses.service.db.run(prepare) for _ in range(min(at_once, ROUNDS - len(outcomes)))]
        plans = [[chance.randrange(0, 12) for _ in sides] for _ in scenes]
        outcomes += await asyncio.gather(*(one_round(*each) for each in zip(scenes, plans, strict=True)))
    return outcomes


def code_of(outcome):
    if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal):
        raise outcome
    return outcome.code if isinstance(outcome, Refusal) else "done"


async def with_both_looking_first(courses, monkeypatch, first, second):
    """Both commands load without a lock before either saves; their outcomes."""
    gate = Gate(courses.service, 2)

    async def look(tx, course_id):
        loaded = await store.get_course(tx, course_id)
        await gate.pass_through()
        return loaded

    monkeypatch.setattr(store, "lock_course", look)
    return await asyncio.gather(
        courses.service.db.run(first, provider("first")),
        courses.service.db.run(second, provider("second")),
        return_exceptions=True,
    )


# Deleting against pinning.


async def the_scene_of_a_pin(tx):
    return (await a_published_course(tx)).course_id, await a_known_decision(tx)


async def pin(tx, course_id, decision_ref):
    return await pinning.pin_client(tx, course_id, decision_ref)


async def delete(tx, course_id, *_):
    return await ending.delete_course(tx, course_id)


@pytest.mark.parametrize("seed", SEEDS)
async def test_nobody_is_pinned_to_a_deleted_course(small, seed):
    """E-38: either the pin came first and the deletion is refused, or the course is gone."""
    outcomes = await in_rounds(small, seed, the_scene_of_a_pin, pin, delete)
    seen = Counter(tuple(code_of(outcome) for outcome in each) for each in outcomes)
    assert set(seen) == {("done", "TRANSFERS_MISSING"), ("COURSE_GONE", "done")}, seen
    pinned = await small.service.published(ClientPinned)
    deleted = {event.key for event in await small.service.published(CourseDeleted)}
    assert not deleted & {event.pin.course_id for event in pinned}
    assert len(pinned) + len(deleted) == ROUNDS
    await assert_consistent(small.service)


async def pin_while_deleting(courses, monkeypatch):
    scene = await courses.service.db.run(the_scene_of_a_pin)
    outcomes = await with_both_looking_first(
        courses, monkeypatch, lambda tx: pin(tx, *scene), lambda tx: delete(tx, *scene)
    )
    return outcomes, len(await courses.pins_of({"course_id": scene[0]}, "active"))


async def test_without_the_lock_the_constraint_still_keeps_deleted_courses_empty(small, monkeypatch):
    """E-38: a course that is over has no pins, by a CHECK."""
    outcomes, _ = await pin_while_deleting(small, monkeypatch)
    [failed] = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(failed, asyncpg.CheckViolationError)
    assert failed.constraint_name == "courses_over_without_pins"


async def test_control_without_lock_and_constraint_a_client_is_pinned_to_a_deleted_course(small, monkeypatch):
    """E-38, negative control: the race is real."""
    await take_away(small.service, DROP_PINS_CHECK)
    outcomes, pins = await pin_while_deleting(small, monkeypatch)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    assert pins == 1


# Deleting against creating, on one ledger.


@pytest.mark.parametrize("seed", SEEDS)
async def test_freed_places_are_given_once(empty_courses, seed):
    """R-CRS-37, R-CRS-2: on a full ledger a new course fits only after another is gone."""
    courses = empty_courses
    await courses.start({2024: 12 * IN_FLIGHT})
    whole = [await courses.service.db.run(create, provider("before")) for _ in range(IN_FLIGHT)]
    chance = random.Random(seed)
    seen = Counter()

    async def delete_one():
        course_id = whole.pop().course_id
        return await courses.service.db.run(lambda tx: ending.delete_course(tx, course_id), provider("deleting"))

    async def create_one():
        return await courses.service.db.run(create, provider("creating"))

    while sum(seen.values()) < 2 * ROUNDS:
        sides = [delete_one, create_one] * (IN_FLIGHT // 4)
        chance.shuffle(sides)
        done = await asyncio.gather(*(side() for side in sides), return_exceptions=True)
        seen.update((side.__name__, code_of(outcome)) for side, outcome in zip(sides, done, strict=True))
        created = [one for side, one in zip(sides, done, strict=True) if side is create_one]
        whole += [course for course in created if not isinstance(course, Refusal)]
        announced, reserved, _ = await courses.ledger()
        assert reserved == 12 * len(whole) <= announced
        while 12 * len(whole) < announced:
            whole.append(await courses.service.db.run(create, provider("before")))
    assert set(seen) == {("delete_one", "done"), ("create_one", "done"), ("create_one", "PLACE_LEDGER_FULL")}
    await assert_consistent(courses.service)


async def delete_while_creating(courses, monkeypatch, *, relative: bool):
    """With 12 of 24 places reserved one course is deleted and one created; (reserved, what is on courses)."""
    await courses.start({2024: 24})
    course = await courses.a_course()
    gate = Gate(courses.service, 2)

    async def look(tx, contract_id, year):
        ledger = await store.get_ledger(tx, contract_id, year)
        await gate.pass_through()
        return ledger

    async def overwrite(tx, ledger, added):
        await tx.execute("UPDATE place_ledgers SET reserved = $1", ledger.reserved + added)

    monkeypatch.setattr(store, "lock_ledger", look)
    if not relative:
        monkeypatch.setattr(store, "set_reserved", overwrite)
    await asyncio.gather(
        courses.service.db.run(lambda tx: ending.delete_course(tx, course["course_id"]), provider("deleting")),
        courses.service.db.run(create, provider("creating")),
    )
    async with courses.service.transaction() as tx:
        on_courses = await tx.fetchval("SELECT sum(group_size) FROM courses WHERE holds_places")
    return (await courses.ledger())[1], on_courses


async def test_without_the_lock_relative_updates_still_keep_the_ledger_right(empty_courses, monkeypatch):
    """R-CRS-37: a second wall."""
    assert await delete_while_creating(empty_courses, monkeypatch, relative=True) == (12, 12)


async def test_control_without_lock_and_relative_updates_the_ledger_forgets_one_of_two(empty_courses, monkeypatch):
    """R-CRS-37, negative control: the race is real."""
    reserved, on_courses = await delete_while_creating(empty_courses, monkeypatch, relative=False)
    assert on_courses == 12
    assert reserved in (0, 24)


# Deleting with a transfer against confirming.


async def the_scene_of_a_confirmation(tx):
    course, target = await a_published_course(tx), await a_published_course(tx)
    decision_ref = await a_known_decision(tx)
    await pinning.pin_client(tx, course.course_id, decision_ref)
    return course.course_id, target.course_id, decision_ref


async def confirm(tx, course_id, *_):
    return await handlers.confirm_course(tx, course_id)


async def delete_with_transfer(tx, course_id, target_id, decision_ref):
    agreed = Consent(decision_ref, tx.today, GivenBy.CLIENT, Channel.PHONE)
    return await ending.delete_course(tx, course_id, None, {decision_ref: Destination(target_id, agreed)})


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_course_is_confirmed_or_deleted_never_both(small, seed):
    """E-34, E-36: confirming commits, deleting ends; whoever comes second is refused."""
    outcomes = await in_rounds(small, seed, the_scene_of_a_confirmation, confirm, delete_with_transfer)
    seen = Counter(tuple(code_of(outcome) for outcome in each) for each in outcomes)
    assert set(seen) == {("done", "CONFIRMED"), ("COURSE_GONE", "done")}, seen
    confirmed = {event.key for event in await small.service.published(CourseConfirmed)}
    deleted = {event.key for event in await small.service.published(CourseDeleted)}
    assert (confirmed & deleted, len(confirmed) + len(deleted)) == (set(), ROUNDS)
    await assert_consistent(small.service)


async def confirm_while_deleting(courses, monkeypatch):
    scene = await courses.service.db.run(the_scene_of_a_confirmation)
    return await with_both_looking_first(
        courses, monkeypatch, lambda tx: confirm(tx, *scene), lambda tx: delete_with_transfer(tx, *scene)
    )


async def settle_both_ways(courses, monkeypatch):
    """A past course took place, says one answer, and did not, says another (E-40)."""
    scene = await courses.service.db.run(the_scene_of_a_confirmation)
    await courses.clock.set(datetime(2024, 3, 5, 12, tzinfo=UTC))
    return await with_both_looking_first(
        courses,
        monkeypatch,
        lambda tx: ending.confirm_retroactively(tx, scene[0]),
        lambda tx: ending.close_as_not_held(tx, scene[0], "nobody came"),
    )


async def count_told(courses):
    """How often a course was said to be confirmed, or deleted."""
    return len([*await courses.service.published(CourseConfirmed), *await courses.service.published(CourseDeleted)])


@pytest.mark.parametrize("at_once", [confirm_while_deleting, settle_both_ways])
async def test_without_the_lock_the_states_still_go_one_way(small, monkeypatch, at_once):
    """Domain section 7: a trigger and two CHECKs are the second wall."""
    outcomes = await at_once(small, monkeypatch)
    [failed] = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(failed, asyncpg.CheckViolationError)
    assert await count_told(small) == 1


@pytest.mark.parametrize("at_once", [confirm_while_deleting, settle_both_ways])
async def test_control_without_lock_and_constraints_a_course_is_confirmed_and_deleted(small, monkeypatch, at_once):
    """E-34, E-40, negative control: the race is real."""
    await take_away(small.service, DROP_STATE_GUARDS)
    outcomes = await at_once(small, monkeypatch)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    assert await count_told(small) == 2
