"""Two who decide the same thing at once: one of them does, with negative controls."""

import asyncio

import asyncpg
import pytest

from chassis.auth import Principal, Role
from contracts.refusals import Refusal
from contracts.registration import (
    ChangeRequestDecided,
    ContractRegistered,
    ContractValidityChanged,
    RegistrationChanged,
)
from services.registration import store as registered
from services.registration.change_requests import handlers as changes
from services.registration.change_requests import store as change_store
from services.registration.registering import handlers, store
from services.registration.registering.domain import Grounds
from tests.races import meet, take_away
from tests.registration.builders import OURS
from tests.registration.registering import (
    BECAUSE,
    DIET,
    POOL,
    WHY,
    approved,
    asked,
    do,
    drafted,
    end_request,
    names,
    shown,
    submitted,
    under_contract,
)

GROUNDS = Grounds("other", "Perustelu.")
PROVIDER = Principal("worker", Role.PROVIDER, OURS)
DROP_REQUEST_KEY = "ALTER TABLE change_outcomes DROP CONSTRAINT change_outcomes_pkey"
DROP_REGISTRATION_KEYS = (
    "DROP INDEX registration_decisions_decided_once;"
    " ALTER TABLE registration_decisions DROP CONSTRAINT registration_decisions_pkey"
)


def officer(name: str) -> Principal:
    return Principal(name, Role.OFFICER)


async def a_request(registration, party=POOL, one=None) -> dict:
    one = one or await under_contract(registration)
    return await asked(registration, "subcontractor_added", registration_id=one["registration_id"], subcontractor=party)


async def end_twice(registration, monkeypatch, second, *, locking: bool) -> tuple[dict, list]:
    """One officer approves a request while somebody else ends it as well."""
    request = await a_request(registration)
    meet(registration, monkeypatch, change_store, "lock_request", "get_request", locking=locking)

    async def approve(tx):
        return await changes.decide_change(tx, request["request_id"], GROUNDS, approved=True, if_match=None)

    async def other(tx):
        return await second(tx, request["request_id"])

    by = PROVIDER if second is withdraw else officer("second")
    outcomes = await asyncio.gather(
        registration.db.run(approve, officer("first")), registration.db.run(other, by), return_exceptions=True
    )
    monkeypatch.undo()
    return request, outcomes


async def reject(tx, request_id):
    return await changes.decide_change(tx, request_id, GROUNDS, approved=False, if_match=None)


async def withdraw(tx, request_id):
    return await changes.withdraw_change(tx, request_id, if_match=None)


@pytest.mark.parametrize("second", [reject, withdraw])
async def test_a_request_ends_once_when_two_end_it_at_once(registration, monkeypatch, second):
    """R-REG-5: two officers, or an approval against a withdrawal; the loser is told what it is now."""
    request, outcomes = await end_twice(registration, monkeypatch, second, locking=True)
    [refused] = [each for each in outcomes if isinstance(each, Exception)]
    [ended] = [each for each in outcomes if not isinstance(each, Exception)]
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.values) == ("CHANGE_NOT_OPEN", {"state": ended.state})
    after = (await registration.http().get(f"/change-requests/{request['request_id']}")).json()
    assert (after["state"], after["outcome"]["outcome"]) == (ended.state, ended.state)
    one = await shown(registration, request)
    assert bool(one["subcontractors"]) is (ended.state == "approved") is after["in_force"]


@pytest.mark.parametrize("second", [reject, withdraw])
async def test_without_the_lock_the_key_still_lets_a_request_end_once(registration, monkeypatch, second):
    """R-REG-5: an outcome per request, a second wall."""
    _, outcomes = await end_twice(registration, monkeypatch, second, locking=False)
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [asyncpg.UniqueViolationError]


async def test_control_without_lock_and_key_a_request_is_approved_and_rejected(registration, monkeypatch):
    """R-REG-5, negative control: the race is real."""
    await take_away(registration, DROP_REQUEST_KEY)
    _, outcomes = await end_twice(registration, monkeypatch, reject, locking=False)
    assert not [each for each in outcomes if isinstance(each, Exception)]
    told = {event.request.state for event in await registration.published(ChangeRequestDecided)}
    assert told == {"approved", "rejected"}


async def approve_two(registration, monkeypatch, *, locking: bool) -> dict:
    """Two officers approve two subcontractors of one registration."""
    one = await under_contract(registration)
    requests = [await a_request(registration, party, one) for party in (POOL, DIET)]
    # First whether it is in force, then what it is composed of.
    meet(registration, monkeypatch, store, "lock_registration", "get_registration", locking=locking, last_load=2)
    await asyncio.gather(
        *(
            registration.db.run(
                lambda tx, request=request: changes.decide_change(
                    tx, request["request_id"], GROUNDS, approved=True, if_match=None
                ),
                officer(request["request_id"]),
            )
            for request in requests
        )
    )
    monkeypatch.undo()
    return await shown(registration, one)


async def test_two_changes_approved_at_once_are_both_in_force(registration, monkeypatch):
    """R-REG-5: the registration's row lock puts them in line."""
    after = await approve_two(registration, monkeypatch, locking=True)
    assert sorted(names(after["subcontractors"])) == sorted([POOL["name"], DIET["name"]])
    versions = [event.version for event in await registration.published(RegistrationChanged)]
    assert versions == sorted(set(versions))


async def test_control_without_the_lock_one_of_two_approved_changes_is_lost(registration, monkeypatch):
    """R-REG-5, negative control."""
    after = await approve_two(registration, monkeypatch, locking=False)
    assert len(after["subcontractors"]) == 1


async def decide_twice(registration, monkeypatch, *, locking: bool) -> list:
    one = await submitted(registration)
    meet(registration, monkeypatch, store, "lock_registration", "get_registration", locking=locking)
    outcomes = await asyncio.gather(
        *(
            registration.db.run(
                lambda tx, yes=yes: handlers.decide_registration(
                    tx, one["registration_id"], GROUNDS, approved=yes, if_match=None
                ),
                officer(str(yes)),
            )
            for yes in (True, False)
        ),
        return_exceptions=True,
    )
    monkeypatch.undo()
    return outcomes


async def test_a_registration_is_decided_once_by_two_officers_at_once(registration, monkeypatch):
    """P3: the second is told that it has been decided."""
    outcomes = await decide_twice(registration, monkeypatch, locking=True)
    [refused] = [each for each in outcomes if isinstance(each, Exception)]
    assert (refused.code, refused.values["needed"]) == ("REGISTRATION_STATE", ["submitted"])
    states = [event.registration.state for event in await registration.published(RegistrationChanged)]
    assert states in (["submitted", "approved"], ["submitted", "rejected"])


async def test_without_the_lock_the_key_still_lets_a_registration_be_decided_once(registration, monkeypatch):
    """P3: a second wall."""
    outcomes = await decide_twice(registration, monkeypatch, locking=False)
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [asyncpg.UniqueViolationError]


async def test_control_without_lock_and_keys_a_registration_is_approved_and_rejected(registration, monkeypatch):
    """P3, negative control."""
    await take_away(registration, DROP_REGISTRATION_KEYS)
    outcomes = await decide_twice(registration, monkeypatch, locking=False)
    assert not [each for each in outcomes if isinstance(each, Exception)]


async def submit_twice(registration, monkeypatch, *, locking: bool) -> list:
    one = await drafted(registration)
    meet(registration, monkeypatch, store, "lock_registration", "get_registration", locking=locking)
    outcomes = await asyncio.gather(
        *(
            registration.db.run(
                lambda tx: handlers.submit_registration(tx, one["registration_id"], if_match=None), PROVIDER
            )
            for _ in range(2)
        ),
        return_exceptions=True,
    )
    monkeypatch.undo()
    return outcomes


async def test_a_draft_submitted_twice_is_submitted_once(registration, monkeypatch):
    """E-23: the second learns that it has been submitted."""
    outcomes = await submit_twice(registration, monkeypatch, locking=True)
    [refused] = [each for each in outcomes if isinstance(each, Exception)]
    assert (refused.code, refused.values["state"]) == ("REGISTRATION_STATE", "submitted")
    assert len(await registration.published(RegistrationChanged)) == 1


async def test_control_without_the_lock_a_draft_is_submitted_twice(registration, monkeypatch):
    """E-23, negative control."""
    outcomes = await submit_twice(registration, monkeypatch, locking=False)
    assert not [each for each in outcomes if isinstance(each, Exception)]
    assert len(await registration.published(RegistrationChanged)) == 2


async def test_a_repeated_command_gets_the_first_answer(registration):
    """E-23: the same key is the same command, on a request as on a registration."""
    request = await a_request(registration)
    for command, body, status in (("approval", WHY, 200), ("rejection", BECAUSE, 409)):
        answers = [
            await end_request(registration, request, command, body, **{"idempotency-key": command}) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [status, status]
    assert len(await registration.published(ChangeRequestDecided)) == 1


async def test_many_who_ask_for_one_thing_at_once_ask_once(registration):
    """R-REG-5: the unique index lets one through, the others are told that one is open."""
    one = await under_contract(registration)
    body = {
        "kind": "subcontractor_added",
        "registration_id": one["registration_id"],
        "subcontractor": POOL,
        "effective_from": "2024-01-15",
    }
    http = registration.http(Role.PROVIDER, OURS)
    answers = await asyncio.gather(*(http.post("/change-requests", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_offices_put_under_contract_at_once_share_one_contract(registration):
    """E-4, P3: whoever comes second joins."""
    ones = [await approved(registration) for _ in range(6)]
    body = {"valid_from": "2024-01-01"}
    answers = await asyncio.gather(*(do(registration, one, "contract", body) for one in ones))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["contract_id"] for answer in answers}) == 1
    assert len(await registration.published(ContractRegistered)) == 1


async def test_a_contract_made_meanwhile_is_joined(registration, monkeypatch):
    """E-4, P3: both have found no contract; the second makes none, it joins."""
    ones = [await approved(registration) for _ in range(2)]
    meet(registration, monkeypatch, store, "lock_contract_for", "lock_contract_for", locking=True)
    answers = await asyncio.gather(*(do(registration, one, "contract", {"valid_from": "2024-01-01"}) for one in ones))
    assert [answer.status_code for answer in answers] == [200, 200]
    [made] = await registration.published(ContractRegistered)
    assert {answer.json()["contract_id"] for answer in answers} == {made.contract.contract_id}


async def end_both(registration, monkeypatch, *, locking: bool) -> list[str]:
    """Both registrations of a contract end at once; until when the contract is said to be valid."""
    ones = [await under_contract(registration) for _ in range(2)]
    # What both look at before either has committed is each other's last day.
    meet(registration, monkeypatch, store, "find_last_days", "find_last_days", locking=True)
    if not locking:
        monkeypatch.setattr(registered, "lock_contract", registered.get_contract)
    ending = {"reason_code": "other", "reason_text": "Toiminta päättyy."}
    answers = await asyncio.gather(
        *(do(registration, one, "end", ending | {"last_day": f"2024-06-{day:02}"}) for day, one in enumerate(ones, 1))
    )
    monkeypatch.undo()
    assert [answer.status_code for answer in answers] == [200, 200]
    return [str(event.contract.valid_to) for event in await registration.published(ContractValidityChanged)]


async def test_registrations_ending_at_once_end_their_contract_once_with_the_latest_day(registration, monkeypatch):
    """E-45: under the contract's lock the second sees the first."""
    assert await end_both(registration, monkeypatch, locking=True) == ["2024-06-02"]


async def test_control_without_the_lock_a_contract_outlives_all_its_registrations(registration, monkeypatch):
    """E-45, negative control."""
    assert await end_both(registration, monkeypatch, locking=False) == []
