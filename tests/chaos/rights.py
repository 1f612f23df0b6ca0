"""A topic that nobody may write for a while: its rows wait, and what else its owner publishes goes on."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from contracts.topics import TOPICS
from tests.chaos.checks import Outcome

LONG_S = 3.0
"""Something else is published within that, whatever else happens."""

_WAITING = (
    "SELECT count(*) AS rows, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float AS oldest_s"
    " FROM {}.outbox WHERE topic = $1"
)


@dataclass(frozen=True)
class Rested:
    """What was seen of a topic that nobody might write: how many rows waited at the end, and the oldest for how long,
    how many records came of its owner's other topics meanwhile, and whether the owner's log says that it rests."""

    topic: str
    waited: int
    oldest_s: float
    went_on: int
    logged: bool

    def __str__(self) -> str:
        return f"{self.waited} rows waited, {self.went_on} records of other topics came"


class Resting:
    """Looks at a topic from now on, until it is asked what was `seen`; its owner's logs lie in a folder."""

    def __init__(self, topic: str, url: str, admin: AdminClient, logs: Path) -> None:
        self._topic, self._owner = topic, TOPICS[topic].owner
        self._url, self._admin, self._logs = url, admin, logs
        self._records = self._lines = 0

    async def begin(self) -> None:
        """What was there before does not count."""
        self._records, self._lines = await self._others(), self._said()

    async def seen(self) -> Rested:
        """What happened since `begin`.

        Raises:
            OSError, PostgresError, KafkaException: somebody does not answer.
        """
        connection = await asyncpg.connect(self._url)
        try:
            row = await connection.fetchrow(_WAITING.format(self._owner), self._topic)
        finally:
            await connection.close()
        went_on = await self._others() - self._records
        return Rested(self._topic, row["rows"], row["oldest_s"], went_on, self._said() > self._lines)

    async def _others(self) -> int:
        places = [
            TopicPartition(topic.name, number)
            for topic in TOPICS.values()
            if topic.owner == self._owner and topic.name != self._topic
            for number in range(topic.partitions)
        ]
        asked = self._admin.list_offsets({place: OffsetSpec.latest() for place in places})
        ends = await asyncio.gather(*(asyncio.wrap_future(future) for future in asked.values()))
        return sum(end.offset for end in ends)

    def _said(self) -> int:
        line = f"the topic {self._topic} rests"
        return sum(log.read_text(errors="replace").count(line) for log in self._logs.glob(f"{self._owner}*.log"))


def judged(all_rested: Iterable[Rested]) -> list[Outcome]:
    """Whether the others went on each time, and the topic at fault was logged; nothing where none waited for long."""
    rested = [each for each in all_rested if each.oldest_s > LONG_S]
    problems = [f"{each.topic} waited, and so did all that its owner publishes" for each in rested if not each.went_on]
    problems += [f"{each.topic} waited, and no log says so" for each in rested if not each.logged]
    name = "others go on while a topic rests"
    return [Outcome(name, sum(each.went_on for each in rested), tuple(problems))] if rested else []
