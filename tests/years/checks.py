"""What happened, read from events and audit rows, beside what the model says had to happen."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from contracts.courses import CourseBegan, CourseCompleted
from contracts.envelope import Envelope, Event, decode
from contracts.registration import AnnouncedCountChanged, NoticeGiven
from contracts.values import CountChange
from services.registration import starting
from tests.courses.builders import expect
from tests.courses.consistency import assert_consistent
from tests.years.model import Effect, Model, day_of
from tests.years.world import World

BY_ITSELF = {"apply_change": "applied", "finish_registration": "ended"}
REMINDERS = ("audit-finding-due", "audit-finding-overdue", "remind-of-review")
"""Timers that say something to a provider; all others look at the state and do nothing the second time."""


async def happened(world: World) -> Counter[Effect]:
    """Everything that happened by itself, with its Helsinki date."""
    effects: Counter[Effect] = Counter()
    for service in (world.registration, world.courses):
        for envelope in await _published(service):
            for what, key in _by_itself(envelope.event):
                effects[what, key, day_of(envelope.time)] += 1
    async with world.registration.transaction() as tx:
        rows = await tx.fetch("SELECT action, subject, at FROM audit WHERE action = ANY ($1)", list(BY_ITSELF))
    for row in rows:
        effects[BY_ITSELF[row["action"]], row["subject"], day_of(row["at"])] += 1
    return effects


def _by_itself(event: Event) -> Iterator[tuple[str, str]]:
    match event:
        case CourseBegan():
            yield "began", event.key
        case CourseCompleted():
            yield "completed", event.key
        case AnnouncedCountChanged(change=CountChange.DEFAULTED):
            yield "defaulted", f"{event.key}/{event.year}"
        case NoticeGiven() if not event.key.startswith("audit-finding-opened"):
            yield "told", event.key


async def wrong_gauges(world: World, model: Model, years: range) -> list[Any]:
    """Gauges of registration and ledgers of courses that differ from the model, and from each other."""
    wrong = []
    registration, courses = world.registration.http(Role.OFFICER), world.courses.http(Role.OFFICER)
    for contract in model.last_days:
        shown = expect(200, await registration.get(f"/contracts/{contract}"))["years"]
        gauges = {each["year"]: each for each in shown}
        for year in years:
            announced = model.count(contract, year, world.now)
            places = model.places[contract, year]
            wanted = (announced, model.decisions[contract, year], places, places)
            gauge = gauges.get(year, {"announced": None, "decisions_used": 0, "places_used": 0})
            ledger = expect(200, await courses.get(f"/place-ledgers/{contract}/{year}"))
            found = (gauge["announced"], gauge["decisions_used"], gauge["places_used"], ledger["reserved"])
            if found != wanted or ledger["announced"] != (announced or 0):
                wrong.append((contract, year, wanted, found, ledger))
    return wrong


async def assert_nothing_is_left_to_do(world: World) -> None:
    """A second pass of everything changes nothing; nothing is overdue, and no event was put aside."""
    before = await _state(world)
    await world.registration.db.run(starting.prepare)
    assert await world.fire() == 0
    assert await _state(world) == before
    again = [timer for timer in world.fired if timer.kind not in REMINDERS]
    assert await world.fire_again(*again) >= len({(timer.kind, timer.key) for timer in again})
    assert await _state(world) == before
    assert await world.overdue() == []
    for service in (world.registration, world.courses):
        async with service.transaction() as tx:
            assert await tx.fetchval("SELECT count(*) FROM dead_letters") == 0
    await assert_consistent(world.courses)


async def _state(world: World) -> list[Any]:
    """What was said, what was written down, and what is planned."""
    found = []
    for service in (world.registration, world.courses):
        async with service.transaction() as tx:
            found.append(await tx.fetchval("SELECT count(*) FROM outbox"))
            found.append(await tx.fetchval("SELECT count(*) FROM audit"))
            planned = await tx.fetch("SELECT kind, key, due_at FROM timers ORDER BY kind, key")
            found.append([tuple(row) for row in planned])
    return found


async def _published(service: ServiceUnderTest) -> list[Envelope[Event]]:
    async with service.transaction() as tx:
        rows = await tx.fetch("SELECT header_names, header_values, value FROM outbox ORDER BY id")
    read = (decode(zip(row["header_names"], row["header_values"], strict=True), row["value"]) for row in rows)
    return [envelope for envelope in read if envelope is not None]
