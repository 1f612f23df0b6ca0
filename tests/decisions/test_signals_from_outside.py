"""What other systems put on the topic of signals: who sent it is asked first, and nothing of it is believed unread."""

import json
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from uuid import UUID

import pytest

from chassis import telemetry
from chassis.bus import Record
from chassis.inbox import Flood
from chassis.reading import Sources, Stranger
from chassis.replaying import discard, replay
from contracts.decisions import QUOTA_SIGNALS, DecisionsSuspended, QuotaFilled, QuotaScopeFilled
from contracts.envelope import id_from_outside
from tests.chassis.test_strange_records import Count
from tests.decisions.builders import (
    HEART,
    MONEY,
    RARE,
    START,
    DecisionsUnderTest,
    a_description,
    described,
    lifted,
    pinned,
    suspended,
)
from tests.decisions.test_signals import dead_letters

BUDGET = "/kela/budget-followup"


def a_record(decisions: DecisionsUnderTest, *, ce_id: str | None = None, source: str = MONEY, **body: object) -> Record:
    """A suspension as another system may send it, with differences in its body."""
    record = decisions.service.record_of(suspended(), source=source)
    value = json.dumps(json.loads(record.value or b"") | body).encode()
    headers = record.headers if ce_id is None else with_header(record, "ce_id", ce_id.encode()).headers
    return replace(record, headers=headers, value=value)


def with_header(record: Record, name: str, value: bytes | None) -> Record:
    """The record with another header of this name, or with none."""
    kept = [(n, v) for n, v in record.headers if n != name]
    return replace(record, headers=(*kept, *(() if value is None else ((name, value),))))


STRANGE = {
    "from a stranger": lambda record: with_header(record, "ce_source", b"/somebody/else"),
    "from nobody": lambda record: with_header(record, "ce_source", None),
    "from one whose name only looks alike": lambda record: with_header(record, "ce_source", MONEY.encode() + b"/"),
    "from a stranger, of an unknown type": lambda record: with_header(
        with_header(record, "ce_source", b"/x"), "ce_type", b"x"
    ),
    "not JSON": lambda record: replace(record, value=b"{"),
    "no value": lambda record: replace(record, value=None),
    "no header": lambda record: replace(record, headers=()),
    "a header that is not UTF-8": lambda record: with_header(record, "ce_note", b"\xff\xfe"),
    "no id": lambda record: with_header(record, "ce_id", None),
    "an empty id": lambda record: with_header(record, "ce_id", b""),
    "no key": lambda record: replace(record, key=None, value=b"{"),
}
UNBELIEVABLE = {
    "no zone": "2024-01-15T08:00:00",
    "a day": "2024-01-15",
    "a number": 1705305600,
    "a number in words": "1705305600",
    "before there was UTC": "0001-01-01T00:00:00+14:00",
    "after there is UTC": "9999-12-31T23:59:59-12:00",
}


@pytest.fixture
def not_taken(monkeypatch: pytest.MonkeyPatch) -> Count:
    count = Count()
    monkeypatch.setattr(telemetry, "refused_from_outside", count)
    return count


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
async def test_what_cannot_be_believed_or_read_is_counted_and_holds_nobody_up(decisions, not_taken: Count, strange):
    await decisions.service.deliver_records(strange(a_record(decisions)))
    await decisions.grant()
    assert not_taken.total == 1
    assert [failure for failure, _ in await dead_letters(decisions)] == ["permanent"]
    await decisions.signal(suspended())
    await decisions.wait()


async def test_control_where_its_key_were_parked_the_rightful_signal_would_wait(decisions):
    decisions.service.runtime.inbox._fact_topics.add(QUOTA_SIGNALS)
    await decisions.service.deliver_records(replace(a_record(decisions), value=b"{"))
    await decisions.signal(suspended())
    await decisions.grant()


async def test_what_waited_since_a_version_that_parked_keys_waits_behind_one_letter_only(decisions):
    """Of what is let through by hand an unreadable record does not hold up the rightful signal again."""
    decisions.service.runtime.inbox._fact_topics.add(QUOTA_SIGNALS)
    for _ in range(2):
        await decisions.service.deliver_records(replace(a_record(decisions), value=b"{"))
    await decisions.signal(suspended())
    tested = decisions.service
    async with tested.transaction() as tx:
        letter_id = await tx.fetchval("SELECT letter_id FROM dead_letters")
        assert await tx.fetchval("SELECT count(*) FROM parked_records") == 2
    assert await discard(tested.service, tested.db, tested.settings.outside_sources, letter_id) == 1
    await decisions.wait()


async def test_a_flood_of_strangers_leaves_a_few_letters_and_stops_nothing(decisions, not_taken: Count):
    """Of what is never ours, twenty a minute are kept to be looked at; the counter has all of them."""
    for n in range(60):
        record = a_record(decisions, source="/somebody/else" if n % 2 else MONEY)
        await decisions.service.deliver_records(record if n % 2 else replace(record, value=b"{"))
    await decisions.signal(suspended())
    await decisions.wait()
    assert not_taken.total == 60
    assert len(await dead_letters(decisions)) == 20


async def test_control_as_many_unreadable_records_of_our_own_topics_do_stop_the_consumer(decisions):
    with pytest.raises(Flood):
        for n in range(60):
            record = decisions.service.record_of(described(a_description(service=f"S-{n}")))
            await decisions.service.deliver_records(replace(record, value=b"{"))


async def test_an_event_of_another_topic_is_not_taken_from_the_topic_of_signals(decisions):
    """Else whoever may signal could write our copies of everything we read."""
    forged = replace(decisions.service.record_of(pinned("D-forged"), source=MONEY), topic=QUOTA_SIGNALS)
    await decisions.service.deliver_records(forged)
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM pins") == 0
    [(failure, error)] = await dead_letters(decisions)
    assert (failure, "does not belong on rekku.quota-signals" in error) == ("permanent", True)


@pytest.mark.parametrize("ce_id", ["42", "A234-1234-1234", "ä", "018d30a1-e5c8-7f87-b21f-c50714b7ccb6"])
async def test_an_id_may_have_any_form_and_counts_once_per_source(decisions, ce_id: str):
    """E-67, CloudEvents: it is unique within its source only."""
    one, again, other = (
        a_record(decisions, ce_id=ce_id, signal_id="one"),
        a_record(decisions, ce_id=ce_id, signal_id="again"),
        a_record(decisions, ce_id=ce_id, signal_id="other", source=BUDGET),
    )
    await decisions.service.deliver_records(one)
    await decisions.service.deliver_records(again)
    await decisions.service.deliver_records(other)
    async with decisions.service.transaction() as tx:
        taken = {(r["source"], r["signal_id"]) for r in await tx.fetch("SELECT source, signal_id FROM suspensions")}
        kept = {row["event_id"] for row in await tx.fetch("SELECT event_id FROM inbox")}
    assert taken == {(MONEY, "one"), (BUDGET, "other")}
    assert {id_from_outside(MONEY, ce_id), id_from_outside(BUDGET, ce_id)} <= kept


def test_ids_from_outside_are_made_of_both_parts():
    """A source and an id cannot be cut in another place to give the same one; the kept form never changes."""
    assert id_from_outside("/a/b", "c") != id_from_outside("/a", "/bc")
    assert id_from_outside("/kela/funds-follow-up", "42") == UUID("e83843da-8c5e-5bed-888a-8c007ee15ce3")
    assert id_from_outside("/kela/funds-follow-up", "42").version == 5
    with pytest.raises(ValueError, match="has an id"):
        id_from_outside("/kela/funds-follow-up", "")


@pytest.mark.parametrize("make", [suspended, lifted])
async def test_a_service_nobody_has_described_is_a_letter_and_no_fact_of_ours(decisions, make):
    """A typing error is not published; once the service is known, the letter can be replayed."""
    signal = make(service=HEART)
    await decisions.signal(signal)
    assert await dead_letters(decisions) == [("permanent", "Unacceptable: the signal's service is not known")]
    async with decisions.service.transaction() as tx:
        for table in ("suspensions", "quotas"):
            assert await tx.fetchval(f"SELECT count(*) FROM {table} WHERE service = $1", HEART) == 0
        letter_id = await tx.fetchval("SELECT letter_id FROM dead_letters")
    assert not await decisions.service.published(QuotaFilled)
    await decisions.know(described(a_description(service=HEART)))
    tested = decisions.service
    assert await replay(tested.service, tested.db, tested.settings.outside_sources, letter_id) == 1
    assert len(await tested.published(QuotaFilled)) == (make is suspended)


@pytest.mark.parametrize(
    ("scope", "what"),
    [
        ({"area": "Uusimaa"}, "area"),
        ({"area": "77"}, "area"),
        ({"language": "xx"}, "language"),
        ({"area": "08", "language": "FI"}, "language"),
    ],
)
@pytest.mark.parametrize("make", [suspended, lifted])
async def test_an_unknown_area_or_language_is_a_letter_and_stops_nobody(decisions, make, scope, what):
    """It is neither widened to the whole service nor a fact of ours; known ones stand in `test_scoped_signals`."""
    await decisions.signal(make(**scope))
    await decisions.grant()
    assert await dead_letters(decisions) == [("permanent", f"Unacceptable: the signal's {what} is not known")]
    async with decisions.service.transaction() as tx:
        for table in ("suspensions", "scoped_quotas"):
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert not await decisions.service.published(QuotaScopeFilled)


@pytest.mark.parametrize("at", UNBELIEVABLE.values(), ids=UNBELIEVABLE)
async def test_an_instant_has_a_zone_and_exists(decisions, at):
    await decisions.service.deliver_records(a_record(decisions, effective_at=at))
    await decisions.grant()
    [(failure, error)] = await dead_letters(decisions)
    assert (failure, error.endswith("does not fit its model at: effective_at")) == ("permanent", True)


def test_an_instant_is_kept_in_utc():
    there = START.astimezone(timezone(timedelta(hours=2)))
    signal = DecisionsSuspended(version=1, signal_id="s", service=RARE, effective_at=there)
    assert (signal.effective_at, signal.effective_at.tzinfo) == (START, UTC)


async def test_who_is_believed_is_a_setting(decisions):
    """The control: the same signal, before and after."""
    sources: Sources = {QUOTA_SIGNALS: {"/kela/another"}}
    decisions.service.runtime.inbox._sources = sources
    await decisions.signal(suspended("one"))
    await decisions.grant()
    await decisions.signal(suspended("two"), source="/kela/another")
    await decisions.wait()


async def test_a_strangers_letter_is_not_believed_when_it_is_replayed_either(decisions):
    await decisions.signal(suspended(), source="/somebody/else")
    tested = decisions.service
    async with tested.transaction() as tx:
        letter_id = await tx.fetchval("SELECT letter_id FROM dead_letters")
    with pytest.raises(Stranger, match="not taken from this source"):
        await replay(tested.service, tested.db, tested.settings.outside_sources, letter_id)
    await decisions.grant()
    assert await replay(tested.service, tested.db, {QUOTA_SIGNALS: {"/somebody/else"}}, letter_id) == 1
    await decisions.wait()
