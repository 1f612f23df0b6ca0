"""What a provider pastes is stored as one value, in every command that takes it; what is wrong says where and how."""

import pytest

from services.registration.app import SERVICE
from tests.registration.builders import (
    OURS,
    THEIRS,
    contract_body,
    office_body,
    registered_contract,
    registered_provider,
)

PASTED = ["12345671", "FI12345671", "fi 1234567-1", "1234567\u20111", " １２３４５６７－１\u200b", "1234567 – 1"]


@pytest.mark.parametrize("pasted", PASTED)
async def test_a_business_id_is_one_value_in_bodies_paths_and_queries(registration, pasted):
    """R-REG-4: spaces, the prefix of a VAT number, another dash, or none."""
    officer = registration.http()
    created = await officer.post("/providers", json={"provider_id": pasted, "name": "  Sydänkunto Oy\u00a0"})
    assert (created.status_code, created.json()["provider_id"], created.json()["name"]) == (201, OURS, "Sydänkunto Oy")
    assert created.headers["rekku-known"] == f"provider:{OURS}@1"
    assert (await officer.get(f"/providers/{pasted}")).json() == created.json()
    assert (await officer.post("/contracts", json=contract_body(provider_id=pasted))).json()["provider_id"] == OURS
    listed = (await officer.get("/contracts", params={"provider_id": pasted})).json()["items"]
    assert [contract["provider_id"] for contract in listed] == [OURS]
    again = await officer.post("/providers", json={"provider_id": OURS, "name": "Oy"})
    assert (again.status_code, again.json()["code"]) == (409, "PROVIDER_EXISTS")


async def test_a_slip_in_an_address_has_a_code_of_its_own(registration):
    """R-REG-4: another provider's address is not tried by accident."""
    await registered_provider(registration)
    answer = await registration.http().get(f"/providers/{OURS[:-1]}2")
    assert (answer.status_code, answer.json()["code"]) == (422, "BUSINESS_ID_CHECK_DIGIT")
    assert answer.json()["errors"] == [{"field": "path.provider_id", "problem": "BUSINESS_ID_CHECK_DIGIT"}]
    assert (await registration.http().get(f"/providers/{THEIRS}")).json()["code"] == "PROVIDER_UNKNOWN"


async def test_an_offices_details_are_stored_as_one_value(registration):
    """E-48: the code of a municipality without its zeros, in full width; a phone number of any kind (E-69)."""
    await registered_provider(registration)
    pasted = office_body(
        municipality_code="\u200e９１", phone="tel:+358 (0)17 123\u20114567", name="Helsingin\u200b toimipiste"
    )
    office = (await registration.http().post(f"/providers/{OURS}/offices", json=pasted)).json()
    assert (office["municipality_code"], office["phone"]) == ("091", "+358171234567")


async def test_a_contact_is_stored_as_one_value(registration):
    """R-REG-10: apostrophes and internationalised domains are addresses."""
    contract_id = await registered_contract(registration)
    body = {"email": "O'Neill@SYDÄNKUNTO.fi", "phone": "00358 20.123/4567"}
    answer = await registration.http().put(f"/contracts/{contract_id}/contact", json=body)
    assert answer.json()["contact"] == {"email": "O'Neill@sydänkunto.fi", "phone": "+358201234567", "web": None}


async def test_several_wrong_fields_are_named_each_with_its_own_problem(registration):
    """One code cannot say it: VALIDATION, and what is wrong where."""
    await registered_provider(registration)
    body = office_body(phone="0800 KELA12", municipality_code="Kuopio", name="Oy \u202ex")
    problem = (await registration.http().post(f"/providers/{OURS}/offices", json=body)).json()
    assert problem["code"] == "VALIDATION"
    assert {error["field"]: error["problem"] for error in problem["errors"]} == {
        "body.name": "TEXT_BIDIRECTIONAL",
        "body.municipality_code": "MUNICIPALITY_UNKNOWN",
        "body.phone": "PHONE_INVALID",
    }


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
async def test_a_refusal_of_a_kind_says_what_to_do(registration, language):
    body = {"provider_id": OURS, "name": "x" * 201}
    answer = await registration.http().post("/providers", json=body, headers={"accept-language": language})
    assert (answer.json()["code"], answer.json()["values"]) == ("TEXT_TOO_LONG", {"longest": 200})
    assert "200" in answer.json()["detail"]
    assert not SERVICE.root.joinpath("texts", f"{language}.ftl").read_text().count("business-id-invalid")


PHONES = [
    *("040 123 4567", "040\u00a0123\u00a04567", "040\u2011123\u20114567", "040\u202f123\u202f4567", "040.123.4567"),
    *("040/1234567", "040/123 45 67", "tel:+358401234567", "tel:+358-40-123-4567", "+358 (0)40 123 4567"),
    *(
        "+358(0)401234567",
        "00358401234567",
        "00358 (0) 40 123 4567",
        "\u200e０４０ １２３ ４５６７\u200b",
        "(040) 123 4567",
    ),
]
NO_PHONES = [
    *("0800 KELA12", "040 123 4567 ext. 2", "040 123 4567 x2", "040 123 4567 alanro 2", "tel:+358401234567;ext=2"),
    *("040 123 4567p12", "p. 040 123 4567", "040 123 4567, 041 765 4321", "040 12345o7", "010190-123A"),
]
EMAILS = [
    *(("o'neill@sydankunto.fi", "o'neill@sydankunto.fi"), ("info@sydänkunto.fi", "info@sydänkunto.fi")),
    *(("info@xn--sydnkunto-x2a.fi", "info@sydänkunto.fi"), ("mailto:info@Sydankunto.FI ", "info@sydankunto.fi")),
]


async def test_every_spelling_of_a_phone_and_an_address_is_stored_as_one(registration):
    """B.7 by the request: separators of any kind, tel:, (0), 00358; apostrophes and internationalised domains."""
    contract_id = await registered_contract(registration)
    http = registration.http()
    for phone in PHONES:
        answer = await http.put(f"/contracts/{contract_id}/contact", json={"email": "info@kunto.fi", "phone": phone})
        assert (answer.status_code, answer.json()["contact"]["phone"]) == (200, "+358401234567"), phone
    for email, stored in EMAILS:
        answer = await http.put(f"/contracts/{contract_id}/contact", json={"email": email, "phone": PHONES[0]})
        assert (answer.status_code, answer.json()["contact"]["email"]) == (200, stored), email


async def test_letters_and_extensions_of_a_phone_are_refused_and_not_dropped(registration):
    """Negative control of the test above."""
    contract_id = await registered_contract(registration)
    for phone in NO_PHONES:
        body = {"email": "info@kunto.fi", "phone": phone}
        answer = await registration.http().put(f"/contracts/{contract_id}/contact", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "PHONE_INVALID"), phone


async def test_lengths_are_those_of_what_is_stored(registration):
    """Spaces around, and what takes no room, are not counted; one letter too many is refused."""
    around = "\u00a0 \u200b" * 40
    body = {"provider_id": f"{around}{OURS}{around}", "name": f"{around}{'x' * 100}\u200b{'x' * 100}{around}"}
    created = await registration.http().post("/providers", json=body)
    assert (created.status_code, created.json()["name"], created.json()["provider_id"]) == (201, "x" * 200, OURS)
    answer = await registration.http().post("/providers", json={"provider_id": THEIRS, "name": "x" * 201})
    assert (answer.status_code, answer.json()["code"]) == (422, "TEXT_TOO_LONG")


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
async def test_a_wrong_check_digit_of_a_business_id_has_another_text_than_a_wrong_form(registration, language):
    """R-REG-4: in bodies and queries, in each language."""
    http = registration.http()
    texts = set()
    for code, wrong in (("BUSINESS_ID_INVALID", OURS[1:]), ("BUSINESS_ID_CHECK_DIGIT", f"{OURS[:-1]}2")):
        heads = {"accept-language": language}
        for answer in (
            await http.post("/providers", json={"provider_id": wrong, "name": "Oy"}, headers=heads),
            await http.get("/contracts", params={"provider_id": wrong}, headers=heads),
        ):
            assert (answer.status_code, answer.json()["code"]) == (422, code)
            texts.add(answer.json()["detail"])
    assert len(texts) == 2
