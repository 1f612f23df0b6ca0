"""Grants of a locked contract wait; those of other contracts do not, although all of them share transactions."""

import asyncio

import httpx
import pytest

from chassis import sharing, turns
from tests.decisions.builders import (
    CONTRACT,
    HEART,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    DecisionsUnderTest,
    a_description,
    described,
    registered,
)
from tests.races import count_waiting, until

STUCK = 30


async def locked(decisions: DecisionsUnderTest, waiting: int = turns.MOST_AT_ONCE):
    """A transaction that holds a contract's counts, and grants that want them, so many of which wait for the lock."""
    await decisions.know(
        described(a_description(service=HEART)),
        registered({2024: 100}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER, service=HEART),
    )
    own = decisions.service.transaction()
    tx = await own.__aenter__()
    await tx.execute("SELECT FROM announced_counts WHERE contract_id = $1 FOR UPDATE", CONTRACT)
    grants = [asyncio.create_task(decisions.apply()) for _ in range(STUCK)]

    async def they_wait() -> bool:
        return await count_waiting(decisions.service) >= waiting

    await until(they_wait)
    return own, grants


async def of_others(decisions: DecisionsUnderTest) -> list[httpx.Response]:
    return [await decisions.apply(contract_id=OTHER_CONTRACT) for _ in range(3)]


async def test_grants_of_other_contracts_are_given_while_one_is_locked(decisions: DecisionsUnderTest):
    own, grants = await locked(decisions)
    assert [answer.status_code for answer in await of_others(decisions)] == [201] * 3
    assert not any(grant.done() for grant in grants)
    assert await count_waiting(decisions.service) <= turns.MOST_AT_ONCE
    await own.__aexit__(None, None, None)
    assert {answer.status_code for answer in await asyncio.gather(*grants)} == {201}


async def test_control_in_a_transaction_that_waits_they_wait_too(
    decisions: DecisionsUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """Until the lock's own five seconds are over."""
    monkeypatch.setattr(sharing, "BRIEFLY", None)
    own, grants = await locked(decisions, waiting=1)
    others = asyncio.create_task(of_others(decisions))
    done, _ = await asyncio.wait([others], timeout=1.5)
    assert not done
    await own.__aexit__(None, None, None)
    await asyncio.gather(*grants, others)
