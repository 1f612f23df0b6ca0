"""Whoever keeps `resume` of a list is shown everything that comes later, however late it commits."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chassis import settled
from chassis.db import Transaction
from chassis.sharing import Lane, Seat
from tests.decisions.builders import (
    HEART,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    DecisionsUnderTest,
    a_description,
    described,
    expect,
    registered,
)
from tests.decisions.settling import a_line, submitted


async def nobody(_reader: settled.Reader, _table: str) -> frozenset[str]:
    """The negative control: nobody is waited for."""
    return frozenset()


@contextmanager
def held_commits_of(contract_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Transactions that publish something of a contract wait before they end: (one is there, it may go on).

    Each grant has one of its own, as those of several processes have.
    """
    there, go_on = asyncio.Event(), asyncio.Event()
    flush = Transaction.flush

    async def held(tx: Transaction) -> None:
        about = any(contract_id.encode() in record.value for record in tx.outgoing)
        await flush(tx)
        if about:
            there.set()
            await go_on.wait()

    async def alone(_lane: Lane[Any, Any], _seat: Seat[Any, Any]) -> None:
        return None

    monkeypatch.setattr(Transaction, "flush", held)
    monkeypatch.setattr(Lane, "share", alone)
    try:
        yield there, go_on
    finally:
        go_on.set()
    return there, go_on


async def another_service(decisions: DecisionsUnderTest) -> None:
    """One whose grants need no row that those of the first one lock."""
    await decisions.know(
        described(a_description(service=HEART)),
        registered({2024: 100}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER, service=HEART),
    )


async def listed(decisions: DecisionsUnderTest, **asked: str) -> tuple[set[str], str | None]:
    page = expect(200, await decisions.officer.get("/decisions", params=asked))
    return {item["decision_ref"] for item in page["items"]}, page["resume"]


@pytest.mark.parametrize("blind", [False, True])
async def test_a_grant_that_is_held_open_is_shown_to_who_follows(
    decisions: DecisionsUnderTest, monkeypatch: pytest.MonkeyPatch, blind: bool
):
    """Also one whose number was drawn before those that were shown; without waiting for writers it is missed."""
    if blind:
        monkeypatch.setattr(settled, "writers", nobody)
    await another_service(decisions)
    first = await decisions.grant()
    shown, resume = await listed(decisions)
    assert (shown, resume) == ({first["decision_ref"]}, first["decision_ref"])

    with held_commits_of(OTHER_CONTRACT, monkeypatch) as (there, go_on):
        slow = asyncio.create_task(decisions.grant(contract_id=OTHER_CONTRACT))
        async with asyncio.timeout(20):
            await there.wait()
        quick = await decisions.grant()
        shown, resume = await listed(decisions, after=resume)
        assert shown == {quick["decision_ref"]}, "what has been committed is shown at once"
        go_on.set()
        late = await slow

    shown, resume = await listed(decisions, after=resume)
    assert shown == (set() if blind else {quick["decision_ref"], late["decision_ref"]})
    assert await listed(decisions, after=resume or "") == (set(), resume)


async def test_pages_do_not_pass_over_it_either(decisions: DecisionsUnderTest, monkeypatch: pytest.MonkeyPatch):
    await another_service(decisions)
    early = [await decisions.grant() for _ in range(2)]
    await listed(decisions)
    with held_commits_of(OTHER_CONTRACT, monkeypatch) as (there, go_on):
        slow = asyncio.create_task(decisions.grant(contract_id=OTHER_CONTRACT))
        async with asyncio.timeout(20):
            await there.wait()
        later = [await decisions.grant() for _ in range(3)]

        page = expect(200, await decisions.officer.get("/decisions", params={"limit": "3"}))
        assert (page["next"], page["resume"]) == (early[1]["decision_ref"],) * 2
        answer = await decisions.officer.get("/decisions", params={"limit": "2", "after": page["next"]})
        assert (expect(503, answer)["code"], answer.headers["retry-after"]) == ("UNAVAILABLE", "1")
        go_on.set()
        late = await slow
    shown, _ = await listed(decisions, after=page["next"])
    assert shown == {decision["decision_ref"] for decision in (late, *later)}


@pytest.mark.parametrize(
    ("path", "table"), [("/decisions", "decisions"), ("/settlements", "settlements"), ("/differences", "differences")]
)
async def test_resume_stays_while_somebody_writes_the_table(decisions: DecisionsUnderTest, clients, path, table):
    await submitted(decisions, a_line(clients[0]))
    async with decisions.service.transaction() as tx:
        await tx.execute(
            "INSERT INTO differences (kind, subject, shown, expected, state, found_at, seen_at)"
            " VALUES ('quota', 'KK-S/2024', 1, 2, 'open', now(), now())"
        )
    before = expect(200, await decisions.officer.get(path))
    assert before["resume"] not in (None, 0)
    async with decisions.service.transaction() as tx:
        await tx.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        assert expect(200, await decisions.officer.get(path)) == before
        decisions.service.db._tables.clear()
        unseen = expect(200, await decisions.officer.get(path))
        assert (unseen["items"], unseen["resume"]) == (before["items"], 0 if path == "/differences" else None)
    assert expect(200, await decisions.officer.get(path)) == before


@pytest.mark.parametrize("path", ["/decisions", "/settlements"])
async def test_a_provider_follows_its_own_too(decisions: DecisionsUnderTest, clients, path):
    """Nobody has followed them before: what is settled is found out in the provider's own role."""
    await submitted(decisions, a_line(clients[0]))
    assert not decisions.service.db._tables
    page = expect(200, await decisions.provider.get(path))
    assert page["items"]
    assert page["resume"] == expect(200, await decisions.officer.get(path))["resume"] is not None


@pytest.mark.parametrize(("path", "code"), [("/decisions", "DECISION_UNKNOWN"), ("/settlements", "SETTLEMENT_UNKNOWN")])
async def test_a_place_that_is_not_there_is_refused(decisions: DecisionsUnderTest, path, code):
    """Behind it there would never be anything, and nobody would notice."""
    unknown = "7ZK3M9QW2XRTC" if path == "/decisions" else "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77"
    assert expect(404, await decisions.officer.get(path, params={"after": unknown}))["code"] == code
