"""Rekku-Known: a request waits for what its caller has seen, as far as that caller may see, and costs little."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

import pytest

from chassis import knowing
from chassis.auth import SYSTEM, Role
from chassis.db import Transaction
from chassis.knowing import wait_until_known
from chassis.testing import ServiceUnderTest
from contracts.refusals import NotYetKnown

PROVIDER, OTHER = "2828286-3", "1572860-0"
NOTE = {"note_id": "N-1", "provider_id": PROVIDER, "text": "hello"}
NEVER = {"rekku-known": "note:N-9@1"}


async def test_a_request_waits_for_what_the_caller_knows(toy: ServiceUnderTest):
    waiting = asyncio.create_task(toy.http().get("/my-notes", headers={"rekku-known": "note:N-1@1"}))
    await toy.http().post("/notes", json=NOTE)
    assert (await waiting).json() == ["N-1"]


async def test_a_command_waits_as_well(toy: ServiceUnderTest):
    knows = {"rekku-known": "note:N-1@1"}
    body = NOTE | {"note_id": "N-2"}
    waiting = asyncio.create_task(toy.http().post("/notes", json=body, headers=knows))
    await asyncio.sleep(0)
    await toy.http().post("/notes", json=NOTE)
    assert (await waiting).status_code == 201


async def test_what_never_arrives_is_not_yet_known(toy: ServiceUnderTest):
    """After two seconds; subjects that this service has no copies of are not waited for."""
    began = time.monotonic()
    answer = await toy.http().get("/my-notes", headers={"rekku-known": "elsewhere:x@3, note:N-9@1"})
    assert (answer.status_code, answer.json()["code"]) == (503, "NOT_YET_KNOWN")
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["values"] == {"subjects": ["note@1"]}
    assert time.monotonic() - began >= 2


@pytest.mark.parametrize(
    "marks",
    [
        "note N-9",
        "note:N-9",
        "note:@1",
        "Note:N-9@1",
        "note:N-9@-1",
        "note:N-9@1\u0661",
        "note:N 9@1",
        "note:\x00@1",
        "note:ä@1",
        f"note:{'x' * 101}@1",
        f"note:N-9@{'1' * 19}",
    ],
    ids=ascii,
)
async def test_marks_that_cannot_be_read_are_refused(toy: ServiceUnderTest, marks: str):
    answer = await toy.http().get("/my-notes", headers={"rekku-known": marks.encode("utf-8")})
    is_text = marks.isascii() and marks.isprintable()
    expected = (422, "REKKU_KNOWN_INVALID") if is_text else (400, "MALFORMED_HEADER")
    assert (answer.status_code, answer.json()["code"]) == expected


@pytest.mark.parametrize("where", [[], [("rekku-known", "")], [("rekku-known", " , ,")]])
async def test_no_marks_are_nothing_to_wait_for(toy: ServiceUnderTest, where: list[tuple[str, str]]):
    assert (await toy.http().get("/my-notes", headers=where)).status_code == 200


async def test_twenty_subjects_are_waited_for_and_no_more(toy: ServiceUnderTest):
    """Each once, with its newest version, however many lines and marks there are."""
    for number in range(21):
        await toy.http().post("/notes", json=NOTE | {"note_id": f"N-{number}"})
    marks = [f"note:N-{number}@1" for number in range(21)]

    async def code(*lines: str) -> int:
        headers = [("rekku-known", line) for line in lines]
        return (await toy.http().get("/my-notes", headers=headers)).status_code

    assert await code(",".join(marks[:20])) == 200
    assert await code(",".join(marks[:20] * 9), *marks[:20]) == 200
    assert await code(",".join(marks)) == 422
    assert await code(*marks) == 422


# Scope -----------------------------------------------------------------------------------------------------


async def test_what_the_caller_may_not_see_is_as_if_it_were_not_there(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """A provider learns nothing about another's: neither from the answer nor from how long it takes."""
    monkeypatch.setattr(knowing, "_WAIT_S", 0.2)
    await toy.http().post("/notes", json=NOTE)
    stranger, own = toy.http(Role.PROVIDER, OTHER), toy.http(Role.PROVIDER, PROVIDER)
    seen = []
    for note_id in ("N-1", "N-9"):
        began = time.monotonic()
        answer = await stranger.get("/my-notes", headers={"rekku-known": f"note:{note_id}@1"})
        problem = answer.json()
        problem.pop("trace_id", None)
        seen.append((answer.status_code, problem, time.monotonic() - began >= knowing._WAIT_S))
    assert seen[0] == seen[1]
    assert seen[0][0] == 503
    assert (await own.get("/my-notes", headers={"rekku-known": "note:N-1@1"})).status_code == 200


async def test_control_read_as_the_system_it_would_tell(toy: ServiceUnderTest, impatient: None):
    await toy.http().post("/notes", json=NOTE)
    await wait_until_known(toy.db, toy.service.known, "note:N-1@1", SYSTEM)
    with pytest.raises(NotYetKnown):
        await wait_until_known(toy.db, toy.service.known, "note:N-9@1", SYSTEM)


# Anonymous -------------------------------------------------------------------------------------------------


@pytest.fixture
def looks(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was looked up for `Rekku-Known`."""
    found: list[str] = []
    known_note = toy.service.known["note"]

    async def counted(tx: Transaction, name: str) -> int | None:
        found.append(name)
        return await known_note(tx, name)

    monkeypatch.setitem(toy.service.known, "note", counted)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("token", [None, "", "x.y.z", "Basic eDp5"])
async def test_an_anonymous_callers_marks_are_ignored_and_cost_nothing(
    toy: ServiceUnderTest, looks: list[str], token: str | None
):
    """Not even read: there may be thousands. A token that is not good is none."""
    headers: dict[str, Any] = {"rekku-known": "note:N-9@1, ???" + ",x" * 1000}
    if token is not None:
        headers["authorization"] = token if " " in token else f"Bearer {token}"
    answer = await toy.http(None).get("/notes", headers=headers)
    assert (answer.status_code, looks) == (200, [])


async def test_control_on_the_same_address_somebody_who_is_known_waits(
    toy: ServiceUnderTest, looks: list[str], impatient: None
):
    answer = await toy.http(Role.PROVIDER, PROVIDER).get("/notes", headers=NEVER)
    assert (answer.status_code, answer.json()["code"]) == (503, "NOT_YET_KNOWN")
    assert looks


async def test_an_anonymous_answer_stays_one_with_a_token(toy: ServiceUnderTest):
    """The token is there to wait, not to see more."""
    await toy.http().post("/notes", json=NOTE)
    answer = await toy.http().get("/notes", headers={"rekku-known": "note:N-1@1"})
    assert (answer.status_code, answer.json()) == (200, [])


# Cost ------------------------------------------------------------------------------------------------------


async def test_whoever_waits_holds_no_connection(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    """Three times as many wait as there are connections; others are answered meanwhile."""
    monkeypatch.setattr(knowing, "_WAIT_S", 60)
    waiting = [asyncio.create_task(toy.http().get("/my-notes", headers=NEVER)) for _ in range(60)]
    for _ in range(10):
        answer = await asyncio.wait_for(toy.http().get("/my-notes"), 10)
        assert answer.status_code == 200
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_control_held_connections_are_missed(toy: ServiceUnderTest):
    async with AsyncExitStack() as stack:
        for _ in range(toy.db.pool.get_max_size()):
            await stack.enter_async_context(toy.transaction())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(toy.http().get("/my-notes"), 0.3)


async def test_one_who_waits_looks_a_few_times_and_at_one_subject(toy: ServiceUnderTest, looks: list[str]):
    """Not a hundred times a second at twenty of them."""
    marks = ", ".join(f"note:M-{number}@1" for number in range(20))
    answer = await toy.http().get("/my-notes", headers={"rekku-known": marks})
    assert answer.status_code == 503
    assert set(looks) == {"M-0"}
    assert len(looks) <= 20
