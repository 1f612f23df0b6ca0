"""HTTP: problem answers, versions, idempotency, scope; bad input changes nothing and is not echoed."""

import asyncio
import base64
import json
from datetime import timedelta

import asyncpg
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from chassis.auth import DevIssuer, Role
from chassis.testing import ServiceUnderTest
from contracts.notifications import MessageSent

PROVIDER, OTHER = "2828286-3", "1234567-1"
NOTE = {"note_id": "N-1", "provider_id": PROVIDER, "text": "hello"}


async def test_a_command_answers_with_its_version_and_emits(toy: ServiceUnderTest):
    answer = await toy.http().post("/notes", json=NOTE)
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["rekku-known"] == "note:N-1@1"
    assert [event.message_id for event in await toy.published(MessageSent)] == ["N-1"]


async def test_a_command_leaves_an_audit_row(toy: ServiceUnderTest):
    await toy.http(Role.PROVIDER, PROVIDER).post("/notes", json=NOTE)
    async with toy.transaction() as tx:
        row = await tx.fetchrow("SELECT * FROM audit")
    assert row is not None
    assert (row["actor"], row["on_behalf_of"]) == (f"dev-provider-{PROVIDER}", PROVIDER)
    assert (row["action"], row["subject"], row["route"]) == ("write_note", "note:N-1", "POST /notes")


async def test_a_repeated_key_gets_the_stored_answer_and_changes_nothing(toy: ServiceUnderTest):
    """E-23."""
    client = toy.http()
    answers = [await client.post("/notes", json=NOTE, headers={"idempotency-key": "k1"}) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].headers["rekku-known"] == answers[1].headers["rekku-known"]
    assert answers[0].content == answers[1].content
    assert len(await toy.published(MessageSent)) == 1


async def test_without_the_key_the_repeated_command_is_refused(toy: ServiceUnderTest):
    """The negative control of the test above: it is the key that makes the repetition harmless."""
    client = toy.http()
    assert (await client.post("/notes", json=NOTE)).status_code == 201
    assert (await client.post("/notes", json=NOTE)).status_code == 409


async def test_concurrent_tries_with_one_key_are_applied_once(toy: ServiceUnderTest):
    """E-23."""
    client = toy.http()
    answers = await asyncio.gather(
        *(client.post("/notes", json=NOTE, headers={"idempotency-key": "k1"}) for _ in range(8))
    )
    assert {a.status_code for a in answers} == {201}
    assert len(await toy.published(MessageSent)) == 1


async def test_a_key_cannot_be_used_for_another_body(toy: ServiceUnderTest):
    client = toy.http()
    await client.post("/notes", json=NOTE, headers={"idempotency-key": "k1"})
    answer = await client.post("/notes", json=NOTE | {"text": "other"}, headers={"idempotency-key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_refusal_under_a_key_is_decided_anew(toy: ServiceUnderTest):
    client = toy.http()
    await client.post("/notes", json=NOTE)
    assert (await client.post("/notes", json=NOTE, headers={"idempotency-key": "k1"})).status_code == 409
    async with toy.transaction() as tx:
        await tx.execute("DELETE FROM notes")
    assert (await client.post("/notes", json=NOTE, headers={"idempotency-key": "k1"})).status_code == 201


async def test_a_stale_version_is_answered_with_the_current_one(toy: ServiceUnderTest):
    client = toy.http()
    await client.post("/notes", json=NOTE)
    assert (await client.put("/notes/N-1", json=NOTE, headers={"if-match": '"1"'})).status_code == 200
    answer = await client.put("/notes/N-1", json=NOTE, headers={"if-match": '"1"'})
    assert (answer.status_code, answer.json()["values"]) == (412, {"current": 2})


async def test_row_level_security_is_a_second_wall(toy: ServiceUnderTest):
    """The query has no WHERE of its own: what a provider sees is decided in SQL."""
    await toy.http().post("/notes", json=NOTE)
    await toy.http().post("/notes", json=NOTE | {"note_id": "N-2", "provider_id": OTHER})
    assert (await toy.http(Role.OFFICER).get("/my-notes")).json() == ["N-1", "N-2"]
    assert (await toy.http(Role.PROVIDER, PROVIDER).get("/my-notes")).json() == ["N-1"]
    assert (await toy.http(Role.PUBLIC).get("/notes")).json() == []


async def test_a_provider_cannot_write_anothers_row(toy: ServiceUnderTest):
    answer = await toy.http(Role.PROVIDER, PROVIDER).post("/notes", json=NOTE | {"provider_id": OTHER})
    assert answer.status_code == 500
    assert (await toy.http().get("/my-notes")).json() == []


async def test_without_the_policy_a_provider_sees_everything(toy: ServiceUnderTest):
    """The negative control of row-level security."""
    await toy.http().post("/notes", json=NOTE | {"provider_id": OTHER})
    connection = await asyncio.wait_for(_owner(toy), 5)
    await connection.execute("ALTER TABLE notifications.notes NO FORCE ROW LEVEL SECURITY")
    await connection.execute("ALTER TABLE notifications.notes DISABLE ROW LEVEL SECURITY")
    await connection.close()
    assert (await toy.http(Role.PROVIDER, PROVIDER).get("/my-notes")).json() == ["N-1"]


async def _owner(toy: ServiceUnderTest):
    return await asyncpg.connect(toy.settings.owner_database_url.get_secret_value())


@pytest.mark.parametrize(
    "body",
    [
        {},
        NOTE | {"unknown_field_of_mine": 1},
        NOTE | {"stars": "many-secret-stars"},
        {"note_id": None},
        [1, 2],
        "text",
    ],
)
async def test_a_wrong_body_is_refused_without_echo(toy: ServiceUnderTest, body: object):
    answer = await toy.http().post("/notes", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "of_mine" not in answer.text


@pytest.mark.parametrize("stars", [True, 1.0, "1", 1.5, None, [1], "１"])
async def test_a_number_is_a_number(toy: ServiceUnderTest, stars: object):
    """In JSON true is not 1, and neither 1.0 nor "1" is a whole number; 1 is the control."""
    answer = await toy.http().post("/notes", json=NOTE | {"stars": stars})
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION")
    assert [error["field"] for error in answer.json()["errors"]] == ["body.stars"]
    assert (await toy.http().post("/notes", json=NOTE | {"stars": 1})).status_code == 201


async def test_what_is_not_json_is_refused(toy: ServiceUnderTest):
    answer = await toy.http().post("/notes", content=b"{secret", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_BODY")
    assert answer.json()["values"] == {"why": "not_json"}
    assert "secret" not in answer.text


@pytest.mark.parametrize("code", ["131052-308T", "010203A1230", "131052+308T"])
async def test_a_personal_identity_code_in_any_place_is_refused(toy: ServiceUnderTest, code: str):
    """E-59: refused with an explanation, never echoed, nothing stored."""
    client = toy.http()
    escaped = "".join(f"\\u{ord(character):04x}" for character in code)
    answers = [
        await client.post("/notes", json=NOTE | {"text": f"about {code}, you know"}),
        await client.post(
            "/notes",
            content=f'{{"note_id": "{escaped}"}}'.encode(),
            headers={"content-type": "application/json"},
        ),
        await client.put(f"/notes/{code}", json=NOTE),
        await client.get("/my-notes", params={"q": code}),
        await client.post("/notes", json=NOTE, headers={"idempotency-key": code}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "PERSONAL_IDENTITY_CODE")
        assert code not in answer.text
    assert (await client.get("/my-notes")).json() == []


async def test_an_ordinary_text_is_not_taken_for_a_personal_identity_code(toy: ServiceUnderTest):
    text = "Y-tunnus 2828286-3, puhelin 040 123 4567, 01a20122-5e63-72a7-972e-e72a7ebefe29"
    assert (await toy.http().post("/notes", json=NOTE | {"text": text})).status_code == 201


async def test_an_oversized_body_is_refused(toy: ServiceUnderTest):
    answer = await toy.http().post("/notes", json=NOTE | {"text": "x" * 70_000})
    assert (answer.status_code, answer.json()["values"]) == (413, {"allowed_bytes": 65536})


async def test_no_route_and_no_method_are_problems(toy: ServiceUnderTest):
    assert (await toy.http().get("/nowhere")).json()["code"] == "NOT_FOUND"
    assert (await toy.http().delete("/notes")).json()["code"] == "METHOD_NOT_ALLOWED"


async def test_a_failure_is_an_answer_without_a_traceback(toy: ServiceUnderTest):
    answer = await toy.http().get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "secret" not in answer.text


async def test_texts_come_in_the_callers_language(toy: ServiceUnderTest):
    details = [
        (await toy.http().get("/nowhere", headers={"accept-language": language})).json()["detail"]
        for language in ("sv-FI,sv;q=0.9", "en", "de", "")
    ]
    assert details[0].startswith("Det finns")
    assert details[1].startswith("There is")
    assert details[2] == details[3]
    assert details[2].startswith("Tästä")


def _part(content: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


async def test_no_usable_token_no_answer(toy: ServiceUnderTest):
    good = toy.token(Role.OFFICER)
    issuer = DevIssuer(toy.settings)
    other = toy.settings.model_copy(update={"audience": "somebody else"})
    tokens = {
        "unsigned": _part({"alg": "none"}) + "." + good.split(".")[1] + ".",
        "symmetric": jwt.encode({"alg": "HS256"}, {"role": "officer"}, OctKey.generate_key()),
        "expired": issuer.token(Role.OFFICER, lifetime=timedelta(hours=-1)),
        "tampered": good[:-6] + "AAAAAA",
        "another audience": DevIssuer(other).token(Role.OFFICER),
        "a provider without an id": issuer.token(Role.PROVIDER),
        "an officer with a provider id": issuer.token(Role.OFFICER, PROVIDER),
        "public": issuer.token(Role.PUBLIC),
        "nothing": "",
    }
    client = toy.http(None)
    for why, token in tokens.items():
        answer = await client.get("/my-notes", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), why
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (await client.get("/my-notes", headers={"authorization": f"Bearer {good}"})).status_code == 200


async def test_a_role_that_may_not_is_told_so(toy: ServiceUnderTest):
    answer = await toy.http(Role.SYSTEM).get("/my-notes")
    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ALLOWED")


async def test_progress_is_all_zeros_at_rest_and_shows_work(toy: ServiceUnderTest):
    system = toy.http(Role.SYSTEM)
    assert set((await system.get("/progress")).json().values()) == {0}
    await toy.http().post("/notes", json=NOTE)
    assert (await system.get("/progress")).json()["outbox"] == 1
    assert (await toy.http(None).get("/progress")).status_code == 401


async def test_more_may_ask_for_progress_at_once_than_there_are_connections(toy: ServiceUnderTest):
    """Each needs one for the bus and one for the rest; with the first in hand nobody would get the second."""
    await toy.runtime.start()
    try:
        asked = [toy.http(Role.SYSTEM).get("/progress") for _ in range(3 * toy.db.pool.get_max_size())]
        answers = await asyncio.wait_for(asyncio.gather(*asked), 20)
    finally:
        await toy.runtime.stop()
    assert {answer.status_code for answer in answers} == {200}


async def test_a_ready_service_says_so_and_an_unready_one_too(toy: ServiceUnderTest):
    client = toy.http(None)
    assert (await client.get("/readyz")).json() == {"ready": True}
    toy.db.pool.terminate()
    assert (await client.get("/readyz")).status_code == 503
    answer = await toy.http().get("/my-notes")
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
