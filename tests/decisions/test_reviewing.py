"""The nightly review: used, or expired (domain section 7)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.decisions import DecisionExpired, DecisionGranted, DecisionUsed
from contracts.values import DecisionState, PinState
from services.decisions.reviewing.domain import Use, review
from services.decisions.reviewing.handlers import plan_first_review
from tests.decisions.builders import expect, pinned, refusal, unpinned
from tests.decisions.ending import annul, assert_ledgers_agree, night, swap
from tests.decisions.test_rules import a_decision

FIRST_NIGHT_AFTER = datetime(2024, 7, 1, 0, 0, tzinfo=UTC)
"""1.7.2024, 03:00 in Helsinki: a validity of 30.6. has ended, and the review is due since 02:00."""

_USES = st.builds(Use, st.none() | st.sampled_from(PinState), st.booleans())
_STATES = st.sampled_from(DecisionState)
_DAYS = st.dates(date(2024, 1, 15), date(2025, 12, 31))


@given(_STATES, st.none() | _DAYS, _USES, _DAYS)
def test_a_decision_expires_only_when_its_validity_has_ended_unused(state, valid_to, use, on):
    """Section 7: `expired` is validity ended unused, `used` is course completed; every other state stays."""
    decision = a_decision(state=state, valid_to=valid_to)
    reviewed = review(decision, use, on)
    if state not in (DecisionState.GRANTED, DecisionState.EXPIRED):
        assert reviewed is decision
        return
    unused = use.present is not PinState.ACTIVE and not use.took_part
    assert (reviewed.state is DecisionState.USED) is (use.present is PinState.FULFILLED)
    ended = valid_to is not None and valid_to < on and unused and use.present is not PinState.FULFILLED
    assert (reviewed.state is DecisionState.EXPIRED) is ended
    assert reviewed.version == decision.version + (reviewed.state is not state)
    assert review(reviewed, use, on) is reviewed


async def test_a_validity_that_ended_unused_expires_in_the_next_night(decisions):
    """Section 7, E-7: its last day still counts; an expired decision keeps its slots and cannot be ended."""
    expiring = await decisions.grant(valid_to="2024-06-30")
    later, never = await decisions.grant(valid_to="2024-07-01"), await decisions.grant()
    await night(decisions, datetime(2024, 6, 30, 20, 59, tzinfo=UTC))
    assert await decisions.states(expiring) == ["granted"]
    await night(decisions, FIRST_NIGHT_AFTER)
    assert await decisions.states(expiring, later, never) == ["expired", "granted", "granted"]
    [event] = await decisions.service.published(DecisionExpired)
    assert (event.version, event.decision.valid, str(event.decision.valid_to)) == (2, False, "2024-06-30")
    assert (await decisions.count(), (await decisions.quota())["used"]) == ((100, 3, 97), 3)
    for answer in (await decisions.revoke(expiring), await annul(decisions, expiring), await swap(decisions, expiring)):
        assert refusal(answer) == ("NOT_GRANTED", {"state": "expired"})
    await assert_ledgers_agree(decisions)


async def test_after_an_outage_everything_missed_expires_once(decisions):
    """Section 7: three months without a review, more decisions than a batch, and a review that runs again."""
    await decisions.grant(valid_to="2024-03-31")
    await decisions.alter(
        "INSERT INTO decisions (decision_ref, application_ref, client_ref, service, contract_id, provider_id, language,"
        " state, applied_on, decided_on, valid_to) SELECT 'many-' || n, 'many-' || n, 'many-' || n, service,"
        " contract_id, provider_id, language, 'granted', applied_on, decided_on, valid_to"
        " FROM decisions, generate_series(1, 450) AS n",
    )
    await night(decisions, FIRST_NIGHT_AFTER)
    assert len(await decisions.service.published(DecisionExpired)) == 451
    async with decisions.service.transaction() as tx:
        await plan_first_review(tx)
        [due_at] = [
            row["due_at"] for row in await tx.fetch("SELECT due_at FROM timers WHERE kind = 'review-decisions'")
        ]
    assert due_at == datetime(2024, 7, 1, 23, 0, tzinfo=UTC)
    await night(decisions, FIRST_NIGHT_AFTER + timedelta(days=1))
    assert len(await decisions.service.published(DecisionExpired)) == 451


@pytest.mark.parametrize(
    ("news", "state"),
    [
        (lambda ref: [pinned(ref)], "granted"),
        (lambda ref: [pinned(ref), unpinned(ref)], "expired"),
        (lambda ref: [pinned(ref), unpinned(ref, occupies_place=True, state=PinState.INTERRUPTED)], "granted"),
        (lambda ref: [pinned(ref), unpinned(ref, occupies_place=True, state=PinState.FULFILLED)], "used"),
    ],
    ids=["on a course", "off again in time", "took part", "completed"],
)
async def test_what_was_used_does_not_expire(decisions, news: Any, state):
    """Section 7, R-DEC-7: a client on a course, or who took part in one, keeps the decision."""
    decision = await decisions.grant(valid_to="2024-06-30")
    await decisions.know(*news(decision["decision_ref"]))
    await night(decisions, FIRST_NIGHT_AFTER)
    assert await decisions.states(decision) == [state]
    assert len(await decisions.service.published(DecisionUsed)) == (state == "used")


async def test_an_expiry_is_taken_back_when_news_of_a_pin_came_late(decisions):
    """E-19, E-67: the review saw copies that were behind; the next one says what is true, and once."""
    decision = await decisions.grant(valid_to="2024-06-30")
    await night(decisions, FIRST_NIGHT_AFTER)
    assert await decisions.states(decision) == ["expired"]
    await decisions.know(pinned(decision["decision_ref"]))
    for days in (1, 2):
        await night(decisions, FIRST_NIGHT_AFTER + timedelta(days=days))
        assert await decisions.states(decision) == ["granted"]
    assert [event.version for event in await decisions.service.published(DecisionGranted)] == [1, 3]
    fulfilled = unpinned(decision["decision_ref"], state=PinState.FULFILLED, occupies_place=True)
    await decisions.know(fulfilled)
    await night(decisions, FIRST_NIGHT_AFTER + timedelta(days=3))
    assert await decisions.states(decision) == ["used"]


async def test_a_completed_course_uses_the_decision_but_not_a_revoked_one(decisions):
    """Section 7: whichever came first stands."""
    used, revoked = await decisions.grant(), await decisions.grant()
    expect(200, await decisions.revoke(revoked))
    for decision in (used, revoked):
        ref = decision["decision_ref"]
        await decisions.know(pinned(ref), unpinned(ref, state=PinState.FULFILLED, occupies_place=True))
    await night(decisions, datetime(2024, 1, 17, 0, 0, tzinfo=UTC))
    assert await decisions.states(used, revoked) == ["used", "revoked"]
    assert refusal(await decisions.revoke(used)) == ("NOT_GRANTED", {"state": "used"})
    await assert_ledgers_agree(decisions)


async def test_a_validity_that_has_ended_already_is_not_granted(decisions):
    """Section 7; today is the 15th: the last day of a validity may be today, in the queue as well."""
    assert refusal(await decisions.apply(valid_to="2024-01-14"), 422) == ("VALIDITY_IN_PAST", {"today": "2024-01-15"})
    await decisions.grant(valid_to="2024-01-15")
    await decisions.set_quota(0)
    waiting = await decisions.wait(valid_to="2024-01-20")
    await decisions.clock.set(datetime(2024, 1, 21, 9, tzinfo=UTC))
    await decisions.set_quota(5)
    await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["awaiting_quota"]
