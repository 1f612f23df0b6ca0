"""Attempts at caps from 1 to 50, from several processes that die meanwhile: never over, never under."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

import pytest

from tests.bounded import Operation, is_linearizable
from tests.campaigns import CAMPAIGNS, SEED, size
from tests.caps.asking import REFUSED, Answer, ask_all
from tests.caps.attempts import LARGEST, MOST_ASKED, Attempt, Cap, plan
from tests.caps.checks import by_cap, history, over_or_under, taken, violations, wanted
from tests.caps.conftest import REPORT
from tests.caps.stage import FAILPOINTS, YEAR, Stage, stage
from tests.decisions import unguarded
from tests.failpoints.rounds import until

pytestmark = pytest.mark.campaign("caps")

ATTEMPTS = size("caps")
PROCESSES = 3
KILLS = 8
APPLIED_ON = f"{YEAR}-01-02"
FEWEST_KILLS = 6
"""Where the machine is slow, the load may be over before the last ones."""
_LATEST_REACHED = 20
_UNGUARDED_ATTEMPTS = 3000
TAMPERED = {
    "UPDATE decisions.quotas SET used = used - 1 WHERE used = (SELECT max(used) FROM decisions.quotas)": "counter says",
    "DELETE FROM decisions.decisions WHERE number = (SELECT max(number) FROM decisions.decisions)": "not kept",
    "DELETE FROM rekku_bus.records WHERE (topic, partition, position) = (SELECT topic, partition, max(position)"
    " FROM rekku_bus.records WHERE topic = 'rekku.decisions' GROUP BY 1, 2 LIMIT 1)": "told and decided differently",
    "DELETE FROM rekku_bus.records WHERE topic = 'rekku.quotas'": "full, and not told so",
}
"""What somebody does behind the service's back, and what is said of it."""


@dataclass(frozen=True)
class Outcome:
    """What became of all attempts; `after_tampering` is what the same look finds then."""

    answers: list[Answer]
    violations: list[str]
    kills: list[str]
    after_tampering: list[str] = field(default_factory=list)

    @property
    def histories(self) -> dict[Cap, list[Operation]]:
        return {cap: history(answers) for cap, answers in by_cap(self.answers).items()}


async def load(on: Stage, attempts: list[Attempt]) -> Outcome:
    """Make all attempts while processes die, spread over the whole time."""
    answers: list[Answer] = []
    rng = random.Random(SEED)
    failpoints = [FAILPOINTS[number % len(FAILPOINTS)] for number in range(KILLS)]
    rng.shuffle(failpoints)
    await on.open(caps_of(attempts))

    def over() -> bool:
        return len(answers) == len(attempts)

    async def kill() -> None:
        for number, failpoint in enumerate(failpoints):

            async def its_turn(after: int = number * len(attempts) // (KILLS + 1)) -> bool:
                return len(answers) >= after

            await until(its_turn, "the load goes on", 300)
            nth = rng.randint(1, 3 if failpoint.startswith("send") else _LATEST_REACHED)
            await on.kill(failpoint, nth, rng, over)

    async with asyncio.TaskGroup() as together:
        together.create_task(ask_all(attempts, on.ports, on.token, APPLIED_ON, SEED, answers.append))
        together.create_task(kill())
    return await look(on, answers)


async def load_until_passed(on: Stage, attempts: list[Attempt]) -> Outcome:
    """One cap after the other, until one was passed: there is no need to go on."""
    answers: list[Answer] = []

    def until_passed() -> Iterator[Attempt]:
        for _, of_one_cap in groupby(attempts, key=lambda attempt: attempt.cap):
            if passed(answers):
                return
            yield from of_one_cap

    await on.open(caps_of(attempts))
    await ask_all(until_passed(), on.ports, on.token, APPLIED_ON, SEED, answers.append)
    return await look(on, answers)


async def look(on: Stage, answers: list[Answer]) -> Outcome:
    """What there is to see when everything is on the bus."""
    await on.all_sent()
    return Outcome(answers, await violations(answers, on.admin), on.kills)


def caps_of(attempts: list[Attempt]) -> list[Cap]:
    return list(dict.fromkeys(attempt.cap for attempt in attempts))


def passed(answers: list[Answer]) -> set[str]:
    """The caps that have given more than they hold."""
    return {cap.name for cap, of_cap in by_cap(answers).items() if len(taken(cap, of_cap)) > cap.size}


@pytest.fixture(scope="module")
async def outcome(request, cluster, tmp_path_factory):
    """The load, once for all that is said of it."""
    home = tmp_path_factory.mktemp("caps")
    async with stage(cluster, home, PROCESSES) as prepared:
        began = time.monotonic()
        found = await load(prepared, plan(ATTEMPTS, random.Random(SEED)))
        took = time.monotonic() - began
        for statement in TAMPERED:
            await prepared.admin.execute(statement)
        found = replace(found, after_tampering=await violations(found.answers, prepared.admin))
    said = request.config.stash.setdefault(REPORT, [])
    outcomes = Counter(answer.outcome for answer in found.answers)
    again = sum(answer.tries > 1 for answer in found.answers)
    said.append(
        f"seed {SEED}: {len(found.answers)} attempts on {len(by_cap(found.answers))} caps in {took:.0f} s"
        f" ({len(found.answers) / took:.0f}/s): {dict(outcomes)}; {again} had to ask again;"
        f" {len(found.kills)} kills survived {dict(Counter(found.kills))}"
    )
    return found


def test_no_cap_is_ever_passed_and_none_is_left_with_room(outcome):
    """E-5, E-53, R-DEC-1: what was answered, the counters, the decisions and the events on the bus say the same."""
    assert outcome.violations == []


def test_every_history_is_one_of_a_counter_that_never_passes_its_cap(outcome):
    """E-5, E-53, E-55: each cap by itself, with everybody's calls and answers."""
    assert all(len(operations) <= MOST_ASKED for operations in outcome.histories.values())
    assert [cap.name for cap, known in outcome.histories.items() if not is_linearizable(known, cap.size)] == []


def test_the_load_was_what_it_should_be(outcome):
    """E-53: every attempt answered, every kind of cap, all sizes, and deaths at each of the steps."""
    assert len({answer.attempt.number for answer in outcome.answers}) == len(outcome.answers) == ATTEMPTS
    if CAMPAIGNS["caps"].whole <= ATTEMPTS:
        caps = by_cap(outcome.answers)
        assert {cap.size for cap in caps} == set(range(1, LARGEST + 1))
        assert any(wanted(cap, answers) < cap.size for cap, answers in caps.items())
        assert len(outcome.kills) >= FEWEST_KILLS
        assert set(outcome.kills) == set(FAILPOINTS)
        assert any(answer.tries > 1 for answer in outcome.answers)


def test_control_with_an_early_and_a_late_answer_exchanged_no_history_could_be(outcome):
    """E-53: as many are granted and the times are the recorded ones, and the checker says no all the same."""
    forged = {cap: _exchanged(operations) for cap, operations in outcome.histories.items()}
    exchanged = {cap: operations for cap, operations in forged.items() if operations is not None}
    assert len(exchanged) > len(forged) // 2
    assert [cap.name for cap, operations in exchanged.items() if is_linearizable(operations, cap.size)] == []


def test_control_whatever_is_tampered_with_is_found(outcome):
    """E-53: counters, decisions and events."""
    for said in TAMPERED.values():
        assert any(said in line for line in outcome.after_tampering), said


def test_control_a_slot_that_nobody_got_is_found(outcome):
    """E-5: somebody was refused who should not have been."""
    for cap, answers in by_cap(outcome.answers).items():
        one = min(taken(cap, answers))
        short = [replace(a, outcome=REFUSED) if a.decision_ref == one else a for a in answers]
        assert [line.partition(":")[0] for line in over_or_under(cap, short)] == ["under"]


def _exchanged(operations: list[Operation]) -> list[Operation] | None:
    """The first who was granted is refused, and the last who was refused is granted; None where they overlapped."""
    granted = min((o for o in operations if o.given), key=lambda o: o.answered, default=None)
    refused = max((o for o in operations if not o.given), key=lambda o: o.called, default=None)
    if granted is None or refused is None or refused.called < granted.answered:
        return None
    others = [operation for operation in operations if operation not in (granted, refused)]
    return [*others, replace(granted, given=False), replace(refused, given=True)]


async def test_control_with_the_guard_off_caps_are_passed(cluster, tmp_path_factory):
    """E-5, E-53: the same load against processes without the condition, and both ways of looking find it."""
    home = tmp_path_factory.mktemp("unguarded")
    async with stage(cluster, home, processes=2, command=("-m", unguarded.__name__)) as prepared:
        await prepared.admin.execute("SET search_path = decisions")
        for statement in unguarded.DROP_CONSTRAINTS:
            await prepared.admin.execute(statement)
        found = await load_until_passed(prepared, plan(_UNGUARDED_ATTEMPTS, random.Random(SEED), at_once=1))
    too_many = passed(found.answers)
    assert too_many, f"the guard was off and {len(by_cap(found.answers))} caps held all the same"
    said = {line.removeprefix("over: ").split(" has ")[0] for line in found.violations if line.startswith("over: ")}
    assert said == too_many
    assert {cap.name for cap, known in found.histories.items() if not is_linearizable(known, cap.size)} >= too_many
