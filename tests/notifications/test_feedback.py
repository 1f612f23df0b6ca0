"""Feedback: two invitations at most, anonymous answers, averages that give no single answer away."""

import asyncio
import contextlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contracts.envelope import new_event_id
from contracts.notifications import FeedbackAveragePublished
from services.notifications import copies, feedback, store
from tests.notifications.builders import (
    FULL_AGREEMENT,
    HEART,
    OFFICE,
    a_decision,
    a_payment,
    a_service,
    code_of,
    revoked,
)


async def test_a_two_period_course_sends_one_invitation(notifications):
    """E-28, acceptance example 12."""
    await notifications.given_client()
    await notifications.deliver(a_payment(1), a_payment(2, last=True))
    await notifications.send_all()
    assert len(notifications.survey_tokens()) == 1


async def test_a_three_period_course_sends_one_after_the_second_and_one_after_the_third(notifications):
    """R-FBK-2, acceptance example 12."""
    await notifications.given_client()
    sent = []
    for payment in (a_payment(1), a_payment(2), a_payment(3, last=True)):
        await notifications.deliver(payment)
        await notifications.send_all()
        sent.append(len(notifications.survey_tokens()))
    assert sent == [0, 1, 2]
    assert len(set(notifications.survey_tokens())) == 2
    assert len(await notifications.sent("feedback")) == 2


async def test_a_payment_delivered_again_invites_nobody_again(notifications):
    """E-29, E-67: not by the same event, nor by another one about the same period."""
    event_id = new_event_id()
    await notifications.given_client()
    await notifications.deliver(a_payment(2), event_id=event_id)
    await notifications.deliver(a_payment(2), event_id=event_id)
    await notifications.deliver(a_payment(2), a_payment(2, last=True), a_payment(2, office_id="office-other"))
    await notifications.send_all()
    assert len(notifications.survey_tokens()) == 1


async def pay_twice_at_once(notifications, monkeypatch) -> list[BaseException | None]:
    """Two facts about one period, in two transactions that both look before either has written, if they can."""
    look, meet = store.find_invited, asyncio.Barrier(2)

    async def look_together(tx, decision_ref):
        found = await look(tx, decision_ref)
        with contextlib.suppress(TimeoutError, asyncio.BrokenBarrierError):
            async with asyncio.timeout(0.5):
                await meet.wait()
        return found

    async def pay(payment):
        async with notifications.service.transaction() as tx:
            await feedback.on_period_paid(tx, payment)

    await notifications.given_client()
    monkeypatch.setattr(store, "find_invited", look_together)
    return await asyncio.gather(pay(a_payment(2)), pay(a_payment(2, last=True)), return_exceptions=True)


async def test_two_payments_of_one_period_at_the_same_time_invite_once(notifications, monkeypatch):
    """E-29: the decision's row lock puts them in a row."""
    assert await pay_twice_at_once(notifications, monkeypatch) == [None, None]
    await notifications.send_all()
    assert len(notifications.survey_tokens()) == 1


async def test_without_the_decisions_lock_two_payments_at_once_collide(notifications, monkeypatch):
    """Negative control: only the unique keys are left to stop the second, and its transaction fails."""

    async def look_without_lock(tx, decision_ref):
        row = await tx.fetchrow("SELECT * FROM decisions WHERE decision_ref = $1", decision_ref)
        return copies.DecisionCopy(decision_ref, row["version"], row["provider_id"], row["language"], None)

    monkeypatch.setattr(copies, "lock_decision", look_without_lock)
    outcomes = await pay_twice_at_once(notifications, monkeypatch)
    assert [outcome is None for outcome in sorted(outcomes, key=lambda outcome: outcome is None)] == [False, True]


@pytest.mark.parametrize("first", ["payment", "contact", "decision"])
async def test_the_invitation_leaves_when_the_last_of_payment_contact_and_decision_is_there(notifications, first):
    """E-67: early arrivals wait."""
    news = {"payment": a_payment(2), "contact": await notifications.a_contact(), "decision": a_decision()}
    ordered = [news.pop(first), *news.values()]
    for event in ordered[:-1]:
        await notifications.deliver(event)
        await notifications.send_all()
        assert notifications.sms() == []
    await notifications.deliver(ordered[-1])
    await notifications.send_all()
    assert len(notifications.survey_tokens()) == 1


async def test_a_revocation_cancels_what_was_not_sent(notifications):
    """Fan-out of section 3: 'cancel unsent'; what has left may still be answered."""
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    await notifications.send_all()
    await notifications.deliver(a_payment(3, last=True), revoked())
    await notifications.send_all()
    assert await notifications.states("feedback") == ["sent", "cancelled"]
    [token] = notifications.survey_tokens()
    assert (await notifications.answer(token, FULL_AGREEMENT)).status_code == 201


@pytest.mark.parametrize("order", ["revocation first", "payment first"])
async def test_payment_and_revocation_end_alike_in_either_order(notifications, order):
    """E-67: reordering between topics does not matter."""
    await notifications.given_client()
    news = [revoked(), a_payment(2)]
    await notifications.deliver(*(news if order == "revocation first" else reversed(news)))
    await notifications.send_all()
    assert notifications.sms() == []
    assert await notifications.states("feedback") == ["cancelled"]
    statistics = (await notifications.officer.get("/statistics")).json()
    assert statistics["surveys"] == {"open": 0, "answered": 0, "cancelled": 1}


async def test_a_survey_shows_nineteen_statements_and_nobodys_name(notifications):
    """P5, E-30."""
    await notifications.deliver(a_service())
    [token] = await notifications.surveys(1)
    answer = await notifications.public.get(f"/surveys/{token}", headers={"accept-language": "sv"})
    survey = answer.json()
    assert [s["number"] for s in survey["statements"]] == list(range(1, 20))
    assert (survey["best"], survey["worst"], survey["answers_needed"]) == (1, 5, 15)
    assert (survey["service_name"], survey["source"], survey["language"]) == ("Hjärtkurs", "demo", "sv")
    for secret in (OFFICE, "S-0", "client-of"):
        assert secret not in answer.text
    assert (await notifications.public.get(f"/surveys/{token.upper()}")).status_code == 200


async def test_five_answers_of_1_4_are_shown_as_4_6(notifications):
    """E-27, E-30, acceptance example 12."""
    tokens = await notifications.surveys(5)
    answers = {str(n): 1 + (n <= 6) for n in range(1, 16)}
    for number, token in enumerate(tokens, start=1):
        assert (await notifications.answer(token, answers)).status_code == 201
        assert len(await notifications.published(FeedbackAveragePublished)) == (number == 5)
    [event] = await notifications.published(FeedbackAveragePublished)
    assert event.feedback.average == Decimal("4.6")
    assert (event.feedback.office_id, event.feedback.service, event.feedback.answers) == (OFFICE, HEART, 5)


async def test_an_average_is_published_anew_only_after_five_more(notifications):
    """E-30: otherwise the newest answer could be computed from the difference."""
    tokens = await notifications.surveys(11)
    for token in tokens:
        await notifications.answer(token, FULL_AGREEMENT if token != tokens[-1] else dict.fromkeys(FULL_AGREEMENT, 5))
    published = await notifications.published(FeedbackAveragePublished)
    assert [event.feedback.answers for event in published] == [5, 10]
    assert [event.version for event in published] == [1, 2]
    assert {event.feedback.average for event in published} == {Decimal("5.0")}


async def test_every_office_has_its_own_average(notifications):
    """R-FBK-4, E-20: the office of the paid period's course."""
    here, there = await notifications.surveys(5), []
    for number in range(5):
        ref = f"T-{number}"
        await notifications.given_client(ref)
        await notifications.deliver(a_payment(2, decision_ref=ref, office_id="office-oulu"))
    await notifications.send_all()
    there = [token for token in notifications.survey_tokens() if token not in here]
    for token in here:
        await notifications.answer(token, FULL_AGREEMENT)
    for token in there:
        await notifications.answer(token, dict.fromkeys(FULL_AGREEMENT, 3))
    averages = {
        e.feedback.office_id: e.feedback.average for e in await notifications.published(FeedbackAveragePublished)
    }
    assert averages == {OFFICE: Decimal("5.0"), "office-oulu": Decimal("3.0")}


async def test_answers_at_the_same_time_are_all_counted(notifications):
    """The office's total is one row: no answer is lost, and five are published once."""
    tokens = await notifications.surveys(10)
    answers = await asyncio.gather(*(notifications.answer(token, FULL_AGREEMENT) for token in tokens))
    assert {answer.status_code for answer in answers} == {201}
    assert [e.feedback.answers for e in await notifications.published(FeedbackAveragePublished)] == [5, 10]


async def test_a_survey_is_answered_once(notifications):
    """E-30: also when two answers come at the same moment."""
    [token] = await notifications.surveys(1)
    answers = await asyncio.gather(*(notifications.answer(token, FULL_AGREEMENT) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 410, 410, 410, 410, 410]
    assert code_of(await notifications.answer(token, FULL_AGREEMENT)) == (410, "SURVEY_CLOSED")
    assert code_of(await notifications.public.get(f"/surveys/{token}")) == (410, "SURVEY_CLOSED")
    assert (await notifications.officer.get("/statistics")).json()["answers"] == 1


async def test_a_stored_answer_leads_to_nobody(notifications):
    """E-30: the link between token and decision is deleted with the answer, with and without an idempotency key."""
    await notifications.service.clock.set(datetime(2024, 5, 17, 9, tzinfo=UTC))
    token, other = await notifications.surveys(2)
    body = {"answers": FULL_AGREEMENT}
    sent = await notifications.public.post(f"/surveys/{token}/answers", json=body, headers={"idempotency-key": "k-1"})
    assert sent.status_code == 201
    async with notifications.service.transaction() as tx:
        links = await tx.fetch("SELECT decision_ref, survey_id FROM invitations ORDER BY decision_ref")
        assert sorted(row["survey_id"] is None for row in links) == [False, True]
        row = await tx.fetchrow("SELECT * FROM answers")
        assert set(dict(row)) == {"answer_id", "office_id", "service", "answered_in", "scores"}
        assert str(row["answered_in"]) == "2024-05-01"
        answered = await tx.fetchrow("SELECT * FROM surveys WHERE state = 'answered'")
        assert answered["office_id"] is None
        assert not await tx.fetch("SELECT FROM audit WHERE action <> 'write_message'")
        assert await tx.fetchval("SELECT count(*) FROM idempotency") == 0
        everything = [
            str(row)
            for table in ("messages", "invitations", "surveys", "answers", "feedback_totals", "outbox", "inbox")
            for row in await tx.fetch(f"SELECT * FROM {table}")
        ]
    for secret in (token, other, answered["survey_id"]):
        assert sum(secret in row for row in everything) == (1 if secret == answered["survey_id"] else 0)


async def test_a_message_resent_after_its_survey_was_answered_counts_as_sent(notifications):
    """The link is gone, so the message must have left: nothing is sent again."""
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    deliverer = notifications.deliverer()

    async def crash(outcomes):
        raise ConnectionError

    deliverer.mark = crash
    with pytest.raises(ConnectionError):
        await deliverer.deliver()
    [token] = notifications.survey_tokens()
    await notifications.answer(token, FULL_AGREEMENT)
    await notifications.expire_claims()
    await notifications.send_all()
    assert len(notifications.sms()) == 1
    assert await notifications.states("feedback") == ["sent"]
