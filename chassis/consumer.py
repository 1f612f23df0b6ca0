"""The loop between bus and inbox: read a batch, apply it, commit the low-water mark."""

import asyncio
import logging

from chassis import telemetry
from chassis.bus import Partition, Subscription
from chassis.failpoints import reach
from chassis.inbox import Flood, Inbox, PartitionMustPause

_log = logging.getLogger(__name__)

_BATCH = 200
_PAUSE_S = 5.0


class Consumer:
    """Applies what a subscription brings; positions are committed only after all lanes have finished."""

    def __init__(self, service_name: str, subscription: Subscription, inbox: Inbox) -> None:
        self._service = service_name
        self._subscription = subscription
        self._inbox = inbox
        self.paused: set[tuple[str, int]] = set()

    async def run(self) -> None:
        """Consume until cancelled."""
        await self._subscription.run(self._consume)

    async def _consume(self, partition: Partition) -> None:
        place = (partition.topic, partition.number)
        while True:
            records = await partition.read(_BATCH)
            try:
                await self._inbox.apply(records)
            except PartitionMustPause as error:
                await self._pause(place, f"{error} lasted through all retries", _PAUSE_S)
                partition.rewind()
                continue
            except Flood:
                await self._pause(place, "dead letters flood in", None)
            reach("position.before")
            await partition.commit(records[-1].position + 1)
            reach("position.after")

    async def _pause(self, place: tuple[str, int], why: str, pause_s: float | None) -> None:
        telemetry.partition_pauses.add(1, {"service": self._service, "topic": place[0]})
        _log.error("paused %s/%s: %s", *place, why)
        self.paused.add(place)
        try:
            if pause_s is None:
                await asyncio.Event().wait()
            else:
                await asyncio.sleep(pause_s)
        finally:
            self.paused.discard(place)
