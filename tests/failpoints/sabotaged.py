"""A service with one of its guards broken: run instead of `rekku serve`, it shows what the guard is for.

Each service is broken in another way, so that one system shows all of them.
"""

import dataclasses
import importlib
import sys
from collections.abc import Callable
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from chassis.bus import Oldest
from chassis.bus.embedded import EmbeddedBus
from chassis.bus.kafka import KafkaBus
from chassis.consumer import Consumer
from chassis.inbox import Inbox
from contracts.decisions import DecisionGranted
from rekku.cli import main

_COUNT = """
INSERT INTO witness (decision_ref, times) VALUES ($1, 1)
ON CONFLICT (decision_ref) DO UPDATE SET times = witness.times + 1
"""


def with_a_witness(name: str) -> None:
    """A reaction that nothing but the inbox keeps from happening twice: it counts how often it happens.

    Our own reactions have natural keys besides; without the inbox they would still do no harm here.
    """
    module = importlib.import_module(f"services.{name}.app")
    reaction = module.SERVICE.reactions[DecisionGranted]

    async def react(tx: Any, event: Any) -> None:
        await reaction(tx, event)
        await tx.execute(_COUNT, event.decision.decision_ref)

    reactions = {**module.SERVICE.reactions, DecisionGranted: react}
    module.SERVICE = dataclasses.replace(module.SERVICE, reactions=reactions)


def inbox_off(name: str) -> None:
    """Every delivery counts as the first."""
    with_a_witness(name)
    is_new = Inbox._is_new

    async def always(self: Inbox, *delivery: Any) -> bool:
        await is_new(self, *delivery)
        return True

    Inbox._is_new = always


def position_first(_: str) -> None:
    """The position is stored before the records have had their effect."""

    async def consume(self: Consumer, partition: Any) -> None:
        while True:
            records = await partition.read(200)
            await partition.commit(records[-1].position + 1)
            await self._inbox.apply(records)

    Consumer._consume = consume


def relay_by_cursor(_: str) -> None:
    """What lies behind the highest id that was sent counts as sent."""
    for bus in (EmbeddedBus, KafkaBus):
        bus.move = _by_cursor(bus.move)


def _by_cursor(move: Callable) -> Callable:
    cursor = 0

    async def moved(self: Any, connection: Any, oldest: Oldest) -> int:
        nonlocal cursor
        await connection.execute("DELETE FROM outbox WHERE id <= $1", cursor)
        batch = "SELECT max(id) FROM (SELECT id FROM outbox ORDER BY id LIMIT $1) AS batch"
        cursor = await connection.fetchval(batch, oldest.most) or cursor
        return await move(self, connection, oldest)

    return moved


def acknowledged_by_itself(_: str) -> None:
    """FastStream's default: a record is acknowledged because it was fetched."""
    subscriber = KafkaBroker.subscriber

    def lossy(self: KafkaBroker, *topics: str, **options: Any) -> Any:
        options |= {"ack_policy": AckPolicy.ACK_FIRST, "auto_commit_interval_ms": 50}
        return subscriber(self, *topics, **options)

    KafkaBroker.subscriber = lossy


SABOTAGE = {
    "notifications": inbox_off,
    "courses": with_a_witness,
    "search": position_first,
    "registration": relay_by_cursor,
    "decisions": acknowledged_by_itself,
}

if __name__ == "__main__":
    service = sys.argv[-1]
    if service in SABOTAGE:
        SABOTAGE[service](service)
    sys.argv = ["rekku", "serve", service]
    main()
