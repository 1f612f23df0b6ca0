"""The history of providers, offices and contracts: who, when, what, and why where Kela said it."""

from datetime import UTC, datetime

import pytest

from chassis.auth import Role
from services.registration.counts.handlers import due_at
from tests.registration.builders import OURS, THEIRS, announce, office_body, registered_contract, registered_provider

CONTACT = {"email": "kuntoutus@sydankunto.fi", "phone": "+358171234567"}


async def history(registration, path: str, *, role=Role.OFFICER, provider_id=None, **query) -> dict:
    answer = await registration.http(role, provider_id).get(f"{path}/history", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def contract_id(registration) -> str:
    """A contract with a story: registered, contact, announced, corrected, ended, defaulted."""
    contract_id = await registered_contract(registration)
    officer, provider = registration.http(), registration.http(Role.PROVIDER, OURS)
    await provider.put(f"/contracts/{contract_id}/contact", json=CONTACT)
    await announce(registration, contract_id, 2024, 260)
    await registration.clock.set(datetime(2024, 2, 1, 9, tzinfo=UTC))
    correction = {"count": 26, "reason": "Näppäilyvirhe"}
    await officer.put(f"/contracts/{contract_id}/announced-counts/2024/correction", json=correction)
    await officer.put(f"/contracts/{contract_id}/end", json={"valid_to": "2025-06-30", "reason": "Irtisanottu"})
    await registration.clock.set(due_at(2025))
    await registration.fire_timers()
    return contract_id


async def test_a_contracts_history_says_who_did_what_when_and_why(registration, contract_id):
    """One entry for each thing done."""
    items = (await history(registration, f"/contracts/{contract_id}"))["items"]
    assert [(each["action"], each["role"], each["reason"]) for each in items] == [
        ("register_contract", "officer", None),
        ("set_contact", "provider", None),
        ("announce_count", "provider", None),
        ("correct_count", "officer", "Näppäilyvirhe"),
        ("end_contract", "officer", "Irtisanottu"),
        ("default_count", "system", None),
    ]
    assert items[1]["detail"] == {**CONTACT, "web": None}
    assert items[2]["detail"] == {"year": 2024, "count": 260, "raised_from": None}
    assert (items[2]["at"], items[3]["at"]) == ("2024-01-15T08:00:00Z", "2024-02-01T09:00:00Z")
    assert items[5]["detail"] == {"year": 2025, "count": 26}
    assert all(each["actor"] for each in items)


async def test_a_provider_reads_its_own_history_with_the_names_of_its_own_people(registration, contract_id):
    """Kela's officers appear by their role; another provider finds nothing."""
    items = (await history(registration, f"/contracts/{contract_id}", role=Role.PROVIDER, provider_id=OURS))["items"]
    assert [(each["role"], each["actor"] is not None) for each in items] == [
        ("officer", False),
        ("provider", True),
        ("provider", True),
        ("officer", False),
        ("officer", False),
        ("system", False),
    ]
    stranger = registration.http(Role.PROVIDER, THEIRS)
    answer = await stranger.get(f"/contracts/{contract_id}/history")
    assert (answer.status_code, answer.json()["code"]) == (404, "CONTRACT_UNKNOWN")


async def test_a_history_comes_page_by_page(registration, contract_id):
    """Oldest first; the last page says that it is the last."""
    path, seen, after = f"/contracts/{contract_id}", [], 0
    while after is not None:
        page = await history(registration, path, limit=4, after=after)
        seen += [each["action"] for each in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == 6


async def test_a_command_that_changed_nothing_is_there_as_such(registration, contract_id):
    """Every command leaves its row (who tried what), and none is shown twice."""
    provider = registration.http(Role.PROVIDER, OURS)
    await provider.put(f"/contracts/{contract_id}/contact", json=CONTACT)
    items = (await history(registration, f"/contracts/{contract_id}"))["items"]
    assert (items[-1]["action"], items[-1]["detail"]) == ("set_contact", {"unchanged": True})
    assert len(items) == 7


async def test_providers_and_offices_have_their_history_too(registration):
    """Each of its own; unknown ones are not found."""
    await registered_provider(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    office = (await provider.post(f"/providers/{OURS}/offices", json=office_body())).json()
    [registered] = (await history(registration, f"/providers/{OURS}"))["items"]
    assert (registered["action"], registered["detail"]) == ("register_provider", {"name": "Sydänkunto Oy"})
    [placed] = (await history(registration, f"/offices/{office['office_id']}"))["items"]
    assert (placed["action"], placed["role"], placed["detail"]["municipality_code"]) == (
        "register_office",
        "provider",
        "297",
    )
    for path, code in ((f"/providers/{THEIRS}", "PROVIDER_UNKNOWN"), ("/offices/nowhere", "OFFICE_UNKNOWN")):
        answer = await registration.http().get(f"{path}/history")
        assert (answer.status_code, answer.json()["code"]) == (404, code)
