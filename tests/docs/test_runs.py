"""The named runs: what they take in, and that their page is true."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import campaigns, grouping, runs, times

TESTS = Path(__file__).parents[1]
MAKEFILE = (TESTS.parent / "Makefile").read_text()
PAGE = times.README.read_text()
SOURCES = {path: path.read_text() for path in TESTS.rglob("test_*.py")}


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    monkeypatch.setattr(campaigns, "_chosen", None)
    monkeypatch.setattr(campaigns, "_size", None)


def test_every_campaign_has_tests_and_a_row_and_there_are_no_others():
    marked = {name for source in SOURCES.values() for name in re.findall(r'mark\.campaign\("([a-z]+)"\)', source)}
    rows = re.findall(r"^\| `([a-z]+)` \| ", PAGE, re.MULTILINE)
    assert marked == set(campaigns.CAMPAIGNS) == set(rows)


def test_every_folder_of_tests_has_its_row():
    folders = {path.relative_to(TESTS).parts[0] for path in SOURCES}
    assert times.proves().keys() == folders


def test_the_pages_commands_exist():
    named = set(re.findall(r"`make ([a-z-]+)", PAGE))
    assert {"check", "test", "test-service", "test-long", "affected", "times"} <= named
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_a_run_of_all_tests_plays_campaigns_short_and_leaves_out_those_that_are_whole_or_nothing():
    assert campaigns.is_played([])
    assert campaigns.is_played(["caps"])
    assert not campaigns.is_played(["sabotage"])
    assert {name for name in campaigns.CAMPAIGNS if campaigns.is_whole(name)} == set()
    assert campaigns.size("ledgers") == campaigns.CAMPAIGNS["ledgers"].short


def test_a_run_of_one_campaign_plays_it_whole_and_nothing_else():
    campaigns.choose("sabotage")
    assert campaigns.is_played(["sabotage"])
    assert not campaigns.is_played([])
    assert not campaigns.is_played(["caps"])
    campaigns.choose("caps", 20_000)
    assert campaigns.size("caps") == 20_000
    assert campaigns.size("years") == campaigns.CAMPAIGNS["years"].short
    campaigns.choose(campaigns.EVERY)
    assert all(campaigns.size(name) == campaign.whole for name, campaign in campaigns.CAMPAIGNS.items())


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *[("cap", None), (None, 5), ("all", 5), ("caps", 0), ("caps", 499), ("sabotage", 2), ("years", 11)],
        *[("kills", 21), ("fuzz", 0), ("crowd", -1), ("ledgers", 0)],
    ],
)
def test_what_is_no_campaign_or_no_size_is_refused(name, size):
    with pytest.raises(ValueError, match="campaign"):
        campaigns.choose(name, size)


def test_who_names_no_campaign_reads_of_the_long_run_too():
    with pytest.raises(ValueError, match="chaos"):
        campaigns.choose("foo")


@pytest.mark.parametrize("text", ["x", "", "-1", "1.5", "\u0661"])
def test_a_seed_that_is_no_number_is_one_line(text):
    asked = [sys.executable, "-m", "tests.campaigns", "4b8e2f3"]
    run = subprocess.run(asked, env=os.environ | {"REKKU_SEED": text}, capture_output=True, text=True, check=False)
    assert (run.returncode, len(run.stderr.splitlines())) == (1, 1)
    assert "REKKU_SEED is a whole number" in run.stderr


def test_a_service_is_named_as_a_shell_completes_its_folder_too():
    def printed(name):
        asked = ["make", "-n", "test-service", f"S={name}"]
        return subprocess.run(asked, cwd=TESTS.parent, capture_output=True, text=True, check=True).stdout

    assert printed("search/") == printed("search")
    assert "tests/search " in printed("search/")
    for service in ("courses", "search"):
        assert service in printed("nothing").partition("one of: ")[2].partition('"')[0]


@pytest.mark.parametrize("name", campaigns.CAMPAIGNS)
def test_a_campaign_is_played_in_every_size_from_its_least_to_its_most(name):
    one = campaigns.CAMPAIGNS[name]
    for size in {one.least, one.whole, one.most or 10 * one.whole}:
        campaigns.choose(name, size)
        assert campaigns.size(name) == size
    assert one.least <= (one.short or one.whole) <= one.whole


def test_every_campaign_that_ci_may_choose_is_chosen_by_some_commit():
    chosen = {campaigns.one_for(f"{number:040x}") for number in range(200)}
    assert {name for name, _ in chosen} == {name for name, one in campaigns.CAMPAIGNS.items() if one.in_ci}
    assert len({seed for _, seed in chosen}) > 100
    assert campaigns.one_for("4b8e2f3") == campaigns.one_for("4b8e2f3")


@pytest.mark.parametrize(
    ("arguments", "whole"),
    [
        ([], True),
        (["-n", "2", "-q"], True),
        *[(restricted, False) for restricted in (["tests/years"], ["-k", "a"], ["--pure"], ["--campaign", "caps"])],
        *[(restricted, False) for restricted in (["-x"], ["--lf"], ["--ignore", "tests/docs"], ["--collect-only"])],
    ],
)
def test_only_a_run_of_all_tests_leaves_its_times(pytestconfig, arguments, whole):
    """What a run of some took would otherwise be printed as what all take."""
    options = pytestconfig._parser.parse_known_args(arguments)
    sources = pytest.Config.ArgsSource
    run = SimpleNamespace(
        args_source=sources.ARGS if options.file_or_dir else sources.TESTPATHS,
        getoption=lambda name, default: getattr(options, name, default),
    )
    assert runs.is_whole(run) == whole


def test_the_table_adds_up_what_the_run_took():
    printed = times.table({"years": (2, 11.6), "docs": (100, 3.2)}).splitlines()
    assert printed[2].startswith("| `years/` | simulated years | 2 | 12 |")
    assert printed[-1] == "| | together | 102 | 15 |"


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/system/test_the_path.py::test_a[kafka]", "system-kafka"),
        ("tests/failpoints/test_every_step.py::test_a[embedded]", "failpoints-embedded"),
        ("tests/chassis/test_bus.py::test_a[kafka-3]", "kafka"),
        ("tests/chassis/test_bus.py::test_a[embedded-3]", "chassis/test_bus.py"),
        ("tests/chassis/test_kafka_bus.py::test_a", "kafka"),
        ("tests/system/test_tracing.py::test_a[kafka]", "kafka"),
        ("tests/courses/test_pinning.py::test_a[no kafka here]", "courses/test_pinning.py"),
    ],
)
def test_what_shares_a_server_is_one_group(nodeid, group):
    assert grouping.group_of(nodeid) == group


def test_every_group_and_file_that_begins_is_there():
    files = {str(path.relative_to(TESTS)) for path in SOURCES} | {path.parent.name for path in SOURCES}
    groups = {"kafka", *(f"{folder}-{bus}" for folder in ("failpoints", "system") for bus in ("kafka", "embedded"))}
    assert set(grouping.LONG) - groups <= files
    assert files >= grouping._ON_KAFKA | grouping._ON_ITS_OWN
