"""Growing, moving and shrinking against each other, against creation and against pinning.

Hundreds of seeded rounds of real parallel transactions. Each race has a negative control: without
lock and constraint the same race ends badly.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import date
from random import Random

import asyncpg
import pytest

from contracts.refusals import Refusal
from contracts.values import DeliveryMode
from services.courses import handlers, pinning, store
from services.courses.changing import handlers as changing
from services.courses.changing.handlers import NewDates
from services.courses.creation import Proposal, ProposedPeriod
from tests.courses.builders import (
    OFFICE,
    a_description,
    contract_registered,
    descriptions_published,
    granted,
    office_registered,
    provider,
)
from tests.courses.consistency import assert_consistent
from tests.courses.test_races_for_places import DROP_COUNT_TRIGGER, DROP_PLACES_CHECK
from tests.races import Gate, take_away

ROUNDS, IN_A_CONTROL = 240, 12
ROUNDS_AT_ONCE = 20
CONTROLS_AT_ONCE = 6
"""A control waits inside its transactions, so all of them need a connection of their own."""

THIS_YEAR, NEXT_YEAR = date(2024, 3, 4), date(2025, 3, 3)


def on(day: date) -> tuple[ProposedPeriod, ...]:
    return (ProposedPeriod(day, day, DeliveryMode.FACE_TO_FACE),)


async def in_rounds(play: Callable[[int], Awaitable[None]], rounds: int, at_once: int) -> None:
    """Play the rounds, whose numbers are their seeds, so many at once; two or three commands race in each."""
    for first in range(0, rounds, at_once):
        await asyncio.gather(*(play(seed) for seed in range(first, min(first + at_once, rounds))))


async def race(seed: int, *commands) -> list[object]:
    """Outcomes of the commands, started in an order that the seed gives."""
    order = list(commands)
    Random(seed).shuffle(order)
    ended = await asyncio.gather(*(command() for command in order), return_exceptions=True)
    outcomes = dict(zip(order, ended, strict=True))
    failures = [outcome for outcome in ended if isinstance(outcome, BaseException)]
    assert all(isinstance(failure, Refusal) for failure in failures), failures
    return [outcomes[command] for command in commands]


class Racers:
    """Commands of one provider, each a transaction of its own."""

    def __init__(self, courses):
        self.service = courses.service

    def run(self, act):
        return self.service.db.run(act, provider("racer"))

    def create(self, contract_id, size, day=THIS_YEAR):
        return self.run(
            lambda tx: handlers.create_course(tx, contract_id, OFFICE, Proposal(size, ("group_a",), None, on(day)))
        )

    def resize(self, course, size):
        return self.run(lambda tx: changing.resize_course(tx, course.course_id, size))

    def move(self, course, day):
        return self.run(lambda tx: changing.reschedule_course(tx, course.course_id, NewDates(on(day))))

    def pin(self, course, decision):
        return self.run(lambda tx: pinning.pin_client(tx, course.course_id, decision.decision_ref))

    async def ledger(self, contract_id, year):
        async with self.service.transaction() as tx:
            return await store.get_ledger(tx, contract_id, year)


def look_without_locking(monkeypatch, lock: str, look: str, parties: int) -> set[tuple[object, ...]]:
    """What is put into the answer is looked at without a lock, and nobody writes before all have looked."""
    raced: set[tuple[object, ...]] = set()
    barriers = defaultdict(lambda: asyncio.Barrier(parties))
    load = getattr(store, look)

    async def looked(tx, *args):
        found = await load(tx, *args)
        if args in raced:
            await barriers[args].wait()
        return found

    monkeypatch.setattr(store, lock, looked)
    return raced


@pytest.fixture
async def racing(empty_courses):
    """A service whose smallest group is one, for cheap courses."""
    await empty_courses.know(
        descriptions_published(a_description(group_min=1, confirm_min=1, must_run_at=None)), office_registered()
    )
    return empty_courses


async def growth_against_creation(courses, rounds, at_once, raced=None):
    """Two courses grow while a third is created, all of one count; how many counts were overrun."""
    racers, overrun = Racers(courses), []

    async def play(seed):
        chance, contract_id = Random(seed), f"contract-g{seed}"
        await courses.know(contract_registered({2024: 12 + chance.randrange(13)}, contract_id=contract_id))
        first, second = [await racers.create(contract_id, 6) for _ in range(2)]
        sizes = [chance.randrange(7, 13) for _ in range(3)]
        if raced is not None:
            raced.add((contract_id, 2024))
        outcomes = await race(
            seed,
            lambda: racers.resize(first, sizes[0]),
            lambda: racers.resize(second, sizes[1]),
            lambda: racers.create(contract_id, sizes[2]),
        )
        ledger = await racers.ledger(contract_id, 2024)
        if ledger.reserved > ledger.announced:
            overrun.append(seed)
        added = sum(
            places
            for outcome, places in zip(outcomes, (sizes[0] - 6, sizes[1] - 6, sizes[2]), strict=True)
            if not isinstance(outcome, Refusal)
        )
        assert ledger.reserved == 12 + added
        for refused in outcomes:
            if isinstance(refused, Refusal) and raced is None:
                assert (refused.code, refused.values["requested"] > ledger.free) == ("PLACE_LEDGER_FULL", True)

    await in_rounds(play, rounds, at_once)
    return len(overrun)


async def test_growing_courses_and_a_new_one_never_overrun_the_count(racing):
    """E-41, R-CRS-2, R-CRS-15: the ledger's row lock decides, and nobody is refused whom the count would hold."""
    assert await growth_against_creation(racing, ROUNDS, ROUNDS_AT_ONCE) == 0
    await assert_consistent(racing.service)


async def test_control_without_lock_and_trigger_growing_overruns_the_count(racing, monkeypatch):
    """E-41, negative control: the race is real."""
    await take_away(racing.service, DROP_COUNT_TRIGGER)
    raced = look_without_locking(monkeypatch, "lock_ledger", "get_ledger", parties=3)
    assert await growth_against_creation(racing, IN_A_CONTROL, CONTROLS_AT_ONCE, raced) > 0


async def moving_against_creation(courses, rounds, at_once, raced=None):
    """A course moves to the next year, one of that year moves back, and one is created there; counts overrun."""
    racers, overrun = Racers(courses), []

    async def play(seed):
        chance, contract_id = Random(seed), f"contract-m{seed}"
        counts = {2024: 12, 2025: 12 + chance.randrange(6)}
        await courses.know(contract_registered(counts, contract_id=contract_id))
        leaving = await racers.create(contract_id, 12)
        returning = await racers.create(contract_id, 6, NEXT_YEAR)
        if raced is not None:
            await racers.resize(returning, 1)
            raced.add((contract_id, 2025))
        size = chance.randrange(6, 13)
        commands = [
            lambda: racers.move(leaving, NEXT_YEAR),
            lambda: racers.create(contract_id, size, NEXT_YEAR),
            lambda: racers.move(returning, THIS_YEAR),
        ]
        outcomes = await race(seed, *(commands if raced is None else commands[:2]))
        ledgers = [await racers.ledger(contract_id, year) for year in (2024, 2025)]
        if any(ledger.reserved > ledger.announced for ledger in ledgers):
            overrun.append(seed)
        for refused in outcomes:
            if isinstance(refused, Refusal):
                assert refused.code == "PLACE_LEDGER_FULL"
                assert refused.values["requested"] > refused.values["free"]

    await in_rounds(play, rounds, at_once)
    return len(overrun)


async def test_courses_that_change_years_and_a_new_one_never_overrun_a_count(racing):
    """E-37, R-CRS-33: both ledgers are locked, the earlier year first, so nobody waits in a circle."""
    async with racing.service.transaction() as tx:
        before = await tx.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert await moving_against_creation(racing, ROUNDS, ROUNDS_AT_ONCE) == 0
    async with racing.service.transaction() as tx:
        after = await tx.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert after == before
    await assert_consistent(racing.service)


@pytest.mark.parametrize("by_year", [True, False], ids=["by year", "control: as each goes"])
async def test_two_courses_that_change_years_crosswise_do_not_wait_in_a_circle(racing, monkeypatch, by_year):
    """E-37: ledgers locked in the order in which each course leaves and enters them end in a deadlock."""
    racers, gate, first_locked = Racers(racing), Gate(racing.service, 2), set()
    await racing.know(contract_registered({2024: 20, 2025: 20}))
    going = await racers.create("contract-1", 6)
    coming = await racers.create("contract-1", 6, NEXT_YEAR)
    lock = store.lock_ledger

    async def held(tx, contract_id, year):
        found = await lock(tx, contract_id, year)
        if id(tx) not in first_locked:
            first_locked.add(id(tx))
            await gate.pass_through()
        return found

    monkeypatch.setattr(store, "lock_ledger", held)
    if not by_year:
        monkeypatch.setattr(changing, "sorted", list, raising=False)

    async def move(course, day):
        async with racing.service.transaction(provider("racer")) as tx:
            await changing.reschedule_course(tx, course.course_id, NewDates(on(day)))

    outcomes = await asyncio.gather(move(going, NEXT_YEAR), move(coming, THIS_YEAR), return_exceptions=True)
    ended = [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)]
    assert ended == ([] if by_year else [asyncpg.DeadlockDetectedError])


async def test_control_without_lock_and_trigger_moving_overruns_the_next_year(racing, monkeypatch):
    """E-37, negative control: the race is real."""
    await take_away(racing.service, DROP_COUNT_TRIGGER)
    raced = look_without_locking(monkeypatch, "lock_ledger", "get_ledger", parties=2)
    assert await moving_against_creation(racing, IN_A_CONTROL, CONTROLS_AT_ONCE, raced) > 0


async def shrinking_against_pinning(courses, rounds, at_once, raced=None):
    """A group shrinks by its last free place while that is given away; how many groups were overfilled."""
    await courses.know(contract_registered({2024: 5 * rounds}))
    racers, overfilled = Racers(courses), []

    async def play(seed):
        size = Random(seed).randrange(2, 4)
        course = await racers.create("contract-1", size)
        await racers.run(lambda tx: handlers.publish_course(tx, course.course_id))
        decisions = [granted() for _ in range(size)]
        await courses.know(*decisions)
        for event in decisions[1:]:
            await racers.pin(course, event.decision)
        if raced is not None:
            raced.add((course.course_id,))
        shrunk, pinned = await race(
            seed,
            lambda: racers.resize(course, size - 1),
            lambda: racers.pin(course, decisions[0].decision),
        )
        if raced is None:
            lost = {shrunk.code} if isinstance(shrunk, Refusal) else {pinned.code}
            assert lost <= {"SHRINK_BELOW_PINNED", "COURSE_FULL"}
            assert isinstance(shrunk, Refusal) != isinstance(pinned, Refusal)
        async with racers.service.transaction() as tx:
            after = await store.get_course(tx, course.course_id)
        if after.occupied > after.group_size:
            overfilled.append(seed)

    await in_rounds(play, rounds, at_once)
    return len(overfilled)


async def test_the_last_free_place_is_given_away_or_given_back(racing):
    """E-41, R-CRS-14: the course's row lock decides between shrinking and pinning."""
    assert await shrinking_against_pinning(racing, ROUNDS, ROUNDS_AT_ONCE) == 0
    await assert_consistent(racing.service)


async def test_control_without_lock_and_constraint_a_shrunk_group_is_overfilled(racing, monkeypatch):
    """E-41, negative control: the race is real."""
    await take_away(racing.service, DROP_PLACES_CHECK)
    raced = look_without_locking(monkeypatch, "lock_course", "get_course", parties=2)
    assert await shrinking_against_pinning(racing, IN_A_CONTROL, CONTROLS_AT_ONCE, raced) == IN_A_CONTROL
