"""What notifications does once a client is erased: no contact, nothing waiting, no SMS left (record 0031)."""

from datetime import timedelta
from uuid import uuid4

import pytest

from chassis import dead_letters
from chassis.bus import Record
from contracts.decisions import CLIENT_CONTACTS, ClientContactErased
from services.notifications import copies
from services.notifications.sms_gateway import FileGateway, GatewayDown
from tests.notifications.builders import a_decision, a_payment

CLIENT = "client-of-D-1"


def erased(version: int = 2) -> ClientContactErased:
    return ClientContactErased(version=version, client_ref=CLIENT)


async def contact_of(notifications):
    async with notifications.service.transaction() as tx:
        return await tx.fetchval("SELECT sealed FROM client_contacts WHERE client_ref = $1", CLIENT)


async def audited(notifications, act):
    async with notifications.service.transaction() as tx:
        return [row["subject"] for row in await tx.fetch("SELECT subject FROM audit WHERE action = $1", act)]


async def messages_in(notifications, state):
    async with notifications.service.transaction() as tx:
        rows = await tx.fetch("SELECT message_id FROM messages WHERE state = $1", state)
    assert rows
    return [f"message:{row['message_id']}" for row in rows]


async def test_nothing_waits_and_nothing_is_left_at_the_gateway(notifications):
    await notifications.given_client()
    await notifications.given_client("D-2")
    await notifications.deliver(a_payment(2), a_payment(2, decision_ref="D-2"))
    await notifications.send_all()
    assert len(notifications.sms()) == 2
    await notifications.deliver(a_payment(3, last=True))
    await notifications.deliver(erased())
    assert await contact_of(notifications) is None
    assert await notifications.deliverer().remove() == 1
    await notifications.send_all()
    assert len(notifications.sms()) == 1, "the other client's stays, and no other is sent"
    assert await notifications.states("feedback") == ["sent", "sent", "cancelled"]
    assert await audited(notifications, "cancel_message") == await messages_in(notifications, "cancelled")
    async with notifications.service.transaction() as tx:
        open_surveys = await tx.fetchval(
            "SELECT count(*) FROM surveys JOIN invitations USING (survey_id) WHERE state = 'open'"
            " AND decision_ref = 'D-1' AND period_number = 3"
        )
    assert open_surveys == 0
    assert await notifications.deliverer().remove() == 0


async def test_what_somebody_is_sending_just_now_is_removed_after_that(notifications):
    """Removed before, the file would be written after."""
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    deliverer = notifications.deliverer(lease=timedelta(hours=1))
    (claimed,) = await notifications.service.db.run(deliverer._claim)
    await notifications.deliver(erased())
    assert await deliverer.remove() == 0
    await deliverer.mark([await deliverer._try(claimed)])
    assert len(notifications.sms()) == 1
    assert await deliverer.remove() == 1
    assert notifications.sms() == []


async def test_what_was_claimed_by_somebody_who_died_is_given_up(notifications):
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    await notifications.service.db.run(notifications.deliverer(lease=timedelta(0))._claim)
    await notifications.deliver(erased())
    await notifications.send_all()
    assert await notifications.deliverer().remove() == 1
    assert await notifications.states("feedback") == ["undeliverable"]
    assert await audited(notifications, "give_up_message") == await messages_in(notifications, "undeliverable")
    assert notifications.sms() == []


async def test_a_gateway_that_is_away_is_asked_again(notifications, monkeypatch):
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    await notifications.send_all()
    await notifications.deliver(erased())

    async def away(*_arguments):
        raise GatewayDown("away")

    with monkeypatch.context() as patch:
        patch.setattr(FileGateway, "remove", away)
        assert await notifications.deliverer().remove() == 0
    assert len(notifications.sms()) == 1
    assert await notifications.deliverer().remove() == 1
    assert notifications.sms() == []


async def test_nothing_older_brings_the_contact_back_and_something_newer_does(notifications):
    old, new = await notifications.a_contact(), await notifications.a_contact(version=3)
    await notifications.deliver(a_decision(), old, erased(), old)
    assert await contact_of(notifications) is None
    await notifications.deliver(new)
    assert await contact_of(notifications) == new.sealed


async def test_it_may_come_before_what_it_takes_back(notifications):
    await notifications.deliver(erased(), await notifications.a_contact())
    assert await contact_of(notifications) is None


async def test_control_without_the_version_a_late_record_brings_it_back(notifications, monkeypatch):
    async def forgotten(tx, _version, client_ref, sealed):
        await tx.execute("DELETE FROM client_contacts WHERE client_ref = $1", client_ref)
        if sealed is not None:
            await tx.execute("INSERT INTO client_contacts VALUES ($1, 1, $2)", client_ref, sealed)

    monkeypatch.setattr(copies, "set_client_contact", forgotten)
    old = await notifications.a_contact()
    await notifications.deliver(a_decision(), old, erased(), old.model_copy())
    assert await contact_of(notifications) == old.sealed


@pytest.mark.parametrize("parks_key", [True, False])
async def test_dead_letters_and_what_waits_behind_them_go_as_well(notifications, parks_key):
    def record(key, position):
        return Record(CLIENT_CONTACTS, 0, position, key, (("ce_id", str(uuid4()).encode()),), b"+358401234567")

    async with notifications.service.transaction() as tx:
        for position, key in enumerate([CLIENT.encode(), b"client-of-D-2"]):
            await dead_letters.add_letter(tx, record(key, position), None, "bug", "a bug", parks_key=parks_key)
        if parks_key:
            assert await dead_letters.park(tx, record(CLIENT.encode(), 5))
        tx.outgoing.clear()
    await notifications.deliver(erased())
    async with notifications.service.transaction() as tx:
        left = await dead_letters.list_letters(tx, state=None)
        parked = await tx.fetchval("SELECT count(*) FROM parked_records")
        keys = await tx.fetchval("SELECT count(*) FROM parked_keys")
    assert [letter.record.key for letter in left] == [b"client-of-D-2"]
    assert (parked, keys) == (0, int(parks_key))
