"""An annulment as issued in error: the only thing that gives slots back (E-7)."""

from datetime import UTC, datetime

import pytest

from contracts.decisions import AnnouncedCountReopened, DecisionAnnulled, DecisionGranted, QuotaReopened
from tests.decisions.builders import OTHER_CONTRACT, RARE, announced, expect, refusal
from tests.decisions.ending import annul, another_provider, assert_ledgers_agree


async def test_an_annulled_decision_counts_nowhere(empty_decisions):
    """E-7: the count's slot and the quota's are free again, and said to be; a revocation frees neither.

    Nor is it a grant in the statistics (R-STA-1), which count the revoked one.
    """
    decisions = empty_decisions
    await decisions.start({2024: 2})
    await decisions.set_quota(2)
    revoked, wrong = await decisions.grant(), await decisions.grant()
    expect(200, await decisions.revoke(revoked))
    assert (await decisions.count(), (await decisions.quota())["remaining"]) == ((2, 2, 0), 0)
    annulled = expect(200, await annul(decisions, wrong, "wrong_client"))
    assert (annulled["state"], annulled["version"], annulled["annulment_reason"]) == ("annulled", 2, "wrong_client")
    assert (await decisions.count(), (await decisions.quota())["remaining"]) == ((2, 1, 1), 1)
    [event] = await decisions.service.published(DecisionAnnulled)
    assert (event.version, event.decision.valid, event.decision.new_client) == (2, False, False)
    for reopened in (AnnouncedCountReopened, QuotaReopened):
        assert len(await decisions.service.published(reopened)) == 1
    assert refusal(await annul(decisions, wrong))[0] == "ALREADY_ANNULLED"
    figures = await decisions.officer.get("/statistics/decisions", params={"service": RARE, "year": 2024})
    assert (expect(200, figures)["granted"], figures.json()["rejected"]) == (1, 0)
    await assert_ledgers_agree(decisions)


async def test_only_a_grant_in_force_is_annulled_and_only_by_an_officer_for_a_typed_reason(decisions):
    """E-7, section 7; nothing changes and nothing sent is echoed."""
    granted, rejected = await decisions.grant(), expect(201, await decisions.apply(outcome="rejected"))
    assert refusal(await annul(decisions, rejected)) == ("NOT_GRANTED", {"state": "rejected"})
    assert refusal(await annul(decisions, granted, **{"if-match": '"7"'}), 412)[0] == "STALE_VERSION"
    answer = await annul(decisions, granted, "the client moved away")
    assert refusal(answer, 422)[0] == "VALIDATION"
    assert "moved away" not in answer.text
    path, body = f"/decisions/{granted['decision_ref']}/annulment", {"reason": "wrong_client"}
    for caller in (decisions.provider, decisions.system):
        assert refusal(await caller.post(path, json=body), 403)[0] == "NOT_ALLOWED"
    expect(200, await decisions.revoke(granted))
    assert refusal(await annul(decisions, granted)) == ("NOT_GRANTED", {"state": "revoked"})
    assert await decisions.count() == (100, 1, 99)


async def test_an_annulled_application_can_be_decided_anew(decisions):
    """E-7: what was given to the wrong provider is given to the right one, under the same application."""
    await another_provider(decisions)
    wrong = await decisions.grant(application_ref="application-x", client_ref="client-x")
    expect(200, await annul(decisions, wrong))
    right = await decisions.grant(application_ref="application-x", client_ref="client-x", contract_id=OTHER_CONTRACT)
    assert (right["new_client"], right["decision_ref"] == wrong["decision_ref"]) == (True, False)
    assert (await decisions.count(), await decisions.count(contract_id=OTHER_CONTRACT)) == ((100, 0, 100), (5, 1, 4))
    await assert_ledgers_agree(decisions)


async def test_an_annulment_gives_the_slot_of_an_area_back_to_its_queue(decisions):
    """E-7, E-54, E-55: the narrower quota has room again, and the client who waits for it comes in."""
    await decisions.set_quota(1, area="08")
    wrong = await decisions.grant(municipality_code="837")
    await decisions.wait(municipality_code="837")
    expect(200, await annul(decisions, wrong))
    assert (await decisions.quota(area="08"))["used"] == 0
    await decisions.service.fire_timers()
    quota = await decisions.quota(area="08")
    assert (quota["used"], quota["remaining"]) == (1, 0)
    assert len(await decisions.service.published(DecisionGranted)) == 2
    await assert_ledgers_agree(decisions)


async def test_a_freed_slot_lets_the_queue_in_before_anybody_new(decisions):
    """E-7, E-54: first come, first served, also for what an annulment frees."""
    await decisions.set_quota(1)
    wrong = await decisions.grant()
    waiting = [await decisions.wait(applied_on=day) for day in ("2024-01-05", "2024-01-03")]
    expect(200, await annul(decisions, wrong))
    late = await decisions.wait(applied_on="2024-01-10")
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting, late) == ["awaiting_quota", "granted", "awaiting_quota"]
    assert (await decisions.quota())["remaining"] == 0
    await assert_ledgers_agree(decisions)


async def test_the_slot_goes_back_to_the_year_of_the_decision(decisions):
    """E-7, R-DEC-6: a decision of 2024 annulled in 2025 frees 2024."""
    wrong = await decisions.grant()
    await decisions.clock.set(datetime(2025, 2, 1, 9, tzinfo=UTC))
    await decisions.grant()
    expect(200, await annul(decisions, wrong))
    assert (await decisions.count(2024), await decisions.count(2025)) == ((100, 0, 100), (100, 1, 99))
    assert ((await decisions.quota(2024))["used"], (await decisions.quota(2025))["used"]) == (0, 1)
    await assert_ledgers_agree(decisions)


@pytest.mark.parametrize("again", [datetime(2024, 3, 1, 9, tzinfo=UTC), datetime(2025, 2, 1, 9, tzinfo=UTC)])
async def test_a_client_granted_again_stays_a_new_client_by_the_next_grant(decisions, again):
    """E-7, E-8: the next grant takes over, in its own year, even where that year's quota is full by now."""
    first = await decisions.grant(client_ref="client-x")
    await decisions.clock.set(again)
    await decisions.set_quota(1, year=again.year)
    if again.year == 2025:
        await decisions.grant()
    second = await decisions.grant(client_ref="client-x")
    assert (first["new_client"], second["new_client"]) == (True, False)
    expect(200, await annul(decisions, first))
    heir = await decisions.get(second)
    assert (heir["new_client"], heir["version"], heir["state"]) == (True, 2, "granted")
    said = (await decisions.service.published(DecisionGranted))[-1]
    assert (said.key, said.version, said.decision.new_client) == (second["decision_ref"], 2, True)
    quota = await decisions.quota(again.year)
    assert (quota["used"], quota["remaining"]) == ((1, 0) if again.year == 2024 else (2, 0))
    await assert_ledgers_agree(decisions)


async def test_an_overdrawn_count_stays_overdrawn_until_enough_is_annulled(empty_decisions):
    """E-3, E-7: a corrected count of 1 with 3 used has room again only after the third annulment."""
    decisions = empty_decisions
    await decisions.start({2024: 3})
    granted = [await decisions.grant() for _ in range(3)]
    await decisions.know(announced({2024: 1}, version=2))
    for left, decision in zip((0, 0, 1), granted, strict=True):
        expect(200, await annul(decisions, decision))
        assert (await decisions.count())[2] == left
    await decisions.grant()
    assert refusal(await decisions.apply())[0] == "ANNOUNCED_COUNT_FULL"
    await assert_ledgers_agree(decisions)


async def test_the_table_keeps_no_annulment_without_a_typed_reason(decisions):
    """E-7: what a constraint can hold, a constraint holds as well."""
    await decisions.grant()
    with pytest.raises(Exception, match="annulled_for_a_typed_reason"):
        await decisions.alter("UPDATE decisions SET state = 'annulled', new_client = false")
    with pytest.raises(Exception, match="an_annulled_decision_counts_nowhere"):
        await decisions.alter("UPDATE decisions SET state = 'annulled', annulment_reason = 'wrong_client'")
