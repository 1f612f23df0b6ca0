"""aiokafka's consumer, able to get past a record that aiokafka cannot read."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

UNREADABLE = "rekku_unreadable"
"""The only header of a record that stands for one that could not be read."""


class CarefulConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """Brings a record whose header names are not UTF-8 as an unreadable one, instead of failing on it for ever.

    The broker takes such records, and aiokafka fails on the whole fetch. Then everything is read again
    from the committed positions, one record at a time, until the one that fails is found; in its place
    comes a record with only the header `rekku_unreadable`. Others that its producer sent in the same
    batch cannot be read either and come in the same way.
    """

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        self._careful = False

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Records by partition, as aiokafka's own `getmany` brings them."""
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
