"""Questions to one broker, where a client would ask whichever answers."""

from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from chassis.kafka.ports import HOST

_ASK_WITHIN_MS = 2000


async def leader_of(servers: str, topic: str, partition: int) -> int | None:
    """The number of the broker that leads a partition, as one that answers says; None while nobody does."""
    for server in servers.split(","):
        topics = await answer(int(server.rpartition(":")[2]), MetadataRequest([topic]), "topics")
        for _error, _topic, _internal, partitions in topics or ():
            for _code, number, leader, *_ in partitions:
                if number == partition:
                    return leader if leader >= 0 else None
    return None


async def answer(port: int, request: Any, what: str) -> Any:
    """What the broker at this port answers; None where it does not."""
    try:
        connection = await create_conn(HOST, port, request_timeout_ms=_ASK_WITHIN_MS)
    except (KafkaError, OSError, TimeoutError):
        return None
    try:
        return getattr(await connection.send(request), what)
    except (KafkaError, OSError, TimeoutError):
        return None
    finally:
        connection.close()
