"""Hundreds of grants against caps, and whether what happened is a history of counters that never pass their cap."""

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bounded import Did, Operation, is_linearizable
from tests.decisions.builders import (
    CONTRACT,
    RARE,
    DecisionsUnderTest,
    an_application,
    announced,
    described,
    registered,
)
from tests.decisions.test_concurrency import guards_off

IN_FLIGHT = 64
CAPS = (1, 2, 3, 5, 8, 13, 21, 34, 50)
TOO_MANY = 18
"""How many more ask of each cap than it holds."""
MOVED = (2, 8, 21)
"""Caps that are raised and lowered meanwhile, by so much."""
AREAS = {"08": "837", "13": "297", "12": "507"}
"""Scopes with a quota of their own, and a municipality in each."""


def granted(called: float, answered: float | None, given: bool | None = True) -> Operation:
    return Operation(Did.GRANT, called, answered, given)


def cap_set(called: float, answered: float, cap: int) -> Operation:
    return Operation(Did.SET_CAP, called, answered, cap=cap)


def happens_in_some_order(history: list[Operation], cap: int) -> bool:
    """The same question by brute force: every order that keeps who was over before whom, and the order of caps."""
    caps = [operation for operation in sorted(history, key=lambda o: o.called) if operation.did is Did.SET_CAP]
    for order in permutations(history):
        if any(b.answered is not None and b.answered < a.called for i, a in enumerate(order) for b in order[i + 1 :]):
            continue
        if any(a is not b for a, b in zip((o for o in order if o.did is Did.SET_CAP), caps, strict=True)):
            continue
        limit, used = cap, 0
        for operation in order:
            if operation.did is Did.SET_CAP:
                limit = operation.cap
            elif operation.given is not (used < limit):
                break
            else:
                used += operation.given
        else:
            return True
    return False


@st.composite
def histories(draw) -> list[Operation]:
    """Up to six answered operations that overlap as they like."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        called = draw(st.integers(0, 12))
        answered = called + draw(st.integers(1, 6))
        if draw(st.integers(0, 3)):
            found.append(granted(called, answered, draw(st.booleans())))
        else:
            found.append(cap_set(called, answered, draw(st.integers(0, 3))))
    return found


@given(histories(), st.integers(0, 3))
def test_the_checker_says_what_trying_every_order_says(history, cap):
    """E-53: the checker itself."""
    assert is_linearizable(history, cap) is happens_in_some_order(history, cap)


@pytest.mark.parametrize(
    "history",
    [
        [granted(0, 1), granted(2, 3)],
        [granted(0, 9), granted(1, 8), granted(2, 7, given=False)],
        [granted(0, 1, given=False), granted(2, 3)],
        [granted(0, 1), cap_set(2, 3, 2), granted(4, 5, given=False)],
        [granted(0, None, given=None), granted(1, 2), granted(3, 4)],
    ],
    ids=["one too many", "overlapping", "refused with room", "after a raise", "beside one without an answer"],
)
def test_the_checker_rejects_a_history_that_cannot_be(history):
    """E-53: against a cap of one."""
    assert not is_linearizable(history, 1)


def test_one_without_an_answer_may_have_been_given_or_not():
    """E-53: a service that died."""
    lost = granted(0, None, given=None)
    assert is_linearizable([lost, granted(1, 2)], 1)
    assert is_linearizable([lost, granted(1, 2, given=False)], 1)
    assert not is_linearizable([lost, granted(1, 2, given=False), granted(3, 4)], 1)


def test_one_grant_too_many_among_two_hundred_is_found():
    """E-53: as long and as wide as the histories below."""
    rng = random.Random(7)
    times = [(start, start + rng.uniform(0.2, 20)) for start in range(200)]
    in_turn = sorted(times, key=lambda both: both[1])
    honest = [granted(*both, given=number < 50) for number, both in enumerate(in_turn)]
    assert is_linearizable(honest, 50)
    refused = [number for number, operation in enumerate(honest) if not operation.given]
    honest[refused[-1]] = replace(honest[refused[-1]], given=True)
    assert not is_linearizable(honest, 50)


class Recorder:
    """Sends commands, at most so many at a time, and keeps the history of each cap."""

    def __init__(self, decisions: DecisionsUnderTest) -> None:
        self.decisions = decisions
        self.histories: defaultdict[str, list[Operation]] = defaultdict(list)
        self._room = asyncio.Semaphore(IN_FLIGHT)

    async def ask(self, cap: str, **application: str) -> None:
        body = an_application(**application)
        async with self._room:
            called = time.monotonic()
            answer = await self.decisions.officer.post("/decisions", json=body)
            given = answer.json().get("state") == "granted"
            assert given or answer.json().get("state") == "awaiting_quota" or answer.status_code == 409, answer.text
            self.histories[cap].append(granted(called, time.monotonic(), given))

    async def announce(self, contract_id: str, counts: list[int]) -> None:
        """One after the other, as a provider does."""
        for version, count in enumerate(counts, 2):
            async with self._room:
                called = time.monotonic()
                await self.decisions.know(announced({2024: count}, version, contract_id=contract_id))
                self.histories[contract_id].append(cap_set(called, time.monotonic(), count))


async def contracts_with_caps(decisions: DecisionsUnderTest) -> Recorder:
    """Hundreds ask of nine contracts at once, some of whose counts go up and down meanwhile."""
    contracts = {f"cap-{cap}": cap for cap in CAPS}
    await decisions.know(described(), *(registered({2024: cap}, contract_id=c) for c, cap in contracts.items()))
    recorder, rng = Recorder(decisions), random.Random(4)
    asking = [c for c, cap in contracts.items() for _ in range(cap + TOO_MANY)]
    rng.shuffle(asking)
    moving = {f"cap-{cap}": [cap + 3, cap - 1, cap + 1] for cap in MOVED}
    async with asyncio.TaskGroup() as together:
        for number, contract_id in enumerate(asking):
            together.create_task(recorder.ask(contract_id, contract_id=contract_id))
            if number % 60 == 59 and moving:
                together.create_task(recorder.announce(*moving.popitem()))
    return recorder


def not_linearizable(recorder: Recorder, caps: dict[str, int]) -> list[str]:
    """The caps whose history cannot have happened one after the other."""
    assert all(len(history) <= 200 for history in recorder.histories.values())
    return [cap for cap, history in recorder.histories.items() if not is_linearizable(history, caps[cap])]


async def test_hundreds_of_grants_are_a_history_of_counters_that_never_pass_their_cap(empty_decisions):
    """E-5, E-53, R-DEC-1: and each cap that was not moved is given exactly as often as it holds."""
    recorder = await contracts_with_caps(empty_decisions)
    assert not_linearizable(recorder, {f"cap-{cap}": cap for cap in CAPS}) == []
    for cap in set(CAPS) - set(MOVED):
        assert sum(o.given for o in recorder.histories[f"cap-{cap}"]) == cap
        assert await empty_decisions.count(contract_id=f"cap-{cap}") == (cap, cap, 0)


async def test_control_with_the_guard_off_the_checker_finds_it(empty_decisions, monkeypatch):
    """E-5, E-53: the test above fails without the condition in the statement that takes."""
    await guards_off(empty_decisions, monkeypatch)
    recorder = await contracts_with_caps(empty_decisions)
    assert not_linearizable(recorder, {f"cap-{cap}": cap for cap in CAPS}) != []


async def test_grants_against_quotas_of_several_scopes_are_such_a_history_for_each(empty_decisions):
    """E-53, E-55: each area's quota by itself, under a national one that all of them fill together."""
    decisions = empty_decisions
    await decisions.know(described(), registered({2024: 500}))
    caps = dict(zip(AREAS, (3, 12, 20), strict=True))
    for area, cap in caps.items():
        await decisions.set_quota(cap, area=area)
    recorder = Recorder(decisions)
    async with asyncio.TaskGroup() as together:
        for number in range(120):
            area = list(AREAS)[number % len(AREAS)]
            together.create_task(recorder.ask(area, municipality_code=AREAS[area], contract_id=CONTRACT))
    assert not_linearizable(recorder, caps) == []
    for area, cap in caps.items():
        assert (await decisions.quota(area=area))["used"] == cap
    assert (await decisions.quota(service=RARE))["used"] == sum(caps.values())
