"""Annulments, revocations, changes of provider and grants at the same time, each with its guard off as well."""

import asyncio
import random
from collections import Counter

import pytest

from services.decisions.quotas import handlers as counters
from services.decisions.quotas import slots
from services.decisions.quotas import store as quotas
from tests.decisions.builders import OTHER_CONTRACT, expect
from tests.decisions.ending import annul, another_provider, assert_ledgers_agree, ledgers, swap
from tests.decisions.races import act_on_what_was_seen, outcomes
from tests.decisions.test_concurrency import guards_off
from tests.races import count_waiting, until

_ROUNDS = 20
_AT_ONCE = 8


async def annul_while_others_grant(decisions, monkeypatch, *, locking):
    """A grant comes between an annulment's look at the count and its save; two slots, both used, then one freed."""
    await decisions.start({2024: 2})
    wrong = await decisions.grant()
    looked, granted = asyncio.Event(), asyncio.Event()
    give_back, lock_counts = counters.give_back, quotas.lock_counts

    async def look_without_locking(tx, contract_ids, year):
        async with decisions.service.transaction() as elsewhere:
            return await lock_counts(elsewhere, contract_ids, year)

    async def granted_or_waiting():
        return granted.is_set() or await count_waiting(decisions.service) > 0

    async def held(*arguments):
        looked.set()
        await until(granted_or_waiting)
        await give_back(*arguments)

    monkeypatch.setattr(counters, "give_back", held)
    if not locking:
        monkeypatch.setattr(quotas, "lock_counts", look_without_locking)

    async def grant():
        await looked.wait()
        answer = await decisions.apply()
        granted.set()
        return answer

    return await asyncio.gather(annul(decisions, wrong), grant())


async def test_an_annulment_and_a_grant_each_move_the_count(empty_decisions, monkeypatch):
    """E-5, E-7: never over, never under, whichever is first."""
    answers = await annul_while_others_grant(empty_decisions, monkeypatch, locking=True)
    assert outcomes(answers) == ["done", "done"]
    assert await ledgers(empty_decisions) == [("contract-1", 2024, 1, 1)]
    await assert_ledgers_agree(empty_decisions)


async def test_control_without_the_counts_lock_an_annulment_loses_a_grant(empty_decisions, monkeypatch):
    """E-5, E-7, negative control: the count forgets the grant, and one more than announced could be given.

    The quota's lock, which a new client's grant takes as well, is not what holds: it is given away here.
    """

    async def find_without_locking(tx, service, year):
        return await quotas.find_quota(tx, service, year)

    monkeypatch.setattr(quotas, "lock_quota", find_without_locking)
    answers = await annul_while_others_grant(empty_decisions, monkeypatch, locking=False)
    assert outcomes(answers) == ["done", "done"]
    assert await ledgers(empty_decisions) == [("contract-1", 2024, 0, 1)]


async def test_the_last_slot_is_freed_and_given_many_times_over(empty_decisions):
    """E-5, E-7: one annuls, three want the freed slot; never over, and never under when all have been answered."""
    decisions = empty_decisions
    await decisions.start({2024: 3})
    held = [await decisions.grant() for _ in range(3)]
    for trial in range(_ROUNDS):
        answers = await asyncio.gather(annul(decisions, held.pop(0)), *(decisions.apply() for _ in range(3)))
        expect(200, answers[0])
        granted = [answer.json() for answer in answers[1:] if answer.status_code == 201]
        refused = [answer.json()["code"] for answer in answers[1:] if answer.status_code != 201]
        assert len(granted) <= 1, trial
        assert set(refused) == {"ANNOUNCED_COUNT_FULL"}
        held += granted or [await decisions.grant()]
        assert await decisions.count() == (3, 3, 0)
    await assert_ledgers_agree(decisions)


async def test_a_decision_is_annulled_once(decisions):
    """E-7: eight at once, one gives the slot back."""
    await decisions.grant()
    wrong = await decisions.grant()
    answers = await asyncio.gather(*(annul(decisions, wrong) for _ in range(_AT_ONCE)))
    assert outcomes(answers) == ["ALREADY_ANNULLED"] * (_AT_ONCE - 1) + ["done"]
    assert (await decisions.count(), (await decisions.quota())["used"]) == ((100, 1, 99), 1)
    assert (await decisions.said()).count("DecisionAnnulled") == 1
    await assert_ledgers_agree(decisions)


async def test_control_without_a_second_look_a_slot_is_given_back_twice(decisions, monkeypatch):
    """E-7, negative control."""
    await decisions.grant()
    wrong = await decisions.grant()
    act_on_what_was_seen(decisions, monkeypatch, parties=2)
    answers = await asyncio.gather(*(annul(decisions, wrong) for _ in range(2)))
    assert outcomes(answers) == ["done", "done"]
    assert await decisions.count() == (100, 0, 100)


async def test_a_decision_is_revoked_or_annulled_never_both(decisions):
    """E-7, section 7: the one that comes first stands, and the count goes with it."""
    for _ in range(_ROUNDS):
        decision = await decisions.grant()
        answers = await asyncio.gather(decisions.revoke(decision), annul(decisions, decision))
        assert outcomes(answers) == ["NOT_GRANTED", "done"]
    await assert_ledgers_agree(decisions)


async def test_control_without_a_second_look_a_decision_is_revoked_and_annulled(decisions, monkeypatch):
    """E-7, negative control: a revoked decision has given its slot back, or an annulled one was revoked."""
    decision = await decisions.grant()
    act_on_what_was_seen(decisions, monkeypatch, parties=2)
    answers = await asyncio.gather(decisions.revoke(decision), annul(decisions, decision))
    assert outcomes(answers) == ["done", "done"]


async def test_the_last_slot_of_another_contract_goes_to_one_change_of_provider(decisions):
    """E-5, E-65: those who come too late keep their old decision, and nothing of theirs has changed."""
    for trial in range(1, _ROUNDS // 2 + 1):
        contract = f"contract-with-one-slot-{trial}"
        await another_provider(decisions, announced=1, contract_id=contract)
        clients = [await decisions.grant() for _ in range(4)]
        answers = await asyncio.gather(*(swap(decisions, client, contract) for client in clients))
        assert outcomes(answers) == ["ANNOUNCED_COUNT_FULL"] * 3 + ["done"]
        assert Counter(await decisions.states(*clients)) == {"granted": 3, "revoked": 1}
        assert await decisions.count(contract_id=contract) == (1, 1, 0)
    await assert_ledgers_agree(decisions)


async def test_control_without_the_counts_guard_more_change_provider_than_there_is_room_for(decisions, monkeypatch):
    """E-5, E-65, negative control."""
    await guards_off(decisions, monkeypatch)
    for trial in range(1, 100 // _AT_ONCE + 1):
        contract = f"contract-with-one-slot-{trial}"
        await another_provider(decisions, announced=1, contract_id=contract)
        clients = [await decisions.grant() for _ in range(_AT_ONCE)]
        answers = await asyncio.gather(*(swap(decisions, client, contract) for client in clients))
        if outcomes(answers).count("done") > 1:
            return
    pytest.fail("the guards were off and the slot held all the same: the test above proves nothing")


async def test_a_client_changes_provider_once_however_many_answers_are_filed(decisions):
    """E-65: one new decision; the others leave nothing behind."""
    await another_provider(decisions)
    old = await decisions.grant()
    answers = await asyncio.gather(*(swap(decisions, old) for _ in range(_AT_ONCE)))
    assert outcomes(answers) == ["ALREADY_REVOKED"] * (_AT_ONCE - 1) + ["done"]
    assert await decisions.count(contract_id=OTHER_CONTRACT) == (5, 1, 4)
    await assert_ledgers_agree(decisions)


async def test_control_without_a_second_look_a_client_gets_two_new_decisions(decisions, monkeypatch):
    """E-65, negative control; the table's own guard is off as well."""
    await another_provider(decisions)
    old = await decisions.grant()
    await decisions.alter("DROP INDEX one_replacement_per_decision")
    act_on_what_was_seen(decisions, monkeypatch, parties=2)
    answers = await asyncio.gather(*(swap(decisions, old) for _ in range(2)))
    assert outcomes(answers) == ["done", "done"]
    assert await decisions.count(contract_id=OTHER_CONTRACT) == (5, 2, 3)


async def annul_while_the_client_is_granted_again(decisions, monkeypatch, statement):
    """The client's second grant has been written, but not committed, when the first one is annulled."""
    first = await decisions.grant(client_ref="client-x")
    written, annulled = asyncio.Event(), asyncio.Event()
    add_grants = slots.add_grants
    monkeypatch.setattr(slots, "TAKE_SLOTS", statement)

    async def annulled_or_waiting():
        return annulled.is_set() or await count_waiting(decisions.service) > 0

    async def held(tx, grants):
        counted = await add_grants(tx, grants)
        written.set()
        await until(annulled_or_waiting)
        return counted

    monkeypatch.setattr(slots, "add_grants", held)
    # Another contract: then no count is what the two wait for.
    await another_provider(decisions)

    async def annul_meanwhile():
        await written.wait()
        answer = await annul(decisions, first)
        annulled.set()
        return answer

    again = decisions.apply(client_ref="client-x", contract_id=OTHER_CONTRACT)
    assert outcomes(await asyncio.gather(again, annul_meanwhile())) == ["done", "done"]
    return (await decisions.quota())["used"]


async def test_a_client_granted_again_while_the_first_grant_is_annulled_stays_new(decisions, monkeypatch):
    """E-8, E-7: the second grant holds on to the first; the annulment waits for it and hands on to it."""
    assert await annul_while_the_client_is_granted_again(decisions, monkeypatch, slots.TAKE_SLOTS) == 1
    await assert_ledgers_agree(decisions)


async def test_control_without_holding_on_to_the_first_grant_a_client_is_counted_nowhere(decisions, monkeypatch):
    """E-8, E-7, negative control."""
    loose = slots.TAKE_SLOTS.replace("FOR KEY SHARE", "")
    assert await annul_while_the_client_is_granted_again(decisions, monkeypatch, loose) == 0


async def test_whatever_happens_at_once_the_ledgers_agree(empty_decisions):
    """E-1, E-5, E-7, E-8, E-54, E-65: everything at random, at most 24 in flight, and nothing fails or hangs."""
    decisions, chance = empty_decisions, random.Random(7)
    await decisions.start({2024: 20})
    await another_provider(decisions, announced=12)
    await decisions.set_quota(18)
    made: list[dict] = []
    for _ in range(_ROUNDS // 2):
        some = chance.sample(made, min(len(made), 6))
        commands = [
            *(decisions.apply(client_ref=f"client-{chance.randrange(30)}") for _ in range(6)),
            *(annul(decisions, one) for one in some),
            *(decisions.revoke(one) for one in some[:3]),
            *(swap(decisions, one) for one in some[2:]),
            decisions.service.fire_timers(),
        ]
        chance.shuffle(commands)
        for answer in await asyncio.gather(*commands):
            if isinstance(answer, int):
                continue
            assert answer.status_code < 500, answer.text
            if answer.status_code == 201:
                made.append(answer.json().get("granted") or answer.json())
        await assert_ledgers_agree(decisions)
        for contract, year, used, _ in await ledgers(decisions):
            assert used <= {"contract-1": 20, OTHER_CONTRACT: 12}[contract], (contract, year)
    assert (await decisions.quota())["used"] <= 18
