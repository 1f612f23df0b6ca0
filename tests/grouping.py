"""Which tests one process of several runs: those that share what takes long to start, and otherwise those of a file.

`pytest -n 2 --dist loadgroup` gives a group to one process. Tests on the run's Kafka are a group, for one broker is
enough then; so are those on one running system. What a group is follows from a test's name alone: how marks would
reach the scheduler depends on a name's insides, which pytest has changed.
"""

import re

import pytest
from xdist.scheduler import LoadGroupScheduling

from chassis.settings import BusKind

LONG = (
    *("failpoints-kafka", "failpoints-embedded", "kafka", "system-kafka", "system-embedded", "caps", "rekku"),
    *("chassis/test_kafka_cluster.py", "ledgers", "fuzz", "deploy", "chassis", "years"),
)
"""Groups, files and folders that take longest: they begin, so that at the end no process waits for the other."""

_SYSTEMS = frozenset({"failpoints", "system"})
"""Folders whose tests share a running system on each bus."""
_ON_KAFKA = frozenset({"chassis/test_kafka_bus.py", "chassis/test_kafka_topics.py", "contracts/test_subscribers.py"})
"""Files whose tests are on the run's Kafka without saying so in their names."""
_ON_ITS_OWN = frozenset({"system/test_tracing.py"})
"""Files that share no running system: their services, in the test's own process, take its place on the bus."""
_EACH_ALONE = frozenset({"fuzz/test_services.py"})
"""Files whose tests share nothing and are long one by one."""


class ByGroupOrFile(LoadGroupScheduling):
    """Gives a process the tests of a group, or of a file."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The group of a test, or its file below `tests/` where that is enough."""
    place = nodeid.partition("::")[0].removeprefix("tests/")
    folder = place.partition("/")[0]
    words = re.split(r"[\[\]-]", nodeid.partition("[")[2])
    bus = next((kind for kind in BusKind if kind in words), None)
    if folder in _SYSTEMS and place not in _ON_ITS_OWN and bus is not None:
        return f"{folder}-{bus}"
    if place in _EACH_ALONE:
        return nodeid.removeprefix("tests/")
    return "kafka" if bus is BusKind.KAFKA or place in _ON_KAFKA else place


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """What takes longest first, the tests of a group one after the other."""
    return sorted(items, key=lambda item: _rank(group_of(item.nodeid)))


def _rank(group: str) -> int:
    names = (group, group.partition("/")[0])
    return next((LONG.index(name) for name in names if name in LONG), len(LONG))
