"""Ten thousand attempts at caps from 1 to 50, from several processes that die meanwhile: never over, never under.

`REKKU_ATTEMPTS` says how many (10,000 by default), `REKKU_SEED` which and who dies where.
"""

import asyncio
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from tests.bounded import Operation, is_linearizable
from tests.caps.asking import GRANTED, Answer, ask_all
from tests.caps.attempts import LARGEST, MOST_ASKED, Attempt, Cap, plan
from tests.caps.checks import by_cap, history, taken, violations, wanted
from tests.caps.conftest import REPORT
from tests.caps.stage import FAILPOINTS, YEAR, Stage, stage
from tests.decisions import unguarded
from tests.failpoints.rounds import SEED, until

ATTEMPTS = int(os.environ.get("REKKU_ATTEMPTS", "10000"))
PROCESSES = 3
KILLS = 12
FEWEST_KILLS = 8
"""Where the machine is slow, the load may be over before the last ones."""
_LATEST_REACHED = 20


@dataclass(frozen=True)
class Outcome:
    """What became of all attempts."""

    answers: list[Answer]
    violations: list[str]
    kills: list[str]

    @property
    def histories(self) -> dict[Cap, list[Operation]]:
        return {cap: history(answers) for cap, answers in by_cap(self.answers).items()}


async def load(on: Stage, attempts: list[Attempt], kills: int) -> Outcome:
    """Make all attempts while processes die, spread over the whole time; look when everything is on the bus."""
    answers: list[Answer] = []
    rng = random.Random(SEED)
    failpoints = [FAILPOINTS[number % len(FAILPOINTS)] for number in range(kills)]
    rng.shuffle(failpoints)
    await on.open(list({attempt.cap: None for attempt in attempts}))

    def over() -> bool:
        return len(answers) == len(attempts)

    async def kill() -> None:
        for number, failpoint in enumerate(failpoints):

            async def its_turn(after: int = number * len(attempts) // (kills + 1)) -> bool:
                return len(answers) >= after

            await until(its_turn, "the load goes on", 300)
            nth = rng.randint(1, 3 if failpoint.startswith("send") else _LATEST_REACHED)
            await on.kill(failpoint, nth, rng, over)

    async with asyncio.TaskGroup() as together:
        together.create_task(ask_all(attempts, on.ports, on.token, f"{YEAR}-01-02", SEED, answers.append))
        together.create_task(kill())
    await on.all_sent()
    return Outcome(answers, await violations(answers, on.admin), on.kills)


@pytest.fixture(scope="module")
async def outcome(request, cluster, tmp_path_factory):
    """The load, once for all that is said of it."""
    home = tmp_path_factory.mktemp("caps")
    async with stage(cluster, home, PROCESSES) as prepared:
        began = time.monotonic()
        found = await load(prepared, plan(ATTEMPTS, random.Random(SEED)), KILLS)
        took = time.monotonic() - began
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
    if ATTEMPTS >= 10_000:
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
        found = await load(prepared, plan(8 * MOST_ASKED, random.Random(SEED)), kills=0)
    passed = {cap.name for cap, answers in by_cap(found.answers).items() if len(taken(cap, answers)) > cap.size}
    assert passed != set(), Counter(answer.outcome == GRANTED for answer in found.answers)
    assert {line.split(": ")[1].split(" has ")[0] for line in found.violations if line.startswith("over: ")} == passed
    impossible = {cap.name for cap, known in found.histories.items() if not is_linearizable(known, cap.size)}
    assert impossible >= passed
