"""Attempts at caps from 1 to 50, from several processes that die meanwhile: never over, never under."""

import asyncio
import random
import time
from collections import Counter

import pytest

from tests.bounded import is_linearizable
from tests.campaigns import CAMPAIGNS, SEED, size
from tests.caps.asking import Answer, ask_all
from tests.caps.attempts import LARGEST, MOST_ASKED, Attempt, plan
from tests.caps.checks import by_cap, wanted
from tests.caps.conftest import REPORT
from tests.caps.outcomes import APPLIED_ON, Outcome, caps_of, look
from tests.caps.stage import FAILPOINTS, Stage, stage
from tests.failpoints.rounds import until

pytestmark = pytest.mark.campaign("caps")

ATTEMPTS = size("caps")
PROCESSES = 3
KILLS = 8
FEWEST_KILLS = 6
"""Where the machine is slow, the load may be over before the last ones."""
_LATEST_REACHED = 20


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


@pytest.fixture(scope="module")
async def outcome(request, cluster, tmp_path_factory):
    """The load, once for all that is said of it."""
    home = tmp_path_factory.mktemp("caps")
    async with stage(cluster, home, PROCESSES) as prepared:
        began = time.monotonic()
        found = await load(prepared, plan(ATTEMPTS, random.Random(SEED)))
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
    assert outcome.kills
    if CAMPAIGNS["caps"].whole <= ATTEMPTS:
        caps = by_cap(outcome.answers)
        assert {cap.size for cap in caps} == set(range(1, LARGEST + 1))
        assert any(wanted(cap, answers) < cap.size for cap, answers in caps.items())
        assert len(outcome.kills) >= FEWEST_KILLS
        assert set(outcome.kills) == set(FAILPOINTS)
        assert any(answer.tries > 1 for answer in outcome.answers)
