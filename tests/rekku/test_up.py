"""`rekku up` from nothing to the third start: ready, watched, killed and stopped, and its data found again."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import pytest

from rekku.up import free_ports

PATIENCE_S = 120


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="rekku-up-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


class Up:
    """`rekku up` in a process of its own, and what it says."""

    def __init__(self, home, port, *words):
        self.port, self.home = port, home
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rekku", "up", *words],
            env=os.environ | {"REKKU_HOME": str(home), "REKKU_PORT": str(port)},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = []

    def until(self, pattern):
        """Read what it says until a line fits."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            line = self.process.stderr.readline()
            assert line, f"it ended: {self.said}"
            self.said.append(line.rstrip("\n"))
            if re.search(pattern, line):
                return line
        raise AssertionError(self.said)

    def stop(self, with_signal=signal.SIGINT):
        """Ask it to stop; exit status and how long it took."""
        started = time.monotonic()
        self.process.send_signal(with_signal)
        self.said += self.process.communicate(timeout=PATIENCE_S)[1].splitlines()
        return self.process.returncode, time.monotonic() - started

    def run(self):
        return json.loads((self.home / "run.json").read_text())


def processes_of(home):
    """What still runs for this home."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        environment = process.info["environ"] or {}
        if environment.get("REKKU_HOME") == str(home) or str(home) in " ".join(process.info["cmdline"] or []):
            found.append(process.info["cmdline"])
    return found


def token_of(home):
    """A token of this home's issuer."""
    status, token = rekku(home, "token", "--role", "officer")
    assert status == 0
    return token.strip()


def register(port, token):
    """A provider registers through the gateway; who was there before."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {token}"}, timeout=30)
    with client:
        known = client.get("/api/registration/providers").json()["items"]
        if not known:
            body = {"provider_id": "9900001-8", "name": "Kaksi käynnistystä Oy"}
            assert client.post("/api/registration/providers", json=body).status_code == 201
        return [provider["name"] for provider in known]


def answered(port, sent):
    """The first line that a service answers to raw bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw, raw.makefile("rb") as answer:
        raw.sendall(sent)
        return answer.readline().decode().strip()


def test_from_nothing_over_deaths_of_every_kind_to_the_third_start(home):
    """A service, the nursery and the launcher are killed in one home: what is whole then is begun with again."""
    port = free_ports(1)[0]
    first = Up(home, port)
    assert f"http://127.0.0.1:{port}" in first.until("is ready at")
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30).is_success
    for instance in first.run()["instances"]:
        readyz = b"GET /readyz HTTP/1.1\r\nhost: here\r\na: "
        assert answered(instance["port"], readyz + b"x" * 30_000 + b"\r\n\r\n") == "HTTP/1.1 200 OK"
        assert "431" in answered(instance["port"], readyz + b"x" * 33_000), "limits hold in every service"
    token = token_of(home)
    assert register(port, token) == []
    assert {"registration.log", "gateway.log"} <= {path.name for path in (home / "logs").iterdir()}
    assert (home / "passwords.json").stat().st_mode & 0o077 == 0

    services_end_with_the_nursery_and_start_again(first)
    postgresql_starts_again_and_no_service_ends(first)

    courses = next(instance for instance in first.run()["instances"] if instance["service"] == "courses")
    os.kill(courses["pid"], signal.SIGKILL)
    assert re.search(r"courses was killed by SIGKILL \(see .*courses\.log\); starting again", first.until("SIGKILL"))

    status, took_s = first.stop()
    assert status == 0, first.said
    assert took_s < 15
    assert first.said[-1] == "Stopped."
    assert processes_of(home) == []
    assert not (home / "run.json").exists()

    second = Up(home, port)
    second.until("is ready at")
    assert register(port, token) == ["Kaksi käynnistystä Oy"]
    services = pids(second)
    second.process.kill()
    second.process.communicate()
    assert still_alive(services) == []

    third = Up(home, 0)
    # Port 0 is any that is free, and the one that is said and recorded is the real one.
    third.port = int(re.search(r"is ready at http://127\.0\.0\.1:(\d+) ", third.until("is ready at"))[1])
    assert is_ready(third.port)
    assert third.run()["url"] == f"http://127.0.0.1:{third.port}"
    assert [one["port"] for one in third.run()["instances"] if one["service"] == "gateway"] == [third.port]
    assert register(third.port, token) == ["Kaksi käynnistystä Oy"]
    status, _ = third.stop(signal.SIGTERM)
    assert status == 0, third.said
    assert processes_of(home) == []


def services_end_with_the_nursery_and_start_again(up):
    before = pids(up)
    [nursery] = [child for child in psutil.Process(up.process.pid).children() if "rekku.nursery" in child.cmdline()]
    nursery.kill()
    assert still_alive(before) == []
    assert "was killed by SIGTERM" in up.until("starting again")
    deadline = time.monotonic() + PATIENCE_S
    while not is_ready(up.port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_ready(up.port)
    assert not set(before) & set(pids(up))


def postgresql_starts_again_and_no_service_ends(up):
    before = pids(up)
    os.kill(int((up.home / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    assert "PostgreSQL had died, and was started again" in up.until("PostgreSQL")
    deadline = time.monotonic() + PATIENCE_S
    while not is_well(up.port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_well(up.port)
    assert pids(up) == before


def is_well(port):
    """Every service is ready, and nothing in it is dead."""
    return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30).is_success


def pids(up):
    return [instance["pid"] for instance in up.run()["instances"]]


def still_alive(pids):
    """Which of these processes have not ended within 20 s."""
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=20)
    return alive


def is_ready(port):
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).is_success
    return False


def rekku(home, *words):
    """Run a command in this home: exit status and what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "rekku", *words],
        env=os.environ | {"REKKU_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_on_kafka_from_nothing_to_the_second_start(home, kafka):
    """The brokers belong to the system: they start with it, keep its events, and end with it."""
    port = free_ports(1)[0]
    first = Up(home, port, "--bus", "kafka")
    servers = first.until("Apache Kafka is ready at").split()[-1]
    first.until("is ready at http")
    assert (first.run()["bus"], first.run()["kafka_servers"]) == ("kafka", servers)
    token = token_of(home)
    assert register(port, token) == []
    [broker] = [child for child in psutil.Process(first.process.pid).children() if "kafka.Kafka" in child.cmdline()]
    broker.kill()
    assert "broker 1 had died, and was started again" in first.until("Apache Kafka's broker")
    status, told = rekku(home, "events", "tail", "rekku.registrations", "--from-beginning", "--limit", "1")
    assert (status, told.count("\n")) == (0, 1)
    assert "registration.provider-registered.v1 9900001-8 {" in told
    assert rekku(home, "topics", "apply", "--check") == (0, "every topic is as declared\n")
    status, _ = first.stop()
    assert (status, first.said[-1]) == (0, "Stopped.")
    assert processes_of(home) == []

    second = Up(home, port, "--bus", "kafka")
    assert second.until("Apache Kafka is ready at").split()[-1] == servers
    second.until("is ready at http")
    assert register(port, token) == ["Kaksi käynnistystä Oy"]
    status, told = rekku(home, "events", "tail", "rekku.registrations", "--from-beginning", "--limit", "1")
    assert (status, "provider-registered.v1 9900001-8" in told) == (0, True)
    second.process.kill()
    second.process.communicate()
    deadline = time.monotonic() + PATIENCE_S
    while any("kafka.Kafka" in (words or []) for words in processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any("kafka.Kafka" in (words or []) for words in processes_of(home))


def test_kafka_without_java_is_said_before_anything_is_started(home, monkeypatch):
    monkeypatch.setenv("PATH", str(home / "nowhere"))
    up = Up(home, free_ports(1)[0], "--bus", "kafka")
    assert "Apache Kafka needs Java 17" in up.until("rekku: ")
    assert up.process.wait(PATIENCE_S) == 2
    up.process.communicate()
    assert not (home / "postgres").exists()


def test_a_port_in_use_is_said_before_anything_is_started(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = Up(home, taken.getsockname()[1])
        assert "is in use; choose another with REKKU_PORT" in up.until("rekku: ")
        assert up.process.wait(PATIENCE_S) == 2
        up.process.communicate()
    assert not (home / "postgres").exists()


def test_stopping_while_starting_leaves_nothing_behind(home):
    up = Up(home, free_ports(1)[0])
    up.until("Starting")
    deadline = time.monotonic() + PATIENCE_S
    while not (home / "logs" / "search.log").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    status, _ = up.stop()
    assert status == 0, up.said
    assert processes_of(home) == []
