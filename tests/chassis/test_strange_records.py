"""What strangers may put on our topics: counted, set aside or ignored; never a crash, never a stall of other keys."""

import gzip
from collections.abc import Sequence
from dataclasses import replace

import pytest

from chassis import telemetry
from chassis.bus import Record
from chassis.bus.kafka_consumer import UNREADABLE
from chassis.dead_letters import DeadLetter, list_letters
from chassis.testing import ServiceUnderTest
from contracts.envelope import new_event_id
from tests.chassis.builders import a_payment, an_office

TWO_MEGABYTES = 2 * 1024 * 1024


class Count:
    """A counter of the telemetry that a test can read."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, amount: int, _attributes: object) -> None:
        self.total += amount


async def paid(toy: ServiceUnderTest) -> set[str]:
    async with toy.transaction() as tx:
        return {row["decision_ref"] for row in await tx.fetch("SELECT decision_ref FROM paid")}


async def letters(toy: ServiceUnderTest) -> Sequence[DeadLetter]:
    async with toy.transaction() as tx:
        return await list_letters(tx)


def without_headers(record: Record) -> Record:
    return replace(record, headers=())


def with_header(name: str, value: bytes):
    def changed(record: Record) -> Record:
        return replace(record, headers=(*((n, v) for n, v in record.headers if n != name), (name, value)))

    return changed


def compressed(record: Record) -> Record:
    return replace(record, value=gzip.compress(record.value or b""))


def huge(record: Record) -> Record:
    """Still the right shape: unknown fields are ignored, so only the size speaks against it."""
    body = (record.value or b"").rstrip(b"}") + b',"filler":"' + b"x" * TWO_MEGABYTES + b'"}'
    return replace(record, value=body)


def huge_headers(record: Record) -> Record:
    return replace(record, headers=(("noise", b"x" * TWO_MEGABYTES),))


def many_headers(record: Record) -> Record:
    return replace(record, headers=tuple((f"h{n}", b"x") for n in range(5_000)))


def huge_key(record: Record) -> Record:
    return replace(record, key=b"k" * TWO_MEGABYTES, value=b"{")


def no_body(record: Record) -> Record:
    return replace(record, value=None)


def unreadable(record: Record) -> Record:
    return replace(record, key=None, headers=((UNREADABLE, b""),), value=b"")


STRANGE = [
    without_headers,
    with_header("content-type", b"application/x-protobuf"),
    with_header("ce_specversion", b"2.0"),
    with_header("ce_id", b"not a uuid"),
    with_header("ce_id", b"\xff\xfe"),
    compressed,
    huge,
    huge_headers,
    many_headers,
    huge_key,
    no_body,
    unreadable,
]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda make: getattr(make, "__name__", "header"))
async def test_a_strange_record_becomes_a_letter_and_other_keys_go_on(toy: ServiceUnderTest, strange):
    record = strange(toy.record_of(a_payment(decision_ref="D-strange")))
    await toy.deliver_records(record, toy.record_of(a_payment(decision_ref="D-other")))
    await toy.deliver(a_payment(decision_ref="D-later"))
    assert await paid(toy) == {"D-other", "D-later"}
    (letter,) = await letters(toy)
    assert letter.failure == "permanent"
    assert letter.record.value == record.value


@pytest.mark.parametrize("strange", [huge, huge_headers, many_headers, huge_key, compressed])
async def test_what_is_published_of_a_letter_fits_every_bus(toy: ServiceUnderTest, strange):
    """Else one record of a stranger would stop the relay, and with it everything this service says."""
    await toy.deliver_records(strange(toy.record_of(a_payment())))
    async with toy.transaction() as tx:
        row = await tx.fetchrow("SELECT * FROM outbox")
    assert row is not None
    assert row["topic"] == "rekku.notifications.dead-letter"
    size = len(row["key"]) + len(row["value"])
    size += sum(len(n) + len(v) for n, v in zip(row["header_names"], row["header_values"], strict=True))
    assert size < 512 * 1024


async def test_a_type_of_the_future_is_counted_and_ignored(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    count = Count()
    monkeypatch.setattr(telemetry, "unknown_types", count)
    future = with_header("ce_type", b"fi.kela.rekku.decisions.period-paid.v9")
    await toy.deliver_records(future(toy.record_of(a_payment())), toy.record_of(a_payment(decision_ref="D-2")))
    assert count.total == 1
    assert await paid(toy) == {"D-2"}
    assert await letters(toy) == []


@pytest.mark.parametrize(("second", "counted"), [("D-2", 1), ("D-1", 0)], ids=["another body", "the same body"])
async def test_an_event_id_used_again_for_another_body_is_counted_and_has_no_effect(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch, second: str, counted: int
):
    """The second row is the control: an ordinary repetition is not counted."""
    count = Count()
    monkeypatch.setattr(telemetry, "reused_ids", count)
    event_id = new_event_id()
    await toy.deliver(a_payment(decision_ref="D-1"), event_id=event_id)
    await toy.deliver(a_payment(decision_ref=second), event_id=event_id)
    assert count.total == counted
    assert await paid(toy) == {"D-1"}


async def test_an_erased_key_on_a_compacted_topic_is_no_letter(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    count = Count()
    monkeypatch.setattr(telemetry, "tombstones", count)
    await toy.deliver_records(Record("rekku.client-contacts", 0, 1, b"C-1", (), None))
    assert count.total == 1
    assert await letters(toy) == []


async def test_a_strange_record_among_projected_ones_keeps_the_others(toy: ServiceUnderTest):
    records = [toy.record_of(an_office(office_id=f"O-{n}")) for n in range(5)]
    records[2] = compressed(records[2])
    await toy.deliver_records(*records)
    async with toy.transaction() as tx:
        offices = {row["office_id"] for row in await tx.fetch("SELECT office_id FROM offices")}
    assert offices == {"O-0", "O-1", "O-3", "O-4"}
    assert len(await letters(toy)) == 1
