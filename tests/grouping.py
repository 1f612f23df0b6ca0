"""Which tests one process of several runs: those that share what takes long to start, and otherwise those of a file.

`pytest -n 2 --dist loadgroup` gives a group to one process. Tests on the run's Kafka are a group, for
one broker is enough then; so are those on one running system.
"""

import pytest
from xdist.scheduler import LoadGroupScheduling

from chassis.settings import BusKind

LONG = (
    *("failpoints-kafka", "failpoints-embedded", "caps", "kafka", "system-kafka", "system-embedded"),
    *("ledgers", "fuzz", "deploy", "rekku", "years"),
)
"""Groups and folders that take longest: the run begins with them, so that at the end no process waits for the other."""

_SYSTEMS = frozenset({"failpoints", "system"})
"""Folders whose tests share a running system on each bus."""


class ByGroupOrFile(LoadGroupScheduling):
    """A test without a group goes with the others of its file."""

    def _split_scope(self, nodeid: str) -> str:
        group: str = super()._split_scope(nodeid)
        return group.partition("::")[0]


def group(items: list[pytest.Item]) -> None:
    """Mark each test's group, and put what takes longest first."""
    for item in items:
        if name := group_of(item):
            item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=_rank)


def group_of(item: pytest.Item) -> str | None:
    """The group of a test that shares a broker or a running system; None where its file is enough."""
    folder, bus = item.path.parent.name, _bus(item)
    if folder in _SYSTEMS and bus is not None:
        return f"{folder}-{bus}"
    return "kafka" if bus is BusKind.KAFKA else None


def _bus(item: pytest.Item) -> BusKind | None:
    """The bus below a test, by its fixtures or by its parameters; None where there is none, or none that is shared."""
    if "kafka" in getattr(item, "fixturenames", ()):
        return BusKind.KAFKA
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return next((kind for kind in BusKind for one in parameters if isinstance(one, str) and one == kind), None)


def _rank(item: pytest.Item) -> int:
    names = (group_of(item), item.path.parent.name)
    return next((LONG.index(name) for name in names if name in LONG), len(LONG))
