"""The end of a contract: what Kela sets, what it stops here, and who is told."""

from datetime import UTC, date, datetime

import asyncpg
import pytest

from chassis.auth import Role
from contracts.registration import AnnouncedCountChanged, ContractValidityChanged
from contracts.values import CountChange
from services.registration.counts.handlers import due_at
from tests.registration.builders import OURS, announce, registered_contract, year_of

WHY = "Palveluntuottaja irtisanoi sopimuksen"


async def end(registration, contract_id: str, valid_to: str | None, *, headers=None, **more):
    body = {"valid_to": valid_to, "reason": WHY, **more}
    return await registration.http().put(f"/contracts/{contract_id}/end", json=body, headers=headers or {})


async def test_kela_sets_moves_and_lifts_the_last_day(registration):
    """E-45: each change is one version and one event with the whole contract; the reason stays here."""
    contract_id = await registered_contract(registration)
    for version, last_day in enumerate(("2024-06-30", "2024-12-31", None), 2):
        answer = await end(registration, contract_id, last_day)
        assert (answer.status_code, answer.json()["valid_to"]) == (200, last_day)
        assert (await end(registration, contract_id, last_day)).headers["etag"] == f'"{version}"'
    events = await registration.published(ContractValidityChanged)
    assert [(e.version, e.contract.valid_to) for e in events] == [
        (2, date(2024, 6, 30)),
        (3, date(2024, 12, 31)),
        (4, None),
    ]
    assert WHY not in "".join(event.model_dump_json() for event in events)
    async with registration.transaction() as tx:
        rows = await tx.fetch("SELECT valid_to, valid_to_before, reason FROM contract_ends ORDER BY revision")
        audited = await tx.fetch("SELECT role, detail FROM audit WHERE action = 'end_contract' ORDER BY id")
    history = (await registration.http().get(f"/contracts/{contract_id}/history")).json()["items"]
    assert [item["reason"] for item in history][1:] == [WHY, None] * 3
    assert [row["detail"] for row in audited[1::2]] == [{"unchanged": True}] * 3
    assert [tuple(row) for row in rows] == [
        (date(2024, 6, 30), None, WHY),
        (date(2024, 12, 31), date(2024, 6, 30), WHY),
        (None, date(2024, 12, 31), WHY),
    ]
    assert [(row["role"], row["detail"]["valid_to"]) for row in audited[::2]] == [
        ("officer", "2024-06-30"),
        ("officer", "2024-12-31"),
        ("officer", None),
    ]


async def test_a_contract_that_goes_on_after_all_has_the_default_it_was_denied(registration):
    """E-2, E-45: what is decided on is what everybody sees."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 24)
    await end(registration, contract_id, "2024-12-31")
    await registration.clock.set(datetime(2025, 2, 3, 8, tzinfo=UTC))
    await registration.fire_timers()
    assert [event.year for event in await registration.published(AnnouncedCountChanged)] == [2024]
    await end(registration, contract_id, None)
    assert (await year_of(registration, contract_id, 2025))["announced"] == 24
    last = (await registration.published(AnnouncedCountChanged))[-1]
    assert (last.year, last.count, last.change) == (2025, 24, CountChange.DEFAULTED)
    refused = await announce(registration, contract_id, 2025, 5)
    assert (refused.status_code, refused.json()["values"]["current"]) == (409, 24)
    async with registration.transaction() as tx:
        assert await tx.fetchval("SELECT role FROM audit WHERE action = 'default_count'") == "system"


async def test_after_its_last_day_a_contract_announces_nothing_more(registration):
    """E-45, E-16: 30 June is still its own, until midnight in Helsinki; what was announced stands."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 20)
    await end(registration, contract_id, "2024-06-30")
    await registration.clock.set(datetime(2024, 6, 30, 20, 59, tzinfo=UTC))
    assert (await announce(registration, contract_id, 2024, 21)).status_code == 200
    await registration.clock.set(datetime(2024, 6, 30, 21, 0, tzinfo=UTC))
    refused = await announce(registration, contract_id, 2024, 22)
    assert (refused.status_code, refused.json()["code"]) == (409, "CONTRACT_NOT_IN_FORCE")
    assert (await year_of(registration, contract_id, 2024))["announced"] == 21
    assert (await end(registration, contract_id, None)).status_code == 200
    assert (await announce(registration, contract_id, 2024, 22)).status_code == 200


async def test_an_ended_contract_gets_no_default_and_can_still_be_corrected(registration):
    """E-45, E-2, E-3."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 200)
    await end(registration, contract_id, "2024-06-30")
    await registration.clock.set(due_at(2025))
    await registration.fire_timers()
    body = {"count": 20, "reason": "Näppäilyvirhe"}
    path = f"/contracts/{contract_id}/announced-counts/2024/correction"
    assert (await registration.http().put(path, json=body)).status_code == 200
    assert [event.year for event in await registration.published(AnnouncedCountChanged)] == [2024, 2024]


async def test_only_kela_ends_a_contract_and_on_what_it_has_seen(registration):
    """E-45: NOT_ALLOWED, VALIDITY_INVERTED, 412; nothing changes."""
    contract_id = await registered_contract(registration)
    body = {"valid_to": "2024-06-30", "reason": WHY}
    for role, provider_id in ((Role.PROVIDER, OURS), (Role.SYSTEM, None)):
        refused = await registration.http(role, provider_id).put(f"/contracts/{contract_id}/end", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ALLOWED")
    inverted = await end(registration, contract_id, "2021-12-31")
    assert (inverted.status_code, inverted.json()["code"]) == (422, "VALIDITY_INVERTED")
    stale = await end(registration, contract_id, "2024-06-30", headers={"if-match": '"7"'})
    assert (stale.status_code, stale.json()["values"]) == (412, {"current": 1})
    assert (await end(registration, contract_id, "2024-06-30", reason="")).json()["code"] == "TEXT_EMPTY"
    assert (await end(registration, "nowhere", "2024-06-30")).json()["code"] == "CONTRACT_UNKNOWN"
    assert await registration.published(ContractValidityChanged) == []


async def test_the_database_refuses_a_change_that_changes_nothing(registration):
    """E-45: contract_ends_change_something."""
    contract_id = await registered_contract(registration)
    with pytest.raises(asyncpg.CheckViolationError, match="contract_ends_change_something"):
        async with registration.transaction() as tx:
            await tx.execute(
                "INSERT INTO contract_ends VALUES ($1, $2, 1, NULL, NULL, 'why', now(), 'test')", contract_id, OURS
            )
