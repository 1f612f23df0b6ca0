"""Idempotency-Key: what counts as the same request, and whose the kept answers are (E-23)."""

import json
import random
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from chassis import http, idempotency
from chassis.auth import Principal, Role, TokenVerifier
from chassis.idempotency import IdempotentRequest, canonical_json, find_answer, keep_answer, owner_of
from chassis.request_body import read_body
from chassis.testing import ServiceUnderTest
from contracts.notifications import MessageSent
from tests.chassis.issuer import OLD, Issuer, a_token

PROVIDER, OTHER = "2828286-3", "1572860-0"
NOTE = {"note_id": "N-1", "provider_id": PROVIDER, "text": "Hämeenlinna", "stars": 3}
SAME = [
    json.dumps(dict(reversed(NOTE.items()))),
    json.dumps(NOTE, indent=4, ensure_ascii=False),
    json.dumps(NOTE).replace("H", "\\u0048"),
    json.dumps(NOTE) + "\n\t ",
]
KEY = {"idempotency-key": "k1", "content-type": "application/json"}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


# The same request ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", SAME)
async def test_the_same_content_written_otherwise_gets_the_kept_answer(toy: ServiceUnderTest, body: str):
    client = toy.http()
    first = await client.post("/notes", json=NOTE, headers=KEY)
    again = await client.post("/notes", content=body.encode(), headers=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert len(await toy.published(MessageSent)) == 1


async def test_control_in_the_order_it_was_sent_it_would_be_another_request(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(idempotency, "canonical_json", lambda value: json.dumps(value).encode())
    await toy.http().post("/notes", json=NOTE, headers=KEY)
    again = await toy.http().post("/notes", content=SAME[0].encode(), headers=KEY)
    assert again.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize("difference", [{"stars": 4}, {"text": "Hameenlinna"}, {"note_id": "N-2"}])
async def test_other_content_is_another_request(toy: ServiceUnderTest, difference: dict[str, Any]):
    await toy.http().post("/notes", json=NOTE, headers=KEY)
    again = await toy.http().post("/notes", json=NOTE | difference, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@given(VALUES, st.integers())
def test_every_way_to_write_a_content_has_one_form(content: Any, seed: int):
    loose = json.dumps(shuffled(content, random.Random(seed)), indent=1, ensure_ascii=False)
    assert canonical_json(json.loads(loose)) == canonical_json(json.loads(json.dumps(content)))


def shuffled(content: Any, rng: random.Random) -> Any:
    if isinstance(content, dict):
        names = list(content)
        rng.shuffle(names)
        return {name: shuffled(content[name], rng) for name in names}
    return [shuffled(each, rng) for each in content] if isinstance(content, list) else content


@given(VALUES, VALUES)
def test_two_contents_have_two_forms(one: Any, other: Any):
    forms = {canonical_json(each) for each in (one, other)}
    assert (len(forms) == 1) == (typed(one) == typed(other))


def typed(content: Any) -> Any:
    """Python takes `True` for 1; JSON does not."""
    if isinstance(content, bool):
        return f"bool {content}"
    if isinstance(content, dict):
        return {name: typed(inner) for name, inner in content.items()}
    return [typed(each) for each in content] if isinstance(content, list) else content


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"[1.0, 2e0, -0.0]", b"[1,2,0]", True),
        (b'{"a": 1, "a": 2}', b'{"a": 2}', True),  # what is read is the last
        (b"[9007199254740993]", b"[9007199254740992]", False),
        (b'["1"]', b"[1]", False),
        (b'["\xc3\xa4"]', b'["\\u00e4"]', True),
        (b'["a\\u0308"]', b'["\\u00e4"]', False),
    ],
)
def test_numbers_and_texts(one: bytes, other: bytes, *, same: bool):
    forms = [canonical_json(read_body(each, "application/json").value) for each in (one, other)]
    assert (forms[0] == forms[1]) is same


async def test_a_key_in_two_lines_is_none(toy: ServiceUnderTest):
    headers = [("idempotency-key", "k1"), ("idempotency-key", "k2")]
    answer = await toy.http().post("/notes", json=NOTE, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_INVALID")


# Whose answer ----------------------------------------------------------------------------------------------


@pytest.fixture
def served(toy: ServiceUnderTest, issuer: Issuer) -> ServiceUnderTest:
    toy.runtime.verifier = TokenVerifier(issuer.settings())
    return toy


def who(**claims: Any) -> dict[str, str]:
    return {**KEY, "authorization": f"Bearer {a_token(OLD, sub='anna', **claims)}"}


OWN = {"role": "provider", "provider_id": PROVIDER}


async def test_the_same_subject_in_another_role_acts_on_its_own(served: ServiceUnderTest):
    """The same person, key and words; each is decided by itself, and reads no other's answer."""
    client = served.http(None)
    first = await client.post("/notes", json=NOTE, headers=who())
    other = await client.post("/notes", json=NOTE, headers=who(**OWN))
    assert (first.status_code, other.status_code, other.json()["code"]) == (201, 409, "NOTE_EXISTS")
    assert (await client.post("/notes", json=NOTE, headers=who())).content == first.content


async def test_control_kept_for_the_subject_alone_another_provider_reads_it(
    served: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """And without the second wall, which refuses a provider's request such a row."""
    of_subject = lambda **said: IdempotentRequest(**said | {"principal": said["subject"], "subject": ""})  # noqa: E731
    monkeypatch.setattr(http, "IdempotentRequest", of_subject)
    assert (await served.http(None).post("/notes", json=NOTE, headers=who(**OWN))).status_code == 500
    owner = await asyncpg.connect(
        served.settings.owner_database_url.get_secret_value(), server_settings={"search_path": "notifications"}
    )
    await owner.execute("ALTER TABLE idempotency DISABLE ROW LEVEL SECURITY")
    await owner.close()
    client = served.http(None)
    first = await client.post("/notes", json=NOTE, headers=who(**OWN))
    other = await client.post("/notes", json=NOTE, headers=who(role="provider", provider_id=OTHER))
    assert (other.status_code, other.content) == (201, first.content)


ONE = Principal("anna", Role.PROVIDER, PROVIDER, "https://issuer.example")
OTHERS = [
    Principal("anni", Role.PROVIDER, PROVIDER, "https://issuer.example"),
    Principal("anna", Role.PROVIDER, OTHER, "https://issuer.example"),
    Principal("anna", Role.OFFICER, None, "https://issuer.example"),
    Principal("anna", Role.SYSTEM, None, "https://issuer.example"),
    Principal("anna", Role.PROVIDER, PROVIDER, "https://other.example"),
    Principal('anna", "2828286-3', Role.PROVIDER, PROVIDER, "https://issuer.example"),
]


async def test_of_each_owner_a_key_is_its_own(toy: ServiceUnderTest):
    for principal in (ONE, *OTHERS):
        request = IdempotentRequest(owner_of(principal), principal.subject, "POST /notes", "k1", b"the same words")
        async with toy.transaction(principal) as tx:
            assert await find_answer(tx, request) is None
            keep_answer(tx, request, Response(f"for {principal}", 201))
        async with toy.transaction(principal) as tx:
            kept = await find_answer(tx, request)
        assert kept is not None
        assert kept.body == f"for {principal}".encode()


async def test_a_row_of_before_answers_nobody_and_its_command_is_not_done_again(served: ServiceUnderTest):
    """It names a subject alone, so it may be anybody's with that subject."""
    await keep_as_before(served)
    answer = await served.http(None).post("/notes", json=NOTE, headers=who(**OWN))
    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await served.published(MessageSent) == []
    other_key = who(**OWN) | {"idempotency-key": "k2"}
    assert (await served.http(None).post("/notes", json=NOTE, headers=other_key)).status_code == 201


async def test_control_without_a_look_at_it_the_command_would_be_done_again(
    served: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    await keep_as_before(served)
    monkeypatch.setattr(http, "IdempotentRequest", lambda **said: IdempotentRequest(**said | {"subject": ""}))
    assert (await served.http(None).post("/notes", json=NOTE, headers=who(**OWN))).status_code == 201


async def keep_as_before(served: ServiceUnderTest) -> None:
    """A row as the release before wrote it, for a command that succeeded."""
    async with served.transaction() as tx:
        await tx.execute(
            "INSERT INTO idempotency (principal, route, idempotency_key, request_hash, status, headers, body)"
            " VALUES ('anna', 'POST /notes', 'k1', 'hash', 201, '{}', '{\"of\": \"somebody\"}')"
        )
