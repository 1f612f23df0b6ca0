"""The last slot under concurrency, each time also with the guard off: then the same assertion fails."""

import asyncio
from collections import Counter

import pytest

from chassis.auth import Role
from services.decisions.quotas import slots
from tests.decisions.builders import DecisionsUnderTest, an_application, announced
from tests.decisions.races import decide_alone
from tests.decisions.unguarded import DROP_CONSTRAINTS, take_unguarded

_AT_ONCE = 8


async def decide_at_once(decisions: DecisionsUnderTest, bodies: list[dict]) -> Counter[str]:
    """What became of applications sent at the same time: a state or a refusal code."""
    answers = await asyncio.gather(*(decisions.officer.post("/decisions", json=body) for body in bodies))
    return Counter(answer.json().get("state") or answer.json()["code"] for answer in answers)


async def guards_off(decisions: DecisionsUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No condition in the statement that takes, no constraint in the tables, and no turns within a process."""
    decide_alone(monkeypatch)
    monkeypatch.setattr(slots, "TAKE_SLOTS", take_unguarded())
    await decisions.alter(*DROP_CONSTRAINTS)


@pytest.mark.usefixtures("either_way")
async def test_the_last_slot_of_a_count_is_given_once(empty_decisions):
    """E-5, R-DEC-1."""
    decisions = empty_decisions
    await decisions.start({2024: 3})
    outcomes = await decide_at_once(decisions, [an_application() for _ in range(_AT_ONCE)])
    assert outcomes == {"granted": 3, "ANNOUNCED_COUNT_FULL": _AT_ONCE - 3}
    assert await decisions.count() == (3, 3, 0)


@pytest.mark.usefixtures("either_way")
async def test_the_last_slot_of_a_quota_is_given_once(decisions):
    """E-53, R-DEC-13."""
    await decisions.set_quota(3)
    outcomes = await decide_at_once(decisions, [an_application() for _ in range(_AT_ONCE)])
    assert outcomes == {"granted": 3, "awaiting_quota": _AT_ONCE - 3}
    assert ((await decisions.quota())["used"], await decisions.count()) == (3, (100, 3, 97))
    assert (await decisions.said()).count("QuotaFilled") == 1


@pytest.mark.parametrize("kind", ["count", "quota"])
async def test_without_the_guards_the_last_slot_is_given_more_than_once(empty_decisions, monkeypatch, kind):
    """The negative control of the two tests above: the guard is what holds (E-5, E-53)."""
    decisions = empty_decisions
    await decisions.start({2024: 3 if kind == "count" else 100})
    if kind == "quota":
        await decisions.set_quota(3)
    await guards_off(decisions, monkeypatch)
    for _ in range(20):
        outcomes = await decide_at_once(decisions, [an_application() for _ in range(_AT_ONCE)])
        if outcomes["granted"] > 3:
            return
        await decisions.alter(
            "DELETE FROM decisions",
            "DELETE FROM first_grants",
            "UPDATE quotas SET used = 0",
            "UPDATE announced_counts SET used = 0",
        )
    pytest.fail("the guards were off and the slots held all the same: the tests above prove nothing")


async def test_the_table_itself_refuses_a_grant_beyond_the_count(empty_decisions, monkeypatch):
    """R-DEC-1: what a constraint can hold, a constraint holds as well."""
    decisions = empty_decisions
    await decisions.start({2024: 1})
    await decisions.grant()
    with pytest.raises(Exception, match="no_grant_beyond_the_count"):
        await decisions.alter("UPDATE announced_counts SET used = used + 1")


async def test_two_officials_and_one_slot_a_hundred_times(empty_decisions):
    """Acceptance example 15: always exactly one grant."""
    decisions = empty_decisions
    await decisions.start({2024: 0})
    other = decisions.service.http(Role.OFFICER)
    for trial in range(1, 101):
        await decisions.know(announced({2024: trial}, version=trial + 1))
        answers = await asyncio.gather(
            decisions.officer.post("/decisions", json=an_application()),
            other.post("/decisions", json=an_application()),
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409], trial
    assert await decisions.count() == (100, 100, 0)


@pytest.mark.usefixtures("either_way")
async def test_one_application_sent_eight_times_at_once_is_decided_once(decisions):
    """E-5, E-23."""
    body = an_application()
    answers = await asyncio.gather(*(decisions.officer.post("/decisions", json=body) for _ in range(_AT_ONCE)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["decision_ref"] for answer in answers}) == 1
    assert await decisions.count() == (100, 1, 99)


@pytest.mark.usefixtures("either_way")
async def test_a_client_granted_twice_at_once_is_new_once(decisions):
    """E-8."""
    bodies = [an_application(client_ref="client-x") for _ in range(_AT_ONCE)]
    assert await decide_at_once(decisions, bodies) == {"granted": _AT_ONCE}
    assert (await decisions.quota())["used"] == 1


async def test_a_decision_is_revoked_once(decisions):
    """R-DEC-16."""
    granted = await decisions.grant()
    answers = await asyncio.gather(*(decisions.revoke(granted) for _ in range(_AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (_AT_ONCE - 1)
    assert (await decisions.said()).count("DecisionRevoked") == 1
