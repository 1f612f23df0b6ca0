"""Hands for what ends a decision: annulments, changes of provider, the nightly review."""

from datetime import datetime
from itertools import count
from typing import Any

import httpx

from tests.decisions.builders import OTHER_CONTRACT, OTHER_PROVIDER, DecisionsUnderTest, registered

_answers = count(1)


async def annul(
    decisions: DecisionsUnderTest, decision: dict[str, Any], reason: str = "wrong_provider", **headers: str
) -> httpx.Response:
    path = f"/decisions/{decision['decision_ref']}/annulment"
    return await decisions.officer.post(path, json={"reason": reason}, headers=headers)


def a_change(contract_id: str = OTHER_CONTRACT, **differences: Any) -> dict[str, Any]:
    """The body of a change of provider, with an answer of its own."""
    facts: dict[str, Any] = {
        "application_ref": f"answer-{next(_answers)}",
        "contract_id": contract_id,
        "client_notice": {"received_on": "2024-01-15", "channel": "phone", "given_by": "client"},
    }
    return facts | differences


async def swap(
    decisions: DecisionsUnderTest, decision: dict[str, Any], contract_id: str = OTHER_CONTRACT, **differences: Any
) -> httpx.Response:
    path = f"/decisions/{decision['decision_ref']}/provider-change"
    return await decisions.officer.post(path, json=a_change(contract_id, **differences))


async def another_provider(decisions: DecisionsUnderTest, announced: int = 5, **differences: Any) -> None:
    """A second provider with room in the service."""
    facts = {"contract_id": OTHER_CONTRACT, "provider_id": OTHER_PROVIDER} | differences
    await decisions.know(registered({2024: announced, 2025: announced}, **facts))


async def night(decisions: DecisionsUnderTest, at: datetime) -> None:
    """Let the clock be `at`, and fire what is due by then."""
    await decisions.clock.set(at)
    await decisions.service.fire_timers()


async def ledgers(decisions: DecisionsUnderTest) -> list[tuple[str, int, int, int]]:
    """(contract, year, used as counted, used as decisions show it) of every count: the two never differ."""
    async with decisions.service.transaction() as tx:
        rows = await tx.fetch(
            "SELECT contract_id, year, used, (SELECT count(*)::integer FROM decisions d"
            " WHERE d.contract_id = n.contract_id AND extract(year FROM decided_on) = year"
            " AND state IN ('granted', 'revoked', 'expired', 'used')) AS shown"
            " FROM announced_counts n ORDER BY contract_id, year"
        )
    return [tuple(row) for row in rows]


async def assert_ledgers_agree(decisions: DecisionsUnderTest) -> None:
    """E-1, E-7, E-8: counters say what decisions show, and every client granted is new by exactly one decision."""
    assert [row for row in await ledgers(decisions) if row[2] != row[3]] == []
    async with decisions.service.transaction() as tx:
        granted = await tx.fetch(
            "SELECT client_ref, service, count(*) FILTER (WHERE new_client) AS new FROM decisions"
            " WHERE state IN ('granted', 'revoked', 'expired', 'used') GROUP BY client_ref, service"
        )
        first = await tx.fetch("SELECT client_ref, service, 1 AS new FROM first_grants")
        quotas = await tx.fetch(
            "SELECT service, year, used FROM quotas WHERE used <> (SELECT count(*) FROM first_grants f"
            " WHERE f.service = quotas.service AND extract(year FROM granted_on) = quotas.year)"
        )
    assert sorted(map(tuple, granted)) == sorted(map(tuple, first))
    assert quotas == []
