"""Signals from outside that may not come in: what they hold is not kept, and nothing waits for them (E-59)."""

from dataclasses import replace

import pytest

from contracts import envelope
from tests.decisions.builders import MONEY, DecisionsUnderTest, lifted, suspended

SUSPEND = "fi.kela.rekku.quota-signals.suspend.v1"
CODES = ["131052-308T", "131052–308T", "131052\u200b308T", "signal 131052308t", "１３１０５２-308T"]


async def letters(decisions: DecisionsUnderTest):
    async with decisions.service.transaction() as tx:
        return await tx.fetch("SELECT * FROM dead_letters ORDER BY failed_at")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("part", ["signal_id", "service"])
async def test_a_signal_with_an_identity_code_is_refused_and_not_kept(decisions, code, part):
    """E-59: also not as the record that was refused; and the next signal does not wait for it."""
    await decisions.signal(suspended(**{part: code}))
    [letter] = await letters(decisions)
    assert letter["error"].endswith(f"holds a personal identity code at: {part}")
    assert (letter["failure"], letter["parks_key"]) == ("permanent", False)
    assert (letter["key"], letter["header_values"], letter["value"]) == (None, [], None)
    async with decisions.service.transaction() as tx:
        [sent] = await tx.fetch("SELECT key, value FROM outbox WHERE topic = 'rekku.decisions.dead-letter'")
        assert await tx.fetchval("SELECT count(*) FROM suspensions") == 0
    assert tuple(sent) == (b"", b"")
    await decisions.grant()
    await decisions.signal(suspended())
    await decisions.wait()


async def test_an_unjudged_signal_would_be_kept(decisions, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(envelope, "holds_identity_code", lambda *_: False)
    await decisions.signal(suspended("131052-308T"))
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT signal_id FROM suspensions") == "131052-308T"


@pytest.mark.parametrize(
    ("words", "is_kept"),
    [
        (b"131052-308T", False),
        (rb"131052\u2013308T", False),
        ("131052–308T".encode(), False),
        (b"lasku 250103-0012", True),
    ],
)
async def test_a_strangers_record_is_kept_for_repair_but_for_a_code_in_it(decisions, words, is_kept):
    """E-59: also in what nobody reads."""
    record = decisions.service.record_of(suspended(), source="/somebody/else")
    value = (record.value or b"").replace(b"{", b'{"words":"' + words + b'",', 1)
    await decisions.service.deliver_records(replace(record, value=value))
    [letter] = await letters(decisions)
    assert letter["error"].endswith("Stranger: rekku.quota-signals is not taken from this source")
    assert letter["value"] == (value if is_kept else None)


@pytest.mark.parametrize(("words", "is_kept"), [(b"x" * 15_000, True), (b"x" * 16_385, False)])
async def test_a_strangers_long_record_is_not_kept(decisions, words, is_kept):
    """So many a minute, for as long as nobody looks: what is kept of them fills no database."""
    record = decisions.service.record_of(suspended(), source="/somebody/else")
    await decisions.service.deliver_records(replace(record, value=words))
    [letter] = await letters(decisions)
    assert (letter["value"], letter["topic"]) == (words if is_kept else None, record.topic)


@pytest.mark.parametrize("signal_id", ["", "x" * 129, "a\0b", "a\nb", "a\u202eb"])
async def test_a_signal_id_has_a_length_and_can_be_printed(decisions, signal_id):
    """What is too long or cannot be stored is set aside; later signals of the service go on."""
    await decisions.signal(suspended(signal_id))
    [letter] = await letters(decisions)
    assert (letter["failure"], letter["parks_key"]) == ("permanent", False)
    assert letter["error"].endswith("does not fit its model at: signal_id")
    await decisions.signal(suspended("x" * 128))
    await decisions.wait()
    await decisions.signal(lifted("x" * 128))
    await decisions.service.fire_timers()
    await decisions.grant()


def around(decisions, part, text):
    """A signal with a text of a stranger's as its record's key, or as one of its headers."""
    record = decisions.service.record_of(suspended(), source=MONEY)
    if part == "key":
        return replace(record, key=text.encode())
    return replace(record, headers=(*(each for each in record.headers if each[0] != part), (part, text.encode())))


async def stored(decisions):
    """All that the service has stored, as text."""
    async with decisions.service.transaction() as tx:
        tables = await tx.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'migrations'"
        )
        rows = [await tx.fetch(f"SELECT t::text AS row FROM {table['tablename']} t") for table in tables]
    return "\n".join(row["row"] for found in rows for row in found)


PARTS = {
    "key": "taken",
    "ce_subject": "holds a personal identity code at: ce_subject",
    "ce_source": "rekku.quota-signals is not taken from this source",
    "ce_id": "taken",
    "ce_time": "ce_id or ce_time cannot be read",
    "ce_type": "passed over",
    "traceparent": "taken",
    "tracestate": "taken",
    "ce_unheard_of": "taken",
}
"""Every text around a signal, and what becomes of a signal with a code there."""


@pytest.mark.parametrize(("part", "outcome"), PARTS.items())
async def test_a_code_around_a_signal_is_stored_nowhere(decisions, part, outcome):
    """E-59: refused, or never kept: the key is only compared, an unknown header not read, the id kept as a UUID."""
    await decisions.service.deliver_records(around(decisions, part, "131052-308T"))
    assert "308T" not in await stored(decisions)
    assert b"131052-308T".hex() not in await stored(decisions)
    async with decisions.service.transaction() as tx:
        taken = await tx.fetchval("SELECT count(*) FROM suspensions")
    errors = [letter["error"] for letter in await letters(decisions)]
    assert taken == (outcome == "taken")
    assert [error.partition(": ")[2].removeprefix(f"{SUSPEND} ") for error in errors] == (
        [] if outcome in ("taken", "passed over") else [outcome]
    )


async def test_control_an_unexamined_subject_would_pass(decisions, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(envelope, "_TEXT_ATTRIBUTES", ())
    await decisions.service.deliver_records(around(decisions, "ce_subject", "131052-308T"))
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM suspensions") == 1


async def test_control_what_is_stored_is_looked_through(decisions):
    """Negative control: a source that is no code but strange is kept for repair, and found."""
    record = around(decisions, "ce_source", "/strange/131052-308U")
    await decisions.service.deliver_records(record)
    assert b"/strange/131052-308U".hex() in await stored(decisions)


@pytest.mark.parametrize("text", ["x" * 129, "a\nb", "a\u202eb"])
async def test_what_a_signal_is_of_has_a_length_and_can_be_printed(decisions, text):
    """As the signal's own id; so has its source, which is one of ours to name."""
    await decisions.service.deliver_records(around(decisions, "ce_subject", text))
    [letter] = await letters(decisions)
    assert (letter["failure"], letter["parks_key"]) == ("permanent", False)
    assert letter["error"].endswith("does not fit its model at: ce_subject")
