"""Negative controls of the caps: each has an outcome of its own, of the size it needs, and breaks that."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

import pytest

from tests.bounded import Operation, is_linearizable
from tests.campaigns import SEED
from tests.caps.asking import IN_FLIGHT, REFUSED, Answer, ask_all
from tests.caps.attempts import Attempt, Cap, Kind, plan, plan_for
from tests.caps.checks import by_cap, over_or_under, taken, violations
from tests.caps.outcomes import APPLIED_ON, Outcome, caps_of, look
from tests.caps.stage import Stage, stage
from tests.decisions import unguarded

pytestmark = pytest.mark.campaign("caps")

ASKED = 2 * IN_FLIGHT
"""So often each cap is asked: when its last come, its first have their answers."""
CAPS = (
    Cap("a count of 11", Kind.COUNT, 11, "COUNTED", ("contract-1",)),
    Cap("a quota of 7", Kind.QUOTA, 7, "QUOTED", ("contract-2", "contract-3")),
    Cap("a quota of 5 of an area", Kind.AREA, 5, "QUOTED_THERE", ("contract-4", "contract-5")),
)
_UNGUARDED_ATTEMPTS = 3000
TAMPERED = {
    "UPDATE decisions.quotas SET used = used - 1 WHERE used = (SELECT max(used) FROM decisions.quotas)": "counter says",
    "DELETE FROM decisions.decisions WHERE number = (SELECT max(number) FROM decisions.decisions)": "not kept",
    "DELETE FROM rekku_bus.records WHERE (topic, partition, position) = (SELECT topic, partition, max(position)"
    " FROM rekku_bus.records WHERE topic = 'rekku.decisions' GROUP BY 1, 2 LIMIT 1)": "told and decided differently",
    "DELETE FROM rekku_bus.records WHERE topic = 'rekku.quotas'": "full, and not told so",
}
"""What somebody does behind the service's back, and what is said of it."""


@pytest.fixture(scope="module")
async def undisturbed(cluster, tmp_path_factory):
    """Full caps, and nobody has died; `after` each time something was tampered with, what else is found."""
    answers: list[Answer] = []
    after: dict[str, list[str]] = {}
    async with stage(cluster, tmp_path_factory.mktemp("undisturbed"), processes=2) as prepared:
        await prepared.open(CAPS)
        attempts = plan_for(CAPS, ASKED, random.Random(SEED))
        await ask_all(attempts, prepared.ports, prepared.token, APPLIED_ON, SEED, answers.append)
        outcome = await look(prepared, answers)
        known = outcome.violations
        for statement, said in TAMPERED.items():
            await prepared.admin.execute(statement)
            found = await violations(answers, prepared.admin)
            after[said], known = [line for line in found if line not in known], found
    return outcome, after


def test_nothing_is_found_where_nothing_is_broken(undisturbed):
    """What the controls break is whole."""
    outcome, _ = undisturbed
    assert outcome.violations == []
    assert {cap: len(taken(cap, given)) for cap, given in by_cap(outcome.answers).items()} == {c: c.size for c in CAPS}
    assert [cap for cap, operations in outcome.histories.items() if not is_linearizable(operations, cap.size)] == []


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


def passed(answers: list[Answer]) -> set[str]:
    """The caps that have given more than they hold."""
    return {cap.name for cap, of_cap in by_cap(answers).items() if len(taken(cap, of_cap)) > cap.size}


def test_control_with_an_early_and_a_late_answer_exchanged_no_history_could_be(undisturbed):
    """E-53: as many are granted and the times are the recorded ones, and the checker says no all the same."""
    outcome, _ = undisturbed
    forged = {cap: _exchanged(operations) for cap, operations in outcome.histories.items()}
    exchanged = {cap: operations for cap, operations in forged.items() if operations is not None}
    assert len(exchanged) > len(forged) // 2
    assert [cap.name for cap, operations in exchanged.items() if is_linearizable(operations, cap.size)] == []


@pytest.mark.parametrize("said", TAMPERED.values())
def test_control_whatever_is_tampered_with_is_found(undisturbed, said):
    """E-53: counters, decisions and events."""
    _, after = undisturbed
    assert any(said in line for line in after[said])


def test_control_a_slot_that_nobody_got_is_found(undisturbed):
    """E-5: somebody was refused who should not have been."""
    outcome, _ = undisturbed
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
    async with stage(cluster, home, processes=2, program=unguarded.__file__) as prepared:
        await prepared.admin.execute("SET search_path = decisions")
        for statement in unguarded.DROP_CONSTRAINTS:
            await prepared.admin.execute(statement)
        found = await load_until_passed(prepared, plan(_UNGUARDED_ATTEMPTS, random.Random(SEED), at_once=1))
    too_many = passed(found.answers)
    assert too_many, f"the guard was off and {len(by_cap(found.answers))} caps held all the same"
    said = {line.removeprefix("over: ").split(" has ")[0] for line in found.violations if line.startswith("over: ")}
    assert said == too_many
    assert {cap.name for cap, known in found.histories.items() if not is_linearizable(known, cap.size)} >= too_many
