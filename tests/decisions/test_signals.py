"""Signals from Kela's systems that follow the money."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.decisions import DecisionGranted, EstimateSet, QuotaFilled, QuotaReopened
from contracts.envelope import new_event_id
from tests.decisions.builders import (
    HEART,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    RARE,
    START,
    DecisionsUnderTest,
    a_description,
    described,
    expect,
    lifted,
    registered,
    suspended,
)
from tests.decisions.ending import annul

NEW_YEAR = datetime(2024, 12, 31, 22, 0, tzinfo=UTC)
"""1 January 2025 in Helsinki."""


async def dead_letters(decisions: DecisionsUnderTest) -> list[tuple[str, str]]:
    async with decisions.service.transaction() as tx:
        rows = await tx.fetch("SELECT failure, error FROM dead_letters ORDER BY failed_at")
    return [(row["failure"], row["error"]) for row in rows]


async def test_a_suspension_stops_every_new_decision(decisions):
    """E-54: also a change of provider; revocations and rejections go on."""
    await decisions.know(registered({2024: 5}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER))
    old = await decisions.grant(client_ref="client-x")
    await decisions.signal(suspended())
    waiting = await decisions.wait()
    expect(200, await decisions.revoke(old))
    await decisions.wait(client_ref="client-x", contract_id=OTHER_CONTRACT)
    assert expect(201, await decisions.apply(outcome="rejected"))["state"] == "rejected"
    expect(200, await decisions.reject(waiting))
    assert (await decisions.quota())["suspended"] is True
    [filled] = await decisions.service.published(QuotaFilled)
    assert (filled.quota.suspended, filled.quota.limit) == (True, None)


async def test_a_suspension_of_one_service_leaves_the_others(decisions):
    """E-55: the scope is the service."""
    await decisions.know(described(a_description(service=HEART)), registered({2024: 5}, contract_id="h", service=HEART))
    await decisions.signal(suspended(service=HEART))
    await decisions.grant()
    await decisions.wait(contract_id="h")


async def test_a_lift_lets_those_who_waited_in(decisions):
    """E-54."""
    await decisions.signal(suspended())
    waiting = [await decisions.wait() for _ in range(3)]
    await decisions.signal(lifted())
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting) == ["granted"] * 3
    assert (await decisions.quota())["suspended"] is False
    [reopened] = await decisions.service.published(QuotaReopened)
    assert reopened.quota.suspended is False
    await decisions.grant()


async def test_a_suspension_with_a_later_instant_stops_from_then_on(decisions):
    """The signal's effective time, by the injected clock."""
    await decisions.signal(suspended(at=START + timedelta(hours=2)))
    await decisions.grant()
    assert not await decisions.service.published(QuotaFilled)
    await decisions.clock.advance(timedelta(hours=2))
    await decisions.wait()
    await decisions.service.fire_timers()
    assert len(await decisions.service.published(QuotaFilled)) == 1


async def test_a_lift_opens_the_years_to_come_as_well(decisions):
    """E-54, R-DEC-14: what was set of next year during a suspension does not stay suspended."""
    await decisions.signal(suspended())
    assert (await decisions.set_quota(5, year=2025))["suspended"] is False
    await decisions.signal(lifted())
    assert [e.quota.year for e in await decisions.service.published(QuotaReopened)] == [2024]
    await decisions.clock.set(NEW_YEAR)
    await decisions.grant()


async def test_an_estimate_published_during_a_suspension_does_not_stay_suspended(decisions):
    """E-51, E-54: next year's says nothing of a suspension that ends before, for nobody would say its end."""
    await decisions.signal(suspended())
    expect(200, await decisions.officer.put(f"/estimates/{RARE}/2025", json={"estimate": 900}))
    expect(200, await decisions.officer.put(f"/estimates/{RARE}/2024", json={"estimate": 800}))
    said = await decisions.service.published(EstimateSet)
    assert [(e.quota.year, e.quota.suspended) for e in said] == [(2025, False), (2024, True)]
    await decisions.signal(lifted())
    reopened = await decisions.service.published(QuotaReopened)
    assert [(e.quota.year, e.quota.suspended) for e in reopened] == [(2024, False)]


async def test_a_suspension_over_new_year_is_published_of_the_new_year(decisions):
    """E-54, R-DEC-14: also where nobody waits."""
    await decisions.signal(suspended())
    await decisions.clock.set(NEW_YEAR)
    await decisions.service.fire_timers()
    assert [e.quota.year for e in await decisions.service.published(QuotaFilled)] == [2024, 2025]
    waiting = await decisions.wait()
    await decisions.signal(lifted())
    await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["granted"]


async def test_an_annulment_during_a_suspension_says_nothing_new_of_a_past_year(decisions):
    """E-7, E-54: a past year is not suspended any more, and nobody would say that it has reopened."""
    old = await decisions.grant()
    await decisions.clock.set(NEW_YEAR)
    await decisions.signal(suspended())
    expect(200, await annul(decisions, old))
    assert [e.quota.year for e in await decisions.service.published(QuotaFilled)] == [2025]


async def test_a_lift_with_a_later_instant_releases_the_queue_then(decisions):
    """E-54: and nobody overtakes the queue between the instant and the release."""
    await decisions.signal(suspended(), lifted(at=START + timedelta(hours=2)))
    waiting = await decisions.wait()
    await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["awaiting_quota"]
    await decisions.clock.advance(timedelta(hours=2))
    latecomer = await decisions.wait()
    await decisions.service.fire_timers()
    assert await decisions.states(waiting, latecomer) == ["granted", "granted"]
    granted = [event.decision.decision_ref for event in await decisions.service.published(DecisionGranted)]
    assert granted == [waiting["decision_ref"], latecomer["decision_ref"]]


async def test_a_lift_may_come_before_its_suspension(decisions):
    """E-19, E-67: whichever comes second has the effect of both."""
    await decisions.signal(lifted(at=START))
    await decisions.grant()
    await decisions.signal(suspended(at=START - timedelta(hours=1)))
    await decisions.grant()
    assert (await decisions.quota())["suspended"] is False


async def test_one_of_two_suspensions_lifted_is_not_enough(decisions):
    """Each signal stops for itself."""
    await decisions.signal(suspended("one"), suspended("two"), lifted("one"))
    await decisions.wait()
    await decisions.signal(lifted("two"))
    await decisions.service.fire_timers()
    await decisions.grant()


async def test_a_signal_counts_once_also_under_another_event_id(decisions):
    """E-67: gated by its event id, and by source and signal id; the first word stands."""
    event_id = new_event_id()
    await decisions.service.deliver(suspended(), event_id=event_id, source="/kela/funds-follow-up")
    await decisions.service.deliver(suspended(), event_id=event_id, source="/kela/funds-follow-up")
    await decisions.signal(suspended(at=START + timedelta(days=1)))
    await decisions.wait()
    await decisions.signal(lifted())
    await decisions.signal(suspended())
    await decisions.service.fire_timers()
    await decisions.grant()
    assert (await decisions.said()).count("QuotaFilled") == 1


async def test_signals_of_other_sources_stop_nothing(decisions):
    """Only the allow-listed source counts; the rest is kept as a dead letter, not retried."""
    await decisions.signal(suspended(), source="/somebody/else")
    await decisions.grant()
    assert await dead_letters(decisions) == [
        ("permanent", "Stranger: rekku.quota-signals is not taken from this source")
    ]


async def test_a_signal_id_belongs_to_one_service(decisions):
    """A lift for another service than its suspension is somebody's mistake, and lifts nothing."""
    await decisions.know(described(a_description(service=HEART)))
    await decisions.signal(suspended())
    await decisions.signal(lifted(service=HEART))
    await decisions.wait()
    assert await dead_letters(decisions) == [
        ("permanent", "Unacceptable: the signal's id belongs to another service or scope")
    ]


@pytest.mark.parametrize("lift_first", [False, True])
async def test_suspension_and_full_quota_together(decisions, lift_first):
    """E-54: new clients come in when neither stops them."""
    await decisions.set_quota(1)
    await decisions.grant()
    await decisions.signal(suspended())
    waiting = await decisions.wait()
    steps = [decisions.signal(lifted()), decisions.set_quota(2)]
    for step in steps if lift_first else reversed(steps):
        assert await decisions.states(waiting) == ["awaiting_quota"]
        await step
        await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["granted"]
