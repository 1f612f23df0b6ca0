"""Delivery: committed first, sent once, whoever crashes in between."""

import asyncio
import logging
import stat
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from chassis.settings import Environment, Settings
from contracts.courses import CourseConfirmed
from contracts.keys import Purpose
from contracts.values import Language
from services.notifications import store
from services.notifications.delivery import deliver_messages
from services.notifications.links import SurveyLinks
from services.notifications.sms_gateway import FileGateway, GatewayDown, Sms, SmsRefused
from tests.notifications.builders import FULL_AGREEMENT, PHONE, a_course, a_decision, a_payment, a_pin


class ForgetfulGateway(FileGateway):
    """The guard switched off: does not recognise a message id it has taken before."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._numbers = count()

    async def send(self, sms: Sms) -> None:
        await super().send(replace(sms, message_id=f"{sms.message_id}-{next(self._numbers)}"))


class MeetingGateway(FileGateway):
    """Counts what is handed over; its first SMS waits until the other process has one to send as well."""

    def __init__(self, folder: Path, handed_over: Counter[str], both_are_sending: asyncio.Barrier) -> None:
        super().__init__(folder)
        self._handed_over = handed_over
        self._both_are_sending: asyncio.Barrier | None = both_are_sending

    async def send(self, sms: Sms) -> None:
        self._handed_over[sms.message_id] += 1
        meeting, self._both_are_sending = self._both_are_sending, None
        if meeting is not None:
            async with asyncio.timeout(10):
                await meeting.wait()
        await super().send(sms)


class FailingGateway:
    """A gateway that answers every SMS with the same failure."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    async def send(self, sms: Sms) -> None:
        raise self.failure


async def crash_between_send_and_mark(notifications, gateway) -> None:
    """The SMS has left, the process dies before it says so; its lease ends; another process goes on."""
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    dying = notifications.deliverer(owner="dying", gateway=gateway)

    async def die(outcomes):
        raise ConnectionError

    dying.mark = die
    with pytest.raises(ConnectionError):
        await dying.deliver()
    assert len(notifications.sms()) == 1
    assert await notifications.sent("feedback") == []
    assert await notifications.deliverer().deliver() == 0  # the lease still runs
    await notifications.expire_claims()
    await notifications.send_all(notifications.deliverer(owner="next", gateway=gateway))


async def test_a_crash_between_sending_and_marking_sends_nothing_twice(notifications):
    """At least once, applied once: one file, one MessageSent."""
    await crash_between_send_and_mark(notifications, FileGateway(notifications.sms_folder))
    assert len(notifications.sms()) == 1
    assert len(await notifications.sent("feedback")) == 1
    assert await notifications.states("feedback") == ["sent"]


async def test_a_gateway_that_forgets_message_ids_would_send_twice(notifications):
    """Negative control of the test above."""
    await crash_between_send_and_mark(notifications, ForgetfulGateway(notifications.sms_folder))
    assert len(notifications.sms()) == 2
    assert len(await notifications.sent("feedback")) == 1


async def test_the_file_is_recognised_on_another_day(notifications):
    """The file's date is the message's, so that a late retry finds it."""
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    dying = notifications.deliverer()

    async def die(outcomes):
        raise ConnectionError

    dying.mark = die
    with pytest.raises(ConnectionError):
        await dying.deliver()
    await notifications.expire_claims()
    await notifications.service.clock.advance(timedelta(days=2))
    await notifications.send_all()
    assert len(notifications.sms()) == 1


async def marked_by_two(notifications) -> None:
    """A slow process and the one that took over after its lease both say that the message has left."""
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    slow, quick = notifications.deliverer(owner="slow"), notifications.deliverer(owner="quick")
    mark, kept = slow.mark, []

    async def keep(outcomes):
        kept.extend(outcomes)

    slow.mark = keep
    await slow.deliver()
    await notifications.expire_claims()
    await quick.deliver()
    await mark(kept)


async def test_a_message_marked_by_two_is_published_once(notifications):
    await marked_by_two(notifications)
    assert len(await notifications.sent("feedback")) == 1


async def test_marking_without_looking_at_the_state_would_publish_twice(notifications, monkeypatch):
    """Negative control of the test above."""

    async def set_sent_blindly(tx, message_ids):
        return await tx.fetch(
            "UPDATE messages SET state = 'sent', sent_at = $2 WHERE message_id = ANY($1::text[])"
            " RETURNING message_id, template, decision_ref",
            message_ids,
            tx.now,
        )

    monkeypatch.setattr(store, "set_sent", set_sent_blindly)
    await marked_by_two(notifications)
    assert len(await notifications.sent("feedback")) == 2


async def deliver_with_two(notifications, clients: int) -> tuple[Counter[str], list[int]]:
    """Two processes at the same time on the same messages: hand-overs by message, work done by each."""
    for number in range(clients):
        await notifications.deliver(
            await notifications.a_contact(f"D-{number}"), a_decision(decision_ref=f"D-{number}")
        )
        await notifications.deliver(a_payment(2, decision_ref=f"D-{number}"))
    handed_over: Counter[str] = Counter()
    both_are_sending = asyncio.Barrier(2)

    async def work(owner: str) -> int:
        gateway = MeetingGateway(notifications.sms_folder, handed_over, both_are_sending)
        deliverer, done = notifications.deliverer(owner=owner, gateway=gateway), 0
        while claimed := await deliverer.deliver():
            done += claimed
        return done

    return handed_over, await asyncio.gather(work("one"), work("two"))


async def test_two_processes_share_the_messages_without_sending_any_twice(notifications, monkeypatch):
    monkeypatch.setattr("services.notifications.delivery._BATCH", 5)
    handed_over, done = await deliver_with_two(notifications, 20)
    assert set(handed_over.values()) == {1}
    assert sum(done) == len(handed_over) == len(await notifications.sent("feedback")) == 20
    assert min(done) >= 5


async def test_without_leases_two_processes_hand_messages_over_twice(notifications, monkeypatch):
    """Negative control: what the leases are for."""
    claim = store.claim_waiting_sms

    async def claim_without_lease(tx, owner, *, lease, limit):
        # What the other is just claiming is skipped; without a lease it can be had as soon as that is committed.
        while not (claimed := await claim(tx, owner, lease=timedelta(seconds=-1), limit=limit)):
            if not await tx.fetchval("SELECT EXISTS (SELECT FROM messages WHERE state = 'waiting')"):
                break
            await asyncio.sleep(0.01)
        return claimed

    monkeypatch.setattr(store, "claim_waiting_sms", claim_without_lease)
    handed_over, _ = await deliver_with_two(notifications, 10)
    assert max(handed_over.values()) == 2
    assert len(await notifications.sent("feedback")) == len(notifications.sms()) == 10


async def test_an_erased_client_is_not_written_to(notifications):
    """Erasing the key erases the contact; the message is given up, and the audit says so."""
    await notifications.given_client()
    await notifications.service.db.vault.erase("client-of-D-1")
    await notifications.deliver(a_payment(2))
    await notifications.send_all()
    assert notifications.sms() == []
    assert await notifications.states("feedback") == ["undeliverable"]
    assert await notifications.sent("feedback") == []
    async with notifications.service.transaction() as tx:
        row = await tx.fetchrow("SELECT action, detail FROM audit WHERE action <> 'write_message'")
    assert (row["action"], row["detail"]) == ("give_up_message", {"problem": "KEY_ERASED"})


@pytest.mark.parametrize("phone", ["0401234567", "+358 40 1234567", "nobody"])
async def test_a_number_that_is_none_is_given_up(notifications, phone):
    await notifications.given_client("D-1", phone=phone)
    await notifications.given_client("D-2")
    await notifications.deliver(a_payment(2, decision_ref="D-1"), a_payment(2, decision_ref="D-2"))
    await notifications.send_all()
    assert await notifications.states("feedback") == ["undeliverable", "sent"]


async def test_a_number_stored_before_that_is_not_mobile_crashes_nothing(notifications):
    """E-69: such numbers were taken until now; the others of the batch go on."""
    await notifications.given_client("D-1", phone="+358171234567")
    await notifications.given_client("D-2")
    await notifications.deliver(a_payment(2, decision_ref="D-1"), a_payment(2, decision_ref="D-2"))
    await notifications.send_all()
    assert await notifications.states("feedback") == ["sent", "sent"]


async def test_a_contact_that_cannot_be_read_holds_up_nobody(notifications):
    sealed = await notifications.service.db.vault.seal(Purpose.CONTACTS, "client-of-D-1", b'{"phone": 5}')
    contact = (await notifications.a_contact()).model_copy(update={"sealed": sealed})
    await notifications.deliver(a_decision(), contact, a_payment(2))
    foreign = (await notifications.a_contact("D-2")).model_copy(update={"client_ref": "client-of-D-3"})
    await notifications.service.db.vault.seal(Purpose.CONTACTS, "client-of-D-3", b"a key of its own")
    await notifications.deliver(a_decision(decision_ref="D-3"), foreign, a_payment(2, decision_ref="D-3"))
    await notifications.given_client("D-4")
    await notifications.deliver(a_payment(2, decision_ref="D-4"))
    await notifications.send_all()
    assert await notifications.states("feedback") == ["undeliverable", "undeliverable", "sent"]


async def test_the_clients_language_decides_and_the_newest_number_is_used(notifications):
    """E-31: fi and sv."""
    await notifications.given_client(language=Language.SV)
    await notifications.deliver(await notifications.a_contact(phone="+358509999999", language=Language.SV, version=3))
    await notifications.deliver(await notifications.a_contact(phone="+358501111111", version=2))
    await notifications.deliver(a_payment(2))
    await notifications.send_all()
    [sms] = notifications.sms()
    assert "To: +358509999999" in sms
    assert "Svara anonymt" in sms


async def test_a_message_that_breaks_the_sender_holds_up_nobody_and_betrays_nothing(notifications, caplog):
    """A bug on one message: the others of its batch leave, and the log says no number."""

    class BreaksOnOne(FileGateway):
        async def send(self, sms: Sms) -> None:
            if sms.phone == PHONE:
                raise KeyError(sms.phone)
            await super().send(sms)

    await notifications.given_client("D-1")
    await notifications.given_client("D-2", phone="+358501111111")
    await notifications.deliver(a_payment(2, decision_ref="D-1"), a_payment(2, decision_ref="D-2"))
    await notifications.send_all(notifications.deliverer(gateway=BreaksOnOne(notifications.sms_folder)))
    assert await notifications.states("feedback") == ["waiting", "sent"]
    assert "KeyError" in caplog.text
    assert PHONE not in caplog.text


async def test_a_key_store_that_is_down_keeps_messages_waiting(notifications, monkeypatch):
    async def unreachable(client_ref, sealed):
        raise ConnectionRefusedError

    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    with monkeypatch.context() as patch:
        patch.setattr(notifications.service.db.vault, "open", unreachable)
        await notifications.deliverer().deliver()
    assert await notifications.states("feedback") == ["waiting"]
    await notifications.expire_claims()
    await notifications.send_all()
    assert await notifications.states("feedback") == ["sent"]


async def test_pauses_grow_with_every_try_up_to_ten_minutes(notifications):
    down, pauses = FailingGateway(GatewayDown("connection refused")), []
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    for _ in range(9):
        await notifications.deliverer(gateway=down).deliver()
        async with notifications.service.transaction() as tx:
            pause = await tx.fetchval(
                "SELECT extract(epoch FROM claimed_until - clock_timestamp()) FROM messages WHERE template = 'feedback'"
            )
        pauses.append(round(float(pause) / 5))
        await notifications.expire_claims()
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 120, 120]


async def test_a_gateway_that_is_down_is_tried_again_later(notifications):
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    await notifications.deliverer(gateway=FailingGateway(GatewayDown("connection refused"))).deliver()
    assert await notifications.states("feedback") == ["waiting"]
    assert await notifications.deliverer().deliver() == 0  # it rests
    await notifications.expire_claims()
    await notifications.send_all()
    assert await notifications.states("feedback") == ["sent"]


async def test_an_sms_the_gateway_refuses_is_given_up(notifications):
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    await notifications.deliverer(gateway=FailingGateway(SmsRefused("BARRED"))).deliver()
    assert await notifications.states("feedback") == ["undeliverable"]


async def test_no_phone_number_is_logged_or_kept_in_the_clear(notifications, caplog):
    """Section 'Security and privacy': only at the moment of sending, and masked in the log."""
    caplog.set_level(logging.DEBUG)
    await notifications.given_client()
    await notifications.deliver(a_payment(2), a_course(CourseConfirmed), a_pin())
    await notifications.send_all()
    assert PHONE.removeprefix("+358") not in caplog.text
    assert PHONE[-2:] in caplog.text
    async with notifications.service.transaction() as tx:
        for table in ("messages", "client_contacts", "outbox", "audit"):
            rows = await tx.fetch(f"SELECT t::text AS everything FROM {table} t")
            assert not any("401234567" in row["everything"] for row in rows)


async def test_an_sms_file_is_the_readers_alone(notifications):
    await notifications.given_client()
    await notifications.deliver(a_payment(2))
    await notifications.send_all()
    [path] = notifications.sms_folder.glob("2024-01-15/*.txt")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


async def test_the_worker_sends_after_commits_and_survives_a_lost_database(notifications, monkeypatch):
    failures = iter([ConnectionError("lost")])
    find = store.find_free_sms

    async def lost_once(tx):
        for failure in failures:
            raise failure
        return await find(tx)

    monkeypatch.setattr(store, "find_free_sms", lost_once)
    tasks = notifications.runtime.tasks
    tasks.start("delivery", partial(deliver_messages, notifications.runtime))
    try:
        await notifications.given_client()
        await notifications.deliver(a_payment(2))
        async with asyncio.timeout(10):
            while await notifications.states("feedback") != ["sent"]:
                await asyncio.sleep(0.01)
        [token] = notifications.survey_tokens()
        assert (await notifications.answer(token, FULL_AGREEMENT)).status_code == 201
    finally:
        await tasks.stop()


def settings(**differences) -> Settings:
    given = {
        "secret": "a secret of more than thirty-two characters",
        "fingerprint_secret": "another one, of more than thirty-two",
        "public_url": "https://www.kela.fi",
    }
    return Settings.model_validate({**given, **differences})


def test_survey_links_are_derived_and_cannot_be_guessed_without_the_secret():
    """At least 128 bits; nothing to store but a hash."""
    links, others = SurveyLinks(settings()), SurveyLinks(settings(secret="another secret of enough characters"))
    token = links.token("survey-1")
    assert len(token) * 5 >= 128
    assert token.isalnum()
    assert token == token.lower() == links.token("survey-1")
    assert len({token, links.token("survey-2"), others.token("survey-1")}) == 3


def test_links_need_a_secret_and_in_production_an_address_of_kela():
    """E-31: link to the kela.fi domain only."""
    with pytest.raises(ValueError, match="REKKU_SECRET"):
        SurveyLinks(settings(secret="short"))
    production = {"environment": Environment.PRODUCTION, "jwks_url": "https://op.kela.fi/jwks"}
    assert SurveyLinks(settings(**production)).link("s").startswith("https://www.kela.fi/s/")
    with pytest.raises(ValueError, match="REKKU_SECRET"):
        SurveyLinks(settings(**production, secret="x" * 31))
    with pytest.raises(ValueError, match=r"kela\.fi"):
        SurveyLinks(settings(**production, public_url="https://example.org"))
