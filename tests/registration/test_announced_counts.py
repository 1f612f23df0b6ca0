"""Announced counts over HTTP, with the clock of Helsinki and the history kept."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from contracts.registration import AnnouncedCount, AnnouncedCountChanged
from services.registration import store
from services.registration.counts import handlers
from tests.races import meet
from tests.registration.builders import announce, registered_contract, year_of


async def history_of(registration, contract_id: str) -> list[tuple]:
    async with registration.transaction() as tx:
        rows = await tx.fetch(
            "SELECT year, revision, count, raised_from, effective_at FROM announced_counts"
            " WHERE contract_id = $1 ORDER BY year, revision",
            contract_id,
        )
    return [tuple(row) for row in rows]


async def test_a_count_is_announced_then_raised_and_its_history_stays(registration):
    """R-REG-8, R-REG-9, E-3: each value with the instant from which it holds."""
    contract_id = await registered_contract(registration)
    announced_at = registration.clock.now
    assert (await announce(registration, contract_id, 2024, 20)).status_code == 200
    raised_at = datetime(2024, 6, 3, 9, tzinfo=UTC)
    await registration.clock.set(raised_at)
    answer = await announce(registration, contract_id, 2024, 26)
    assert answer.json()["years"] == [
        {
            "year": 2024,
            "announced": 26,
            "state": "announced",
            "decisions_used": 0,
            "decisions_left": 26,
            "decisions_overdrawn": 0,
            "places_used": 0,
            "places_left": 26,
            "places_overdrawn": 0,
        }
    ]
    assert await history_of(registration, contract_id) == [
        (2024, 1, 20, None, announced_at),
        (2024, 2, 26, 20, raised_at),
    ]
    events = await registration.published(AnnouncedCountChanged)
    assert [(event.version, event.year, event.count) for event in events] == [(2, 2024, 20), (3, 2024, 26)]
    assert events[-1].contract.announced_counts == (AnnouncedCount(year=2024, count=26),)


async def test_lowering_is_refused_with_both_figures(registration):
    """E-3: COUNT_ONLY_RAISED; nothing changes."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 24)
    answer = await announce(registration, contract_id, 2024, 23)
    assert (answer.status_code, answer.json()["code"]) == (409, "COUNT_ONLY_RAISED")
    assert answer.json()["values"] == {"current": 24, "wanted": 23}
    assert len(await registration.published(AnnouncedCountChanged)) == 1


async def test_zero_is_announced(registration):
    """E-3: a provider that takes no new clients says so."""
    contract_id = await registered_contract(registration)
    assert (await announce(registration, contract_id, 2024, 0)).status_code == 200
    assert (await year_of(registration, contract_id, 2024))["announced"] == 0


async def test_the_window_closes_at_midnight_in_helsinki(registration):
    """E-16, P1: 2024-10-31T21:59:59Z is still 31 October, 22:00:00Z is November."""
    on_time = await registered_contract(registration)
    late = await registered_contract(registration, language="sv")
    await registration.clock.set(datetime(2024, 10, 31, 21, 59, 59, tzinfo=UTC))
    assert (await announce(registration, on_time, 2025, 20)).status_code == 200
    await registration.clock.set(datetime(2024, 10, 31, 22, 0, 0, tzinfo=UTC))
    answer = await announce(registration, late, 2025, 20)
    assert (answer.status_code, answer.json()["code"]) == (409, "WINDOW_CLOSED")
    assert answer.json()["values"] == {"year": 2025, "closed_on": "2024-10-31"}
    assert (await announce(registration, on_time, 2025, 26)).status_code == 200


async def test_the_year_turns_at_midnight_in_helsinki(registration):
    """E-16: 2024-12-31T22:00Z is 1 January 2025, when 2024 is closed and 2026 is open."""
    contract_id = await registered_contract(registration)
    await registration.clock.set(datetime(2024, 12, 31, 21, 59, 59, tzinfo=UTC))
    assert (await announce(registration, contract_id, 2024, 5)).status_code == 200
    await registration.clock.set(datetime(2024, 12, 31, 22, 0, 0, tzinfo=UTC))
    refused = await announce(registration, contract_id, 2024, 6)
    assert refused.json()["code"] == "YEAR_NOT_OPEN"
    assert refused.json()["values"] == {"year": 2024, "this_year": 2025, "next_year": 2026}
    assert (await announce(registration, contract_id, 2026, 6)).status_code == 200


async def test_a_count_outside_the_contract_is_refused(registration):
    """E-45: the contract ends with 2024."""
    contract_id = await registered_contract(registration, valid_to="2024-12-31")
    answer = await announce(registration, contract_id, 2025, 6)
    assert (answer.status_code, answer.json()["code"]) == (409, "CONTRACT_NOT_IN_FORCE")
    assert answer.json()["values"] == {"year": 2025, "valid_from": "2022-01-01", "valid_to": "2024-12-31"}


async def test_a_raise_decided_on_an_old_version_is_stale(registration):
    """If-Match: 412 with the current version, and nothing changes."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 20)
    answer = await announce(registration, contract_id, 2024, 26, **{"if-match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "STALE_VERSION")
    assert answer.json()["values"] == {"current": 2}
    assert (await year_of(registration, contract_id, 2024))["announced"] == 20


async def test_raises_at_once_never_lower_the_count_or_lose_one(registration):
    """E-3 under concurrency: in whatever order they come, the highest stands and every row rises."""
    contract_id = await registered_contract(registration)
    wanted = [12, 40, 25, 31, 18, 36, 22, 28]
    answers = await asyncio.gather(*(announce(registration, contract_id, 2024, count) for count in wanted))
    assert {answer.status_code for answer in answers} <= {200, 409}
    history = await history_of(registration, contract_id)
    counts = [count for _, _, count, _, _ in history]
    assert counts == sorted(set(counts))
    assert counts[-1] == 40
    assert [raised_from for _, _, _, raised_from, _ in history] == [None, *counts[:-1]]
    succeeded = sum(answer.status_code == 200 for answer in answers)
    events = await registration.published(AnnouncedCountChanged)
    assert [event.count for event in events] == counts
    assert [event.version for event in events] == list(range(2, succeeded + 2))


async def raise_both(registration, contract_id: str, monkeypatch, *, locked: bool) -> list[object]:
    """Two raises that have both read the contract before either writes, unless the lock stops the second."""

    async def raise_to(count: int) -> object:
        async with registration.transaction() as tx:
            return await handlers.announce_count(tx, contract_id, 2024, count, if_match=None)

    meet(registration, monkeypatch, store, "lock_contract", "get_contract", locking=locked)
    outcomes = await asyncio.gather(raise_to(30), raise_to(40), return_exceptions=True)
    monkeypatch.undo()
    return list(outcomes)


async def test_two_raises_are_put_in_line_by_the_contracts_row_lock(registration, monkeypatch):
    """E-3: the second raise reads what the first one wrote, and is decided on that."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 20)
    outcomes = await raise_both(registration, contract_id, monkeypatch, locked=True)
    assert not any(isinstance(outcome, asyncpg.PostgresError) for outcome in outcomes)
    assert (await year_of(registration, contract_id, 2024))["announced"] == 40


async def test_without_the_row_lock_two_raises_collide(registration, monkeypatch):
    """Negative control: the guard off, one raise is decided on a count that is no longer true."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 20)
    outcomes = await raise_both(registration, contract_id, monkeypatch, locked=False)
    versions = [event.version for event in await registration.published(AnnouncedCountChanged)]
    collided = any(isinstance(outcome, asyncpg.UniqueViolationError) for outcome in outcomes)
    assert collided or len(set(versions)) < len(versions)


@pytest.mark.parametrize(
    "row",
    [
        "'{contract}', '1234567-1', 2024, 1, -1, NULL",
        "'{contract}', '1234567-1', 2024, 2, 10, NULL",
        "'{contract}', '1234567-1', 2024, 2, 10, 10",
        "'{contract}', '1234567-1', 2024, 1, 10, 9",
        "'{contract}', '7654321-2', 2024, 1, 10, NULL",
    ],
    ids=["negative", "raise of nothing", "raise by nothing", "first value that is a raise", "another provider"],
)
async def test_the_database_refuses_a_history_that_cannot_be(registration, row):
    """E-3: every rule a constraint can hold, a constraint holds."""
    contract_id = await registered_contract(registration)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with registration.transaction() as tx:
            await tx.execute(
                "INSERT INTO announced_counts"
                " (contract_id, provider_id, year, revision, count, raised_from, effective_at, announced_by)"
                f" VALUES ({row.format(contract=contract_id)}, now(), 'test')"
            )
