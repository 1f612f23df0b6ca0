"""Killed at any step, any service comes back to what it would have been: nothing lost, nothing twice."""

import random
import time
from itertools import islice

import pytest

from tests.campaigns import CAMPAIGNS, SEED, size
from tests.failpoints.digest import differences
from tests.failpoints.rounds import Grounds
from tests.failpoints.steps import failpoints, plan
from tests.failpoints.workload import Year

pytestmark = pytest.mark.campaign("kills")

TIMES = 1
"""In how many phases each failpoint of each service is met; the seed chooses which."""


async def test_a_kill_at_any_step_of_any_service_changes_nothing(ground: Grounds):
    started = time.monotonic()
    first, reached = await _undisturbed(ground)
    second, reached_again = await _undisturbed(ground)
    for phase in Year.PHASES:
        assert list(differences(first[phase], second[phase])) == [], f"{phase.__name__} is not the same twice"
    assert set().union(*reached.values()) == failpoints(ground.bus_kind)

    dependable = {phase: reached[phase] & reached_again[phase] for phase in Year.PHASES}
    rounds = list(plan(dependable, TIMES, random.Random(SEED)))
    assert size("kills") < CAMPAIGNS["kills"].whole or len(rounds) <= size("kills"), (
        "some steps would not have their turn"
    )
    for kills in islice(rounds, size("kills")):
        year = await ground.new_year()
        for phase in Year.PHASES:
            here = kills.get(phase)
            state, _ = await ground.tell(year, phase, [here] if here else [])
            found = list(differences(first[phase], state))
            assert not found, _report(phase, here, found)
    ground.report.append(f"{ground.kills} kills survived in {time.monotonic() - started:.0f} s, one at a time")


async def _undisturbed(ground):
    year, states, reached = await ground.new_year(), {}, {}
    for phase in Year.PHASES:
        states[phase], reached[phase] = await ground.tell(year, phase, [])
    return states, reached


def _report(phase, killed, found):
    where = f"{killed.service} killed at {killed.name}" if killed else "nobody killed"
    return "\n".join([f"{phase.__name__}, {where} (seed {SEED}):", *found])
