"""Erasing a client: once, whatever else happens at the same time, and finished where it broke off (record 0031)."""

import asyncio

import pytest

from chassis import aside
from chassis.aside import set_aside_behind
from chassis.db import Transaction
from contracts.decisions import (
    CLIENT_CONTACTS,
    CLIENT_ELIGIBILITY,
    ClientContactChanged,
    ClientContactErased,
    ClientEligibilityErased,
)
from contracts.keys import Purpose
from services.decisions import erasing, store
from services.decisions.concerns import store as concerns
from tests.decisions.builders import DecisionsUnderTest, expect, refusal
from tests.races import Gate, count_waiting, until

CLIENT = "client-to-erase"
NOTHING = {"client_ref": CLIENT, "contacts": False, "eligibility": False, "keys": False}
ALL = {"client_ref": CLIENT, "contacts": True, "eligibility": True, "keys": True}


@pytest.fixture(autouse=True)
async def no_keys_of_other_tests(decisions):
    """The run has one key store."""
    await decisions.service.db.vault.erase(CLIENT)


async def change_contact(decisions: DecisionsUnderTest, **headers: str):
    body = {"phone": "040 123 4567", "language": "fi"}
    return await decisions.officer.put(f"/client-contacts/{CLIENT}", json=body, headers=headers)


async def change_eligibility(decisions: DecisionsUnderTest):
    return await decisions.officer.put(f"/client-eligibility/{CLIENT}", json={"birth_date": "1951-03-07"})


async def erase(decisions: DecisionsUnderTest, **headers: str):
    return await decisions.officer.post(f"/clients/{CLIENT}/erasure", headers=headers)


async def outbox(decisions: DecisionsUnderTest) -> list[tuple[str, bytes | None]]:
    async with decisions.service.transaction() as tx:
        rows = await tx.fetch("SELECT topic, value FROM outbox ORDER BY id")
    return [(row["topic"], row["value"]) for row in rows]


async def kept(decisions: DecisionsUnderTest) -> list[tuple[str | None, int]]:
    async with decisions.service.transaction() as tx:
        rows = await tx.fetch(
            "SELECT sealed, version FROM client_contacts UNION ALL SELECT sealed, version FROM client_eligibility"
        )
    return [(row["sealed"], row["version"]) for row in rows]


async def test_keys_data_and_what_was_passed_on_go_in_one_transaction(decisions):
    expect(200, await change_contact(decisions))
    expect(200, await change_eligibility(decisions))
    async with decisions.service.transaction() as tx:
        sealed = await tx.fetchval("SELECT sealed FROM client_contacts")
        await tx.execute("DELETE FROM outbox")
    assert expect(200, await erase(decisions)) == ALL
    assert await kept(decisions) == [(None, 2), (None, 2)]
    assert await decisions.service.db.vault.open(Purpose.CONTACTS, CLIENT, sealed) is None
    rows = await outbox(decisions)
    topics = [CLIENT_CONTACTS, CLIENT_CONTACTS, CLIENT_ELIGIBILITY, CLIENT_ELIGIBILITY]
    assert [topic for topic, _ in rows] == topics
    # First the fact, then what removes the key: a reader of the fact knows that nothing older counts.
    assert [value is None for _, value in rows] == [False, True, False, True]


async def test_begunagain_changes_nothing(decisions):
    expect(200, await change_contact(decisions))
    expect(200, await erase(decisions))
    before = await kept(decisions), await outbox(decisions)
    assert expect(200, await erase(decisions)) == NOTHING
    assert (await kept(decisions), await outbox(decisions)) == before


async def test_a_key_store_of_before_is_erased_from_again(decisions):
    """A restored backup has the keys again, which open what others still keep."""
    expect(200, await change_contact(decisions))
    keys = await decisions.service.db.vault.store()
    of_contacts = "client_ref = $1 AND purpose = 'contacts'"
    key = await keys.fetchval(f"SELECT key FROM keys_by_purpose WHERE {of_contacts}", CLIENT)
    expect(200, await erase(decisions))
    await keys.execute(f"UPDATE keys_by_purpose SET key = $2, erased_at = NULL WHERE {of_contacts}", CLIENT, key)
    assert expect(200, await erase(decisions)) == NOTHING | {"keys": True}
    assert await keys.fetchval(f"SELECT key FROM keys_by_purpose WHERE {of_contacts}", CLIENT) is None


async def test_it_waits_behind_nothing_that_is_set_aside(decisions):
    """What the bus does not take of the client goes as well; another's stays set aside."""
    expect(200, await change_contact(decisions))
    async with decisions.service.transaction() as tx:
        columns = "topic, key, header_names, header_values, value"
        for key in (CLIENT, "another"):
            await tx.execute(
                f"INSERT INTO outbox_aside (id, created_at, {columns})"
                " SELECT -length($1::text), created_at, topic, $2, header_names, header_values, value FROM outbox",
                key,
                key.encode(),
            )
        await tx.execute("DELETE FROM outbox")
    expect(200, await erase(decisions))
    async with decisions.service.db.connection() as connection:
        assert await set_aside_behind(connection, 100, 0, frozenset()) == 0
    async with decisions.service.transaction() as tx:
        assert [row["key"] for row in await tx.fetch("SELECT key FROM outbox_aside")] == [b"another"]
    assert [value is None for _, value in await outbox(decisions)] == [False, True]


async def test_control_what_is_set_aside_of_a_client_holds_its_erasure_up(decisions, monkeypatch):
    async def kept(*_):
        return None

    monkeypatch.setattr(aside, "forget", kept)
    with pytest.raises(AssertionError):
        await test_it_waits_behind_nothing_that_is_set_aside(decisions)
    assert await outbox(decisions) == []


async def test_nobody_known_is_nothing_to_erase(decisions):
    assert expect(200, await erase(decisions)) == NOTHING
    assert await outbox(decisions) == []


async def test_the_same_erasure_again_is_answered_alike(decisions):
    expect(200, await change_contact(decisions))
    first = await erase(decisions, **{"idempotency-key": "k"})
    assert (await erase(decisions, **{"idempotency-key": "k"})).content == first.content


async def test_it_leaves_a_line_in_the_audit(decisions):
    expect(200, await change_contact(decisions))
    expect(200, await erase(decisions))
    async with decisions.service.transaction() as tx:
        audit = await tx.fetch("SELECT subject FROM audit WHERE action = 'erase_client'")
    assert [row["subject"] for row in audit] == [f"client:{CLIENT}"]


async def test_it_is_for_officers_alone(decisions):
    assert refusal(await decisions.provider.post(f"/clients/{CLIENT}/erasure"), 403)[0] == "NOT_ALLOWED"


async def test_where_it_broke_off_after_the_keys_the_next_try_finishes(decisions, monkeypatch):
    """The keys are in another database: a crash before the commit leaves rows that nobody can open."""
    expect(200, await change_contact(decisions))

    async def crash(_tx: Transaction) -> None:
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "flush", crash)
        with pytest.raises(RuntimeError):
            await decisions.service.db.run(lambda tx: erasing.erase_client(tx, CLIENT))
    ((sealed, version),) = await kept(decisions)
    assert sealed is not None
    assert version == 1
    assert await decisions.service.db.vault.open(Purpose.CONTACTS, CLIENT, sealed) is None
    assert expect(200, await erase(decisions)) == NOTHING | {"contacts": True}
    assert await kept(decisions) == [(None, 2)]
    assert [event.version for event in await decisions.service.published(ClientContactErased)] == [2]


async def test_who_comes_back_is_known_by_a_new_fact_alone(decisions):
    expect(200, await change_contact(decisions))
    expect(200, await erase(decisions))
    # Who had seen the client before has not seen the erasure.
    assert refusal(await change_contact(decisions, **{"if-match": '"1"'}), 412)[0] == "STALE_VERSION"
    assert expect(200, await change_contact(decisions))["version"] == 3
    old, new = await decisions.service.published(ClientContactChanged)
    vault = decisions.service.db.vault
    assert await vault.open(Purpose.CONTACTS, CLIENT, old.sealed) is None
    assert b"+358401234567" in (await vault.open(Purpose.CONTACTS, CLIENT, new.sealed) or b"")


async def written_and_erased_at_once(decisions: DecisionsUnderTest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A writer is held between sealing and storing, until who erases is there as well or waits for it."""
    gate, write, wipe = Gate(decisions.service, 2), store.write_sealed, store.erase_sealed

    async def held_write(*arguments) -> int:
        await gate.pass_through()
        return await write(*arguments)

    async def held_wipe(*arguments) -> int | None:
        await gate.pass_through()
        return await wipe(*arguments)

    monkeypatch.setattr(store, "write_sealed", held_write)
    monkeypatch.setattr(store, "erase_sealed", held_wipe)
    await asyncio.gather(change_contact(decisions), erase(decisions))
    ((sealed, _),) = await kept(decisions) or [(None, 0)]
    if sealed is None:
        return "erased"
    opened = await decisions.service.db.vault.open(Purpose.CONTACTS, CLIENT, sealed)
    return "unreadable" if opened is None else "written anew"


async def test_a_writer_at_the_same_time_comes_before_or_after(decisions, monkeypatch):
    """Never half: neither what no key opens, nor what was sealed before and is stored after."""
    assert await written_and_erased_at_once(decisions, monkeypatch) in {"erased", "written anew"}


async def test_control_without_the_clients_lock_a_contact_is_stored_that_nobody_can_open(decisions, monkeypatch):
    async def unlocked(_tx: Transaction, _client_ref: str) -> None:
        return None

    monkeypatch.setattr(store, "lock_client", unlocked)
    vault, write = decisions.service.db.vault, store.write_sealed
    sealed, erased = asyncio.Event(), asyncio.Event()

    async def write_late(*arguments) -> int:
        sealed.set()
        await asyncio.wait_for(erased.wait(), 30)
        return await write(*arguments)

    monkeypatch.setattr(store, "write_sealed", write_late)
    writing = asyncio.create_task(change_contact(decisions))
    await asyncio.wait_for(sealed.wait(), 30)
    expect(200, await erase(decisions))
    erased.set()
    expect(200, await writing)
    ((stored, _),) = await kept(decisions)
    assert await vault.open(Purpose.CONTACTS, CLIENT, stored) is None


async def erased_before_the_words_are_stored(decisions: DecisionsUnderTest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A concern is held between sealing its words and storing them, until who erases is done or waits for it."""
    ref = (await decisions.grant(client_ref=CLIENT))["decision_ref"]
    add, begun, done_first = concerns.add_concern, asyncio.Event(), []

    async def add_late(*arguments) -> None:
        begun.set()

        async def erased_or_waits() -> bool:
            return eraser.done() or await count_waiting(decisions.service) > 0

        await until(erased_or_waits)
        done_first.append(eraser.done())
        await add(*arguments)

    async def erase_then() -> None:
        await begun.wait()
        expect(200, await erase(decisions))

    monkeypatch.setattr(concerns, "add_concern", add_late)
    eraser = asyncio.create_task(erase_then())
    body = {"reason": "timeliness", "words": "Asiakkaan tilanne on muuttunut."}
    expect(201, await decisions.provider.post(f"/decisions/{ref}/concerns", json=body))
    await eraser
    return done_first == [True]


async def test_who_files_a_concern_at_the_same_time_comes_before_or_after(decisions, monkeypatch):
    """E-59: as who writes; what is filed after the erasure can be read."""
    assert not await erased_before_the_words_are_stored(decisions, monkeypatch)


async def test_control_without_the_clients_lock_words_are_stored_that_nobody_can_read(decisions, monkeypatch):
    async def unlocked(_tx: Transaction, _client_ref: str) -> None:
        return None

    monkeypatch.setattr(store, "lock_client", unlocked)
    assert await erased_before_the_words_are_stored(decisions, monkeypatch)


@pytest.mark.parametrize("event", [ClientContactErased, ClientEligibilityErased])
def test_the_fact_says_nothing_of_the_client(event):
    assert set(event.model_fields) == {"version", "client_ref"}
