"""What the fields of a settlement take: checked values, pasted spellings, and no identity codes (P11, E-59)."""

import pytest

from tests.decisions.builders import PROVIDER, refusal
from tests.decisions.settling import BILLER, IBAN, a_line, a_settlement, faults, reject, submit, submitted


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"reference_number": "1233"}, "REFERENCE_NUMBER_CHECK_DIGIT"),
        ({"reference_number": "123"}, "REFERENCE_NUMBER_INVALID"),
        ({"iban": "FI2112345600000786"}, "IBAN_CHECK_DIGITS"),
        ({"iban": "FI211234560000078"}, "IBAN_INVALID"),
        ({"biller": {"business_id": "1234567-2", "name": "Laskutus Oy"}}, "BUSINESS_ID_CHECK_DIGIT"),
        ({"biller": {"business_id": "1234567-1", "name": "L"}}, "TEXT_TOO_SHORT"),
        ({"due_on": "2024-04-18"}, "VALIDATION"),
        ({"invoiced_on": 1713484800}, "VALIDATION"),
        ({"email": "laskutus"}, "EMAIL_INVALID"),
        ({"email": f"{'a' * 60}@sydankunto.fi"}, "EMAIL_INVALID"),
        ({"form_version": 0}, "VALIDATION"),
        ({"form_version": 1.0}, "VALIDATION"),
        ({"form_version": True}, "VALIDATION"),
        ({"form_version": "1"}, "VALIDATION"),
        ({"lines": []}, "VALIDATION"),
        ({"surprise": 1}, "VALIDATION"),
        ({"biller_reference": "a\u0007b"}, "TEXT_CONTROL_CHARACTER"),
        ({"total": "1e3"}, "VALIDATION"),
    ],
)
async def test_a_wrong_field_is_refused(decisions, clients, wrong, code):
    """P11."""
    answer = await decisions.provider.post("/settlements", json=a_settlement(a_line(clients[0])) | wrong)
    assert refusal(answer, 422)[0] == code


async def test_what_a_biller_pastes_is_one_value(decisions, clients):
    """P11, E-60: spaces, lower case and a VAT number; the line is billed once, however its identifier is spelt."""
    ref = clients[0].lower()
    pasted = {
        "iban": "fi21 1234 5600 0007 85",
        "reference_number": "rf18 5390 0754 7034",
        "provider_id": f"FI{PROVIDER.replace('-', '')}",
        "biller": {"business_id": "FI 1234567–1", "name": " Laskutus \u200b"},
        "email": "Laskutus@SYDÄNKUNTO.fi",
    }
    taken = await submitted(decisions, a_line(f"{ref[:4]} {ref[4:8]}-{ref[8:]}"), **pasted)
    assert (taken["provider_id"], taken["lines"][0]["decision_ref"]) == (PROVIDER, clients[0])
    assert taken["biller"] == {"business_id": BILLER, "name": "Laskutus"}
    written = (await decisions.provider.get(f"/settlements/{taken['settlement_id']}/finvoice")).text
    for value in (IBAN, 'IdentificationSchemeName="ISO">RF18539007547034', "Laskutus@sydänkunto.fi"):
        assert value in written
    assert faults(await submit(decisions, a_line(clients[0]))) == [(1, "ALREADY_BILLED")]


@pytest.mark.parametrize(
    ("field", "form", "check"),
    [
        ("iban", "FI21 1234 5600 0007 8", "fi21 1234 5600 0007 86"),
        ("iban", "1234 5600 0007 85", "FI22 1234 5600 0007 85"),
        ("reference_number", "123", "12 33"),
        ("reference_number", "RF18", "rf19 5390 0754 7034"),
    ],
)
async def test_a_wrong_check_digit_has_another_text_than_a_wrong_form(decisions, clients, field, form, check):
    """P11: in three languages."""
    texts = set()
    for language in ("fi", "sv", "en"):
        for wrong in (form, check):
            body = a_settlement(a_line(clients[0])) | {field: wrong}
            answer = await decisions.provider.post("/settlements", json=body, headers={"accept-language": language})
            assert refusal(answer, 422)[0].endswith("_INVALID") is (wrong == form)
            texts.add(answer.json()["detail"])
    assert len(texts) == 6


@pytest.mark.parametrize("field", ["biller_reference", "invoice_number", "decision_ref", "name"])
async def test_a_personal_identity_code_is_refused_and_not_echoed(decisions, clients, field):
    """E-59, R-BIL-6, R-DEC-19, acceptance example 13: in any place."""
    body = a_settlement(a_line(clients[0]))
    place = {"decision_ref": body["lines"][0], "name": body["biller"]}.get(field, body)
    place[field] = "131052-308T"
    answer = await decisions.provider.post("/settlements", json=body)
    assert refusal(answer, 422)[0] == "PERSONAL_IDENTITY_CODE"
    assert "308T" not in answer.text
    in_reasons = await reject(decisions, await submitted(decisions, a_line(clients[1])), "Asiakas 131052-308T")
    assert refusal(in_reasons, 422)[0] == "PERSONAL_IDENTITY_CODE"
