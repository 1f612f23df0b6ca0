"""Named runs: which tests have their turn, in which order and on which worker, and how long they took.

Hooks of pytest, which `tests/conftest.py` takes in.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import campaigns

TESTS = Path(__file__).parent
SECONDS = "rekku/seconds"
"""Where pytest's cache keeps how long the tests of each folder took."""

SERVERS = frozenset({"cluster", "kafka", "running", "somewhere"})
"""Fixtures that start a server; a test that asks for none of them, and starts none itself, is pure."""
STARTS_ITSELF = frozenset(
    {
        *("chaos", "deploy", "failpoints", "rekku/test_cli.py", "rekku/test_nursery.py", "rekku/test_up.py"),
        *("chassis/test_kafka_cluster.py", "chassis/test_time_limits.py", "docs/test_examples.py"),
    }
)
"""Folders and files whose tests start processes without a fixture."""
FIRST = ("failpoints", "system", "rekku", "deploy", "chassis", "ledgers", "caps", "fuzz", "years")
"""Folders whose tests take longest, which begin, so that at the end no worker waits for the other."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--campaign` and `--size`, and `--pure`."""
    group = parser.getgroup("rekku")
    group.addoption("--campaign", help="play this campaign whole, and nothing else (or 'all' of them)")
    group.addoption("--size", type=int, help="play the campaign in this size instead")
    group.addoption("--pure", action="store_true", help="only tests that need no server")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Say how large campaigns are before the first test module asks; hypothesis draws from the run's seed too."""
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = str(campaigns.SEED)
    config.addinivalue_line("markers", "campaign(name): belongs to a campaign, see tests/campaigns.py")
    try:
        campaigns.choose(config.getoption("campaign"), config.getoption("size"))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_report_header(config: pytest.Config) -> str:
    """The seed, with which a run can be repeated, and the size of every campaign that is played."""
    sizes = {name: campaigns.size(name) for name in campaigns.CAMPAIGNS if campaigns.is_played([name])}
    played = ", ".join(f"{name} {size}" for name, size in sizes.items())
    return f"REKKU_SEED={campaigns.SEED}; campaigns: {played}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the tests whose turn it is, begin with those that take longest, keep together what shares a server."""
    turn = [item for item in items if _has_its_turn(item, pure=config.getoption("pure"))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(turn)])
    turn.sort(key=lambda item: FIRST.index(_folder(item)) if _folder(item) in FIRST else len(FIRST))
    for item in turn:
        item.add_marker(pytest.mark.xdist_group(_together(item)))
    items[:] = turn


def _has_its_turn(item: pytest.Item, *, pure: bool) -> bool:
    names = [str(mark.args[0]) for mark in item.iter_markers("campaign")]
    return campaigns.is_played(names) and not (pure and not is_pure(item))


def is_pure(item: pytest.Item) -> bool:
    """Whether a test needs no server and starts no process that is one."""
    place = item.path.relative_to(TESTS)
    starts = {str(place), *map(str, place.parents)} & STARTS_ITSELF
    return not starts and not SERVERS & set(getattr(item, "fixturenames", ()))


def _together(item: pytest.Item) -> str:
    """Tests of one file stay on one worker; those that share a system on one bus do so too."""
    bus = next((value for name, value in _parameters(item) if name in ("bus", "running")), None)
    return f"{_folder(item)} on {bus}" if bus is not None else str(item.path.relative_to(TESTS))


def _parameters(item: pytest.Item) -> Iterator[tuple[str, object]]:
    callspec = getattr(item, "callspec", None)
    return iter(callspec.params.items()) if callspec else iter(())


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How long the tests of each folder took, all workers together."""
    tests: dict[str, set[str]] = defaultdict(set)
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.nodeid.startswith(f"{TESTS.name}/"):
                folder = Path(report.nodeid.partition("::")[0]).parts[1]
                tests[folder].add(report.nodeid)
                seconds[folder] += report.duration
    if not seconds:
        return
    longest = sorted(seconds, key=seconds.__getitem__, reverse=True)
    terminalreporter.section("seconds of all workers together")
    terminalreporter.line(" · ".join(f"{folder} {seconds[folder]:.0f}" for folder in longest))
    if config.cache is not None:
        config.cache.set(SECONDS, {folder: [len(tests[folder]), round(seconds[folder], 1)] for folder in longest})
