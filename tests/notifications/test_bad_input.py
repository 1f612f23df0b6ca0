"""Bad input: a coded problem, nothing changed, nothing echoed."""

import pytest

from chassis.auth import Role
from tests.notifications.builders import FULL_AGREEMENT, PROVIDER, code_of

HETU = "131052-308T"


@pytest.mark.parametrize(
    ("answers", "status", "code"),
    [
        ({**FULL_AGREEMENT, "1": HETU}, 422, "PERSONAL_IDENTITY_CODE"),
        ({**FULL_AGREEMENT, HETU: 1}, 422, "PERSONAL_IDENTITY_CODE"),
        ({**FULL_AGREEMENT, "20": 1}, 422, "WRONG_STATEMENT"),
        ({**FULL_AGREEMENT, "shoe size": 1}, 422, "WRONG_STATEMENT"),
        ({**FULL_AGREEMENT, "1": 6}, 422, "WRONG_SCORE"),
        ({**FULL_AGREEMENT, "1": "secret words"}, 422, "WRONG_SCORE"),
        ({**FULL_AGREEMENT, "1": {"deep": [1]}}, 422, "WRONG_SCORE"),
        ({"1": 1}, 422, "TOO_FEW_ANSWERS"),
        ({f"{number}": 1 for number in range(100)}, 422, "VALIDATION"),
        ([1, 2, 3], 422, "VALIDATION"),
        ("words", 422, "VALIDATION"),
    ],
)
async def test_wrong_answers_change_nothing_and_are_not_echoed(notifications, answers, status, code):
    """E-27, E-30, E-59."""
    [token] = await notifications.surveys(1)
    refused = await notifications.public.post(f"/surveys/{token}/answers", json={"answers": answers})
    assert code_of(refused) == (status, code)
    for sent in (HETU, "shoe", "secret words", "deep", token):
        assert sent not in refused.text
    assert (await notifications.answer(token, FULL_AGREEMENT)).status_code == 201


async def test_too_few_answers_say_how_many_are_needed(notifications):
    """A refusal carries the offending and the allowed figures, in the reader's language."""
    [token] = await notifications.surveys(1)
    answers = {str(n): 2 for n in range(1, 15)}
    refused = await notifications.public.post(
        f"/surveys/{token}/answers", json={"answers": answers}, headers={"accept-language": "sv"}
    )
    problem = refused.json()
    assert problem["values"] == {"given": 14, "needed": 15, "statements": 19}
    assert problem["detail"].startswith("Besvara minst 15 av 19")


@pytest.mark.parametrize("token", ["x" * 28, "unknown", "a" * 2000])
async def test_an_unknown_survey_is_not_found(notifications, token):
    assert code_of(await notifications.public.get(f"/surveys/{token}")) == (404, "SURVEY_NOT_FOUND")
    refused = await notifications.public.post(f"/surveys/{token}/answers", json={"answers": FULL_AGREEMENT})
    assert code_of(refused) == (404, "SURVEY_NOT_FOUND")


async def test_a_personal_identity_code_instead_of_a_token_is_refused(notifications):
    """E-59."""
    refused = await notifications.public.get(f"/surveys/{HETU}")
    assert code_of(refused) == (422, "PERSONAL_IDENTITY_CODE")
    assert HETU not in refused.text


async def test_messages_need_a_token_and_bounds(notifications):
    assert (await notifications.public.get("/messages")).status_code == 401
    assert (await notifications.public.get("/statistics")).status_code == 401
    http = notifications.service.http(Role.PROVIDER, PROVIDER)
    assert code_of(await http.get("/messages", params={"limit": 0})) == (422, "VALIDATION")
    assert code_of(await http.get("/messages", params={"limit": 501})) == (422, "VALIDATION")
    assert code_of(await http.get("/messages", params={"after": "a\0b"})) == (422, "TEXT_CONTROL_CHARACTER")
    assert (await http.get("/messages", params={"after": "'; DROP TABLE messages"})).json()["items"] == []


async def test_every_refusal_is_written_in_three_languages(notifications):
    """Refusal codes are translated."""
    texts = notifications.runtime.texts
    for code in ("survey-not-found", "survey-closed", "too-few-answers", "wrong-statement", "wrong-score"):
        assert all(texts.has(language, code) for language in ("fi", "sv", "en"))
