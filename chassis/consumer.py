"""The loop between bus and lanes: read records, put them in their lanes, store the low-water mark."""

import logging

from chassis import telemetry
from chassis.bus import Partition, PartitionLost, Subscription
from chassis.failpoints import reach
from chassis.inbox import Inbox
from chassis.lanes import Lanes

_log = logging.getLogger(__name__)

_DRAIN_S = 3.0
"""Shorter than the group waits for a member that gives partitions up."""

Place = tuple[str, int]
"""A topic and the number of one of its partitions."""


class Consumer:
    """Applies what a subscription brings; what is stored of a partition is how far everything is finished."""

    def __init__(self, service_name: str, subscription: Subscription, inbox: Inbox) -> None:
        self._service = service_name
        self._subscription = subscription
        self._inbox = inbox
        self._lanes: dict[Place, Lanes] = {}
        self.paused: set[Place] = set()

    @property
    def resting(self) -> int:
        """Keys, over all partitions, whose record has failed for the moment and is tried again."""
        return sum(lanes.resting for lanes in self._lanes.values())

    async def run(self) -> None:
        """Consume until cancelled."""
        await self._subscription.run(self._consume)

    async def _consume(self, partition: Partition) -> None:
        place = (partition.topic, partition.number)
        lanes = self._lanes[place] = Lanes(partition.wake)
        stored = None
        try:
            while True:
                self._look_at(place, lanes)
                records = await partition.read(0 if self._inbox.flooded else lanes.room())
                self._inbox.take(records, lanes)
                if lanes.failure is not None and not self._inbox.flooded:
                    raise lanes.failure
                stored = await _store(partition, lanes.mark, stored)
        except PartitionLost:
            await lanes.drain(_DRAIN_S)
            await _store(partition, lanes.mark, stored)
            raise
        finally:
            await lanes.close()
            del self._lanes[place]
            self.paused.discard(place)

    def _look_at(self, place: Place, lanes: Lanes) -> None:
        """Count and log that nothing more is read of the partition, as that begins."""
        if self._inbox.flooded:
            why = "dead letters flood in"
        elif lanes.stalled:
            why = f"{lanes.resting} keys wait, and others are as far ahead of them as they may be"
        else:
            self.paused.discard(place)
            return
        if place not in self.paused:
            telemetry.partition_pauses.add(1, {"service": self._service, "topic": place[0]})
            _log.error("paused %s/%s: %s", *place, why)
            self.paused.add(place)


async def _store(partition: Partition, mark: int | None, stored: int | None) -> int | None:
    if mark is not None and mark != stored:
        reach("position.before")
        await partition.commit(mark)
        reach("position.after")
    return mark
