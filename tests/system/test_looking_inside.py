"""The commands that look into a running system, and set right what lies aside: as a person would run them."""

import asyncio
import re
from functools import partial

import asyncpg
import pytest

from chassis.clock import utc_now
from chassis.embedded import SUPERUSER
from contracts.decisions import DecisionsSuspended
from contracts.envelope import encode, new_event_id
from contracts.topics import dead_letter_topic
from rekku.up import free_ports
from tests.system.actors import eventually
from tests.system.buses import bus_of
from tests.system.conftest import START

SERVICE = "CAREGIVER"
"""A service no other story decides about: it is suspended here."""
DESCRIPTIONS = "rekku.service-descriptions"


@pytest.fixture
def here(rekku, world):
    """`await here("topics")`: a command in the world's home."""
    return partial(rekku, HOME=world.home)


def _signal():
    return DecisionsSuspended(version=1, signal_id=str(new_event_id()), service=SERVICE, effective_at=START)


async def test_a_dead_letter_is_listed_shown_refused_again_and_discarded(world, here):
    headers, _ = encode(
        _signal(), event_id=new_event_id(), source="/kela/funds-follow-up", time=utc_now(), traceparent=None
    )
    await world.append("rekku.quota-signals", SERVICE.encode(), headers, b"not JSON")

    async def one_letter_waits():
        return (await world.kela().get("decisions", "/progress"))["dead_letters"] == 1

    await eventually(one_letter_waits)
    status, listed, _ = await here("dead-letters", "list")
    assert status == 0
    assert "rekku.quota-signals" in listed
    letter = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", listed)[0]
    status, shown, _ = await here("dead-letters", "show", letter)
    assert status == 0
    assert "ce_source: /kela/funds-follow-up" in shown
    assert "not JSON" in shown
    status, _, said = await here("dead-letters", "replay", letter)
    assert (status, len(said.splitlines())) == (1, 1)
    assert "nothing has changed" in said
    assert (await world.kela().get("decisions", f"/quotas/{SERVICE}/2024"))["suspended"] is False

    await world.signal(_signal())

    async def the_next_one_does_not_wait_behind_it():
        return (await world.kela().get("decisions", f"/quotas/{SERVICE}/2024"))["suspended"]

    await eventually(the_next_one_does_not_wait_behind_it)
    status, said, _ = await here("dead-letters", "discard", letter)
    assert (status, said) == (0, "discarded: 0 waiting records applied\n")
    status, listed, _ = await here("dead-letters", "list")
    assert (status, listed) == (0, "no dead letters\n")
    status, _, said = await here("dead-letters", "discard", letter)
    assert (status, said) == (2, "rekku: the letter was discarded already\n")


async def test_a_signal_from_a_stranger_is_set_aside_and_holds_nobody_up(world, here):
    await world.signal(_signal(), source="/somebody/else")

    async def it_is_set_aside():
        return (await world.kela().get("decisions", "/progress"))["dead_letters"] == 1

    await eventually(it_is_set_aside)
    assert (await world.kela().get("decisions", "/progress"))["parked"] == 0
    _, listed, _ = await here("dead-letters", "list")
    letter = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", listed)[0]
    status, _, said = await here("dead-letters", "replay", letter)
    assert status == 1
    assert "Stranger: rekku.quota-signals is not taken from this source" in said
    status, said, _ = await here("dead-letters", "discard", letter)
    assert (status, said) == (0, "discarded: 0 waiting records applied\n")


async def test_what_the_bus_does_not_take_is_shown_and_published_again(world, running, here):
    """Of a topic nobody reads; a row that it has no room for, and another of its key behind that one."""
    bus, topic = bus_of(running), dead_letter_topic("decisions")
    assert (await here("outbox", "retry"))[0] == 2
    owner = await asyncpg.connect(running.cluster.url(SUPERUSER), server_settings={"search_path": "decisions"})

    async def write(value):
        await owner.execute(
            "INSERT INTO outbox (topic, key, header_names, header_values, value) VALUES ($1, 'K', '{}', '{}', $2)",
            topic,
            value,
        )

    async def one_is_set_aside():
        if not await owner.fetchval("SELECT count(*) FROM outbox"):
            await write(b"x" * 4_000)
        return bool(await owner.fetchval("SELECT count(*) FROM outbox_aside"))

    async def nothing_waits():
        said = await here("outbox", "show")
        return said == (0, "nothing waits\n", "")

    try:
        await bus.take_at_most(topic, 2_000)
        await eventually(one_is_set_aside)
        await write(b"behind it")
        status, shown, _ = await here("outbox", "show")
        assert status == 0
        assert re.search(rf"decisions *│ {re.escape(topic)} *│ K ", shown)
        for words in (("--topic", "rekku.nothing"), ("--key", "another")):
            status, _, said = await here("outbox", "retry", *words)
            assert (status, len(said.splitlines())) == (2, 1)
        await bus.take_at_most(topic, 1_000_000)
        while await owner.fetchval("SELECT count(*) FROM outbox_aside"):
            status, said, _ = await here("outbox", "retry", "--topic", topic, "--key", "K")
            assert status in (0, 2)
        await eventually(nothing_waits)
    finally:
        await owner.close()


async def test_topics_outboxes_and_events_are_shown(world, here):
    (_, topics, _), (_, outboxes, _), (_, events, _) = await asyncio.gather(
        here("topics"),
        here("outbox", "status"),
        here("events", "tail", DESCRIPTIONS, "--from-beginning", "--key", "OMA_VAYLA", "--limit", "1"),
    )
    assert re.search(r"rekku\.service-descriptions.*registration.* 8 ", topics)
    assert "notifications" in outboxes
    assert events.count("\n") == 1
    assert "registration.service-description-published.v1 OMA_VAYLA {" in events


async def test_a_second_system_in_the_same_home_is_refused(world, here):
    status, _, said = await here("up", PORT=free_ports(1)[0])
    assert status == 2
    assert said.splitlines()[-1] == f"rekku: a system is already running in {world.home}"
