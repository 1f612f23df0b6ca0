"""What decides on which course a client fits: sealed, published sealed, never shown (E-24)."""

import json
from typing import Any

import pytest

from contracts.decisions import ClientEligibilityChanged
from contracts.keys import Purpose
from tests.decisions.builders import DecisionsUnderTest, expect, refusal

PATH = "/client-eligibility/client-x"


async def change(decisions: DecisionsUnderTest, headers: dict[str, str] | None = None, **known: Any):
    return await decisions.officer.put(PATH, json=known, headers=headers or {})


async def test_disease_group_and_birth_travel_and_rest_sealed(decisions):
    """E-24, E-59: restricted topic, under the client's own key; the audit names the client only."""
    answer = await change(decisions, disease_group="coronary", birth_date="1956-03-04")
    assert expect(200, answer) == {"client_ref": "client-x", "version": 1}
    [event] = await decisions.service.published(ClientEligibilityChanged)
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT sealed FROM client_eligibility") == event.sealed
        opened = await tx.vault.open(Purpose.ELIGIBILITY, "client-x", event.sealed)
        audit = [dict(row) for row in await tx.fetch("SELECT action, subject, detail FROM audit ORDER BY id")]
    assert json.loads(opened) == {"disease_group": "coronary", "birth_date": "1956-03-04", "birth_year": None}
    assert "coronary" not in event.model_dump_json() + str(audit) + answer.text
    assert audit[-1]["subject"] == "client-eligibility:client-x"


async def test_a_change_is_a_new_version_and_nothing_known_takes_back_what_was(decisions):
    """E-24."""
    expect(200, await change(decisions, birth_year=1956))
    assert expect(200, await change(decisions, {"if-match": '"1"'}))["version"] == 2
    stale = await change(decisions, {"if-match": '"1"'}, birth_year=1957)
    assert refusal(stale, 412) == ("STALE_VERSION", {"current": 2})
    assert [event.version for event in await decisions.service.published(ClientEligibilityChanged)] == [1, 2]


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"birth_date": "1956-03-04", "birth_year": 1956}, "BIRTH_GIVEN_TWICE"),
        ({"birth_date": "2024-01-16"}, "BIRTH_IN_FUTURE"),
        ({"birth_year": 2025}, "BIRTH_IN_FUTURE"),
        ({"birth_year": 1899}, "VALIDATION"),
        ({"birth_date": "1899-12-31"}, "VALIDATION"),
        ({"disease_group": "a broken heart"}, "VALIDATION"),
        ({"diagnosis": "I25"}, "VALIDATION"),
    ],
)
async def test_what_cannot_be_is_refused_and_not_echoed(decisions, known, code):
    """E-24, E-59."""
    answer = await change(decisions, **known)
    assert refusal(answer, 422)[0] == code
    assert not any(str(value) in answer.text for value in known.values())
    assert not await decisions.service.published()


async def test_providers_have_nothing_to_do_with_it(decisions):
    """E-24."""
    answer = await decisions.provider.put(PATH, json={"birth_year": 1956})
    assert refusal(answer, 403)[0] == "NOT_ALLOWED"
