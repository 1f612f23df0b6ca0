"""The plan of a long run: the same for a seed, and no more than the system promises to survive."""

from itertools import pairwise

import pytest

from tests.chaos.plan import FIRST_AT_S, Kind, make_plan

HOUR_S = 3600.0


def test_a_seed_gives_one_plan_and_another_seed_another():
    assert make_plan(7, HOUR_S) == make_plan(7, HOUR_S)
    assert make_plan(7, HOUR_S) != make_plan(8, HOUR_S)


def test_a_longer_run_begins_as_a_shorter_one():
    short, long = make_plan(7, 300), make_plan(7, HOUR_S)
    assert long[: len(short)] == short


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_has_its_turn_and_all_are_healed_in_time(seed):
    faults = make_plan(seed, HOUR_S)
    turns = [[fault.kind for fault in faults[n : n + len(Kind)]] for n in range(0, len(faults) - len(Kind), len(Kind))]
    assert turns
    assert all(set(turn) == set(Kind) for turn in turns)
    assert all(FIRST_AT_S <= fault.at_s <= fault.until_s <= HOUR_S for fault in faults)


@pytest.mark.parametrize("seed", range(20))
def test_two_brokers_are_never_hurt_at_once(seed):
    faults = [fault for fault in make_plan(seed, HOUR_S) if fault.target.startswith("broker")]
    assert all(first.until_s < second.at_s for first, second in pairwise(faults))


def test_some_faults_overlap():
    faults = make_plan(7, HOUR_S)
    assert any(second.at_s < first.until_s for first, second in pairwise(faults))
