"""Client contact data: sealed, published sealed, never shown."""

import asyncio
import json

import pytest

from contracts.decisions import ClientContactChanged
from contracts.keys import Purpose
from services.decisions import store
from tests.decisions.builders import DecisionsUnderTest, expect, refusal
from tests.decisions.races import outcomes
from tests.races import Gate


async def change(decisions: DecisionsUnderTest, phone: str = "040 123 4567", language: str = "sv", **headers: str):
    body = {"phone": phone, "language": language}
    return await decisions.officer.put("/client-contacts/client-x", json=body, headers=headers)


async def test_contact_data_travel_and_rest_sealed(decisions):
    """E-59, design: restricted topic, under the client's own key."""
    answer = await change(decisions)
    assert expect(200, answer) == {"client_ref": "client-x", "version": 1}
    [event] = await decisions.service.published(ClientContactChanged)
    assert "4567" not in event.sealed
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT sealed FROM client_contacts") == event.sealed
        opened = await tx.vault.open(Purpose.CONTACTS, "client-x", event.sealed)
        audit = [dict(row) for row in await tx.fetch("SELECT action, subject, detail FROM audit ORDER BY id")]
    assert json.loads(opened) == {"phone": "+358401234567", "language": "sv"}
    assert "4567" not in str(audit)


async def test_an_erased_key_leaves_nothing_to_read(decisions):
    """Design: erasing the key erases the data from every log and replay."""
    await change(decisions)
    [event] = await decisions.service.published(ClientContactChanged)
    await decisions.service.db.vault.erase("client-x")
    assert await decisions.service.db.vault.open(Purpose.CONTACTS, "client-x", event.sealed) is None


async def test_a_change_is_a_new_version(decisions):
    await change(decisions)
    expect(200, await change(decisions, "+46 70 123 45 67", **{"if-match": '"1"'}))
    assert refusal(await change(decisions, **{"if-match": '"1"'}), 412) == ("STALE_VERSION", {"current": 2})
    assert [event.version for event in await decisions.service.published(ClientContactChanged)] == [1, 2]


async def two_first_writers(decisions: DecisionsUnderTest, path: str, *bodies: dict) -> list[str]:
    """What becomes of two who both say that nothing is known yet."""
    first = {"if-match": '"0"'}
    answers = await asyncio.gather(*(decisions.officer.put(path, json=body, headers=first) for body in bodies))
    return outcomes(answers)


FIRST = {
    "/client-contacts/client-x": [{"phone": "0401234567", "language": language} for language in ("fi", "sv")],
    "/client-eligibility/client-x": [{"birth_year": year} for year in (1956, 1965)],
}


@pytest.mark.parametrize("path", FIRST)
async def test_of_two_who_write_first_one_hears_that_it_was_not(decisions, monkeypatch, path):
    """If-Match "0": neither has a row to wait for, so the version is looked at after the write."""
    meeting, write = Gate(decisions.service, 2), store.write_sealed

    async def meet_and_write(*arguments) -> int:
        await meeting.pass_through()
        return await write(*arguments)

    monkeypatch.setattr(store, "write_sealed", meet_and_write)
    assert await two_first_writers(decisions, path, *FIRST[path]) == ["STALE_VERSION", "done"]
    assert [event.version for event in await decisions.service.published()] == [1]


@pytest.mark.parametrize("path", FIRST)
async def test_control_looking_before_the_write_both_would_be_first(decisions, monkeypatch, path):
    """If-Match "0": the test above fails where what is compared was read before the write."""
    meeting, write = Gate(decisions.service, 2), store.write_sealed

    async def look_and_write(tx, what, client_ref, sealed) -> int:
        seen = await tx.fetchval(
            f"SELECT version FROM client_{what} WHERE client_ref = $1 FOR NO KEY UPDATE", client_ref
        )
        await meeting.pass_through()
        await write(tx, what, client_ref, sealed)
        return (seen or 0) + 1

    async def unlocked(*_arguments) -> None:
        return None

    monkeypatch.setattr(store, "lock_client", unlocked)
    monkeypatch.setattr(store, "write_sealed", look_and_write)
    assert await two_first_writers(decisions, path, *FIRST[path]) == ["done", "done"]


@pytest.mark.parametrize("phone", ["017 123 4567", "+358 20 123 4567", "0800 12345", "+46 8 123 456 78"])
async def test_a_number_that_takes_no_sms_is_refused_and_not_echoed(decisions, phone):
    """E-69."""
    answer = await change(decisions, phone)
    assert (answer.status_code, answer.json()["code"]) == (422, "NOT_MOBILE")
    assert answer.json()["errors"] == [{"field": "body.phone", "problem": "NOT_MOBILE"}]
    assert phone not in answer.text
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM client_contacts") == 0


@pytest.mark.parametrize(
    "phone",
    ["040 123 4567", "+1 201 555 0123", "tel:+358-40-123-4567", "00358 (0)40 1234567", "040\u00a0123\u20114567"],
)
async def test_a_number_that_takes_an_sms_is_taken_however_it_is_written(decisions, phone):
    """E-69: the control of the test above; in some countries the number does not tell."""
    assert (await change(decisions, phone)).status_code == 200


@pytest.mark.parametrize("phone", ["12345", "+3581", "call me", "0000000000", "0800 KELA12", "040 123 4567 ext. 2"])
async def test_a_number_nobody_can_have_is_refused_and_not_echoed(decisions, phone):
    answer = await change(decisions, phone)
    assert refusal(answer, 422)[0] == "PHONE_INVALID"
    assert phone not in answer.text
    assert not await decisions.service.published()


async def test_providers_have_nothing_to_do_with_contact_data(decisions):
    body = {"phone": "0401234567", "language": "fi"}
    answer = await decisions.provider.put("/client-contacts/client-x", json=body)
    assert refusal(answer, 403)[0] == "NOT_ALLOWED"
