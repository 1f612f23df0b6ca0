"""The inbox: applied once, in order per key; every class of failure does what the design says."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import asyncpg
import pytest

from chassis import db, dead_letters, inbox, telemetry
from chassis.bus import Record
from chassis.db import backoff_s
from chassis.inbox import Flood
from chassis.lanes import LaneLost
from chassis.reading import NOBODY
from chassis.replaying import discard, replay
from chassis.testing import ServiceUnderTest
from contracts.decisions import PeriodPaid
from contracts.envelope import UndecodableRecord, new_event_id
from tests.chassis.builders import a_payment, a_pin, an_office
from tests.chassis.toy.app import SERVICE, ToyAct


async def payments(toy: ServiceUnderTest) -> list[tuple[str, int, int]]:
    async with toy.transaction() as tx:
        rows = await tx.fetch("SELECT decision_ref, period_number, times FROM paid ORDER BY seq")
    return [tuple(row) for row in rows]


async def letters(toy: ServiceUnderTest, state: str | None = "open") -> Sequence[dead_letters.DeadLetter]:
    async with toy.transaction() as tx:
        return await dead_letters.list_letters(tx, state=state)


def not_json(record: Record) -> Record:
    return replace(record, value=b"{not json")


def wrong_model(record: Record) -> Record:
    return replace(record, value=b'{"version": 1, "decision_ref": 7}')


def bad_header(record: Record) -> Record:
    return replace(record, headers=(*record.headers, ("ce_note", b"\xff\xfe")))


async def test_a_repeated_delivery_is_applied_once(toy: ServiceUnderTest):
    """E-67."""
    event_id = new_event_id()
    await toy.deliver(a_payment(), event_id=event_id)
    await toy.deliver(a_payment(), event_id=event_id)
    assert await payments(toy) == [("D-1", 1, 1)]


async def test_without_the_inbox_the_repeated_delivery_counts_twice(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """The negative control: the toy's handler counts what reaches it."""

    async def always_new(*_: object) -> bool:
        return True

    monkeypatch.setattr(inbox.Inbox, "_is_new", always_new)
    event_id = new_event_id()
    await toy.deliver(a_payment(), event_id=event_id)
    await toy.deliver(a_payment(), event_id=event_id)
    assert await payments(toy) == [("D-1", 1, 2)]


async def test_two_processes_with_the_same_record_apply_it_once(toy: ServiceUnderTest):
    record = toy.record_of(a_payment())
    await asyncio.gather(*(toy.deliver_records(record) for _ in range(8)))
    assert await payments(toy) == [("D-1", 1, 1)]


async def test_a_batch_keeps_the_order_of_each_key(toy: ServiceUnderTest):
    batch = [toy.record_of(a_payment(decision_ref=f"D-{key}", period_number=n)) for n in range(1, 9) for key in "abc"]
    await toy.deliver_records(*batch)
    applied = await payments(toy)
    for key in "abc":
        assert [n for ref, n, _ in applied if ref == f"D-{key}"] == list(range(1, 9))


@pytest.mark.parametrize("spoil", [not_json, wrong_model, bad_header])
async def test_a_record_that_cannot_be_read_becomes_a_letter_and_holds_up_nobody(toy: ServiceUnderTest, spoil):
    poison = spoil(toy.record_of(a_payment(decision_ref="D-poison")))
    await toy.deliver_records(poison, toy.record_of(a_payment(decision_ref="D-fine")))
    assert await payments(toy) == [("D-fine", 1, 1)]
    (letter,) = await letters(toy)
    assert (letter.failure, letter.parks_key) == ("permanent", True)
    assert letter.record == poison
    async with toy.transaction() as tx:
        topic = await tx.fetchval("SELECT topic FROM outbox")
    assert topic == "rekku.notifications.dead-letter"


async def test_a_handler_bug_becomes_a_letter_and_parks_its_key(toy: ServiceUnderTest):
    """Later records of the key wait in order; other keys go on; a replay lets them all through."""
    await toy.deliver(a_payment(period_number=99), a_payment(period_number=2), a_payment(period_number=3))
    await toy.deliver(a_payment(decision_ref="D-other"))
    assert await payments(toy) == [("D-other", 1, 1)]
    (letter,) = await letters(toy)
    assert (letter.failure, letter.waiting) == ("bug", 2)
    assert letter.error == "ZeroDivisionError: cannot be handled"


async def test_a_letter_that_still_fails_stays_open(toy: ServiceUnderTest):
    await toy.deliver(a_payment(period_number=99), a_payment(period_number=2))
    (letter,) = await letters(toy)
    with pytest.raises(ZeroDivisionError):
        await replay(toy.service, toy.db, NOBODY, letter.letter_id)
    assert [found.waiting for found in await letters(toy)] == [1]
    assert await payments(toy) == []


async def test_a_mended_letter_is_replayed_before_what_waited(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    await toy.deliver(a_payment(period_number=99), a_payment(period_number=2), a_payment(period_number=3))
    (letter,) = await letters(toy)

    async def mended(tx, event) -> None:
        await tx.execute("INSERT INTO paid VALUES ($1, $2)", event.decision_ref, event.period_number)

    monkeypatch.setitem(toy.service.reactions, type(a_payment()), mended)  # type: ignore[arg-type]
    assert await replay(toy.service, toy.db, NOBODY, letter.letter_id) == 3
    assert [n for _, n, _ in await payments(toy)] == [99, 2, 3]
    await toy.deliver(a_payment(period_number=4))
    assert [n for _, n, _ in await payments(toy)] == [99, 2, 3, 4]
    with pytest.raises(dead_letters.NoSuchLetter):
        await replay(toy.service, toy.db, NOBODY, letter.letter_id)


async def test_a_discarded_letter_lets_its_key_go_on(toy: ServiceUnderTest):
    await toy.deliver(a_payment(period_number=99), a_payment(period_number=2))
    (letter,) = await letters(toy)
    assert await discard(toy.service, toy.db, NOBODY, letter.letter_id) == 1
    assert await payments(toy) == [("D-1", 2, 1)]
    assert [found.state for found in await letters(toy, None)] == ["discarded"]


async def test_a_poison_record_delivered_again_is_one_letter(toy: ServiceUnderTest):
    for poison in (toy.record_of(a_payment(period_number=99)), not_json(toy.record_of(a_payment(decision_ref="D-2")))):
        await toy.deliver_records(poison)
        await toy.deliver_records(poison)
    assert len(await letters(toy)) == 2


async def test_a_waiting_record_delivered_again_waits_once(toy: ServiceUnderTest):
    later = toy.record_of(a_payment(period_number=2))
    await toy.deliver(a_payment(period_number=99))
    await toy.deliver_records(later)
    await toy.deliver_records(later)
    assert [letter.waiting for letter in await letters(toy)] == [1]


async def test_a_failing_state_event_parks_nothing(toy: ServiceUnderTest):
    """The next version heals."""
    await toy.deliver(a_pin(99), a_pin(100))
    (letter,) = await letters(toy)
    assert not letter.parks_key
    async with toy.transaction() as tx:
        assert await tx.fetchval("SELECT array_agg(key) FROM fired") == ["pin D-1 100"]


async def test_an_event_that_is_not_acceptable_is_not_tried_again(toy: ServiceUnderTest):
    await toy.deliver(a_payment(period_number=98))
    assert [letter.failure for letter in await letters(toy)] == ["permanent"]


async def test_a_type_of_the_future_is_ignored(toy: ServiceUnderTest):
    record = toy.record_of(a_payment())
    headers = tuple((n, b"fi.kela.rekku.decisions.new.v9" if n == "ce_type" else v) for n, v in record.headers)
    await toy.deliver_records(replace(record, headers=headers))
    assert await letters(toy) == []


async def test_a_failure_of_the_moment_is_tried_again(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    tries = 0
    handler = toy.service.reactions[type(a_payment())]

    async def flaky(tx, event) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise asyncpg.SerializationError("lost a race")
        await handler(tx, event)

    monkeypatch.setitem(toy.service.reactions, type(a_payment()), flaky)  # type: ignore[arg-type]
    await toy.deliver(a_payment())
    assert await payments(toy) == [("D-1", 1, 1)]
    assert await letters(toy) == []


async def test_a_failure_of_the_moment_is_tried_again_however_long_it_lasts(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """It never becomes a letter, and where it lasts a line says so."""
    monkeypatch.setattr(inbox, "backoff_s", lambda *_, **__: 0.0)
    handler = toy.service.reactions[type(a_payment())]
    tries = 0

    async def unreachable(tx, event) -> None:
        nonlocal tries
        tries += 1
        if tries < 1_200:
            raise asyncpg.ConnectionDoesNotExistError("gone")
        await handler(tx, event)

    monkeypatch.setitem(toy.service.reactions, type(a_payment()), unreachable)  # type: ignore[arg-type]
    await toy.deliver(a_payment())
    assert await payments(toy) == [("D-1", 1, 1)]
    assert await letters(toy) == []
    assert [line for line in caplog.messages if "waits: ConnectionDoesNotExistError lasts" in line] != []


def test_a_pause_stays_short_however_often_something_has_failed():
    """Doubling without an end would be an error of its own after a thousand failures."""
    assert 0 <= backoff_s(5_000) <= 2


async def test_a_record_of_a_type_that_belongs_on_another_topic_is_not_believed(toy: ServiceUnderTest):
    """Whoever may write one topic cannot speak for the owner of another."""
    payment = toy.record_of(a_payment(decision_ref="D-forged"))
    office = toy.record_of(an_office(office_id="O-forged"))
    await toy.deliver_records(replace(payment, topic="rekku.pins"), replace(office, topic="rekku.payments"))
    assert await payments(toy) == []
    async with toy.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM offices") == 0
    assert [letter.failure for letter in await letters(toy)] == ["permanent"] * 2


@pytest.fixture
def cancelling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler of payments is cancelled at every one of `D-cancelled`, by something that it waits for."""
    handler = SERVICE.reactions[PeriodPaid]

    async def react(tx, event) -> None:
        if event.decision_ref == "D-cancelled":
            shared = asyncio.get_running_loop().create_future()
            shared.cancel()
            await shared
        await handler(tx, event)

    monkeypatch.setitem(SERVICE.reactions, PeriodPaid, react)  # type: ignore[arg-type]


async def test_a_handler_that_is_cancelled_from_within_has_failed_like_any_other(
    toy: ServiceUnderTest, cancelling: None
):
    """Its record becomes a letter after some tries; records of other keys are applied."""
    records = [toy.record_of(a_payment(decision_ref=ref)) for ref in ("D-1", "D-cancelled", "D-2")]
    await toy.deliver_records(*records)
    assert sorted(await payments(toy)) == [("D-1", 1, 1), ("D-2", 1, 1)]
    assert [(letter.failure, letter.error.partition(":")[0]) for letter in await letters(toy)] == [
        ("bug", "CancelledWithin")
    ]


async def test_control_where_that_counts_as_an_end_its_partition_stands(
    toy: ServiceUnderTest, cancelling: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(db, "cancelled_from_outside_only", nullcontext)
    for _ in range(3):
        with pytest.raises(LaneLost):
            await toy.deliver_records(toy.record_of(a_payment(decision_ref="D-cancelled")))
    assert not await letters(toy)


async def test_a_flood_of_letters_stops_the_consumer(toy: ServiceUnderTest):
    with pytest.raises(Flood):
        for n in range(40):
            await toy.deliver(a_payment(decision_ref=f"D-{n}", period_number=98))
    assert len(await letters(toy)) == 20
    with pytest.raises(Flood):
        await toy.deliver(a_payment(decision_ref="D-fine"))


async def test_a_few_letters_among_many_records_are_data(toy: ServiceUnderTest):
    for n in range(25):
        good = [toy.record_of(a_payment(decision_ref=f"D-{n}-{m}")) for m in range(30)]
        await toy.deliver_records(*good, toy.record_of(a_payment(decision_ref=f"D-{n}", period_number=98)))
    assert len(await letters(toy)) == 25


async def test_a_projection_takes_a_batch_and_loses_only_the_poison(toy: ServiceUnderTest):
    batch = [toy.record_of(an_office(office_id=f"O-{n}", name="poison" if n == 5 else "fine")) for n in range(12)]
    batch[8] = not_json(batch[8])
    await toy.deliver_records(*batch)
    await toy.deliver_records(*batch)
    async with toy.transaction() as tx:
        found = {row["office_id"] for row in await tx.fetch("SELECT office_id FROM offices")}
    assert found == {f"O-{n}" for n in range(12)} - {"O-5", "O-8"}
    assert len(await letters(toy)) == 2


async def test_a_letter_that_cannot_be_read_cannot_be_replayed(toy: ServiceUnderTest):
    await toy.deliver_records(not_json(toy.record_of(a_payment())))
    (letter,) = await letters(toy)
    with pytest.raises(UndecodableRecord):
        await replay(toy.service, toy.db, NOBODY, letter.letter_id)
    assert len(await letters(toy)) == 1


async def test_a_query_put_wrongly_is_a_bug_and_not_a_failure_of_the_moment(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    async def wrong(tx, _event) -> None:
        await tx.execute("SELECT $1::int, $2::int", 1)

    monkeypatch.setitem(toy.service.reactions, type(a_payment()), wrong)  # type: ignore[arg-type]
    await toy.deliver(a_payment())
    assert [letter.failure for letter in await letters(toy)] == ["bug"]


async def test_a_waiting_record_that_fails_too_takes_the_letters_place(toy: ServiceUnderTest):
    """Else one bad record more would keep the key parked for ever, whatever the operator does."""
    await toy.deliver(*(a_payment(period_number=n) for n in (99, 2, 99, 3)))
    (first,) = await letters(toy)
    assert first.waiting == 3
    assert await discard(toy.service, toy.db, NOBODY, first.letter_id) == 1
    assert [n for _, n, _ in await payments(toy)] == [2]
    (second,) = await letters(toy)
    assert (second.failure, second.waiting) == ("bug", 1)
    assert second.event_id is not None
    await toy.deliver(a_payment(period_number=4))
    assert await discard(toy.service, toy.db, NOBODY, second.letter_id) == 2
    assert [n for _, n, _ in await payments(toy)] == [2, 3, 4]


async def test_what_fails_in_a_savepoint_is_not_published(toy: ServiceUnderTest):
    async with toy.transaction() as tx:
        tx.emit(a_payment(period_number=1))
        with pytest.raises(ZeroDivisionError):
            async with tx.savepoint():
                tx.emit(a_payment(period_number=2))
                tx.audit(ToyAct.WRITE_NOTE, "note:something")
                raise ZeroDivisionError
    assert [event.period_number for event in await toy.published(type(a_payment()))] == [1]
    async with toy.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit") == 0


async def test_parked_and_resting_keys_are_measured(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    """The control is the key beside them, which nothing waits for."""
    measured: dict[str, float] = {}

    class Gauge:
        def __init__(self, name: str) -> None:
            self.name = name

        def set(self, value: float, _of: object) -> None:
            measured[self.name] = value

    for name in ("parked_keys", "resting_keys"):
        monkeypatch.setattr(telemetry, name, Gauge(name))
    await toy.deliver(a_payment(period_number=99), a_payment(period_number=2), a_payment(decision_ref="D-2"))
    await toy.runtime._measure_once()
    assert measured == {"parked_keys": 1, "resting_keys": 0}


async def test_who_comes_while_others_rest_hardly_waits_for_a_lock(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """Else everything that wants the one locked row would hold a turn for it, one after the other."""
    handler = toy.service.reactions[type(a_payment())]
    waits: dict[str, list[str]] = {"D-stuck": [], "D-alone": [], "D-later": []}
    rested = asyncio.Event()

    async def look(tx, event) -> None:
        waits[event.decision_ref].append(await tx.fetchval("SHOW lock_timeout"))
        if event.decision_ref == "D-stuck" and not rested.is_set():
            raise asyncpg.LockNotAvailableError("somebody else holds it")
        await handler(tx, event)

    monkeypatch.setitem(toy.service.reactions, type(a_payment()), look)  # type: ignore[arg-type]
    monkeypatch.setattr(inbox, "backoff_s", lambda *_, **__: 0.5)
    await toy.deliver(a_payment(decision_ref="D-alone"))
    stuck = asyncio.create_task(toy.deliver(a_payment(decision_ref="D-stuck")))
    while not toy.runtime.inbox._resting:
        await asyncio.sleep(0)
    await toy.deliver(a_payment(decision_ref="D-later"))
    rested.set()
    await stuck
    assert (waits["D-alone"], waits["D-later"], set(waits["D-stuck"])) == (["250ms"], ["25ms"], {"250ms"})
