"""A key that waits holds up itself alone, on either bus; nothing is lost, doubled or out of order by it."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from chassis import inbox, lanes
from chassis.bus import BusUnavailable
from chassis.bus.kafka import _partition_of
from chassis.db import Database
from chassis.inbox import Inbox
from chassis.lanes import Lanes
from chassis.runtime import Runtime
from chassis.settings import BusKind
from chassis.testing import ClusterUnderTest, ServiceUnderTest
from chassis.vault import Vault
from contracts.courses import ClientPinned
from contracts.decisions import PeriodPaid
from contracts.envelope import Event
from tests.chassis.builders import a_payment, a_pin
from tests.chassis.test_bus import paid, until
from tests.chassis.toy.app import SERVICE
from tests.races import count_waiting
from tests.rebuilding import OnBus
from tests.system.conftest import bus_servers, empty_kafka  # noqa: F401 - fixtures

PARTITION = 3
"""Of each topic; the embedded bus gives it to the second of two members."""

PINS = ("rekku.pins", PARTITION)
WITHIN_S = 60


class Field:
    """The toy on a bus: its processes, which come and go, and what holds some of its keys up."""

    def __init__(self, toy: ServiceUnderTest, bus: OnBus, monkeypatch: pytest.MonkeyPatch) -> None:
        self.toy = toy
        self.bus = bus
        self.waits: set[str] = set()
        self.goes_first = 0
        self._monkeypatch = monkeypatch
        self._running: list[Runtime] = []

    async def start(self, instance: str = "1", *, alone: bool = True) -> Runtime:
        """One more process; `alone` waits until it reads everything."""
        settings = self.bus.settings.model_copy(update={"instance": instance})
        database = await Database.connect(
            self.bus.url("rekku_notifications"), "notifications", settings.clock, Vault(""), size=settings.pool_size
        )
        runtime = Runtime(SERVICE, settings, database)
        self._running.append(runtime)
        await runtime.start()

        async def reads_all() -> bool:
            return len(held(runtime)) == 12

        if alone:
            await until(reads_all, within_s=WITHIN_S)
        return runtime

    async def kill(self, runtime: Runtime) -> None:
        """End a process without a word to anybody."""
        self._running.remove(runtime)
        runtime.database.pool.terminate()
        await runtime.tasks.stop()
        await runtime.bus.close()

    async def close(self) -> None:
        for runtime in self._running:
            await runtime.stop()
            await runtime.database.close()

    async def neighbours(self, count: int) -> list[str]:
        """Keys that are all in `PARTITION`."""
        names = [f"D-{n}" for n in range(count * 12)]
        if self.bus.settings.bus is BusKind.KAFKA:
            return [name for name in names if _partition_of(name.encode(), 4) == PARTITION][:count]
        async with self.bus.as_superuser() as looking:
            rows = await looking.fetch(
                "SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS n (name, nth)"
                " WHERE (hashtextextended(encode(convert_to(name, 'UTF8'), 'hex'), 0) & 2147483647) % 4 = $2"
                " ORDER BY nth LIMIT $3",
                names,
                PARTITION,
                count,
            )
        return [row["name"] for row in rows]

    def hold_up(self, *refs: str) -> None:
        """Reactions to these keys fail for the moment, until they are taken out of `waits` again.

        Those to payments of the period `goes_first` do not.
        """
        self.waits.update(refs)
        for event_type in (PeriodPaid, ClientPinned):
            self._monkeypatch.setitem(SERVICE.reactions, event_type, self._held_up(event_type))  # type: ignore[arg-type]

    def _held_up(self, event_type: type[Event]):
        handler = SERVICE.reactions[event_type]

        async def react(tx, event) -> None:
            goes_first = isinstance(event, PeriodPaid) and event.period_number == self.goes_first
            if event.key in self.waits and not goes_first:
                raise asyncpg.LockNotAvailableError("somebody else holds it")
            await handler(tx, event)

        return react

    @asynccontextmanager
    async def locked(self, refs: Sequence[str]) -> AsyncIterator[None]:
        """Somebody else holds the rows that the first payments of these decisions want."""
        async with self.bus.as_superuser() as other:
            transaction = other.transaction()
            await transaction.start()
            await other.executemany(
                "INSERT INTO paid (decision_ref, period_number) VALUES ($1, 1)", [(r,) for r in refs]
            )
            yield
            await transaction.rollback()

    async def paid(self) -> list[tuple[str, int]]:
        return [(ref, number) for ref, number, _ in await paid(self.toy)]

    async def until_paid(self, count: int) -> None:
        async def all_of_them() -> bool:
            return len(await self.paid()) == count

        await until(all_of_them, within_s=WITHIN_S)

    async def pinned(self) -> Counter[str]:
        """How often each pin has had its effect."""
        async with self.toy.transaction() as tx:
            return Counter(row["key"].split()[1] for row in await tx.fetch("SELECT key FROM fired"))

    async def until_pinned(self, *refs: str) -> None:
        async def all_of_them() -> bool:
            return set(await self.pinned()) == set(refs)

        await until(all_of_them, within_s=WITHIN_S)

    async def until_at_rest(self, runtime: Runtime) -> None:
        async def at_rest() -> bool:
            with suppress(BusUnavailable):
                return await runtime.lag() == 0
            return False

        await until(at_rest, within_s=WITHIN_S)


def held(runtime: Runtime):
    return runtime._subscription._held  # type: ignore[union-attr]


def resting(runtime: Runtime) -> int:
    assert runtime._consumer is not None
    return runtime._consumer.resting


@pytest.fixture
async def field(
    toy: ServiceUnderTest,
    cluster: ClusterUnderTest,
    bus_servers: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Field]:
    """The toy without a process yet, once on each bus."""
    bus = BusKind.KAFKA if bus_servers else BusKind.EMBEDDED
    settings = toy.settings.model_copy(update={"bus": bus, "kafka_servers": bus_servers})
    on_bus = OnBus(toy, settings, toy.runtime, cluster)
    on_bus.database_name = str(await toy.db.pool.fetchval("SELECT current_database()"))
    field = Field(toy, on_bus, monkeypatch)
    yield field
    await field.close()


def without_the_inbox(monkeypatch: pytest.MonkeyPatch) -> None:
    async def always_new(*_: object) -> bool:
        return True

    monkeypatch.setattr(Inbox, "_is_new", always_new)


def a_lane_per_record(monkeypatch: pytest.MonkeyPatch) -> None:
    put = Lanes.put
    monkeypatch.setattr(Lanes, "put", lambda self, key, at, work: put(self, (key, *at), at, work))


async def test_nine_keys_that_wait_for_a_lock_hold_up_nobody_else(field: Field):
    """E-67: more than there are lanes; all of them in one partition, ahead of the others."""
    refs = await field.neighbours(30)
    stuck, others = refs[:9], refs[9:]
    runtime = await field.start()
    assert field.bus.settings.pool_size - 3 < len(stuck)
    async with field.locked(stuck):
        await field.bus.publish(*(a_payment(decision_ref=ref, period_number=n) for n in (1, 2) for ref in stuck))
        await field.bus.publish(*(a_payment(decision_ref=ref) for ref in others))
        await field.until_paid(len(others))
        assert {ref for ref, _ in await field.paid()} == set(others)

        async def all_of_them_rest() -> bool:
            return resting(runtime) == len(stuck)

        await until(all_of_them_rest)
        assert runtime.paused == 0
    await field.until_paid(len(others) + 2 * len(stuck))
    for ref in stuck:
        assert [n for r, n in await field.paid() if r == ref] == [1, 2]
    await field.until_at_rest(runtime)
    assert resting(runtime) == 0


async def test_control_where_a_lane_waits_for_its_lock_others_wait(field: Field, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inbox, "_LOCK_WAIT", "1min")
    refs = await field.neighbours(30)
    stuck = refs[:9]
    await field.start()
    lanes_of_all = field.bus.settings.pool_size - 3
    async with field.locked(stuck):
        await field.bus.publish(*(a_payment(decision_ref=ref) for ref in refs))

        async def every_lane_waits() -> bool:
            return await count_waiting(field.toy) == lanes_of_all

        await until(every_lane_waits)
        assert await field.paid() == []
    await field.until_paid(len(refs))


@pytest.mark.parametrize("per_key", [True, False], ids=["lanes per key", "control: a lane per record"])
async def test_failures_of_the_moment_keep_the_order_of_each_key(
    field: Field, monkeypatch: pytest.MonkeyPatch, per_key: bool
):
    chance, handler = random.Random(5), SERVICE.reactions[PeriodPaid]

    async def flaky(tx, event) -> None:
        if chance.random() < 0.3:
            raise asyncpg.DeadlockDetectedError("lost a race")
        await handler(tx, event)

    monkeypatch.setitem(SERVICE.reactions, PeriodPaid, flaky)  # type: ignore[arg-type]
    if not per_key:
        a_lane_per_record(monkeypatch)
    refs = [f"D-{n}" for n in range(11)]
    runtime = await field.start()
    await field.bus.publish(*(a_payment(decision_ref=ref, period_number=n) for n in range(1, 9) for ref in refs))
    await field.until_paid(88)
    orders = {ref: [n for r, n in await field.paid() if r == ref] for ref in refs}
    assert all(order == sorted(order) for order in orders.values()) is per_key
    await field.until_at_rest(runtime)


@pytest.mark.parametrize("ahead", [400, 4_000], ids=["a limit", "control: none in reach"])
async def test_a_partition_rests_when_others_are_far_enough_ahead_of_a_key_that_waits(
    field: Field, monkeypatch: pytest.MonkeyPatch, ahead: int
):
    monkeypatch.setattr(lanes, "AHEAD", ahead)
    stuck, *others = await field.neighbours(8)
    field.hold_up(stuck)
    runtime = await field.start()
    await field.bus.publish(
        a_payment(decision_ref=stuck),
        *(a_payment(decision_ref=ref, period_number=n) for n in range(101, 201) for ref in others),
    )

    async def as_far_as_they_get() -> bool:
        lanes_here = runtime._consumer._lanes["rekku.payments", PARTITION]  # type: ignore[union-attr]
        return lanes_here._running() == 0 and (runtime.paused == 1 or len(await field.paid()) == 700)

    await until(as_far_as_they_get, within_s=WITHIN_S)
    assert runtime.paused == (ahead == 400)
    assert len(await field.paid()) <= (ahead - 1 if ahead == 400 else 700)
    field.waits.clear()
    await field.until_paid(701)
    await field.until_at_rest(runtime)
    assert runtime.paused == 0


@pytest.mark.parametrize("guarded", [True, False], ids=["with the inbox", "control: without its ids"])
async def test_after_a_kill_what_was_finished_above_the_mark_has_no_effect_again(
    field: Field, monkeypatch: pytest.MonkeyPatch, guarded: bool
):
    if not guarded:
        without_the_inbox(monkeypatch)
    stuck, *others = await field.neighbours(9)
    field.hold_up(stuck)
    first = await field.start()
    await field.bus.publish(a_pin(1, stuck), *(a_pin(1, ref) for ref in others))
    await field.until_pinned(*others)
    await field.kill(first)
    field.waits.clear()
    second = await field.start()
    await field.until_pinned(stuck, *others)
    await field.until_at_rest(second)
    assert max((await field.pinned()).values()) == (1 if guarded else 2)


@pytest.mark.parametrize("guarded", [True, False], ids=["with the inbox", "control: without its ids"])
async def test_after_a_rebalance_what_was_finished_above_the_mark_has_no_effect_again(
    field: Field, monkeypatch: pytest.MonkeyPatch, guarded: bool
):
    """The key that waits is given up here and goes on there."""
    if not guarded:
        without_the_inbox(monkeypatch)
    stuck, *others = await field.neighbours(9)
    field.hold_up(stuck)
    first = await field.start()
    await field.bus.publish(a_pin(1, stuck), *(a_pin(1, ref) for ref in others))
    await field.until_pinned(*others)
    second = await field.start("2", alone=False)

    async def shared() -> bool:
        return 0 < len(held(second)) < 12 and len(held(first)) + len(held(second)) == 12

    await until(shared, within_s=WITHIN_S)
    field.waits.clear()
    await field.until_pinned(stuck, *others)
    await field.until_at_rest(first)
    assert max((await field.pinned()).values()) == (1 if guarded else 2)


@pytest.mark.parametrize("per_key", [True, False], ids=["lanes per key", "control: a lane per record"])
async def test_keys_that_wait_over_a_rebalance_and_a_kill_keep_their_order(
    field: Field, monkeypatch: pytest.MonkeyPatch, per_key: bool
):
    if not per_key:
        a_lane_per_record(monkeypatch)
    refs = await field.neighbours(6)
    stuck, others = refs[:3], refs[3:]
    field.hold_up(*stuck)
    first = await field.start()
    await field.bus.publish(*(a_payment(decision_ref=ref, period_number=n) for n in range(1, 5) for ref in refs))
    await field.until_paid(4 * len(others))
    second = await field.start("2", alone=False)

    async def shared() -> bool:
        return 0 < len(held(second)) < 12 and len(held(first)) + len(held(second)) == 12

    await until(shared, within_s=WITHIN_S)
    await field.kill(first)

    async def all_rest_here() -> bool:
        return resting(second) == len(stuck) * (1 if per_key else 4)

    await until(all_rest_here, within_s=WITHIN_S)
    # Let go all at once, records that wait side by side may well come in order: their turns are given in it.
    field.goes_first = 4
    if not per_key:
        await field.until_paid(4 * len(others) + len(stuck))
    field.waits.clear()
    await field.until_paid(4 * len(refs))
    orders = [[n for r, n in await field.paid() if r == ref] for ref in refs]
    assert all(order == sorted(order) for order in orders) is per_key
    await field.until_at_rest(second)


@pytest.mark.parametrize("drained", [True, False], ids=["drained", "control: broken off"])
async def test_what_runs_when_a_partition_is_taken_away_is_finished_and_stored_first(
    field: Field, monkeypatch: pytest.MonkeyPatch, drained: bool
):
    begun, may_end = asyncio.Event(), asyncio.Event()
    handler, take, taken = SERVICE.reactions[ClientPinned], Inbox.take, []

    async def slow(tx, event) -> None:
        begun.set()
        await may_end.wait()
        await handler(tx, event)

    def noting(self, records, lanes_here) -> None:
        taken.extend(record.key for record in records)
        take(self, records, lanes_here)

    async def at_once(self, _within_s) -> None:
        self._closing.set()

    monkeypatch.setitem(SERVICE.reactions, ClientPinned, slow)  # type: ignore[arg-type]
    monkeypatch.setattr(Inbox, "take", noting)
    if not drained:
        monkeypatch.setattr(Lanes, "drain", at_once)
    [ref] = await field.neighbours(1)
    first = await field.start()
    await field.bus.publish(a_pin(1, ref))
    await begun.wait()
    partition, _ = held(first)[PINS]
    second = await field.start("2", alone=False)

    async def taken_away() -> bool:
        return partition.surrendered

    await until(taken_away, within_s=WITHIN_S)
    may_end.set()
    await field.until_pinned(ref)

    async def shared() -> bool:
        return 0 < len(held(second)) < 12 and len(held(first)) + len(held(second)) == 12

    await until(shared, within_s=WITHIN_S)
    await field.until_at_rest(first)
    assert taken == [ref.encode()] * (1 if drained else 2)
