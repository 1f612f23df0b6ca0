"""Settlements sent and accepted at the same time; the guard's negative control beside it."""

import asyncio

import pytest

from contracts.decisions import PeriodPaid
from services.decisions.settlements import store
from tests.decisions.builders import COURSE
from tests.decisions.races import outcomes
from tests.decisions.settling import a_line, faults, submit, submitted
from tests.races import Gate

_AT_ONCE = 8


async def at_once(decisions, clients):
    """The same periods in several settlements at once, each in an order of its own: how many were taken."""
    orders = [clients if number % 2 else clients[::-1] for number in range(_AT_ONCE)]
    return await asyncio.gather(*(submit(decisions, *(a_line(ref) for ref in order)) for order in orders))


async def test_a_period_billed_twice_at_once_is_billed_once(decisions, clients):
    """E-60: one settlement is taken whole, the others are refused with all of their lines."""
    answers = await at_once(decisions, clients)
    assert [answer.status_code for answer in answers].count(201) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert faults(answer) == [(line, "ALREADY_BILLED") for line in (1, 2, 3)]


async def test_without_the_unique_index_it_would_be_billed_twice(decisions, clients):
    """The negative control of the test above (E-60)."""
    await decisions.alter("DROP INDEX billed_once")
    for _ in range(20):
        taken = [answer.status_code for answer in await at_once(decisions, clients)].count(201)
        if taken > 1:
            return
        await decisions.alter("DELETE FROM settlement_lines", "DELETE FROM settlements")
    pytest.fail("the guard was off and the period was billed once all the same: the test above proves nothing")


async def test_a_settlement_accepted_twice_at_once_is_paid_once(decisions, clients):
    """R-BIL-1, R-BIL-9, E-29."""
    settlement = await submitted(decisions, *(a_line(ref) for ref in clients))
    path = f"/settlements/{settlement['settlement_id']}/acceptance"
    answers = await asyncio.gather(*(decisions.officer.post(path) for _ in range(_AT_ONCE)))
    assert outcomes(answers) == ["SETTLEMENT_DECIDED"] * (_AT_ONCE - 1) + ["done"]
    assert len(await decisions.service.published(PeriodPaid)) == len(clients)


async def test_control_without_the_lock_the_key_of_payments_answers_instead(decisions, clients, monkeypatch):
    """R-BIL-1: the negative control of the test above: both have found it undecided, and the second wall holds."""
    settlement = await submitted(decisions, *(a_line(ref) for ref in clients))
    gate = Gate(decisions.service, 2)

    async def look(tx, settlement_id):
        found = await store.get_settlement(tx, settlement_id)
        await gate.pass_through()
        return found

    monkeypatch.setattr(store, "lock_settlement", look)
    path = f"/settlements/{settlement['settlement_id']}/acceptance"
    answers = await asyncio.gather(*(decisions.officer.post(path) for _ in range(2)))
    assert outcomes(answers) == ["SETTLEMENT_REFUSED", "done"]


async def test_a_period_paid_both_ways_at_once_is_paid_once(decisions, clients):
    """E-29, E-60: whichever comes first, the other pays nothing of it, and it is said once."""
    settlement = await submitted(decisions, *(a_line(ref) for ref in clients))
    body = {"course_id": COURSE, "period_number": 1, "decision_refs": clients}
    by_settlement, without = await asyncio.gather(
        decisions.officer.post(f"/settlements/{settlement['settlement_id']}/acceptance"),
        decisions.system.post("/payments", json=body),
    )
    paid_without = without.json()["paid"]
    assert (by_settlement.status_code, paid_without) in ((200, []), (409, clients))
    assert len(await decisions.service.published(PeriodPaid)) == len(clients)
