"""The command line when something is wrong: one clear line, an exit status, never a traceback."""

import asyncio
import os
import re
import sys
from functools import partial

import pytest

from chassis.settings import BusKind
from contracts.topics import TOPICS
from rekku.home import Home, Instance, Run
from rekku.inside import bus_settings
from rekku.operations import show_topics, unread
from rekku.problems import Problem
from rekku.services import SERVICES
from tests.kafka_topics import no_topics


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (["serve", "billing"], {}, "there is no service billing"),
        (["fly"], {}, "fly"),
        (["token", "--role", "provider"], {}, "--provider is missing"),
        (["token", "--role", "officer", "--provider", "1234567-1"], {}, "--provider goes with --role provider only"),
        (["token", "--role", "provider", "--provider", "1234567-2"], {}, "--provider takes a business ID"),
        (["token", "--role", "public"], {}, '"public" for --role'),
        (["token", "--role", "provider", "--provider", "2828286"], {}, "its form is wrong"),
        (["token", "--role", "provider", "--provider", "FI 2828286–4"], {}, "its check digit is wrong"),
        (["token", "--role", "provider", "--provider", "FI 2828286–3"], {}, "there is no development issuer"),
        (["token", "--role", "king"], {}, "king"),
        (["token", "--role", "officer"], {}, "there is no development issuer"),
        (["events", "tail", "rekku.nothing"], {}, "there is no topic rekku.nothing"),
        (["events", "tail", "rekku.pins"], {}, "no system is running"),
        (["outbox", "status"], {}, "no system is running"),
        (["dead-letters", "list"], {}, "no system is running"),
        (["dead-letters", "show", "seven"], {}, "seven"),
        (["dead-letters", "replay", "0192f0c0-0000-7000-8000-000000000000"], {}, "no system is running"),
        (["projections", "rebuild"], {}, "no system is running"),
        (["reconcile", "--repair"], {}, "no system is running"),
        (["projections", "rebuild", "billing"], {}, "there is no service billing"),
        (["projections", "rebuild", "courses"], {}, "courses has no projection"),
        (["projections", "rebuild"], {"DATABASE_URL": "postgresql:///nowhere"}, "name that service"),
        (["projections", "rebuild", "search"], {"DATABASE_URL": "postgresql:///x?host=/nowhere"}, "cannot be used"),
        (["topics", "apply"], {}, "the embedded bus applies its topics itself"),
        (["topics", "apply", "--replication", "0"], {}, "replication"),
        (["up", "--bus", "pigeon"], {}, "pigeon"),
        (["up", "--instances", "courses=no"], {}, "--instances takes SERVICE=NUMBER"),
        (["up"], {"PORT": "many"}, "REKKU_PORT"),
        (["up"], {"CLOCK": "broken"}, "REKKU_CLOCK"),
    ],
)
async def test_what_is_wrong_is_said_in_one_line(rekku, tmp_path, words, settings, said):
    status, out, err = await rekku(*words, **{"HOME": tmp_path / "home", **settings})
    assert status == 2
    assert out == ""
    assert re.fullmatch(r"rekku: [^\n]+\n", err), err
    assert said in err


async def test_a_home_that_cannot_be_made_is_said_in_one_line(rekku, tmp_path):
    (tmp_path / "file").write_text("in the way")
    status, _, err = await rekku("up", HOME=tmp_path / "file" / "home")
    assert status == 2
    assert "cannot be used" in err.splitlines()[-1]


async def test_topics_are_shown_without_a_running_system(rekku, tmp_path):
    status, out, _ = await rekku("topics", HOME=tmp_path)
    assert status == 0
    assert all(topic in out for topic in TOPICS)


async def test_topics_are_applied_to_the_kafka_that_is_named(rekku, tmp_path, kafka):
    await no_topics(kafka.servers)
    apply = partial(rekku, "topics", "apply", HOME=tmp_path, BUS="kafka", KAFKA_SERVERS=kafka.servers)
    status, out, _ = await apply("--check")
    assert (status, len(out.splitlines())) == (1, len(TOPICS))
    assert "rekku.pins: is missing" in out
    status, out, _ = await apply("--replication", "3")
    assert (status, out) == (1, "")
    status, out, _ = await apply()
    assert (status, "rekku.pins: made with 4 partitions\n" in out) == (0, True)
    assert await apply("--check") == (0, "every topic is as declared\n", "")
    status, out, _ = await apply("--replication", "3", "--check")
    assert status == 1
    assert "rekku.pins: replication is 1, and 3 is declared; that is never changed" in out


async def test_a_kafka_that_does_not_answer_is_said_in_one_line(rekku, tmp_path):
    status, out, err = await rekku("topics", "apply", HOME=tmp_path, BUS="kafka", KAFKA_SERVERS="127.0.0.1:9")
    assert (status, out, err) == (1, "", "rekku: Kafka does not answer (KafkaConnectionError)\n")


async def test_production_has_no_development_tokens(rekku, tmp_path):
    (tmp_path / "dev-issuer.json").write_text("{}")
    production = {
        "ENVIRONMENT": "production",
        "JWKS_URL": "https://issuer.example/jwks",
        "FINGERPRINT_SECRET": "6f1c0a9be27d48853c7e94d2b0f5a16388d1e7c3",
        "PUBLIC_URL": "https://kurssit.example",
    }
    status, out, err = await rekku("token", "--role", "officer", HOME=tmp_path, **production)
    assert (status, out) == (2, "")
    assert "the development issuer is off" in err


def test_every_service_can_be_asked_for():
    assert SERVICES == ("registration", "courses", "decisions", "notifications", "search", "gateway")


def a_run(**differences):
    return Run(
        **{
            "pid": os.getpid(),
            "url": "http://127.0.0.1:8080",
            "clock": "real",
            "socket": "/nowhere",
            "instances": (Instance("courses", 4001, 17), Instance("courses", 4002, 18)),
            **differences,
        }
    )


def test_what_runs_is_written_and_read(tmp_path):
    home = Home(tmp_path)
    assert home.run() is None
    home.write_run(a_run())
    assert home.run() == a_run()
    assert home.running().first("courses").url == "http://127.0.0.1:4001"
    with pytest.raises(Problem, match="no service named search"):
        home.running().first("search")


async def test_a_running_system_says_which_kafka_it_is_on(tmp_path):
    home = Home(tmp_path)
    home.write_run(a_run(bus=BusKind.KAFKA, kafka_servers="127.0.0.1:9"))
    assert home.running() == a_run(bus=BusKind.KAFKA, kafka_servers="127.0.0.1:9")
    assert (bus_settings(home).bus, bus_settings(home).kafka_servers) == (BusKind.KAFKA, "127.0.0.1:9")


async def test_outboxes_are_shown_when_kafka_does_not_answer(tmp_path):
    """That is when they matter; only what is unread cannot be said."""
    home = Home(tmp_path)
    home.write_run(a_run(bus=BusKind.KAFKA, kafka_servers="127.0.0.1:9"))
    assert await unread(home) is None
    with pytest.raises(Problem, match="Kafka does not answer"):
        await show_topics(home)


async def test_a_crashed_system_is_not_taken_for_a_running_one(tmp_path):
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    home = Home(tmp_path)
    home.write_run(a_run(pid=process.pid))
    assert home.run() is None


def test_a_home_holds_one_system(tmp_path):
    home = Home(tmp_path)
    with home.locked(), pytest.raises(Problem, match="already running"), Home(tmp_path).locked():
        pass
    with home.locked():
        home.write_run(a_run())
    assert home.run() is None


def test_a_home_that_others_cannot_enter_is_refused_to_root(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Problem, match="closed is closed to others"):
        Home(closed / "home").prepare()
