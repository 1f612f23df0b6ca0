"""Every command, from the command table, where something is wrong: one line that says what, a status, no traceback."""

import json
import os
import re
import sys
from dataclasses import asdict
from uuid import UUID

import asyncpg
import pytest

from chassis import runtime
from chassis.clock import ClockKind
from chassis.files import FileUnusable, Unusable
from chassis.kafka.jars import KafkaUnavailable
from chassis.provisioning import roles_of
from rekku import cli
from rekku.home import Run
from rekku.problems import Problem, problem_of
from rekku.provisioning import needed_roles

LETTER = str(UUID(int=7))
CALLS = {
    ("serve",): ["search"],
    ("up",): [],
    ("demo",): [],
    ("migrate",): [],
    ("provision",): [],
    ("topics",): [],
    ("topics", "apply"): [],
    ("clients", "erase"): ["client-4711"],
    ("events", "tail"): ["rekku.pins"],
    ("dead-letters", "list"): [],
    ("dead-letters", "show"): [LETTER],
    ("dead-letters", "replay"): [LETTER],
    ("dead-letters", "discard"): [LETTER],
    ("outbox", "status"): [],
    ("outbox", "show"): [],
    ("outbox", "retry"): [],
    ("projections", "rebuild"): [],
    ("reconcile",): [],
    ("token",): ["--role", "officer"],
    ("rule",): ["E-54"],
}
"""Every command, with arguments that are right."""

STARTING = {("serve",), ("up",), ("demo",), ("migrate",), ("provision",)}
"""They start what the others look at."""

LOOKING = sorted(CALLS.keys() - STARTING - {("token",), ("rule",)})


def commands(app, words=()):
    """Every command of the table that can be called."""
    inner = [name for name in app if not name.startswith("-")]
    if words and app.default_command is not None:
        yield words
    for name in inner:
        yield from commands(app[name], (*words, name))


def test_the_table_is_walked_whole():
    assert set(commands(cli.app)) == set(CALLS)


@pytest.fixture
def rekku(monkeypatch, capsys, tmp_path):
    """Run a command in this process: its exit status, and what it prints on stdout and on stderr."""

    def run(*words, **settings):
        with monkeypatch.context() as patch:
            for name in os.environ:
                if name.startswith("REKKU_"):
                    patch.delenv(name)
            for name, value in ({"HOME": tmp_path / "home"} | settings).items():
                patch.setenv(f"REKKU_{name}", str(value))
            patch.setattr(sys, "argv", ["rekku", *words])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        return ended.value.code, *capsys.readouterr()

    return run


def told(answer, fragment=""):
    """It ends with one line, which says a thing; before it, `rekku up` says what it does."""
    status, out, err = answer
    assert status in (1, 2)
    assert out == ""
    assert re.fullmatch(r"(Starting rekku in [^\n]+\n)?rekku: [^\n]+\n", err), err
    assert fragment in err


def named(words):
    return " ".join(words)


@pytest.mark.parametrize("words", CALLS, ids=named)
def test_an_option_that_there_is_not(rekku, words):
    told(rekku(*words, *CALLS[words], "--no-such-option"), "--no-such-option")


@pytest.mark.parametrize("words", sorted(CALLS.keys() - {("projections", "rebuild")}), ids=named)
def test_an_argument_too_many(rekku, words):
    told(rekku(*words, *CALLS[words], "surplus\nof two lines"), "surplus")


@pytest.mark.parametrize("words", [words for words in CALLS if CALLS[words]], ids=named)
def test_an_argument_too_few(rekku, words):
    told(rekku(*words))


WRONG_SETTINGS = [
    ("HOME", "", "REKKU_HOME: it is empty"),
    ("HOME", " ", "REKKU_HOME: it is empty"),
    ("PORT", "many", "REKKU_PORT: "),
    ("PORT", "-1", "REKKU_PORT: "),
    ("PORT", "65536", "REKKU_PORT: "),
    ("PORT", "", "REKKU_PORT: "),
    ("UPSTREAMS", "{", "upstreams"),
    ("DATABASE_URL", "mysql://role:hush@host", "REKKU_DATABASE_URL: it is not an address"),
    ("DATABASE_URL", "postgresql://role:hush@host:65536/x", "REKKU_DATABASE_URL: it is not an address"),
    ("DATABASE_URL", "postgresql://role:hu/sh@host/x", "REKKU_DATABASE_URL: it is not an address"),
    ("DATABASE_URL", "postgresql://role:hush@hush@host/x", "REKKU_DATABASE_URL: it is not an address"),
    ("DATABASE_URL", "postgresql://role:hush@[host/x", "REKKU_DATABASE_URL: it is not an address"),
    ("DATABASE_URL", "postgresql:///x?port=hush", "REKKU_DATABASE_URL: it is not an address"),
    ("KAFKA_SERVERS", ":::", "REKKU_KAFKA_SERVERS: it is not like host:port"),
    ("KAFKA_SERVERS", "kafka:many", "REKKU_KAFKA_SERVERS: it is not like host:port"),
    ("KAFKA_SERVERS", "kafka:9092,kafka:99999", "REKKU_KAFKA_SERVERS: it is not like host:port"),
    ("POOL_SIZE", "0", "REKKU_POOL_SIZE: "),
    ("LEASE_S", "nan", "REKKU_LEASE_S: "),
    ("LOG_LEVEL", "LOUD", "REKKU_LOG_LEVEL: "),
]


@pytest.mark.parametrize("words", sorted(CALLS.keys() - {("provision",), ("rule",)}), ids=named)
def test_a_wrong_setting_is_named_and_not_repeated(rekku, words):
    for name, value, fragment in WRONG_SETTINGS:
        answer = rekku(*words, *CALLS[words], **{name: value})
        told(answer, fragment)
        assert answer[0] == 2
        assert "hush" not in answer[2]


GIVEN = {
    "DATABASE_URL": "postgresql:///x",
    "KEYS_DATABASE_URL": "postgresql:///x",
    "JWKS_URL": "https://identity.example/jwks.json",
    "FINGERPRINT_SECRET": "hush, and another one",
    "SECRET": "hush, and long enough for a link",
    "UPSTREAMS": '{"search": "http://127.0.0.1:9"}',
}
NEEDED = {
    "registration": {"DATABASE_URL", "FINGERPRINT_SECRET", "JWKS_URL"},
    "courses": {"DATABASE_URL", "FINGERPRINT_SECRET", "JWKS_URL", "KEYS_DATABASE_URL"},
    "decisions": {"DATABASE_URL", "FINGERPRINT_SECRET", "JWKS_URL", "KEYS_DATABASE_URL"},
    "notifications": {"DATABASE_URL", "FINGERPRINT_SECRET", "JWKS_URL", "KEYS_DATABASE_URL", "SECRET"},
    "search": {"DATABASE_URL", "FINGERPRINT_SECRET", "JWKS_URL"},
    "gateway": {"DATABASE_URL", "FINGERPRINT_SECRET", "JWKS_URL", "UPSTREAMS"},
}


@pytest.mark.parametrize("service", NEEDED)
def test_a_service_without_a_setting_that_it_needs_does_not_start(rekku, monkeypatch, service):
    """And starts with them, which is the negative control; a secret of fifteen characters is none."""
    started = []

    def start(name, _):
        started.append(name)
        raise Unusable("far enough")

    monkeypatch.setattr(runtime, "start_telemetry", start)
    for name in NEEDED[service]:
        told(rekku("serve", service, **GIVEN | {name: {} if name == "UPSTREAMS" else ""}), f"REKKU_{name}")
    if service == "notifications":
        answer = rekku("serve", service, **GIVEN | {"SECRET": "hush, and short"})
        told(answer, "REKKU_SECRET")
        assert "hush" not in answer[2]
    assert not started
    told(rekku("serve", service, **{name: GIVEN[name] for name in NEEDED[service]}), "far enough")
    assert started == [service]


@pytest.mark.parametrize(
    ("settings", "fragment"),
    [
        ({}, "REKKU_ADMIN_URL: Field required"),
        ({"ADMIN_URL": "host", "ROLE_PASSWORDS": "{}"}, "REKKU_ADMIN_URL: it is not an address"),
        ({"ADMIN_URL": "postgresql:///x", "ROLE_PASSWORDS": "{hush"}, "role_passwords"),
        ({"ADMIN_URL": "postgresql:///x", "ROLE_PASSWORDS": '{"king": "hush"}'}, "there is no role king"),
        ({"ADMIN_URL": "postgresql:///x", "ROLE_PASSWORDS": '{"rekku_keys": "hush"}'}, "has no password of 16"),
    ],
)
def test_provisioning_with_a_wrong_setting(rekku, settings, fragment):
    answer = rekku("provision", **settings)
    told(answer, fragment)
    assert "hush" not in answer[2]


def test_a_client_is_erased_with_its_keys_or_not_at_all(rekku):
    """With both addresses it goes on to PostgreSQL, which is the negative control."""
    there = {"DATABASE_URL": "postgresql://rekku_decisions:hush@127.0.0.1:1/rekku"}
    told(rekku("clients", "erase", "client-4711", **there), "REKKU_KEYS_DATABASE_URL is missing")
    keys = {"KEYS_DATABASE_URL": "postgresql://rekku_keys_decisions:hush@127.0.0.1:1/rekku_keys"}
    told(rekku("clients", "erase", "client-4711", **there, **keys), "the database of REKKU_DATABASE_URL cannot be used")


@pytest.mark.parametrize("words", sorted(set(LOOKING) - {("topics",), ("topics", "apply")}), ids=named)
def test_nothing_runs_there(rekku, tmp_path, words):
    fragment = "no system is running"
    told(rekku(*words, *CALLS[words]), fragment)
    assert not (tmp_path / "home").exists()
    (tmp_path / "file").write_text("in the way")
    told(rekku(*words, *CALLS[words], HOME=tmp_path / "file"), fragment)
    told(rekku(*words, *CALLS[words], HOME=tmp_path / "file" / "home"), fragment)


def a_home(folder, **differences):
    """A home whose record says that this process is the system."""
    folder.mkdir()
    run = Run(os.getpid(), "http://127.0.0.1:9", ClockKind.REAL, str(folder / "nowhere"))
    (folder / "run.json").write_text(json.dumps(asdict(run) | differences))
    (folder / "passwords.json").write_text(json.dumps(dict.fromkeys(["postgres", "rekku_bus"], "hush")))
    return folder


@pytest.mark.parametrize("words", LOOKING, ids=named)
def test_a_broken_record_of_what_runs(rekku, tmp_path, words):
    for number, differences in enumerate(({"pid": 0}, {"pid": 2**40}, {"clock": "sundial"}, {"instances": 7})):
        home = a_home(tmp_path / str(number), **differences)
        told(
            rekku(*words, *CALLS[words], HOME=home), f"{home / 'run.json'} is broken (ValidationError): stop the system"
        )


@pytest.mark.parametrize("words", sorted(set(LOOKING) - {("topics", "apply")}), ids=named)
def test_passwords_that_are_lost(rekku, tmp_path, words):
    home = a_home(tmp_path / "home")
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("18")
    for text in ("", "{", "[]", '{"rekku_bus": "hush"}', '{"postgres": ""}'):
        (home / "passwords.json").write_text(text)
        answer = rekku(*words, *CALLS[words])
        told(answer, f"{home / 'passwords.json'} is ")
        assert "hush" not in answer[2]
    (home / "passwords.json").unlink()
    told(rekku(*words, *CALLS[words]), f"{home / 'passwords.json'} is missing: ")
    assert not (home / "passwords.json").exists()


@pytest.mark.parametrize("words", sorted(set(LOOKING) - {("topics", "apply")}), ids=named)
def test_the_database_is_down(rekku, tmp_path, words):
    home = a_home(tmp_path / "home")
    roles = ["postgres", *roles_of(NAMES)]
    (home / "passwords.json").write_text(json.dumps(dict.fromkeys(roles, "hush")))
    told(rekku(*words, *CALLS[words]), f"PostgreSQL in {home} does not answer (FileNotFoundError)")


NAMES = ("registration", "courses", "decisions", "notifications", "search", "gateway")


@pytest.mark.parametrize("words", [("topics",), ("topics", "apply"), ("events", "tail")], ids=named)
def test_kafka_is_down(rekku, tmp_path, words):
    a_home(tmp_path / "home", bus="kafka", kafka_servers="127.0.0.1:9")
    told(rekku(*words, *CALLS[words]), "Kafka does not answer")


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (("migrate",), {"OWNER_DATABASE_URL": "postgresql://x:y@127.0.0.1:9/rekku"}),
        (("projections", "rebuild", "search"), {"DATABASE_URL": "postgresql:///x?host=/nowhere"}),
    ],
)
def test_a_database_somewhere_else_is_down(rekku, words, settings):
    told(rekku(*words, **settings), "cannot be used (")


def test_provisioning_a_database_that_is_down(rekku):
    passwords = json.dumps(dict.fromkeys(needed_roles(), "x" * 16))
    told(rekku("provision", ADMIN_URL="postgresql:///x?host=/nowhere", ROLE_PASSWORDS=passwords), "cannot be provis")


@pytest.mark.parametrize("words", [("up",), ("migrate",)], ids=named)
def test_a_home_that_cannot_be(rekku, tmp_path, words):
    (tmp_path / "file").write_text("in the way")
    told(rekku(*words, HOME=tmp_path / "file" / "home"), "cannot be used")
    told(rekku(*words, HOME="~nobody-of-this-name/home"), "leads nowhere")


@pytest.mark.parametrize("words", [("up",), ("migrate",)], ids=named)
@pytest.mark.parametrize("name", ["passwords.json", "secret"])
def test_what_opens_the_data_is_lost(rekku, open_home, words, name):
    """It is named before anything is started, and not made anew."""
    data, lost = open_home / "postgres", open_home / name
    data.mkdir()
    (data / "PG_VERSION").write_text("18")
    (open_home / "passwords.json").write_text('{"postgres": "hush"}')
    (open_home / "secret").write_text("hush" * 8)
    for broken in (b"hush", b"", b"\xff", None):
        lost.unlink() if broken is None else lost.write_bytes(broken)
        answer = rekku(*words, HOME=open_home, PORT=0)
        told(answer, f"{lost} is ")
        assert answer[2].endswith(
            f": {data} cannot be used without it, so it is not made anew; put it back from a backup\n"
        )
        assert "hush" not in answer[2]
        assert (lost.read_bytes() if lost.exists() else None) == broken
    assert list((open_home / "logs").iterdir()) == []
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"keys": 7}'])
def test_a_service_whose_issuers_keys_are_broken_does_not_start(rekku, tmp_path, text):
    keys = tmp_path / "with a space" / "jwks.json"
    keys.parent.mkdir()
    if text is not None:
        keys.write_text(text)
    answer = rekku("serve", "search", JWKS_URL=keys.as_uri())
    told(answer, f"{keys} is ")
    assert answer[2].endswith(": REKKU_JWKS_URL names it: put the issuer's key set there\n")
    assert "hush" not in answer[2]


@pytest.mark.parametrize("count", ["courses", "courses=0", "courses=²", "courses=" + "9" * 5000, "billing=2", "=1"])
def test_instances_of_nothing_or_not_a_number(rekku, count):
    told(rekku("up", "--instances", count))


def test_a_command_whose_problems_are_nobodys_would_show_its_traceback(rekku, monkeypatch):
    """Negative control of the tests above: without the one place that knows problems, they reach the terminal raw."""
    monkeypatch.setattr(cli, "problem_of", lambda error: None)
    with pytest.raises(Problem, match="no system is running"):
        rekku("outbox", "status")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Problem("as it stands"), "as it stands"),
        (FileUnusable("x is broken: y"), "x is broken: y"),
        (KafkaUnavailable("no Java"), "no Java"),
        (ExceptionGroup("several", [ExceptionGroup("inner", [Problem("the first"), ValueError()])]), "the first"),
        (
            OSError(28, "No space left on device", "/x"),
            "/x: No space left on device; make room on the disk and try again",
        ),
        (OSError(28, "No space left on device"), "No space left on device; make room on the disk and try again"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
        (TimeoutError(), "TimeoutError"),
        (asyncpg.DiskFullError(), "PostgreSQL's disk is full (DiskFullError); make room on it and try again"),
        (asyncpg.InvalidPasswordError(), "PostgreSQL does not take this password (InvalidPasswordError): "),
        (asyncpg.ConnectionDoesNotExistError(), "PostgreSQL broke off, or cannot be reached (ConnectionDoesNotExist"),
        (asyncpg.AdminShutdownError(), "PostgreSQL broke off, or cannot be reached (AdminShutdownError)"),
        (asyncpg.InterfaceError("x"), "PostgreSQL broke off, or cannot be reached (InterfaceError)"),
    ],
)
def test_what_an_error_comes_to(error, line):
    problem = problem_of(error)
    assert problem is not None
    assert str(problem).startswith(line)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), ExceptionGroup("x", [TypeError()])])
def test_a_fault_of_our_own_keeps_its_traceback(error):
    assert problem_of(error) is None
