"""A change of provider: both decisions change, or neither (E-65)."""

from datetime import UTC, date, datetime

import pytest

from contracts.decisions import AnnouncedCountFilled, DecisionGranted, DecisionRevoked
from contracts.values import Language
from tests.decisions.builders import (
    HEART,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    a_description,
    described,
    expect,
    refusal,
    registered,
    suspended,
)
from tests.decisions.ending import a_change, another_provider, assert_ledgers_agree, swap


async def test_a_client_goes_on_with_another_provider(decisions):
    """E-65, E-7, E-26: the old one is revoked on the answer and still counts; the new one has a deadline of its own."""
    await another_provider(decisions, announced=1)
    old = await decisions.grant(valid_to="2025-06-30")
    await decisions.clock.set(datetime(2024, 8, 1, 9, tzinfo=UTC))
    notice = {"received_on": "2024-07-30", "channel": "letter", "given_by": "guardian"}
    swapped = expect(201, await swap(decisions, old, client_notice=notice))
    revoked, granted = swapped["revoked"], swapped["granted"]
    assert (revoked["decision_ref"], revoked["state"], revoked["provider_changed"]) == (
        old["decision_ref"],
        "revoked",
        True,
    )
    assert (granted["provider_id"], granted["state"], granted["replaces"]) == (
        OTHER_PROVIDER,
        "granted",
        old["decision_ref"],
    )
    assert (granted["decided_on"], granted["confirm_by"], granted["valid_to"]) == (
        "2024-08-01",
        "2025-02-01",
        "2025-06-30",
    )
    assert (await decisions.count(), await decisions.count(contract_id=OTHER_CONTRACT)) == ((100, 1, 99), (1, 1, 0))
    [ended], given = (
        await decisions.service.published(DecisionRevoked),
        await decisions.service.published(DecisionGranted),
    )
    assert (ended.decision.provider_changed, given[-1].key) == (True, granted["decision_ref"])
    assert len(await decisions.service.published(AnnouncedCountFilled)) == 1
    await assert_ledgers_agree(decisions)


async def test_a_change_of_provider_needs_no_slot_of_a_full_quota(decisions):
    """E-8, E-54, E-65: the quota is full and others wait for it; the change goes through and overtakes nobody."""
    await another_provider(decisions)
    await decisions.set_quota(1)
    old, waiting = await decisions.grant(), await decisions.wait()
    granted = expect(201, await swap(decisions, old))["granted"]
    assert granted["new_client"] is False
    assert ((await decisions.quota())["used"], await decisions.states(waiting)) == (1, ["awaiting_quota"])
    await assert_ledgers_agree(decisions)


async def test_where_nobody_has_room_the_old_decision_stays(decisions):
    """E-65, E-5: full is refused with others that have room, not the one the client leaves; nothing has happened."""
    await another_provider(decisions, announced=1)
    third = {"contract_id": "contract-3", "provider_id": "0112038-9"}
    await decisions.know(registered({2024: 4}, **third))
    await decisions.grant(contract_id=OTHER_CONTRACT)
    old = await decisions.grant()
    before = await decisions.said()
    code, values = refusal(await swap(decisions, old))
    assert (code, [other["contract_id"] for other in values["others"]]) == (
        "ANNOUNCED_COUNT_FULL",
        ["contract-3"],
    )
    assert (await decisions.states(old), await decisions.said()) == (["granted"], before)
    assert await decisions.count(contract_id=OTHER_CONTRACT) == (1, 1, 0)


async def test_a_suspension_stops_a_change_of_provider_as_well(decisions):
    """E-54, E-65: every new decision but annulments and revocations."""
    await another_provider(decisions)
    old = await decisions.grant()
    await decisions.signal(suspended())
    assert refusal(await swap(decisions, old))[0] == "DECIDING_SUSPENDED"
    assert await decisions.states(old) == ["granted"]
    expect(200, await decisions.revoke(old))


async def test_the_same_change_again_gets_the_same_answer(decisions):
    """E-23, E-65: one new decision, however often the answer is filed."""
    await another_provider(decisions)
    old, body = await decisions.grant(), a_change()
    path = f"/decisions/{old['decision_ref']}/provider-change"
    answers = [expect(201, await decisions.officer.post(path, json=body)) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert await decisions.count(contract_id=OTHER_CONTRACT) == (5, 1, 4)
    assert refusal(await swap(decisions, old))[0] == "ALREADY_REVOKED"
    other = await decisions.grant()
    code, _ = refusal(await swap(decisions, other, application_ref=body["application_ref"]))
    assert code == "APPLICATION_DECIDED"
    assert await decisions.states(other) == ["granted"]


async def test_bad_changes_are_refused_change_nothing_and_echo_nothing(decisions):
    """E-45, E-57, E-59, E-65: another service's contract, one that ended, its own provider, no or a later notice."""
    heart = {"contract_id": "heart", "provider_id": OTHER_PROVIDER, "service": HEART}
    ended = {"contract_id": "ended", "provider_id": OTHER_PROVIDER, "valid_to": date(2024, 1, 14)}
    swedish = {"contract_id": "swedish", "language": Language.SV}
    await decisions.know(
        described(a_description(service=HEART)), *(registered({2024: 5}, **one) for one in (heart, ended, swedish))
    )
    await another_provider(decisions)
    old, rejected = await decisions.grant(), expect(201, await decisions.apply(outcome="rejected"))
    before = await decisions.said()
    tomorrow = {"received_on": "2024-01-16", "channel": "phone"}
    for decision, differences, status, code in (
        (old, {"contract_id": "heart"}, 409, "OTHER_SERVICE"),
        (old, {"contract_id": "ended"}, 409, "CONTRACT_NOT_IN_FORCE"),
        (old, {"contract_id": "swedish"}, 409, "SAME_PROVIDER"),
        (old, {"contract_id": "nowhere-at-all"}, 404, "CONTRACT_UNKNOWN"),
        (old, {"client_notice": tomorrow}, 422, "NOTICE_IN_FUTURE"),
        (old, {"client_notice": None}, 422, "VALIDATION"),
        (old, {"valid_to": "2024-01-14"}, 422, "VALIDITY_IN_PAST"),
        (old, {"application_ref": "131052-308T"}, 422, "PERSONAL_IDENTITY_CODE"),
        (rejected, {}, 409, "NOT_GRANTED"),
    ):
        answer = await swap(decisions, decision, **differences)
        assert refusal(answer, status)[0] == code, differences
        assert not {"131052-308T", "nowhere-at-all"} & set(answer.text.split('"')), code
    assert (await decisions.states(old), await decisions.said()) == (["granted"], before)
    await assert_ledgers_agree(decisions)


async def test_other_decisions_are_kelas_to_know(decisions):
    """E-25, E-65: neither provider learns of the other's decision, or why Kela decided."""
    await another_provider(decisions)
    granted = expect(201, await swap(decisions, await decisions.grant()))["granted"]
    seen = expect(200, await decisions.other_provider.get(f"/decisions/{granted['decision_ref']}"))
    assert (seen["replaces"], seen["reasoning"], seen["annulment_reason"]) == (None, None, None)


@pytest.mark.parametrize("who", ["provider", "system"])
async def test_only_an_officer_changes_a_provider(decisions, who):
    """E-65."""
    old = await decisions.grant()
    answer = await getattr(decisions, who).post(f"/decisions/{old['decision_ref']}/provider-change", json=a_change())
    assert refusal(answer, 403)[0] == "NOT_ALLOWED"
