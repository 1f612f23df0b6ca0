"""Asking brokers about consumer groups: one that has just started loads what it knows of them first, and says so."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import BrokerResponseError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest

_ASK_EVERY_S = 0.1

T = TypeVar("T")


async def from_coordinator(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` returns; asked again while the coordinator loads, is away or moves, for as long as the caller waits.

    Raises:
        KafkaError: the broker refuses for good, or does not answer.
    """
    while True:
        try:
            return await ask()
        except BrokerResponseError as error:
            if not error.retriable:
                raise
        await asyncio.sleep(_ASK_EVERY_S)


async def committed_by(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    """The positions a group has committed, of every partition it has one of.

    aiokafka's own question takes a coordinator that is still loading for a group that has committed nothing.

    Raises:
        KafkaError: as `from_coordinator`.
    """

    async def ask() -> dict[TopicPartition, int]:
        answer = await admin._send_request(OffsetFetchRequest(group, None), await admin.find_coordinator(group))
        accepted(answer.error_code, group)
        found = {}
        for topic, partitions in answer.topics:
            for number, position, _, code in partitions:
                accepted(code, f"{group}, {topic} {number}")
                found[TopicPartition(topic, number)] = position
        return found

    return await from_coordinator(ask)


def accepted(code: int, what: str) -> None:
    """Go on where a broker's answer is no error.

    Raises:
        BrokerResponseError: the error it stands for.
    """
    if code:
        raise for_code(code)(what)
