"""Rebuilding a projection: what its topics say, beside the live one, under load, killed at any moment."""

import asyncio
import dataclasses
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chassis import generations, projections
from chassis.dead_letters import list_letters
from chassis.projections import RebuildImpossible
from chassis.reading import NOBODY
from chassis.replaying import replay
from contracts.decisions import PeriodPaid
from contracts.registration import OfficeRegistered
from tests.chassis.builders import a_payment, a_pin, an_office
from tests.chassis.test_bus import until
from tests.chassis.toy.app import SERVICE
from tests.chassis.toy.app import project as toy_projects
from tests.kafka_topics import fresh_topics
from tests.rebuilding import OnBus, in_random_order, on_bus


@pytest.fixture(params=["embedded", "kafka"])
def servers(request: pytest.FixtureRequest) -> str:
    """Kafka's servers, or none for the embedded bus."""
    return "" if request.param == "embedded" else str(request.getfixturevalue("kafka").servers)


@pytest.fixture
async def either(servers: str, cluster, toy) -> AsyncIterator[OnBus]:
    """The toy on each bus."""
    if servers:
        await fresh_topics(servers)
    async with on_bus(cluster, toy, servers) as running:
        yield running


def offices(count: int = 5, versions: int = 4) -> list[OfficeRegistered]:
    return [
        an_office(version, office_id=f"O-{n}", name=f"office {n} in its version {version}")
        for n in range(count)
        for version in range(1, versions + 1)
    ]


async def spoil(here: OnBus, statement: str = "UPDATE offices SET name = 'wrong' WHERE office_id = 'O-1'") -> None:
    """What no event says."""
    async with here.tested.transaction() as tx:
        await tx.execute(statement)


async def test_a_rebuild_finds_what_is_live(either: OnBus, monkeypatch):
    for seed in range(4):
        monkeypatch.setattr(projections, "BATCH", (7, 20, 3, 4_000)[seed])
        await either.send(in_random_order(offices(), seed))
        await either.settled()
        outcome = await either.rebuild()
        assert outcome.same
        assert outcome.records == len(await either.log())
    assert outcome.taken < outcome.records, "newer events have superseded older ones before they were decoded"
    assert outcome.tables["offices"].rows == 5


async def test_a_wrong_row_is_found_and_stays_until_the_new_generation_is_accepted(either: OnBus):
    await either.publish(*offices())
    await either.settled()
    right = await either.rows()
    await spoil(either)
    await spoil(either, "DELETE FROM offices WHERE office_id = 'O-2'")
    await spoil(either, "INSERT INTO offices VALUES ('O-77', 1, 'from nowhere')")
    wrong = await either.rows()
    (difference,) = (await either.rebuild()).differences
    assert (difference.table, difference.changed, difference.only_live, difference.only_new) == ("offices", 1, 1, 1)
    assert difference.first_keys == ("O-1", "O-2", "O-77")
    assert await either.rows() == wrong
    accepted = await either.rebuild(accept=True)
    assert (accepted.written, accepted.same) == (3, False)
    assert await either.rows() == right
    assert (await either.rebuild()).same


async def test_events_that_come_during_a_rebuild_are_in_both_generations(either: OnBus, monkeypatch):
    monkeypatch.setattr(projections, "BATCH", 5)
    stop = asyncio.Event()

    async def go_on() -> None:
        version = 1
        while not stop.is_set():
            await either.publish(*(an_office(version, office_id=f"O-{n}", name=str(version)) for n in range(8)))
            version += 1

    writing = asyncio.create_task(go_on())
    for turn in range(6):
        await spoil(either, f"UPDATE offices SET name = 'wrong' WHERE office_id = 'O-{turn}'")
        await either.rebuild(accept=True)
    stop.set()
    await writing
    await either.settled()
    assert (await either.rebuild()).same
    newest = {record.key: record.position for record in await either.log() if record.topic == "rekku.registrations"}
    assert len(newest) == len((await either.rows())["offices"]) == 8


async def test_an_event_that_comes_during_the_swap_is_applied_once_after_it(here: OnBus, monkeypatch):
    applied: list[Any] = []

    async def noting(tx, events) -> None:
        applied.extend(events)
        await toy_projects(tx, events)

    await here.publish(*offices(3, 1))
    await here.settled()
    monkeypatch.setattr(here.runtime.inbox, "_service", dataclasses.replace(SERVICE, project=noting))
    await spoil(here)
    late = an_office(2, office_id="O-1", name="late")
    async with here.as_superuser() as holding:
        async with holding.transaction():
            await holding.execute("SELECT FROM offices WHERE office_id = 'O-1' FOR UPDATE")
            rebuilding = asyncio.create_task(here.rebuild(accept=True))
            await until(lambda: waits_for(here, "transactionid"))
            await here.publish(late)
            await until(lambda: waits_for(here, "relation"))
            assert applied == []
        assert (await rebuilding).written == 1
    await here.settled()
    assert applied == [late]
    assert (await here.rebuild()).same
    (record,) = [record for record in await here.log() if b"late" in (record.value or b"")]
    await here.tested.deliver_records(record)
    assert applied == [late], "delivered again after the swap, it has no effect"
    assert "(O-1,2,late)" in (await here.rows())["offices"]


async def hold_back_after_the_last_records(here: OnBus, monkeypatch) -> bool:
    """A rebuild whose writing waits too long for a lock, after it has applied what came last; was all the same?"""
    analyze = generations.NextGeneration.analyze

    async def something_comes_and_analyze(generation) -> None:
        await here.publish(*offices(5, 6))
        await here.settled()
        await analyze(generation)

    monkeypatch.setattr(generations.NextGeneration, "analyze", something_comes_and_analyze)
    await here.publish(*offices())
    await here.settled()
    await spoil(here, "INSERT INTO offices VALUES ('O-77', 1, 'from nowhere')")
    async with here.as_superuser() as holding, holding.transaction():
        await holding.execute("SELECT FROM offices WHERE office_id = 'O-77' FOR UPDATE")
        rebuilding = asyncio.create_task(here.rebuild(accept=True, lock_timeout="250ms"))
        await until(lambda: waits_for(here, "transactionid"))
        await until(lambda: nobody_waits(here))
    return (await rebuilding).written == 1 and (await here.rebuild()).same


async def test_a_swap_that_waited_too_long_begins_again_where_it_was(here: OnBus, monkeypatch):
    assert await hold_back_after_the_last_records(here, monkeypatch)


async def test_without_going_back_the_last_records_would_be_missing(here: OnBus, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(projections._Reached, "copy", lambda reached: reached)
    assert not await hold_back_after_the_last_records(here, monkeypatch)


async def nobody_waits(here: OnBus) -> bool:
    return not await waits_for(here, "transactionid")


async def waits_for(here: OnBus, lock: str) -> bool:
    """Somebody of the toy waits for a lock of this kind."""
    async with here.as_superuser() as looking:
        return bool(
            await looking.fetchval(
                "SELECT true FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted"
                " AND l.locktype = $1 AND a.datname = current_database() AND a.application_name = $2",
                lock,
                "rekku-notifications",
            )
        )


KILLED_AT = {
    "reading": ("LOCK TABLE rekku_bus.records IN ACCESS EXCLUSIVE MODE", "relation"),
    "waiting for the live projection": ("LOCK TABLE projected_positions IN ROW EXCLUSIVE MODE", "relation"),
    "writing": ("SELECT FROM offices WHERE office_id = 'O-1' FOR UPDATE", "transactionid"),
}


@pytest.mark.parametrize("moment", KILLED_AT)
async def test_a_rebuild_that_is_killed_leaves_the_live_generation_and_nothing_else(here: OnBus, moment: str):
    await here.publish(*offices())
    await here.settled()
    right = await here.rows()
    await spoil(here)
    wrong = await here.rows()
    await here.runtime.stop()
    hold, lock = KILLED_AT[moment]
    async with here.as_superuser() as holding:
        async with holding.transaction():
            await holding.execute(hold)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from chassis import projections, settings; import asyncio, sys\n"
                "from rekku import services, projections as command\n"
                "from tests.chassis.toy.app import SERVICE\n"
                "command.load = lambda name: SERVICE\n"
                "asyncio.run(command.rebuild_projections(None, ['notifications'], accept=True))",
                env=os.environ | environment(here),
            )
            await until(lambda: waits_for(here, lock))
            process.kill()
            await process.wait()
        await until(lambda: nothing_left(here))
    assert await here.rows() == wrong
    assert (await here.rebuild(accept=True)).written == 1
    assert await here.rows() == right


def environment(here: OnBus) -> dict[str, str]:
    return {
        "REKKU_DATABASE_URL": here.url("rekku_notifications"),
        "REKKU_CLOCK": here.settings.clock,
    }


async def nothing_left(here: OnBus) -> bool:
    """No session of the killed process, no temporary table."""
    async with here.as_superuser() as looking:
        return not await looking.fetchval(
            "SELECT EXISTS (SELECT FROM pg_class WHERE relpersistence = 't') OR EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )


async def test_reactions_are_not_run_again(here: OnBus):
    await here.publish(a_pin(), a_payment(), *offices())
    await here.settled()
    async with here.tested.transaction() as tx:
        before = await tx.fetch("SELECT key FROM fired"), await tx.fetch("SELECT times FROM paid")
    assert [len(rows) for rows in before] == [1, 1]
    await spoil(here)
    await here.rebuild(accept=True)
    async with here.tested.transaction() as tx:
        assert (await tx.fetch("SELECT key FROM fired"), await tx.fetch("SELECT times FROM paid")) == before


async def reaching_out(tx, events) -> None:
    await toy_projects(tx, events)
    await tx.execute("INSERT INTO fired (at, key) VALUES ($1, 'from a projection')", tx.now)


async def emitting(tx, events) -> None:
    await toy_projects(tx, events)
    tx.emit(a_payment())


@pytest.mark.parametrize("project", [reaching_out, emitting])
async def test_a_projection_that_does_more_than_it_declares_is_refused_before_it_has_done_it(here: OnBus, project):
    await here.publish(*offices())
    await here.settled()
    with pytest.raises(RebuildImpossible, match="does more than write its declared tables"):
        await here.rebuild(dataclasses.replace(SERVICE, project=project))
    assert await count(here, "fired") == 0
    assert await here.tested.published(PeriodPaid) == []


async def test_without_the_read_only_transaction_it_would_have_been_done(here: OnBus, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(generations, "READ_ONLY", "SELECT")
    await here.publish(*offices())
    await here.settled()
    await here.rebuild(dataclasses.replace(SERVICE, project=reaching_out))
    assert await count(here, "fired") > 0


async def count(here: OnBus, table: str) -> int:
    async with here.tested.transaction() as tx:
        return int(await tx.fetchval(f"SELECT count(*) FROM {table}"))


async def test_dead_letters_stay_out_until_they_are_replayed(here: OnBus, monkeypatch):
    poison = an_office(1, office_id="O-bad", name="poison")
    await here.publish(*offices(), poison, *offices())
    await here.settled()
    outcome = await here.rebuild()
    assert (outcome.same, outcome.letters) == (True, 1)

    async def mended(tx, events) -> None:
        await toy_projects(tx, [an_office(e.version, office_id=e.key, name=e.office.name.upper()) for e in events])

    service = dataclasses.replace(SERVICE, project=mended)
    async with here.tested.transaction() as tx:
        (letter,) = await list_letters(tx)
    await replay(service, here.tested.db, NOBODY, letter.letter_id)
    outcome = await here.rebuild(service)
    assert outcome.letters == 0
    assert [(d.changed, d.only_live, d.only_new) for d in outcome.differences] == [(5, 0, 0)]


async def test_what_can_no_longer_be_applied_is_named(here: OnBus):
    """The live projection took it, and this one cannot: that is a difference, and the rest is still compared."""
    await here.publish(*offices(), an_office(1, office_id="O-bad", name="fine"))
    await here.settled()

    async def pickier(tx, events) -> None:
        if any(event.key == "O-bad" for event in events):
            raise ZeroDivisionError("not that one")
        await toy_projects(tx, events)

    outcome = await here.rebuild(dataclasses.replace(SERVICE, project=pickier))
    assert not outcome.same
    (failed,) = outcome.failed
    assert failed.endswith("ZeroDivisionError: not that one")
    assert [(d.changed, d.only_live, d.only_new, d.first_keys) for d in outcome.differences] == [(0, 1, 0, ("O-bad",))]


async def test_a_newer_version_wins_although_an_older_one_came_after_it(here: OnBus):
    """A relay that starts again sends again: the last record of a key need not be its newest."""
    await here.publish(*(an_office(version, name=str(version)) for version in (1, 3, 2)))
    await here.settled()
    outcome = await here.rebuild()
    assert (outcome.same, outcome.taken) == (True, 1)
    assert (await here.rows())["offices"] == ["(O-1,3,3)"]


async def test_a_topic_whose_records_are_gone_is_not_taken_for_the_whole_history(here: OnBus):
    await here.publish(*offices())
    await here.settled()
    before = await here.rows()
    async with here.as_superuser() as breaking:
        await breaking.execute("DELETE FROM rekku_bus.records WHERE topic = 'rekku.registrations' AND position = 0")
        with pytest.raises(RebuildImpossible, match=r"the first 1 records of rekku.registrations/\d are gone"):
            await here.rebuild(accept=True)
        await breaking.execute("DELETE FROM rekku_bus.records WHERE topic = 'rekku.registrations'")
        with pytest.raises(RebuildImpossible, match="the topic is not the one it was built from"):
            await here.rebuild(accept=True)
    assert await here.rows() == before


async def test_one_rebuild_of_a_service_runs_at_a_time(here: OnBus):
    await here.publish(*offices())
    await here.settled()
    async with here.as_superuser() as holding:
        async with holding.transaction():
            await holding.execute("LOCK TABLE projected_positions IN ROW EXCLUSIVE MODE")
            first = asyncio.create_task(here.rebuild())
            await until(lambda: waits_for(here, "relation"))
            with pytest.raises(RebuildImpossible, match="another rebuild of notifications is running"):
                await here.rebuild()
        assert (await first).same


def test_a_projection_is_declared_whole_and_of_state_only():
    with pytest.raises(TypeError, match="events, a function and tables"):
        dataclasses.replace(SERVICE, projection_tables=())
    with pytest.raises(TypeError, match="projects facts"):
        dataclasses.replace(SERVICE, projected=(PeriodPaid,), superseding=())
    with pytest.raises(TypeError, match="does not project"):
        dataclasses.replace(SERVICE, superseding=((PeriodPaid,),))
