"""The page on operations names what there is: every metric, every SQLSTATE that passes, and the figures."""

import re

from chassis import db, tasks, telemetry, turns
from chassis.bus import kafka_consumer
from chassis.failures import OF_THE_MOMENT
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
CODE = (ROOT / "chassis" / "telemetry.py").read_text()


def test_every_metric_is_listed_and_no_other():
    made = re.findall(r'create_\w+\(\s*"(rekku\.[a-z_.]+)"', CODE)
    assert len(made) == CODE.count("_meter.create_")
    assert sorted(re.findall(r"^\| `(rekku\.[a-z_.]+)` \|", PAGE, re.MULTILINE)) == sorted(made)
    assert telemetry.task_deaths is not None


def test_every_sqlstate_that_passes_is_listed_and_no_other():
    rows = re.findall(r"^\| (`[0-9A-Z]{2,5}`.*?) \|", PAGE, re.MULTILINE)
    listed = re.findall("`([0-9A-Z]+)`", " ".join(rows))
    assert sorted(set(listed) - {"40002"}) == sorted(OF_THE_MOMENT)


def test_the_figures_are_those_of_the_code():
    for figure in (
        f"After {tasks.MOST_DEATHS} deaths within {tasks.WITHIN_S / 60:g} minutes",
        f"wait up to {turns.TURN_WITHIN_S:g} s for their turn",
        f"it is asked for again every {kafka_consumer.REST_S:g} s",
        f"A connection is waited for up to {db.CONNECTION_WITHIN_S:g} s",
        f"leave {turns.LEFT_FOR_OTHERS} connections of the pool to others",
        f"its locks up to {turns.LOCK_WITHIN_S:g} s, {db.BRIEFLY.removesuffix('ms')} ms at a time",
        f"at a time ({db.HURRIEDLY.removesuffix('ms')} ms while others wait so)",
    ):
        assert figure in PAGE
