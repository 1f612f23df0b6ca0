"""Payments: all or nothing, once per decision and period."""

import asyncio
from datetime import UTC, datetime

import pytest

from contracts.decisions import PeriodPaid
from contracts.values import PinState
from services.decisions.identifiers import decision_ref
from tests.decisions.builders import (
    CONTRACT,
    COURSE,
    OFFICE,
    PROVIDER,
    DecisionsUnderTest,
    course_confirmed,
    expect,
    pinned,
    refusal,
    unpinned,
)


@pytest.fixture
async def clients(decisions: DecisionsUnderTest) -> list[str]:
    """Three decisions, pinned to a course whose first two periods are over."""
    refs = [(await decisions.grant())["decision_ref"] for _ in range(3)]
    await decisions.know(course_confirmed(), *(pinned(ref) for ref in refs))
    await decisions.clock.set(datetime(2024, 4, 19, 12, tzinfo=UTC))
    return refs


async def pay(decisions: DecisionsUnderTest, refs: list[str], period: int = 1, course_id: str = COURSE):
    body = {"course_id": course_id, "period_number": period, "decision_refs": refs}
    return await decisions.system.post("/payments", json=body)


async def test_a_paid_period_is_said_once(decisions, clients):
    """R-FBK-2, R-BIL-9, E-29, E-60."""
    assert expect(201, await pay(decisions, clients)) == {"paid": clients, "already_paid": []}
    again = expect(201, await pay(decisions, [*clients[:1], *clients[:1]]))
    assert again == {"paid": [], "already_paid": clients[:1]}
    events = await decisions.service.published(PeriodPaid)
    assert [e.decision_ref for e in events] == clients
    first = events[0]
    assert (first.contract_id, first.provider_id, first.office_id) == (CONTRACT, PROVIDER, OFFICE)
    assert (first.period_number, first.last, str(first.paid_on)) == (1, False, "2024-04-19")


async def test_the_last_planned_period_is_marked(decisions, clients):
    """R-FBK-2, E-29."""
    await decisions.clock.set(datetime(2024, 6, 14, 12, tzinfo=UTC))
    for period in (3, 2):
        expect(201, await pay(decisions, clients[:1], period))
    paid = [(event.period_number, event.last) for event in await decisions.service.published(PeriodPaid)]
    assert paid == [(3, True), (2, False)]


async def test_a_period_is_paid_when_it_has_ended(decisions, clients):
    """E-60: its last day counts."""
    assert refusal(await pay(decisions, clients, 3)) == (
        "PERIOD_NOT_ENDED",
        {"last_day": "2024-06-14", "today": "2024-04-19"},
    )
    expect(201, await pay(decisions, clients, 2))


async def test_all_are_paid_or_none(decisions, clients):
    """E-60: one who is not on the course refuses the whole command."""
    stranger = (await decisions.grant())["decision_ref"]
    assert refusal(await pay(decisions, [*clients, stranger])) == ("NOT_PINNED_THERE", {"decision_refs": [stranger]})
    assert not await decisions.service.published(PeriodPaid)
    assert expect(201, await pay(decisions, clients))["paid"] == clients


async def test_who_left_before_the_course_began_is_not_paid_for(decisions, clients):
    """E-20, E-60: an ended pin counts where it still occupies its place."""
    early, late = clients[:2]
    left = {"state": PinState.INTERRUPTED, "occupies_place": True, "attended": (1,)}
    await decisions.know(unpinned(early), unpinned(late, **left))
    assert refusal(await pay(decisions, [early, late])) == ("NOT_PINNED_THERE", {"decision_refs": [early]})
    expect(201, await pay(decisions, [late]))


@pytest.mark.parametrize("state", [PinState.MOVED, PinState.INTERRUPTED, PinState.FULFILLED])
async def test_of_who_left_what_was_attended_is_paid_and_nothing_else(decisions, clients, state):
    """E-20, E-60: the periods after a move are paid where they are attended."""
    stayed, left = clients[:2]
    await decisions.know(unpinned(left, state=state, occupies_place=True, attended=(1,)))
    assert refusal(await pay(decisions, [stayed, left], 2)) == ("NOT_ATTENDED", {"decision_refs": [left]})
    assert not await decisions.service.published(PeriodPaid)
    expect(201, await pay(decisions, [left]))


async def test_what_was_paid_stays_paid_when_the_client_leaves(decisions, clients):
    """E-29: a repeated payment is no refusal, whatever has been noted since."""
    left = clients[0]
    expect(201, await pay(decisions, [left]))
    await decisions.know(unpinned(left, state=PinState.INTERRUPTED, occupies_place=True))
    assert expect(201, await pay(decisions, [left])) == {"paid": [], "already_paid": [left]}
    assert refusal(await pay(decisions, [left], 2)) == ("NOT_ATTENDED", {"decision_refs": [left]})


async def test_a_client_who_came_for_the_later_periods_is_paid_for_those(decisions, clients):
    """E-20, E-60."""
    late = (await decisions.grant())["decision_ref"]
    await decisions.know(pinned(late, planned=(2, 3)))
    assert refusal(await pay(decisions, [late])) == ("NOT_ATTENDED", {"decision_refs": [late]})
    expect(201, await pay(decisions, [late], 2))


@pytest.mark.parametrize(("planned", "last"), [((1, 2), True), (None, False)])
async def test_the_last_attended_period_of_an_interrupted_client_is_the_last_where_it_is_final(
    decisions, clients, planned, last
):
    """E-29: an interrupted client is asked at the end only where somebody said that it was the end."""
    left = clients[0]
    facts = {"state": PinState.INTERRUPTED, "occupies_place": True, "planned": planned, "attended": (1, 2)}
    await decisions.know(unpinned(left, **facts))
    for period in (1, 2):
        expect(201, await pay(decisions, [left], period))
    paid = [(event.period_number, event.last) for event in await decisions.service.published(PeriodPaid)]
    assert paid == [(1, False), (2, last)]


async def test_attended_periods_of_a_revoked_decision_are_paid(decisions, clients):
    """E-21: attended periods stay on record for billing."""
    revoked = clients[0]
    await decisions.revoke({"decision_ref": revoked})
    await decisions.know(unpinned(revoked, occupies_place=True, attended=(1,)))
    expect(201, await pay(decisions, [revoked]))


async def test_unknown_courses_and_periods_are_refused(decisions, clients):
    assert refusal(await pay(decisions, clients, course_id="nowhere"), 404)[0] == "COURSE_UNKNOWN"
    assert refusal(await pay(decisions, clients, 4)) == ("PERIOD_UNKNOWN", {"period_number": 4, "periods": 3})


async def test_a_period_paid_twice_at_once_is_paid_once(decisions, clients):
    """E-60: unique by decision and period."""
    answers = await asyncio.gather(*(pay(decisions, clients) for _ in range(6)))
    assert sum(len(expect(201, answer)["paid"]) for answer in answers) == 3
    assert len(await decisions.service.published(PeriodPaid)) == 3


async def test_a_provider_cannot_pay_itself(decisions, clients):
    body = {"course_id": COURSE, "period_number": 1, "decision_refs": clients}
    assert refusal(await decisions.provider.post("/payments", json=body), 403)[0] == "NOT_ALLOWED"


@pytest.mark.parametrize(
    ("refs", "code"),
    [
        ([], "VALIDATION"),
        ([decision_ref(1)] * 101, "VALIDATION"),
        (["0000000000000"], "DECISION_REF_CHECK_CHARACTER"),
        (["not-a-decision"], "DECISION_REF_INVALID"),
        (["131052-308T"], "PERSONAL_IDENTITY_CODE"),
    ],
)
async def test_identifiers_that_cannot_be_are_refused_and_not_echoed(decisions, clients, refs, code):
    """E-59, R-BIL-6; acceptance example 13."""
    answer = await pay(decisions, refs)
    assert refusal(answer, 422)[0] == code
    assert not refs or refs[0] not in answer.text
