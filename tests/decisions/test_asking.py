"""What the API shows to whom, the figures, and bad input."""

import pytest

from chassis.auth import Principal, Role
from contracts.values import Language
from tests.decisions.builders import (
    CONTRACT,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    PROVIDER,
    RARE,
    an_application,
    expect,
    refusal,
    registered,
)


@pytest.fixture
async def two_providers(decisions):
    await decisions.know(
        registered({2024: 9, 2025: 9}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER, language=Language.SV)
    )
    return decisions


async def test_a_provider_sees_its_own_decisions_only(two_providers):
    """Provider scope, by the API and by the database; Kela's own references stay Kela's."""
    decisions = two_providers
    mine = await decisions.grant()
    others = await decisions.grant(contract_id=OTHER_CONTRACT)
    listed = expect(200, await decisions.provider.get("/decisions"))["items"]
    assert [d["decision_ref"] for d in listed] == [mine["decision_ref"]]
    assert (listed[0]["client_ref"], listed[0]["application_ref"]) == (None, None)
    answer = await decisions.provider.get(f"/decisions/{others['decision_ref']}")
    assert refusal(answer, 404)[0] == "DECISION_UNKNOWN"
    assert refusal(await decisions.provider.get(f"/announced-counts/{OTHER_CONTRACT}/2024"), 404)[0]
    assert expect(200, await decisions.provider.get(f"/announced-counts/{CONTRACT}/2024"))["used"] == 1


async def test_the_database_shows_a_provider_its_own_rows_only(two_providers):
    """Design: the second wall, also where a query forgets to ask."""
    decisions = two_providers
    await decisions.grant()
    await decisions.grant(contract_id=OTHER_CONTRACT)
    seen = {}
    for scope in (Principal("p", Role.PROVIDER, PROVIDER), Principal("nobody", Role.PUBLIC)):
        async with decisions.service.transaction(scope) as tx:
            seen[scope.role] = [
                await tx.fetchval(f"SELECT count(*) FROM {table}")
                for table in ("decisions", "contracts", "announced_counts")
            ]
    assert seen == {Role.PROVIDER: [1, 1, 2], Role.PUBLIC: [0, 0, 0]}


async def test_decisions_are_listed_page_by_page(two_providers):
    decisions = two_providers
    refs = [(await decisions.grant())["decision_ref"] for _ in range(5)]
    await decisions.grant(contract_id=OTHER_CONTRACT)
    pages, after = [], None
    while True:
        query = {"contract_id": CONTRACT, "state": "granted", "service": RARE, "limit": 2}
        page = expect(
            200, await decisions.officer.get("/decisions", params=query | ({"after": after} if after else {}))
        )
        pages.append([d["decision_ref"] for d in page["items"]])
        after = page["next"]
        if after is None:
            break
    assert pages == [refs[:2], refs[2:4], refs[4:]]


@pytest.mark.parametrize("path", ["/quotas/NOBODY/2024", "/statistics/new-clients?service=NOBODY&year=2024"])
async def test_an_unknown_service_is_not_found(decisions, path):
    assert refusal(await decisions.officer.get(path), 404)[0] == "SERVICE_UNKNOWN"


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_ref": "x"},
        {"client_ref": "Matti Meikäläinen"},
        {"applied_on": "yesterday"},
        {"outcome": "maybe"},
        {"contract_id": None},
        {"surprise": 1},
        {"application_ref": "a" * 65},
    ],
)
async def test_a_wrong_field_is_refused_and_not_echoed(decisions, wrong):
    answer = await decisions.officer.post("/decisions", json=an_application(**wrong))
    assert refusal(answer, 422)[0] == "VALIDATION"
    assert (
        str(next(iter(wrong.values()))) not in answer.text or wrong == {"surprise": 1} or wrong["contract_id"] is None
    )
    assert await decisions.count() == (100, 0, 100)


@pytest.mark.parametrize("field", ["client_ref", "application_ref", "contract_id"])
async def test_a_personal_identity_code_is_refused_and_not_echoed(decisions, field):
    """E-59."""
    answer = await decisions.officer.post("/decisions", json=an_application(**{field: "131052-308T"}))
    assert refusal(answer, 422)[0] == "PERSONAL_IDENTITY_CODE"
    assert "308T" not in answer.text
    assert await decisions.count() == (100, 0, 100)


async def test_providers_and_strangers_decide_nothing(decisions):
    """Roles: an official decides."""
    for client, status in (
        (decisions.provider, 403),
        (decisions.system, 403),
        (decisions.service.http(role=None), 401),
    ):
        assert expect(status, await client.post("/decisions", json=an_application()))
    for path, body in ((f"/quotas/{RARE}/2024", {"limit": 1}), (f"/estimates/{RARE}/2024", {"estimate": 1})):
        assert refusal(await decisions.provider.put(path, json=body), 403)[0] == "NOT_ALLOWED"


async def test_a_mistyped_decision_identifier_is_refused_at_once(decisions):
    """R-DEC-20, E-59: the check character."""
    ref = (await decisions.grant())["decision_ref"]
    mistyped = ("1" if ref[0] != "1" else "2") + ref[1:]
    assert refusal(await decisions.officer.get(f"/decisions/{mistyped}"), 422)[0] == "DECISION_REF_CHECK_CHARACTER"


async def test_every_refusal_is_written_up_and_has_a_text_in_three_languages(decisions):
    texts = decisions.service.runtime.texts
    listed = (decisions.service.service.root / "README.md").read_text()
    document = decisions.service.runtime.app.openapi()
    codes = {
        code
        for path in document["paths"].values()
        for operation in path.values()
        for answer in operation.get("responses", {}).values()
        for code in answer.get("x-refusals", ())
    }
    assert {"ANNOUNCED_COUNT_FULL", "NOT_PINNED_THERE", "STALE_VERSION"} <= codes
    missing = [
        (language, code)
        for code in sorted(codes)
        for language in ("fi", "sv", "en")
        if not texts.has(language, code.lower().replace("_", "-"))
    ]
    assert missing == []
    assert {code for code in codes if f"`{code}`" not in listed} == {"STALE_VERSION"}
