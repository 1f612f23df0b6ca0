"""Corrections and refunds: a credit refers to its original, and what was given back may be billed again."""

import asyncio

from contracts.decisions import PeriodPaid
from tests.decisions.builders import COURSE, expect, refusal
from tests.decisions.settling import (
    PRICE,
    a_line,
    accept,
    accepted,
    credit,
    faults,
    reject,
    submit,
    submitted,
)


async def test_a_refunded_period_may_be_billed_again_and_is_said_once(decisions, clients):
    """E-29, E-60: the corrected payment asks nobody again."""
    original = await accepted(decisions, a_line(clients[0]), a_line(clients[1]))
    given_back = expect(201, await credit(decisions, original, a_line(clients[0])))
    assert (given_back["total"], given_back["original_invoice_number"]) == (f"-{PRICE}", original["invoice_number"])
    assert given_back["lines"][0]["quantity"] == -5
    assert faults(await submit(decisions, a_line(clients[0]))) == [(1, "ALREADY_BILLED")]

    assert (await accept(decisions, given_back))["state"] == "accepted"
    seen = expect(200, await decisions.provider.get(f"/settlements/{original['settlement_id']}"))
    assert [line["standing"] for line in seen["lines"]] == [False, True]
    assert faults(await submit(decisions, a_line(clients[0]), a_line(clients[1]))) == [(2, "ALREADY_BILLED")]

    corrected = await accepted(decisions, a_line(clients[0]))
    assert [event.decision_ref for event in await decisions.service.published(PeriodPaid)] == clients[:2]
    assert faults(await submit(decisions, a_line(clients[0]))) == [(1, "ALREADY_BILLED")]
    # And all of it once more: every round refers to its own original.
    await accept(decisions, expect(201, await credit(decisions, corrected, a_line(clients[0]))))
    await accepted(decisions, a_line(clients[0]))
    assert len(await decisions.service.published(PeriodPaid)) == 2


async def test_a_refunded_period_may_be_paid_at_kelas_own_command(decisions, clients):
    """E-29, R-BIL-9: it is paid again, not said again, and cannot be billed beside it."""
    original = await accepted(decisions, a_line(clients[0]))
    await accept(decisions, expect(201, await credit(decisions, original, a_line(clients[0]))))
    body = {"course_id": COURSE, "period_number": 1, "decision_refs": clients[:1]}
    assert expect(201, await decisions.system.post("/payments", json=body))["paid"] == clients[:1]
    assert expect(201, await decisions.system.post("/payments", json=body))["already_paid"] == clients[:1]
    assert faults(await submit(decisions, a_line(clients[0]))) == [(1, "ALREADY_PAID")]
    assert len(await decisions.service.published(PeriodPaid)) == 1


async def test_a_line_is_given_back_once(decisions, clients):
    """E-29."""
    original = await accepted(decisions, a_line(clients[0]))
    underway = expect(201, await credit(decisions, original, a_line(clients[0])))
    assert faults(await credit(decisions, original, a_line(clients[0]))) == [(1, "ALREADY_CREDITED")]
    expect(200, await reject(decisions, underway, "Ei perustetta."))
    underway = expect(201, await credit(decisions, original, a_line(clients[0])))
    await accept(decisions, underway)
    assert faults(await credit(decisions, original, a_line(clients[0]))) == [(1, "ALREADY_CREDITED")]


async def test_a_credit_keeps_to_its_original(decisions, clients):
    """E-29: a line of it, whole, at the price that was paid."""
    original = await accepted(decisions, a_line(clients[0]))
    assert faults(await credit(decisions, original, a_line(clients[1]))) == [(1, "NOT_ON_ORIGINAL")]
    assert faults(await credit(decisions, original, a_line(clients[0], 1, "499.00"))) == [(1, "PRICE_DIFFERS")]
    unknown = await credit(decisions, original, a_line(clients[0]), original_invoice_number="2023-1")
    assert refusal(unknown)[0] == "ORIGINAL_UNKNOWN"


async def test_only_what_kela_accepted_is_credited(decisions, clients):
    """E-29: neither a settlement that waits, nor one that was rejected, nor a credit."""
    waiting = await submitted(decisions, a_line(clients[0]))
    assert refusal(await credit(decisions, waiting, a_line(clients[0])))[0] == "ORIGINAL_NOT_ACCEPTED"
    expect(200, await reject(decisions, waiting, "Liite puuttuu."))
    assert refusal(await credit(decisions, waiting, a_line(clients[0])))[0] == "ORIGINAL_UNKNOWN"
    original = await accepted(decisions, a_line(clients[0]))
    given_back = await accept(decisions, expect(201, await credit(decisions, original, a_line(clients[0]))))
    assert refusal(await credit(decisions, given_back, a_line(clients[0])))[0] == "ORIGINAL_NOT_ACCEPTED"


async def test_a_credit_sent_and_accepted_twice_at_once_counts_once(decisions, clients):
    """E-29."""
    original = await accepted(decisions, a_line(clients[0]))
    answers = await asyncio.gather(*(credit(decisions, original, a_line(clients[0])) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    (given_back,) = (answer.json() for answer in answers if answer.status_code == 201)
    path = f"/settlements/{given_back['settlement_id']}/acceptance"
    answers = await asyncio.gather(*(decisions.officer.post(path) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
