"""Races for the last place of a course, and for the last places of a count.

Each has a negative control: without the guards the same race ends badly.
"""

import asyncio

import asyncpg

from contracts.refusals import Refusal
from contracts.values import DeliveryMode
from services.courses import handlers, pinning, store
from services.courses.creation import Proposal, ProposedPeriod
from tests.courses.builders import CONTRACT, FIRST_DAY, OFFICE, provider
from tests.courses.consistency import assert_consistent
from tests.races import Gate, take_away

DROP_PLACES_CHECK = "ALTER TABLE courses DROP CONSTRAINT courses_places_fit"
DROP_COUNT_TRIGGER = "DROP TRIGGER place_ledgers_within_count ON place_ledgers"
ONE_PERIOD = ProposedPeriod(FIRST_DAY, FIRST_DAY, mode=DeliveryMode.FACE_TO_FACE)


async def race_for_the_last_place(courses, monkeypatch, *, locking: bool, parties: int = 6):
    """`parties` workers pin different clients to the one place left; (outcomes, active pins)."""
    course = await courses.a_course(group_size=6, pinned=5)
    decisions = [await courses.grant() for _ in range(parties)]
    gate = Gate(courses.service, parties)
    load = store.lock_course if locking else store.get_course

    async def lock_course(tx, course_id):
        loaded = await load(tx, course_id)
        await gate.pass_through()
        return loaded

    monkeypatch.setattr(store, "lock_course", lock_course)

    async def pin(decision):
        async def work(tx):
            return await pinning.pin_client(tx, course["course_id"], decision.decision_ref)

        return await courses.service.db.run(work, provider(f"worker of {decision.decision_ref}"))

    outcomes = await asyncio.gather(*(pin(decision) for decision in decisions), return_exceptions=True)
    return outcomes, len(await courses.pins_of(course, "active"))


async def test_the_last_place_is_given_once(courses, monkeypatch):
    """E-22, R-CRS-14: the course's lock decides; everybody else hears COURSE_FULL."""
    outcomes, pins = await race_for_the_last_place(courses, monkeypatch, locking=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert (len(outcomes) - len(refusals), pins) == (1, 6)
    assert {(refused.code, refused.values["group_size"]) for refused in refusals} == {("COURSE_FULL", 6)}
    await assert_consistent(courses.service)


async def test_without_the_lock_the_constraint_still_holds_the_last_place(courses, monkeypatch):
    """E-22: the counter grows by a relative update under a CHECK, a second wall."""
    outcomes, pins = await race_for_the_last_place(courses, monkeypatch, locking=False)
    failed = [outcome for outcome in outcomes if isinstance(outcome, asyncpg.CheckViolationError)]
    assert (len(outcomes) - len(failed), pins) == (1, 6)
    assert {failure.constraint_name for failure in failed} == {"courses_places_fit"}


async def test_control_without_lock_and_constraint_the_course_is_overfilled(courses, monkeypatch):
    """E-22, negative control: the race is real."""
    await take_away(courses.service, DROP_PLACES_CHECK)
    outcomes, pins = await race_for_the_last_place(courses, monkeypatch, locking=False)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    assert pins == 11


async def race_for_places(courses, monkeypatch, *, locking: bool):
    """Four workers create courses of 12 with 12 places left; (outcomes, reserved)."""
    parties = 4
    gate = Gate(courses.service, parties)
    load = store.lock_ledger if locking else store.get_ledger

    async def lock_ledger(tx, contract_id, year):
        ledger = await load(tx, contract_id, year)
        await gate.pass_through()
        return ledger

    monkeypatch.setattr(store, "lock_ledger", lock_ledger)

    async def create(tx):
        return await handlers.create_course(tx, CONTRACT, OFFICE, Proposal(12, ("group_a",), None, (ONE_PERIOD,)))

    outcomes = await asyncio.gather(
        *(courses.service.db.run(create, provider(f"worker {n}")) for n in range(parties)), return_exceptions=True
    )
    return outcomes, (await courses.ledger())[1]


async def test_the_last_places_of_the_count_go_to_one_course(empty_courses, monkeypatch):
    """R-CRS-2: the ledger's row lock decides."""
    await empty_courses.start({2024: 12})
    outcomes, reserved = await race_for_places(empty_courses, monkeypatch, locking=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert (len(outcomes) - len(refusals), reserved) == (1, 12)
    assert {refused.code for refused in refusals} == {"PLACE_LEDGER_FULL"}
    await assert_consistent(empty_courses.service)


async def test_without_the_lock_the_database_still_refuses_places_beyond_the_count(empty_courses, monkeypatch):
    """R-CRS-2: a trigger guards the ledger a second time."""
    await empty_courses.start({2024: 12})
    outcomes, reserved = await race_for_places(empty_courses, monkeypatch, locking=False)
    failed = [outcome for outcome in outcomes if isinstance(outcome, asyncpg.CheckViolationError)]
    assert (len(outcomes) - len(failed), reserved) == (1, 12)


async def test_control_without_lock_and_trigger_the_count_is_overrun(empty_courses, monkeypatch):
    """R-CRS-2, negative control: the race is real."""
    await empty_courses.start({2024: 12})
    await take_away(empty_courses.service, DROP_COUNT_TRIGGER)
    _, reserved = await race_for_places(empty_courses, monkeypatch, locking=False)
    assert reserved == 48
