"""The full quota: who waits, who is let in, and in which order."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from chassis.timers import fire_one
from contracts.decisions import DecisionAwaitsQuota, DecisionGranted, QuotaFilled, QuotaReopened, QuotaSet
from services.decisions.quotas import release
from tests.decisions.builders import (
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    RARE,
    DecisionsUnderTest,
    an_application,
    announced,
    expect,
    refusal,
    registered,
)

NEW_YEAR = datetime(2024, 12, 31, 22, 0, tzinfo=UTC)
"""1 January 2025 in Helsinki."""


async def fill(decisions: DecisionsUnderTest, slots: int) -> None:
    await decisions.set_quota(slots)
    for _ in range(slots):
        await decisions.grant()


async def test_a_full_quota_lets_applications_wait(decisions):
    """R-DEC-13, E-54: waiting is not rejected, and holds no slot of any contract."""
    await fill(decisions, 2)
    waiting = await decisions.wait()
    assert (waiting["decided_on"], waiting["confirm_by"], waiting["new_client"]) == (None, None, False)
    assert await decisions.count() == (100, 2, 98)
    [filled] = await decisions.service.published(QuotaFilled)
    assert (filled.quota.used, filled.quota.remaining, filled.quota.limit) == (2, 0, 2)
    [event] = await decisions.service.published(DecisionAwaitsQuota)
    assert (event.version, event.decision.valid) == (1, False)


async def test_a_quota_switched_on_when_it_is_exceeded_stops_from_that_instant(decisions):
    """Acceptance example 8 in small, E-52: all grants stay, nothing remains, the next one waits."""
    granted = [await decisions.grant() for _ in range(4)]
    quota = await decisions.set_quota(3)
    assert (quota["limit"], quota["used"], quota["remaining"]) == (3, 4, 0)
    await decisions.wait()
    assert await decisions.states(*granted) == ["granted"] * 4
    assert [type(e) for e in await decisions.service.published()][-3:] == [QuotaSet, QuotaFilled, DecisionAwaitsQuota]


async def test_the_heart_courses_of_2023_against_a_quota_of_780(decisions):
    """Acceptance example 8: used counts from 1 January, not from the switch-on (E-52, R-DEC-12)."""
    granted = await decisions.grant()
    await decisions.alter("UPDATE quotas SET used = 914")
    quota = await decisions.set_quota(780)
    assert (quota["used"], quota["remaining"]) == (914, 0)
    await decisions.wait()
    assert await decisions.states(granted) == ["granted"]


async def test_a_raised_quota_lets_in_first_come_first_served(decisions):
    """E-52, E-54: by day of application, then by arrival."""
    await fill(decisions, 1)
    third = await decisions.wait(applied_on="2024-01-10")
    first = await decisions.wait(applied_on="2024-01-05")
    second = await decisions.wait(applied_on="2024-01-05")
    last = await decisions.wait(applied_on="2024-01-11")
    await decisions.clock.advance(timedelta(days=20))
    await decisions.set_quota(4)
    await decisions.service.fire_timers()
    assert await decisions.states(first, second, third, last) == ["granted"] * 3 + ["awaiting_quota"]
    events = (await decisions.service.published(DecisionGranted))[1:]
    assert [e.decision.decision_ref for e in events] == [d["decision_ref"] for d in (first, second, third)]
    assert {e.version for e in events} == {2}
    granted = await decisions.get(first)
    assert (granted["decided_on"], granted["confirm_by"]) == ("2024-02-04", "2024-08-04")
    assert await decisions.count() == (100, 4, 96)
    quota = await decisions.quota()
    assert (quota["used"], quota["remaining"]) == (4, 0)
    assert [n for n in await decisions.said() if n.startswith("Quota")] == [
        "QuotaSet", "QuotaFilled", "QuotaSet", "QuotaReopened", "QuotaFilled",
    ]  # fmt: skip


async def test_one_whose_contract_is_full_is_skipped_and_keeps_its_place(empty_decisions):
    """E-54."""
    decisions = empty_decisions
    await decisions.start({2024: 2})
    await decisions.know(registered({2024: 9}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER))
    await fill(decisions, 1)
    first = await decisions.wait()
    skipped = await decisions.wait()
    behind = await decisions.wait(contract_id=OTHER_CONTRACT)
    await decisions.set_quota(9)
    await decisions.service.fire_timers()
    assert await decisions.states(first, skipped, behind) == ["granted", "awaiting_quota", "granted"]
    await decisions.know(announced({2024: 3}, version=2))
    await decisions.service.fire_timers()
    assert await decisions.states(skipped) == ["granted"]
    assert refusal(await decisions.apply())[0] == "ANNOUNCED_COUNT_FULL"


async def test_an_estimate_changes_nothing_for_those_who_wait_or_apply(empty_decisions):
    """E-51: also while somebody keeps a place because its contract is full."""
    decisions = empty_decisions
    await decisions.start({2024: 1})
    await decisions.know(registered({2024: 9}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER))
    await decisions.set_quota(0)
    waiting = [await decisions.wait(), await decisions.wait()]
    await decisions.set_quota(9)
    await decisions.service.fire_timers()
    expect(200, await decisions.officer.put(f"/estimates/{RARE}/2024", json={"estimate": 5}))
    await decisions.grant(contract_id=OTHER_CONTRACT)
    assert await decisions.states(*waiting) == ["granted", "awaiting_quota"]


async def test_nobody_overtakes_those_who_are_being_let_in(decisions):
    """E-54: between the raise and the release a new application queues up."""
    await fill(decisions, 1)
    waiting = await decisions.wait()
    await decisions.set_quota(2)
    latecomer = await decisions.wait()
    await decisions.service.fire_timers()
    assert await decisions.states(waiting, latecomer) == ["granted", "awaiting_quota"]
    await decisions.set_quota(3)
    await decisions.service.fire_timers()
    assert await decisions.states(latecomer) == ["granted"]


async def test_after_the_release_new_applications_are_granted_at_once(decisions):
    """E-54."""
    await fill(decisions, 1)
    await decisions.wait()
    await decisions.set_quota(5)
    await decisions.service.fire_timers()
    await decisions.grant()


async def test_who_joins_during_a_release_is_let_in_as_well(decisions, monkeypatch):
    """E-54: also further to the front than the release has come."""
    monkeypatch.setattr(release, "_BATCH", 2)
    await fill(decisions, 1)
    waiting = [await decisions.wait(applied_on="2024-01-10") for _ in range(5)]
    await decisions.set_quota(50)
    assert await release_once(decisions)
    early = await decisions.wait(applied_on="2024-01-01")
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting, early) == ["granted"] * 6
    await decisions.grant()


async def release_once(decisions: DecisionsUnderTest) -> bool:
    return await fire_one(decisions.service.service, decisions.service.db)


async def test_a_change_of_provider_needs_no_slot_of_a_full_quota(decisions):
    """E-8, E-54."""
    await decisions.know(registered({2024: 5}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER))
    await decisions.set_quota(1)
    first = await decisions.grant(client_ref="client-x")
    expect(200, await decisions.revoke(first))
    await decisions.wait()
    again = await decisions.grant(client_ref="client-x", contract_id=OTHER_CONTRACT)
    assert again["new_client"] is False
    assert (await decisions.quota())["used"] == 1


async def test_giving_the_quota_up_lets_everybody_in(decisions):
    """R-DEC-11, E-52."""
    await fill(decisions, 1)
    waiting = [await decisions.wait() for _ in range(3)]
    await decisions.set_quota(None)
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting) == ["granted"] * 3
    quota = await decisions.quota()
    assert (quota["limit"], quota["used"], quota["remaining"]) == (None, 4, None)
    assert (await decisions.service.published(QuotaReopened))[-1].quota.limit is None


async def test_what_waits_can_be_rejected_or_withdrawn(decisions):
    """E-54: and then keeps no place in the queue."""
    await fill(decisions, 1)
    rejected, withdrawn, waiting = [await decisions.wait() for _ in range(3)]
    notice = {"client_notice": {"received_on": "2024-01-15", "channel": "letter"}}
    expect(200, await decisions.reject(rejected))
    expect(200, await decisions.officer.post(f"/decisions/{withdrawn['decision_ref']}/withdrawal", json=notice))
    await decisions.set_quota(9)
    await decisions.service.fire_timers()
    assert await decisions.states(rejected, withdrawn, waiting) == ["rejected", "withdrawn", "granted"]
    assert (await decisions.quota())["used"] == 2
    again = await decisions.reject(waiting)
    assert refusal(again) == ("NOT_WAITING", {"state": "granted"})


@pytest.mark.parametrize("body", [None, {}, {"reasoning": None}])
async def test_a_rejection_names_its_ground(decisions, body):
    """R-DEC-21: an empty body never rejects."""
    await decisions.set_quota(0)
    waiting = await decisions.wait()
    answer = await decisions.officer.post(f"/decisions/{waiting['decision_ref']}/rejection", json=body)
    assert expect(422, answer)["code"] == "VALIDATION"
    assert await decisions.states(waiting) == ["awaiting_quota"]


async def test_a_release_beside_grants_and_rejections_never_overruns(decisions, monkeypatch):
    """E-53, E-54: the same locks, taken in the same order."""
    monkeypatch.setattr(release, "_BATCH", 3)
    await fill(decisions, 1)
    waiting = [await decisions.wait() for _ in range(20)]
    await decisions.set_quota(11)
    await asyncio.gather(
        decisions.service.fire_timers(),
        *(decisions.officer.post("/decisions", json=an_application()) for _ in range(10)),
        *(decisions.reject(d) for d in waiting[15:]),
    )
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting[:10]) == ["granted"] * 10
    quota = await decisions.quota()
    assert (quota["used"], quota["remaining"]) == (11, 0)
    assert await decisions.count() == (100, 11, 89)


async def test_a_new_year_counts_anew(decisions):
    """R-DEC-6, E-52: the quota of 2024 says nothing of 2025."""
    await fill(decisions, 1)
    await decisions.clock.set(NEW_YEAR)
    await decisions.grant(applied_on="2024-12-31")
    assert (await decisions.quota(2024))["used"] == 1
    assert (await decisions.quota(2025))["used"] == 1
    assert (await decisions.quota(2025))["limit"] is None


async def test_nobody_overtakes_the_queue_at_midnight_on_new_years_eve(decisions):
    """E-54: also while the timer that lets the queue in is late, and whenever next year's quota was set."""
    await fill(decisions, 1)
    await decisions.set_quota(1, year=2025)
    waiting = await decisions.wait()
    await decisions.set_quota(2, year=2025)
    await decisions.clock.set(NEW_YEAR)
    latecomer, next_one = await decisions.wait(), await decisions.wait()
    await decisions.service.fire_timers()
    assert await decisions.states(waiting, latecomer, next_one) == ["granted", "granted", "awaiting_quota"]


async def test_after_new_year_nobody_queues_up_where_nobody_waits(decisions):
    """E-54: those who waited in December were let in, rejected or withdrew before it ended."""
    await fill(decisions, 1)
    waiting = await decisions.wait()
    expect(200, await decisions.reject(waiting))
    await decisions.clock.set(NEW_YEAR)
    await decisions.service.fire_timers()
    await decisions.grant()


async def test_who_waits_through_a_whole_year_is_let_in_the_year_after(empty_decisions):
    """E-54: every year's quota opens by itself, also where nobody new has come to the queue."""
    await empty_decisions.start({2024: 9, 2025: 9, 2026: 9})
    await empty_decisions.set_quota(0)
    await empty_decisions.set_quota(0, year=2025)
    waiting = await empty_decisions.wait()
    await empty_decisions.clock.set(NEW_YEAR)
    await empty_decisions.service.fire_timers()
    assert await empty_decisions.states(waiting) == ["awaiting_quota"]
    await empty_decisions.clock.set(NEW_YEAR.replace(year=2025))
    await empty_decisions.service.fire_timers()
    assert await empty_decisions.states(waiting) == ["granted"]


async def test_a_count_that_is_announced_late_goes_to_those_who_wait_for_it(empty_decisions):
    """E-54, E-6: the contract had no count for the new year yet."""
    decisions = empty_decisions
    await decisions.start({2024: 9})
    await decisions.set_quota(0)
    waiting = await decisions.wait()
    await decisions.clock.set(NEW_YEAR)
    await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["awaiting_quota"]
    await decisions.know(announced({2024: 9, 2025: 1}, version=2))
    latecomer = await decisions.wait()
    await decisions.service.fire_timers()
    assert await decisions.states(waiting, latecomer) == ["granted", "awaiting_quota"]


async def test_a_quota_changed_by_somebody_else_is_not_overwritten(decisions):
    """If-Match."""
    stale = {"if-match": '"0"'}
    expect(200, await decisions.officer.put(f"/quotas/{RARE}/2024", json={"limit": 5}, headers=stale))
    answer = await decisions.officer.put(f"/quotas/{RARE}/2024", json={"limit": 6}, headers=stale)
    assert refusal(answer, 412) == ("STALE_VERSION", {"current": 1})
    assert (await decisions.quota())["limit"] == 5
