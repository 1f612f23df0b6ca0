"""Named runs: which tests have their turn, in which order and on which worker, and how long they took.

Hooks of pytest, which `tests/conftest.py` takes in.
"""

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

from tests import campaigns
from tests.grouping import in_order

TESTS = Path(__file__).parent
SECONDS = "rekku/seconds"
"""Where pytest's cache keeps how long the tests of each folder took."""

SERVERS = frozenset({"cluster", "kafka", "running", "somewhere"})
"""Fixtures that start a server; a test that asks for none of them, and starts none itself, is pure."""
STARTS_ITSELF = frozenset(
    {
        *("chaos", "deploy", "failpoints", "rekku/test_cli.py", "rekku/test_nursery.py", "rekku/test_up.py"),
        *("rekku/test_small_files.py", "chassis/test_kafka_cluster.py"),
        *("chassis/test_outage.py", "chassis/test_server.py", "chassis/test_server_closing.py"),
    }
)
"""Folders and files whose tests start processes without a fixture."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--campaign` and `--size`, and `--pure`."""
    group = parser.getgroup("rekku")
    group.addoption("--campaign", help="play this campaign whole, and nothing else (or 'all' of them)")
    group.addoption("--size", type=int, help="play the campaign in this size instead")
    group.addoption("--pure", action="store_true", help="only tests that need no server")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Say how large campaigns are before the first test module asks; hypothesis draws from the run's seed too."""
    # No test depends on how fast the machine is.
    settings.register_profile("rekku", deadline=None)
    settings.load_profile("rekku")
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the tests whose turn it is, begin with those that take longest, keep together what shares a server."""
    turn = [item for item in items if _has_its_turn(item, pure=config.getoption("pure"))]
    chosen = set(turn)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = in_order(turn)


def _has_its_turn(item: pytest.Item, *, pure: bool) -> bool:
    names = [str(mark.args[0]) for mark in item.iter_markers("campaign")]
    return campaigns.is_played(names) and not (pure and not is_pure(item))


def is_pure(item: pytest.Item) -> bool:
    """Whether a test needs no server and starts no process that is one."""
    place = item.path.relative_to(TESTS)
    starts = {str(place), *map(str, place.parents)} & STARTS_ITSELF
    return not starts and not SERVERS & set(getattr(item, "fixturenames", ()))


_RESTRICT = (
    *("campaign", "pure", "keyword", "markexpr", "deselect", "ignore", "ignore_glob", "maxfail", "lf", "failedfirst"),
    *("stepwise", "collectonly", "testmon"),
)
"""Options with which a run is not one of all tests, or might not be."""


def is_whole(config: pytest.Config) -> bool:
    """Whether this run has all tests: what it took is what the table of `make times` shows."""
    everywhere = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return everywhere and not any(config.getoption(name, None) for name in _RESTRICT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """How long the tests of each folder took, all workers together, and the figures that tests have recorded.

    The times of a whole run are kept for `make times`.
    """
    tests: dict[str, set[str]] = defaultdict(set)
    seconds: dict[str, float] = defaultdict(float)
    figures: list[str] = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.nodeid.startswith(f"{TESTS.name}/"):
                folder = Path(report.nodeid.partition("::")[0]).parts[1]
                tests[folder].add(report.nodeid)
                seconds[folder] += report.duration
                if report.when == "call":
                    figures += [str(value) for name, value in report.user_properties if name == "figures"]
    if not seconds:
        return
    longest = sorted(seconds, key=seconds.__getitem__, reverse=True)
    terminalreporter.section("seconds of all workers together")
    terminalreporter.line(" · ".join(f"{folder} {seconds[folder]:.0f}" for folder in longest))
    for each in sorted(figures):
        terminalreporter.line(each)
    ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if ended and is_whole(config) and (cache := getattr(config, "cache", None)) is not None:
        cache.set(SECONDS, {folder: [len(tests[folder]), round(seconds[folder], 1)] for folder in longest})
