"""What is refused leaves one line and one count: who as a pseudonym, what and where, and nothing else."""

import json
import logging

import httpx
import pytest

from chassis import telemetry
from chassis.auth import Role
from chassis.refused import LINES_OF_ALL, LINES_OF_ONE, Refusals
from chassis.telemetry import JsonLines
from chassis.testing import ServiceUnderTest

PROVIDER = "2828286-9"


class Count:
    """A counter of the telemetry that a test can read."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def add(self, amount: int, attributes: dict[str, str]) -> None:
        assert amount == 1
        self.kinds.append(attributes["kind"])


@pytest.fixture
def counted(monkeypatch) -> Count:
    count = Count()
    monkeypatch.setattr(telemetry, "turned_away", count)
    return count


def lines(caplog):
    """The refusals' lines as they are written."""
    records = [record for record in caplog.records if record.name == "chassis.refused"]
    return [json.loads(JsonLines().format(record)) for record in records]


def what(line):
    return {name: line.get(name) for name in ("kind", "status", "method", "route")}


async def test_a_401_and_a_403_leave_their_line_and_their_count(toy: ServiceUnderTest, caplog, counted):
    stranger = httpx.AsyncClient(
        transport=httpx.ASGITransport(toy.runtime.app, client=("192.0.2.7", 4711)), base_url="http://service"
    )
    body = {"note_id": "N-1", "provider_id": PROVIDER, "text": "hello"}
    assert (await stranger.post("/notes?token=abc", json=body, headers={"authorization": "Bearer a.b.c"})).is_error
    assert (await toy.http(Role.SYSTEM).put("/notes/N-17", json=body)).status_code == 403
    first, second = lines(caplog)
    assert what(first) == {"kind": "UNAUTHENTICATED", "status": 401, "method": "POST", "route": "/notes"}
    assert what(second) == {"kind": "NOT_ALLOWED", "status": 403, "method": "PUT", "route": "/notes/{note_id}"}
    assert counted.kinds == ["UNAUTHENTICATED", "NOT_ALLOWED"]
    assert first["who"] != second["who"]
    for told in ("192.0.2.7", "a.b.c", "abc", "N-17", "dev-system", PROVIDER, "hello"):
        assert told not in json.dumps([first, second])


async def test_what_is_answered_otherwise_leaves_none(toy: ServiceUnderTest, caplog, counted):
    """Negative control."""
    assert (await toy.http().get("/my-notes")).is_success
    assert (await toy.http().put("/notes/N-1", json={})).status_code == 422
    assert (await toy.http().get("/nowhere")).status_code == 404
    assert (lines(caplog), counted.kinds) == ([], [])


async def test_one_caller_has_one_pseudonym_and_without_the_secret_nobody_finds_it(caplog):
    for refusals, who in (
        (Refusals("one secret"), "officer  kela-7"),
        (Refusals("one secret"), "officer  kela-7"),
        (Refusals("one secret"), "officer  kela-8"),
        (Refusals("another"), "officer  kela-7"),
        (Refusals(""), "officer  kela-7"),
        (Refusals(""), "officer  kela-7"),
    ):
        refusals.record("NOT_ALLOWED", who)
    pseudonyms = [line["who"] for line in lines(caplog)]
    assert pseudonyms[0] == pseudonyms[1]
    assert len(set(pseudonyms)) == 5


def test_a_flood_is_counted_whole_and_leaves_few_lines(caplog, counted):
    caplog.set_level(logging.WARNING)
    now = [1000.0]
    refusals = Refusals("secret", clock=lambda: now[0])
    for _ in range(500):
        refusals.record("CSRF_REFUSED", "one")
    refusals.record("UNAUTHENTICATED", "one")
    refusals.record("CSRF_REFUSED", "another")
    assert len(lines(caplog)) == LINES_OF_ONE + 2
    assert lines(caplog)[-2]["withheld"] == 500 - LINES_OF_ONE
    for number in range(3 * LINES_OF_ALL):
        refusals.record("CSRF_REFUSED", f"caller {number}")
    assert len(lines(caplog)) == LINES_OF_ALL
    now[0] += 60
    refusals.record("CSRF_REFUSED", "one")
    assert len(lines(caplog)) == LINES_OF_ALL + 1
    assert len(counted.kinds) == 503 + 3 * LINES_OF_ALL
