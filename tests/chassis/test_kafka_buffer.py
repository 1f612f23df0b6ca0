"""What is fetched of a partition and not read yet: bounded in records and bytes, as others choose their length."""

import pytest
from aiokafka import TopicPartition

from chassis.bus import Record
from chassis.bus import kafka_reading as reading
from chassis.bus.kafka_reading import KafkaPartition

PLACE = TopicPartition("rekku.quota-signals", 0)


class Fetching:
    """aiokafka's consumer, as far as a partition has to do with it."""

    def __init__(self) -> None:
        self.held: set[TopicPartition] = set()

    def pause(self, place: TopicPartition) -> None:
        self.held.add(place)

    def resume(self, place: TopicPartition) -> None:
        self.held.discard(place)

    def paused(self) -> set[TopicPartition]:
        return self.held


def records(count: int, size: int) -> list[Record]:
    return [Record(PLACE.topic, 0, n, b"", (), b"x" * size) for n in range(count)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_BUFFERED", 20)
    monkeypatch.setattr(reading, "_BUFFERED_BYTES", 1_000)


@pytest.mark.parametrize(("count", "size"), [(20, 1), (10, 100)], ids=["many", "long"])
async def test_a_full_buffer_stops_fetching_until_it_is_half_empty(small: None, count: int, size: int):
    fetching = Fetching()
    partition = KafkaPartition(fetching, PLACE)
    partition.offer(records(count - 1, size))
    assert not fetching.held
    partition.offer(records(1, size))
    assert fetching.held == {PLACE}
    await partition.read(count // 2)
    assert fetching.held == {PLACE}
    await partition.read(1)
    assert not fetching.held


async def test_what_is_read_again_is_counted_again(small: None):
    fetching = Fetching()
    partition = KafkaPartition(fetching, PLACE)
    partition.offer(records(9, 100))
    await partition.read(9)
    partition.rewind()
    partition.offer(records(1, 100))
    assert fetching.held == {PLACE}
