"""Bad input: a coded problem answer, nothing changed, nothing echoed."""

from collections.abc import AsyncIterator

import pytest

from chassis.auth import Role
from chassis.testing import ServiceUnderTest, service_under_test
from services.registration.app import SERVICE
from tests.registration.builders import (
    OURS,
    PERSONAL_IDENTITY_CODE,
    THEIRS,
    announce,
    contract_body,
    office_body,
    registered_contract,
)

CONTACT = {"email": "kuntoutus@sydankunto.fi", "phone": "+358401234567"}
SECRET = "älä-kaiuta-tätä"


@pytest.fixture(scope="module")
async def settled(cluster, tmp_path_factory) -> AsyncIterator[ServiceUnderTest]:
    """Registration with one provider and one contract, shared by tests that check that nothing changes."""
    async with service_under_test(cluster, SERVICE, tmp_path_factory.mktemp("registration")) as registration:
        await registered_contract(registration)
        yield registration


@pytest.fixture
async def contract_id(settled) -> str:
    return (await settled.http().get("/contracts")).json()["items"][0]["contract_id"]


async def rows_of(registration) -> dict[str, int]:
    async with registration.transaction() as tx:
        return {
            table: await tx.fetchval(f"SELECT count(*) FROM {table}")
            for table in ("providers", "offices", "contracts", "announced_counts", "outbox", "audit")
        }


async def expect_refused(registration, method: str, path: str, body, status: int, code: str, **more):
    before = await rows_of(registration)
    answer = await registration.http().request(method, path, json=body, **more)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    assert PERSONAL_IDENTITY_CODE not in answer.text
    assert await rows_of(registration) == before
    return answer.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.provider_id"),
        ({"provider_id": OURS}, "body.name"),
        ({"provider_id": OURS, "name": 7}, "body.name"),
        ({"provider_id": None, "name": "Oy"}, "body.provider_id"),
        ({"provider_id": OURS, "name": "Oy", SECRET: 1}, "body.?"),
        ([], "body"),
    ],
)
async def test_a_provider_with_wrong_or_missing_fields_is_refused(settled, body, field):
    """VALIDATION names the field and never repeats what was sent."""
    problem = await expect_refused(settled, "POST", "/providers", body, 422, "VALIDATION")
    assert field in [error["field"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "TEXT_EMPTY"),
        ("\u200b \u00a0", "TEXT_EMPTY"),
        ("x" * 201, "TEXT_TOO_LONG"),
        ("with\x00zero", "TEXT_CONTROL_CHARACTER"),
        ("line\nbreak", "TEXT_CONTROL_CHARACTER"),
        ("Oy \u202etxet", "TEXT_BIDIRECTIONAL"),
    ],
)
async def test_a_name_that_nobody_could_read_is_refused(settled, name, code):
    """The code says what is wrong with the words, the field where."""
    problem = await expect_refused(settled, "POST", "/providers", {"provider_id": OURS, "name": name}, 422, code)
    assert problem["errors"] == [{"field": "body.name", "problem": code}]


@pytest.mark.parametrize("wrong", ["", "1234567", "123456-71", "SE12345671", "-", "٢٨٢٨٢٨٦-٣", SECRET])
async def test_what_is_no_business_id_is_refused(settled, wrong):
    """BUSINESS_ID_INVALID; a wrong check digit is told apart from it."""
    body = {"provider_id": wrong, "name": "Oy"}
    problem = await expect_refused(settled, "POST", "/providers", body, 422, "BUSINESS_ID_INVALID")
    assert problem["errors"] == [{"field": "body.provider_id", "problem": "BUSINESS_ID_INVALID"}]
    body["provider_id"] = "1234567-2"
    await expect_refused(settled, "POST", "/providers", body, 422, "BUSINESS_ID_CHECK_DIGIT")


@pytest.mark.parametrize(
    ("differences", "code"),
    [
        ({"municipality_code": "000"}, "MUNICIPALITY_UNKNOWN"),
        ({"municipality_code": "588"}, "MUNICIPALITY_UNKNOWN"),
        ({"municipality_code": "Kuopio"}, "MUNICIPALITY_UNKNOWN"),
        ({"phone": SECRET}, "PHONE_INVALID"),
        ({"phone": "12345"}, "PHONE_INVALID"),
        ({"phone": "0800 KELA12"}, "PHONE_INVALID"),
        ({"street_address": " "}, "TEXT_EMPTY"),
        ({"street_address": " ", "phone": "12345"}, "VALIDATION"),
    ],
)
async def test_an_office_that_cannot_be_is_refused(settled, differences, code):
    """E-48 and the form of the fields."""
    await expect_refused(settled, "POST", f"/providers/{OURS}/offices", office_body(**differences), 422, code)


@pytest.mark.parametrize(
    "differences",
    [
        {"language": "en"},
        {"valid_from": "1.1.2024"},
        {"valid_from": None},
        {"service": "cardiac; drop table"},
        {"contract_id": "mine"},
    ],
)
async def test_a_contract_with_wrong_fields_is_refused(settled, differences):
    """VALIDATION."""
    await expect_refused(settled, "POST", "/contracts", contract_body(**differences), 422, "VALIDATION")


@pytest.mark.parametrize(
    ("differences", "code"),
    [
        ({"email": "ei-osoite"}, "EMAIL_INVALID"),
        ({"email": "a@b.fi\r\nBcc: c@d.fi"}, "EMAIL_INVALID"),
        ({"web": "javascript:alert(1)"}, "WEB_INVALID"),
        ({"web": 'https://x.fi/"onclick="'}, "WEB_INVALID"),
        ({"email": None}, "VALIDATION"),
    ],
)
async def test_a_contact_that_could_harm_its_readers_is_refused(settled, contract_id, differences, code):
    """R-REG-10: contact details are shown to the public."""
    body = {**CONTACT, **differences}
    await expect_refused(settled, "PUT", f"/contracts/{contract_id}/contact", body, 422, code)


@pytest.mark.parametrize("count", [-1, 100_001, 1.5, 24.0, "24", None, True])
async def test_a_count_that_is_no_count_is_refused(settled, contract_id, count):
    """E-3: whole numbers from zero."""
    path = f"/contracts/{contract_id}/announced-counts/2024"
    await expect_refused(settled, "PUT", path, {"count": count}, 422, "VALIDATION")


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/providers/7654321-2", None, "PROVIDER_UNKNOWN"),
        ("GET", "/providers/7654321-2/offices", None, "PROVIDER_UNKNOWN"),
        ("POST", "/providers/7654321-2/offices", office_body(), "PROVIDER_UNKNOWN"),
        ("GET", "/offices/nowhere", None, "OFFICE_UNKNOWN"),
        ("GET", "/contracts/nowhere", None, "CONTRACT_UNKNOWN"),
        ("PUT", "/contracts/nowhere/contact", CONTACT, "CONTRACT_UNKNOWN"),
        ("PUT", "/contracts/nowhere/announced-counts/2024", {"count": 1}, "CONTRACT_UNKNOWN"),
        ("GET", "/service-descriptions/NOWHERE", None, "SERVICE_UNKNOWN"),
    ],
)
async def test_unknown_ids_are_not_found(settled, method, path, body, code):
    """404 with the code of the thing that is missing."""
    await expect_refused(settled, method, path, body, 404, code)


@pytest.mark.parametrize(
    "path",
    ["/contracts/%00", "/contracts/" + "x" * 65, "/contracts?limit=0", "/contracts?limit=501", "/contracts?after=%00"],
)
async def test_ids_and_pages_that_cannot_be_are_refused(settled, path):
    """Before any SQL."""
    code = "TEXT_CONTROL_CHARACTER" if "%00" in path else "VALIDATION"
    await expect_refused(settled, "GET", path, None, 422, code)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/providers", {"provider_id": OURS, "name": f"Oy {PERSONAL_IDENTITY_CODE}"}),
        ("/providers", {"provider_id": PERSONAL_IDENTITY_CODE, "name": "Oy"}),
        (f"/providers/{OURS}/offices", office_body(postal_address=f"c/o {PERSONAL_IDENTITY_CODE}")),
        (f"/providers/{PERSONAL_IDENTITY_CODE}/offices", office_body()),
        ("/contracts", contract_body(service=PERSONAL_IDENTITY_CODE)),
    ],
)
async def test_a_personal_identity_code_is_refused_anywhere(settled, path, body):
    """E-59: with an explanation, not echoed, not stored."""
    await expect_refused(settled, "POST", path, body, 422, "PERSONAL_IDENTITY_CODE")


async def test_an_idempotency_key_answers_the_same_command_once(registration):
    """E-23: the repeat gets the first answer; another body under the key is refused."""
    officer, headers = registration.http(), {"idempotency-key": "registering-1"}
    body = {"provider_id": OURS, "name": "Sydänkunto Oy"}
    first = await officer.post("/providers", json=body, headers=headers)
    again = await officer.post("/providers", json=body, headers=headers)
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    assert len(await registration.published()) == 9  # eight descriptions and one provider
    other = {"provider_id": THEIRS, "name": "Toinen Oy"}
    await expect_refused(registration, "POST", "/providers", other, 422, "IDEMPOTENCY_KEY_REUSED", headers=headers)


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [("3", 422, "IF_MATCH_INVALID"), ("", 422, "IF_MATCH_INVALID"), ('W/"1"', 412, "STALE_VERSION")],
)
async def test_an_if_match_that_is_no_version_is_refused(settled, contract_id, header, status, code):
    path = f"/contracts/{contract_id}/contact"
    await expect_refused(settled, "PUT", path, CONTACT, status, code, headers={"if-match": header})


async def test_without_a_token_only_descriptions_are_read(registration):
    """401 for the rest."""
    nobody = registration.http(None)
    assert (await nobody.get("/service-descriptions")).status_code == 200
    for path in ("/providers", f"/providers/{OURS}", "/contracts", "/contracts/x", "/offices/x"):
        assert (await nobody.get(path)).status_code == 401
    assert (await nobody.post("/providers", json={"provider_id": OURS, "name": "Oy"})).status_code == 401


async def test_roles_are_kept_apart(registration):
    """Providers do not list providers; systems read and never write."""
    contract_id = await registered_contract(registration)
    system = registration.http(Role.SYSTEM)
    assert (await registration.http(Role.PROVIDER, OURS).get("/providers")).status_code == 403
    assert (await system.get(f"/contracts/{contract_id}")).status_code == 200
    assert (await system.put(f"/contracts/{contract_id}/contact", json=CONTACT)).status_code == 403


async def test_another_providers_things_do_not_exist_for_a_provider(registration):
    """A token of another provider reads and changes nothing."""
    contract_id = await registered_contract(registration)
    office = await registration.http().post(f"/providers/{OURS}/offices", json=office_body())
    stranger = registration.http(Role.PROVIDER, THEIRS)
    before = await rows_of(registration)
    answers = [
        await stranger.get(f"/providers/{OURS}"),
        await stranger.get(f"/providers/{OURS}/offices"),
        await stranger.post(f"/providers/{OURS}/offices", json=office_body()),
        await stranger.get(f"/offices/{office.json()['office_id']}"),
        await stranger.get(f"/contracts/{contract_id}"),
        await stranger.put(f"/contracts/{contract_id}/contact", json=CONTACT),
        await announce(registration, contract_id, 2024, 24, provider_id=THEIRS),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert (await stranger.get("/contracts", params={"provider_id": OURS})).json() == {"items": [], "next": None}
    assert await rows_of(registration) == before


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
async def test_every_refusal_is_translated_and_listed(settled, language):
    """Each code a route may answer with has a text in every language and a row in the README."""
    readme = (SERVICE.root / "README.md").read_text()
    routes = settled.runtime.app.openapi()["paths"].values()
    answers = [response for route in routes for method in route.values() for response in method["responses"].values()]
    codes = {code for answer in answers for code in answer.get("x-refusals", ())}
    assert len(codes) > 15
    for code in codes:
        assert settled.runtime.texts.has(language, code.lower().replace("_", "-")), code
    assert {code for code in codes if f"`{code}`" not in readme} <= {"STALE_VERSION"}


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fi", "Ilmoitettua asiakasmäärää voi vain nostaa: se on nyt 24, joten 20 ei käy."),
        ("sv", "Det anmälda klientantalet kan endast höjas: det är nu 24, så 20 går inte."),
        ("en", "An announced client count can only be raised: it is 24 now, so 20 is not possible."),
    ],
)
async def test_a_refusal_speaks_the_callers_language(registration, language, expected):
    """Accept-Language chooses; the figures are in the sentence."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 24)
    answer = await announce(registration, contract_id, 2024, 20, **{"accept-language": language})
    assert answer.json()["detail"] == expected
    assert answer.headers["content-language"] == language
