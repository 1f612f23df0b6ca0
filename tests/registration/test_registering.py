"""Providers, offices, contracts and contacts over HTTP."""

import asyncio

import pytest

from chassis.auth import Role
from contracts.registration import ContactChanged, ContractRegistered, OfficeRegistered, ProviderRegistered
from contracts.values import Language
from tests.registration.builders import (
    KELA,
    OURS,
    THEIRS,
    contract_body,
    office_body,
    registered_contract,
    registered_provider,
)

CONTACT = {"email": "kuntoutus@sydankunto.fi", "phone": "017 1234567", "web": "https://www.sydankunto.fi/kurssit"}


async def test_a_provider_registers_itself(registration):
    """P3: its id is its business ID; the event carries the snapshot."""
    provider = registration.http(Role.PROVIDER, OURS)
    answer = await provider.post("/providers", json={"provider_id": OURS, "name": " Sydänkunto Oy "})
    assert answer.status_code == 201
    assert answer.json() == {"provider_id": OURS, "name": "Sydänkunto Oy", "version": 1}
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["rekku-known"] == f"provider:{OURS}@1"
    [event] = await registration.published(ProviderRegistered)
    assert (event.key, event.version, event.provider.name) == (OURS, 1, "Sydänkunto Oy")
    assert (await provider.get(f"/providers/{OURS}")).json() == answer.json()


async def test_a_business_id_is_kept_in_its_usual_form(registration):
    """`12345671` and `1234567-1` are one provider."""
    officer = registration.http()
    first = await officer.post("/providers", json={"provider_id": "12345671", "name": "Sydänkunto Oy"})
    assert first.json()["provider_id"] == OURS
    again = await officer.post("/providers", json={"provider_id": OURS, "name": "Sydänkunto Oy"})
    assert (again.status_code, again.json()["code"]) == (409, "PROVIDER_EXISTS")
    assert len(await registration.published(ProviderRegistered)) == 1


async def test_a_provider_does_not_register_another(registration):
    """OTHER_PROVIDER; an officer may."""
    body = {"provider_id": THEIRS, "name": "Toinen Oy"}
    refused = await registration.http(Role.PROVIDER, OURS).post("/providers", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "OTHER_PROVIDER")
    assert await registration.published(ProviderRegistered) == []
    assert (await registration.http().post("/providers", json=body)).status_code == 201


async def test_one_provider_registered_by_many_at_once_exists_once(registration):
    """E-23: a double submit; the conditional insert lets one through."""
    body = {"provider_id": OURS, "name": "Sydänkunto Oy"}
    answers = await asyncio.gather(*(registration.http().post("/providers", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(await registration.published(ProviderRegistered)) == 1


async def test_an_office_stands_in_a_municipality(registration):
    """P3, E-48: registered on its own, its phone as E.164."""
    await registered_provider(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    answer = await provider.post(f"/providers/{OURS}/offices", json=office_body(phone="017 123 4567"))
    assert answer.status_code == 201
    office = answer.json()
    assert (office["municipality_code"], office["phone"], office["open"]) == ("297", "+358171234567", True)
    [event] = await registration.published(OfficeRegistered)
    assert (event.key, event.office.provider_id) == (office["office_id"], OURS)
    assert (await provider.get(f"/offices/{office['office_id']}")).json() == office
    assert (await provider.get(f"/providers/{OURS}/offices")).json() == {"items": [office], "next": None}


async def test_an_office_in_a_dissolved_municipality_is_refused_with_the_new_code(registration):
    """E-48: Pertunmaa 588 is Mäntyharju 507 now."""
    await registered_provider(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    answer = await provider.post(f"/providers/{OURS}/offices", json=office_body(municipality_code="588"))
    assert (answer.status_code, answer.json()["code"]) == (422, "MUNICIPALITY_UNKNOWN")
    assert answer.json()["values"] == {"reason": "dissolved", "merged_into": "507"}
    assert "507" in answer.json()["detail"]
    assert await registration.published(OfficeRegistered) == []


async def test_an_office_is_registered_to_the_provider_the_caller_saw(registration):
    """If-Match on the provider's version."""
    await registered_provider(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    stale = await provider.post(f"/providers/{OURS}/offices", json=office_body(), headers={"if-match": '"2"'})
    assert (stale.status_code, stale.json()["values"]) == (412, {"current": 1})
    fresh = await provider.post(f"/providers/{OURS}/offices", json=office_body(), headers={"if-match": '"1"'})
    assert fresh.status_code == 201


async def test_kela_registers_a_contract_for_a_service_in_a_language(registration):
    """E-4: Finnish and Swedish are contracts of their own."""
    await registered_provider(registration)
    officer = registration.http()
    for language in ("fi", "sv"):
        answer = await officer.post("/contracts", json=contract_body(language=language))
        assert answer.status_code == 201, answer.text
        assert answer.json()["years"] == []
    events = await registration.published(ContractRegistered)
    assert [event.contract.language for event in events] == [Language.FI, Language.SV]
    assert all(event.version == 1 and event.contract.service == "CARDIAC_ADULT" for event in events)


async def test_a_contract_exists_once(registration):
    """E-4: provider, service and language are unique, also when two officers register at once."""
    await registered_provider(registration)
    answers = await asyncio.gather(*(registration.http().post("/contracts", json=contract_body()) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert {answer.json().get("code") for answer in answers} == {None, "CONTRACT_EXISTS"}
    assert len(await registration.published(ContractRegistered)) == 1


@pytest.mark.parametrize(
    ("differences", "status", "code"),
    [
        ({"provider_id": THEIRS}, 404, "PROVIDER_UNKNOWN"),
        ({"provider_id": "1234567-2"}, 422, "BUSINESS_ID_CHECK_DIGIT"),
        ({"service": "NOT_A_SERVICE"}, 404, "SERVICE_UNKNOWN"),
        ({"service": "CAREGIVER", "language": "sv"}, 409, "LANGUAGE_NOT_OFFERED"),
        ({"valid_from": "2021-03-31"}, 409, "SERVICE_NOT_OPEN"),
        ({"valid_to": "2021-12-31"}, 422, "VALIDITY_INVERTED"),
    ],
)
async def test_a_contract_that_cannot_be_is_refused(registration, differences, status, code):
    """E-4, R-REG-13: nothing is stored and nothing published."""
    await registered_provider(registration)
    answer = await registration.http().post("/contracts", json=contract_body(**differences))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await registration.published(ContractRegistered) == []


async def test_a_provider_does_not_register_its_own_contract(registration):
    """Kela registers contracts (P3)."""
    await registered_provider(registration)
    answer = await registration.http(Role.PROVIDER, OURS).post("/contracts", json=contract_body())
    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ALLOWED")


async def test_the_contact_of_a_contract_is_published(registration):
    """R-REG-10: courses take their contact details from here."""
    contract_id = await registered_contract(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    answer = await provider.put(f"/contracts/{contract_id}/contact", json=CONTACT, headers={"if-match": '"1"'})
    assert answer.status_code == 200
    assert answer.json()["contact"] == {**CONTACT, "phone": "+358171234567"}
    assert answer.headers["etag"] == '"2"'
    [event] = await registration.published(ContactChanged)
    assert (event.version, event.contract.contact.phone) == (2, "+358171234567")


async def test_the_same_contact_again_is_no_news(registration):
    """A repeated PUT changes no version and publishes nothing."""
    contract_id = await registered_contract(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    for _ in range(2):
        answer = await provider.put(f"/contracts/{contract_id}/contact", json=CONTACT)
        assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert len(await registration.published(ContactChanged)) == 1


async def test_lists_come_in_pages(registration):
    """`next` leads to the following page and is null on the last one."""
    for provider_id in (OURS, THEIRS, KELA):
        await registered_contract(registration, provider_id=provider_id)
    officer = registration.http()
    for path, key in (("/providers", "provider_id"), ("/contracts", "contract_id")):
        first = (await officer.get(path, params={"limit": 2})).json()
        last = (await officer.get(path, params={"limit": 2, "after": first["next"]})).json()
        seen = [item[key] for item in first["items"] + last["items"]]
        assert (len(first["items"]), len(set(seen)), last["next"]) == (2, 3, None)
        assert seen == sorted(seen)
    only = (await officer.get("/contracts", params={"provider_id": THEIRS})).json()["items"]
    assert [each["provider_id"] for each in only] == [THEIRS]


async def test_every_command_leaves_an_audit_row(registration):
    """Who, on whose behalf, what and when."""
    contract_id = await registered_contract(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    await provider.put(f"/contracts/{contract_id}/announced-counts/2024", json={"count": 24})
    async with registration.transaction() as tx:
        rows = await tx.fetch("SELECT role, on_behalf_of, subject, detail FROM audit WHERE action = 'announce_count'")
        commands = await tx.fetchval("SELECT count(*) FROM audit WHERE route LIKE 'P%'")
    assert [tuple(row) for row in rows] == [
        ("provider", OURS, f"contract:{contract_id}", {"year": 2024, "count": 24, "raised_from": None})
    ]
    assert commands == 3
