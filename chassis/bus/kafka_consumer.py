"""aiokafka's consumer, able to get past a record that it cannot read and a topic that it may not read."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from chassis import telemetry

_log = logging.getLogger(__name__)

UNREADABLE = "rekku_unreadable"
"""The only header of a record that stands for one that could not be read."""

REST_S = 5.0
"""How long a topic rests before it is asked for again."""


@dataclass
class _Rest:
    """Until when a topic is not fetched, which partitions were paused for it, and when each was last fetched."""

    until: float = 0.0
    paused: set[TopicPartition] = field(default_factory=set)
    fetched: dict[TopicPartition, int | None] = field(default_factory=dict)


class CarefulConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """Brings what can be read, where aiokafka fails on everything for the sake of one record or one topic.

    A record whose header names are not UTF-8: the broker takes such records, and aiokafka fails on the whole
    fetch. Then everything is read again from the committed positions, one record at a time, until the one that
    fails is found; in its place comes a record with only the header `rekku_unreadable`. Others that its producer
    sent in the same batch cannot be read either and come in the same way.

    A topic that we have no right to read: it rests alone, is asked for again every few seconds, and goes on where
    it was. `refused` is set where the whole group is refused: aiokafka then tries again only where it had not
    joined yet, so it is to be joined anew.
    """

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        self.refused = asyncio.Event()
        self._careful = False
        self._rests: dict[str, _Rest] = {}

    @property
    def resting(self) -> Set[str]:
        """The topics that are not for us at the moment."""
        return self._rests.keys()

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Records by partition, as aiokafka's own `getmany` brings them."""
        self._look_after_rests()
        try:
            return await self._get_many(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except TopicAuthorizationFailedError as error:
            self._rest(*error.args)
            return {}
        except GroupAuthorizationFailedError:
            self.refused.set()
            raise

    async def stop(self) -> None:
        """Leave; what a consumer after this one may not read, it finds out by itself."""
        for topic in self._rests:
            self._measure(topic, resting=False)
        self._rests.clear()
        await super().stop()

    async def _wait_topics(self) -> None:
        """Know every topic before the group is joined, but for those that we are not to know of."""
        for topic in self._subscription.subscription.topics:
            try:
                await self._client._wait_on_metadata(topic)
            except TopicAuthorizationFailedError:
                self._rest(topic)

    def _rest(self, topic: str) -> None:
        """Ask for nothing of the topic for a while; each of its partitions is refused by itself."""
        rest = self._rests.get(topic)
        if rest is None:
            rest = self._rests[topic] = _Rest()
            self._measure(topic, resting=True)
            _log.error("the topic %s rests, its records wait on the bus: we have no right to read it", topic)
        rest.until = time.monotonic() + REST_S
        places = self._ours(topic) - self.paused()
        self.pause(*places)
        rest.paused |= places
        rest.fetched = {place: self.last_poll_timestamp(place) for place in self._ours(topic)}

    def _look_after_rests(self) -> None:
        """Ask again for what has rested long enough; what a broker answers for is read again."""
        for topic in self._client.cluster.unauthorized_topics & self.subscription():
            self._rest(topic)
        for topic, rest in list(self._rests.items()):
            if time.monotonic() < rest.until:
                continue
            ours = self._ours(topic)
            self.resume(*rest.paused & ours)
            rest.paused.clear()
            if not ours or any(self.last_poll_timestamp(at) not in (None, rest.fetched.get(at)) for at in ours):
                del self._rests[topic]
                self._measure(topic, resting=False)
                _log.warning("the topic %s is read again", topic)

    def _measure(self, topic: str, *, resting: bool) -> None:
        telemetry.unread_topics.set(int(resting), {"group": self._group_id, "topic": topic})

    def _ours(self, topic: str) -> set[TopicPartition]:
        return {place for place in self.assignment() if place.topic == topic}

    async def _get_many(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int | None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        if not self._careful:
            try:
                brought = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
            except UnicodeDecodeError:
                self._careful = True
                await self._go_back()
            else:
                return dict(brought)
        return await self._one()

    async def _go_back(self) -> None:
        """What was fetched together with the unreadable record is lost, but nothing of it is committed."""
        for place in self.assignment():
            committed = await self.seek_to_committed(place)
            if committed.get(place) is None:
                await self.seek_to_beginning(place)

    async def _one(self) -> dict[TopicPartition, list[ConsumerRecord]]:
        places = list(self.assignment() - self.paused())
        random.shuffle(places)
        for place in places:
            try:
                found = await super().getmany(place, timeout_ms=0, max_records=1)
            except UnicodeDecodeError:
                at = await self.position(place)
                self.seek(place, at + 1)
                self._careful = False
                return {place: [_unreadable(place, at)]}
            if found:
                return dict(found)
        await asyncio.sleep(0.005)
        return {}


def _unreadable(place: TopicPartition, position: int) -> ConsumerRecord:
    return ConsumerRecord(
        topic=place.topic,
        partition=place.partition,
        offset=position,
        timestamp=0,
        timestamp_type=0,
        key=None,
        value=b"",
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=((UNREADABLE, b"a header's name is not UTF-8"),),
    )
