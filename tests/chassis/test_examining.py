"""Every door of every request: identity codes, NUL, other media types, parameters nobody takes (E-59)."""

import json
from typing import Any

import pytest

from chassis import examining
from chassis.auth import DevIssuer, Role
from chassis.testing import ServiceUnderTest
from tests.chassis.test_http import NOTE, PROVIDER

CODE = "131052-308T"
SPELT = [
    "131052–308T",
    "131052\u2011308T",
    "131052 308T",
    "131052-\u200b308T",
    "１３１０５２-308T",
    "131052&ndash;308T",
]
SHAPED = "250103-0012"
JSON = {"content-type": "application/json"}


def refused(answer: Any) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("values", {}).get("field", "")


@pytest.mark.parametrize("spelt", SPELT)
async def test_a_code_is_refused_at_every_door_and_the_field_is_named(toy: ServiceUnderTest, spelt: str):
    """E-59: the field's name, never the value; nothing stored."""
    client = toy.http()
    for body, field in (
        (NOTE | {"text": f"about {spelt}, you know"}, "body.text"),
        (NOTE | {"about": {"invoice_number": spelt}}, "body.about.invoice_number"),
        (NOTE | {"about": {"client_refs": ["c-1", spelt]}}, "body.about.client_refs.1"),
        (NOTE | {"about": {"by_client": {spelt: "x"}}}, "body.about.by_client"),
        (NOTE | {"unknown": {"deep": spelt}}, "body.?.?"),
        (NOTE | {spelt: 1}, "body"),
        (NOTE | {"stars": spelt}, "body.stars"),
        ([spelt], "body.0"),
    ):
        answer = await client.post("/notes", json=body)
        assert refused(answer) == (422, "PERSONAL_IDENTITY_CODE", field)
        assert field in answer.json()["detail"]
        assert spelt not in answer.text
        assert "308T" not in answer.text
    assert refused(await client.put(f"/notes/{spelt}", json=NOTE)) == (422, "PERSONAL_IDENTITY_CODE", "path.note_id")
    for name, field in (("client_ref", "query.client_ref"), ("nobody", "query.?"), (spelt, "query")):
        assert refused(await client.get("/my-notes", params={name: spelt})) == (422, "PERSONAL_IDENTITY_CODE", field)
    assert refused(await client.get(f"/nowhere/{spelt}"))[1:] == ("PERSONAL_IDENTITY_CODE", "path")
    assert refused(await client.get("/nowhere", params={"q": spelt}))[1:] == ("PERSONAL_IDENTITY_CODE", "query")
    assert (await client.get("/my-notes")).json() == []


@pytest.mark.parametrize("name", ["idempotency-key", "rekku-known"])
@pytest.mark.parametrize("code", [CODE, "131052%2D308T", "131052&#8211;308T", "131052308T"])
async def test_a_header_that_is_kept_is_a_door(toy: ServiceUnderTest, name: str, code: str):
    """E-59."""
    answer = await toy.http().post("/notes", json=NOTE, headers={name: code})
    assert refused(answer) == (422, "PERSONAL_IDENTITY_CODE", f"header.{name}")
    assert "308T" not in answer.text


async def test_the_kind_of_a_field_decides_how_surely_it_must_be_a_code(toy: ServiceUnderTest):
    """E-59: in an identifier the shape is enough; prose and what machines mint go by the control character."""
    client = toy.http()
    for body, field in (
        ({"client_refs": [SHAPED]}, "body.about.client_refs.0"),
        ({"by_client": {SHAPED: "x"}}, "body.about.by_client"),
    ):
        answer = await client.post("/notes", json=NOTE | {"about": body})
        assert refused(answer) == (422, "PERSONAL_IDENTITY_CODE", field)
    answer = await client.get("/my-notes", params={"client_ref": SHAPED})
    assert refused(answer) == (422, "PERSONAL_IDENTITY_CODE", "query.client_ref")
    passes = NOTE | {"text": f"lasku {SHAPED}, puh. 040123-4567", "about": {"invoice_number": SHAPED}}
    assert (await client.post("/notes", json=passes, headers={"idempotency-key": SHAPED})).status_code == 201
    assert (await client.get("/my-notes", params={"after": SHAPED})).status_code == 200


async def test_unexamined_requests_would_store_a_code(toy: ServiceUnderTest, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(examining, "holds_identity_code", lambda text, kind=None: False)
    answer = await toy.http().post("/notes", json=NOTE | {"note_id": CODE}, headers={"idempotency-key": CODE})
    assert answer.status_code == 201
    assert (await toy.http().get("/my-notes")).json() == [CODE]


@pytest.mark.parametrize("subject", [CODE, "131052–308T", SHAPED, "mailto:131052308t"])
async def test_a_token_whose_subject_is_a_code_is_refused(toy: ServiceUnderTest, subject: str):
    """E-59: what a token says of its subject is kept in the audit, and beside answers."""
    token = DevIssuer(toy.settings).token(Role.PROVIDER, PROVIDER, subject=subject)
    answer = await toy.http(None).post("/notes", json=NOTE, headers={"authorization": f"Bearer {token}"})
    assert refused(answer) == (422, "PERSONAL_IDENTITY_CODE", "token.sub")
    assert subject not in answer.text
    async with toy.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit") == 0


async def test_a_token_whose_subject_is_a_uuid_is_taken(toy: ServiceUnderTest):
    """Negative control of the test above."""
    token = DevIssuer(toy.settings).token(Role.OFFICER, subject="13105230-8a1f-4d52-9be1-131052308012")
    answer = await toy.http(None).get("/my-notes", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200


async def test_a_body_in_another_encoding_is_not_read(toy: ServiceUnderTest):
    """E-59: what was not checked is not stored; a byte-order mark of UTF-8 is dropped."""
    client = toy.http()
    text = json.dumps(NOTE | {"text": "131052-308T"})
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        answer = await client.post("/notes", content=text.encode(encoding), headers=JSON)
        assert refused(answer)[:2] == (400, "MALFORMED_BODY")
    answer = await client.post("/notes", content=text.encode("utf-8-sig"), headers=JSON)
    assert refused(answer)[:2] == (422, "PERSONAL_IDENTITY_CODE")
    answer = await client.post("/notes", content=json.dumps(NOTE).encode("utf-8-sig"), headers=JSON)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[" * 20_000 + rb'"\u0041"' + b"]" * 20_000, "too_deep"),
        (b'{"note_id":' * 40 + b"1" + b"}" * 40, "too_deep"),
        (b'{"note_id": "N-1\xff"}', "not_utf_8"),
        (rb'{"note_id": "\ud800"}', "not_utf_8"),
        (b'{"stars": ' + b"9" * 5_000 + b"}", "number_too_long"),
        (b'{"stars": NaN}', "not_json"),
        (b"{'note_id': 1}", "not_json"),
    ],
)
@pytest.mark.parametrize("language", ["fi", "sv", "en"])
async def test_a_malformed_body_has_a_code_of_its_own(toy: ServiceUnderTest, content: bytes, why: str, language: str):
    answer = await toy.http(None).post("/notes", content=content, headers=JSON | {"accept-language": language})
    assert (answer.status_code, answer.json()["code"], answer.json()["values"]) == (400, "MALFORMED_BODY", {"why": why})
    assert "malformed" not in answer.json()["detail"]


async def test_another_media_type_has_a_code_of_its_own(toy: ServiceUnderTest):
    client = toy.http()
    content = json.dumps(NOTE).encode()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"):
        answer = await client.post("/notes", content=content, headers={"content-type": content_type})
        assert refused(answer)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE"), content_type
    assert refused(await client.post("/notes", content=content))[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")
    answer = await client.post("/notes", content=content, headers={"content-type": "application/vnd.note+json"})
    assert answer.status_code == 201


async def ask_with_nul(toy: ServiceUnderTest) -> list[Any]:
    client = toy.http()
    return [
        await client.post("/notes", json=NOTE | {"text": "a\0b"}),
        await client.post("/notes", json=NOTE | {"about": {"by_client": {"a\0": "x"}}}),
        await client.post("/notes", json=NOTE | {"\0": "x"}),
        await client.put("/notes/a%00b", json=NOTE),
        await client.get("/my-notes?after=%00"),
        await client.get("/my-notes?%00=1"),
    ]


async def test_the_character_nul_is_refused_at_every_door_before_anything_runs(toy: ServiceUnderTest, monkeypatch):
    """PostgreSQL has no such character; the refusal names the field."""
    monkeypatch.delattr(toy.runtime, "database")
    places = ("body.text", "body.about.by_client", "body", "path.note_id", "query.after", "query")
    problems = [answer.json() for answer in await ask_with_nul(toy)]
    assert {problem["code"] for problem in problems} == {"TEXT_CONTROL_CHARACTER"}
    assert [problem["errors"][0]["field"] for problem in problems] == list(places)
    answer = await toy.http().post("/notes", json=NOTE, headers={"idempotency-key": "a\0b"})
    assert refused(answer) == (400, "MALFORMED_HEADER", "header.idempotency-key")
    assert (await toy.http().get("/nowhere%00")).status_code == 404


async def test_control_without_a_look_it_would_come_to_the_database(toy: ServiceUnderTest, monkeypatch):
    monkeypatch.setattr(examining._Examination, "_text", lambda *_: None)
    assert [answer.status_code for answer in await ask_with_nul(toy)].count(500) == 3


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("aftr", "after"), ("client", "client_ref"), ("Client_Ref", "client_ref"), ("AFTER", "after")],
)
async def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(toy: ServiceUnderTest, asked, nearest):
    answer = await toy.http().get("/my-notes", params={asked: "1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "UNKNOWN_PARAMETER")
    assert answer.json()["values"] == {"nearest": nearest}
    assert nearest in answer.json()["detail"]


@pytest.mark.parametrize("asked", ["x", "1", "ä" * 300])
async def test_where_none_is_like_it_those_there_are_are_listed(toy: ServiceUnderTest, asked):
    answer = await toy.http().get("/my-notes", params={asked: "1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "UNKNOWN_PARAMETER")
    assert answer.json()["values"] == {"nearest": "unlike", "known": ["after", "client_ref"]}
    assert "after, client_ref" in answer.json()["detail"]


async def test_an_operation_without_parameters_says_so(toy: ServiceUnderTest):
    for method, path in (("GET", "/notes"), ("POST", "/notes"), ("GET", "/version")):
        answer = await toy.http().request(method, path, params={"limit": 1}, json=NOTE if method == "POST" else None)
        assert (answer.status_code, answer.json()["values"]) == (422, {"nearest": "none"})
        assert "no parameters" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["after=1&after=2", "after=1&after=1", "after=&client_ref=c-1&after="])
async def test_a_parameter_that_comes_twice_is_refused(toy: ServiceUnderTest, query):
    answer = await toy.http().get(f"/my-notes?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "REPEATED_PARAMETER")
    assert answer.json()["values"] == {"name": "after"}
    assert "after" in answer.json()["detail"]


async def test_a_known_parameter_is_taken(toy: ServiceUnderTest):
    """Negative control."""
    assert (await toy.http().get("/my-notes", params={"after": "1", "client_ref": "c-1"})).status_code == 200
