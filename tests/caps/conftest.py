"""The report of the load at the end of the run."""

import pytest

REPORT = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter, config):
    """How many attempts there were, how fast, and who died meanwhile."""
    for line in config.stash.get(REPORT, []):
        terminalreporter.section("attempts on caps")
        terminalreporter.line(line)
