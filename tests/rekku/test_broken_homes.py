"""Every command that reads a small file of a home where that file is broken: one line, what to do, nothing changed."""

import json
import os
import re

import pytest

from chassis.auth import DevIssuer
from chassis.embedded import data_of
from chassis.settings import Settings
from rekku.home import Home, Run
from tests.chassis.test_files import BREAKAGES

LETTER = "0192f0c0-0000-7000-8000-000000000000"
LOOKING = (
    *(("events", "tail", "rekku.pins"), ("outbox", "status"), ("projections", "rebuild"), ("reconcile",)),
    *(("dead-letters", "list"), ("dead-letters", "show", LETTER), ("dead-letters", "replay", LETTER)),
    ("dead-letters", "discard", LETTER),
)
"""The commands that look into a running system."""
STARTING = (("up",), ("migrate",))

READERS = {
    "run.json": (*LOOKING, ("topics",), ("topics", "apply")),
    "passwords.json": (*LOOKING, *STARTING, ("topics",)),
    "secret": STARTING,
    "dev-issuer.json": (("up",), ("token", "--role", "officer")),
    "postgres/postmaster.pid": STARTING,
    "jwks.json": (("serve", "search"),),
}
"""What reads each file. `serve` is named the key set by REKKU_JWKS_URL; the demo begins with a home of its own."""

BREAKAGE = {"secret": "not text", "postgres/postmaster.pid": "empty", "jwks.json": "empty"}
"""Each file in each way is tried in test_small_files.py; here one by each command, cut where nothing is said."""
BROKEN = [
    (name, words, breakage)
    for name, commands in READERS.items()
    for words in commands
    for breakage in (BREAKAGE.get(name, "cut"), "missing")
    # Without one of these nothing runs, or a new one is made, or nothing ran: that is no fault.
    if breakage != "missing" or name not in ("run.json", "dev-issuer.json", "postgres/postmaster.pid")
    if breakage != "missing" or words not in LOOKING[1:]
]


def a_home_with_data(home):
    """A home with data, whose keys are there, and a system that seems to run."""
    DevIssuer(Settings(home=home, dev_issuer=True))
    (home / "passwords.json").write_text(json.dumps({"postgres": "x", "rekku_bus": "x"}))
    for name in ("secret", "fingerprint-secret"):
        (home / name).write_text("x" * 64)
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("18")
    (home / "jwks.json").write_text((home / "dev-issuer-jwks.json").read_text())


def files_in(home):
    return {path: path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file() and "logs" not in path.parts}


@pytest.mark.parametrize(
    ("name", "words", "breakage"), BROKEN, ids=lambda each: "-".join(each) if type(each) is tuple else each
)
async def test_each_command_names_the_file_in_one_line_and_changes_nothing(open_home, rekku, name, words, breakage):
    """Empty, cut, no text, or missing where it opens data."""
    a_home_with_data(open_home)
    if words in LOOKING or words == ("topics",):
        Home(open_home).write_run(Run(os.getpid(), "http://127.0.0.1:1", "real", str(open_home)))
    path = open_home / name
    path.unlink(missing_ok=True)
    if breakage != "missing":
        path.write_bytes(BREAKAGES[breakage])
    before = files_in(open_home)
    done = await rekku(*words, HOME=open_home, PORT=0, JWKS_URL=(open_home / "jwks.json").as_uri())
    assert (done.status, done.out) == (2, "")
    [line] = [each for each in done.err.splitlines() if not each.startswith("Starting rekku in ")]
    assert re.fullmatch(r"rekku: .+", line)
    assert f"{path} is {'missing' if breakage == 'missing' else ''}" in line
    assert re.search("put it back|remove it|start it again|put the issuer's", line)
    assert "hush" not in line
    after = files_in(open_home)
    assert {path: text for path, text in after.items() if path.name not in ("lock", "passwords.json")} == {
        path: text for path, text in before.items() if path.name != "passwords.json"
    }
    # Roles that are new may get theirs; nobody's is changed.
    passwords = open_home / "passwords.json"
    assert after.get(passwords) == before.get(passwords) or json.loads(after[passwords])["postgres"] == "x"


async def test_control_whole_files_are_not_complained_of(open_home, rekku):
    """Negative control: the same home, all of it whole, gets as far as the server that is not there."""
    a_home_with_data(open_home)
    Home(open_home).write_run(Run(os.getpid(), "http://127.0.0.1:1", "real", str(open_home)))
    done = await rekku("events", "tail", "rekku.pins", HOME=open_home)
    assert done.err.startswith(f"rekku: PostgreSQL in {open_home} does not answer")
    assert (await rekku("token", "--role", "officer", HOME=open_home)).status == 0


EMPTY = ({"HOME": " "}, "REKKU_HOME: it is empty")


@pytest.mark.parametrize(
    ("words", "settings", "fragment"),
    [
        *((words, *EMPTY) for words in (*LOOKING, *STARTING, ("topics",), ("token", "--role", "officer"), ("demo",))),
        *((("up",), {"PORT": port}, "REKKU_PORT") for port in ("65536", "-1", "80.5", "")),
        (("up",), {"HOME": ""}, "REKKU_HOME: it is empty"),
        (("serve", "search"), {"PORT": "65536"}, "REKKU_PORT"),
    ],
)
async def test_an_empty_home_and_a_port_out_of_range_are_refused(open_home, rekku, words, settings, fragment):
    done = await rekku(*words, **{"HOME": open_home, **settings})
    assert (done.status, done.out) == (2, "")
    assert re.fullmatch(r"rekku: [^\n]+\n", done.err), done.err
    assert fragment in done.err
    assert list(open_home.iterdir()) == []


@pytest.mark.parametrize("mark", ["PG_VERSION", "global/pg_control"])
def test_data_of_which_a_part_is_lost_are_data_all_the_same(open_home, mark):
    """Keys are not made anew over them."""
    (open_home / "postgres" / mark).parent.mkdir(parents=True)
    assert data_of(open_home) is None
    (open_home / "postgres" / mark).write_text("18")
    assert data_of(open_home) == open_home / "postgres"
