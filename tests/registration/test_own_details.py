"""What a provider changes alone and at once (P2), over HTTP."""

import asyncio
from datetime import UTC, datetime

import pytest

from chassis.auth import Role
from contracts.registration import OfficeChanged
from tests.registration.builders import KELA, OURS, THEIRS, registered_contract
from tests.registration.registering import an_office

REACHED = {
    "postal_address": "PL 2, 70101 Kuopio",
    "phone": "017 1234567",
    "email": "toimisto@sydankunto.fi",
    "web": "https://www.sydankunto.fi/kuopio",
}
RESPONSIBLE = {"contact_language": "sv", "email": "sopimukset@sydankunto.fi"}
BILLER = {"name": "Laskutus Oy", "business_id": "76543212", "effective_from": "2024-02-01"}


async def test_an_office_is_reached_by_its_new_details_at_once(registration):
    """P2: phone, postal address, e-mail and web; the event carries the whole office."""
    office_id = await an_office(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    for _ in range(2):
        answer = await provider.put(f"/offices/{office_id}/contact", json=REACHED)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    office = answer.json()
    assert {name: office[name] for name in REACHED} == {**REACHED, "phone": "+358171234567"}
    assert office["street_address"] == "Puijonkatu 1"
    [event] = await registration.published(OfficeChanged)
    assert (event.key, event.version) == (office_id, 2)
    assert (event.office.email, event.office.web) == (REACHED["email"], REACHED["web"])
    assert answer.headers["rekku-known"] == f"office:{office_id}@2"
    stale = await provider.put(f"/offices/{office_id}/contact", json=REACHED, headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["values"]) == (412, {"current": 2})


async def test_a_visiting_address_is_not_among_them(registration):
    """P2: it needs Kela's approval."""
    office_id = await an_office(registration)
    body = {**REACHED, "street_address": "Tulliportinkatu 2"}
    answer = await registration.http(Role.PROVIDER, OURS).put(f"/offices/{office_id}/contact", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION")
    assert await registration.published(OfficeChanged) == []


async def test_who_answers_for_a_contract_is_seen_by_the_provider_and_kela_only(registration):
    """P2: a role's addresses; in no event."""
    contract_id = await registered_contract(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    empty = (await provider.get(f"/contracts/{contract_id}/administration")).json()
    assert (empty["responsible"], empty["biller"], empty["version"]) == (None, None, 0)
    told = len(await registration.published())
    for _ in range(2):
        answer = await provider.put(f"/contracts/{contract_id}/responsible", json=RESPONSIBLE)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert answer.json()["responsible"] == {**RESPONSIBLE, "phone": None}
    assert len(await registration.published()) == told
    stranger = registration.http(Role.PROVIDER, THEIRS)
    for hidden in (
        await stranger.get(f"/contracts/{contract_id}/administration"),
        await stranger.put(f"/contracts/{contract_id}/responsible", json=RESPONSIBLE),
    ):
        assert (hidden.status_code, hidden.json()["code"]) == (404, "CONTRACT_UNKNOWN")


async def test_a_biller_invoices_from_its_day_on(registration):
    """P2: it may take effect with the next invoice; the one before stays for the time before."""
    contract_id = await registered_contract(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    path = f"/contracts/{contract_id}/biller"
    first = await provider.put(path, json={**BILLER, "business_id": KELA, "effective_from": "2024-01-15"})
    assert first.json()["biller"]["business_id"] == KELA
    second = await provider.put(path, json=BILLER, headers={"if-match": '"1"'})
    assert (second.json()["biller"]["business_id"], second.json()["version"]) == (KELA, 2)
    assert [each["business_id"] for each in second.json()["billers"]] == [KELA, THEIRS]
    await registration.clock.set(datetime(2024, 1, 31, 22, tzinfo=UTC))
    shown = (await provider.get(f"/contracts/{contract_id}/administration")).json()
    assert shown["biller"] == {**BILLER, "business_id": THEIRS}
    late = await provider.put(path, json=BILLER | {"effective_from": "2024-01-31"})
    assert (late.status_code, late.json()["code"]) == (422, "DATE_IN_PAST")
    stale = await provider.put(path, json=BILLER, headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["values"]) == (412, {"current": 2})


async def test_two_changes_at_once_are_both_kept(registration):
    """Under the contract's lock, so that neither overwrites the other's version."""
    contract_id = await registered_contract(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    answers = await asyncio.gather(
        *(
            provider.put(f"/contracts/{contract_id}/biller", json=BILLER | {"effective_from": f"2024-02-{day:02}"})
            for day in range(1, 9)
        ),
        provider.put(f"/contracts/{contract_id}/responsible", json=RESPONSIBLE),
    )
    assert {answer.status_code for answer in answers} == {200}
    after = (await provider.get(f"/contracts/{contract_id}/administration")).json()
    assert (len(after["billers"]), after["version"], after["responsible"]["contact_language"]) == (8, 9, "sv")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("offices/{office}/contact", REACHED | {"phone": "12345"}, "PHONE_INVALID"),
        ("offices/{office}/contact", REACHED | {"web": "javascript:alert(1)"}, "WEB_INVALID"),
        ("offices/{office}/contact", {}, "VALIDATION"),
        ("contracts/{contract}/responsible", RESPONSIBLE | {"email": "Maija Meikäläinen"}, "EMAIL_INVALID"),
        ("contracts/{contract}/responsible", RESPONSIBLE | {"contact_language": "en"}, "VALIDATION"),
        ("contracts/{contract}/biller", BILLER | {"business_id": "7654321-3"}, "BUSINESS_ID_CHECK_DIGIT"),
        ("contracts/{contract}/biller", BILLER | {"effective_from": "9999-12-31"}, "VALIDATION"),
        ("contracts/{contract}/biller", BILLER | {"name": "Oy 131052-308T"}, "PERSONAL_IDENTITY_CODE"),
    ],
)
async def test_details_that_cannot_be_are_refused(registration, path, body, code):
    """P2, E-59."""
    contract_id = await registered_contract(registration)
    office_id = await an_office(registration)
    path = "/" + path.format(office=office_id, contract=contract_id)
    answer = await registration.http(Role.PROVIDER, OURS).put(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
