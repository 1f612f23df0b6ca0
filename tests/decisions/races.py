"""Tools for races of decisions beside those of `tests.races`: act alone, and on what was seen."""

from typing import Any

import httpx

from services.decisions import granting, store
from tests.decisions.builders import DecisionsUnderTest
from tests.decisions.unguarded import leave_all_out
from tests.races import Gate


def decide_alone(monkeypatch: Any) -> None:
    """Nobody shares a transaction: grants race as they do between processes."""
    monkeypatch.setattr(granting, "grant_together", leave_all_out)


def act_on_what_was_seen(decisions: DecisionsUnderTest, monkeypatch: Any, parties: int) -> None:
    """Take the second look away: what is locked is taken for what it was before the lock."""
    gate = Gate(decisions.service, parties)
    seen: dict[int, Any] = {}
    get_decision = store.get_decision

    async def get_and_meet(tx: Any, ref: str) -> Any:
        seen[id(tx)] = await get_decision(tx, ref)
        await gate.pass_through()
        return seen[id(tx)]

    async def as_seen(tx: Any, ref: str) -> Any:
        return seen.get(id(tx)) or await get_and_meet(tx, ref)

    async def all_as_seen(tx: Any, refs: list[str]) -> list[Any]:
        return [await as_seen(tx, ref) for ref in refs]

    monkeypatch.setattr(store, "get_decision", get_and_meet)
    monkeypatch.setattr(store, "lock_decision", as_seen)
    monkeypatch.setattr(store, "lock_decisions", all_as_seen)


def outcomes(answers: list[httpx.Response]) -> list[str]:
    """What became of commands: `done`, or the code of the refusal; sorted."""
    return sorted("done" if answer.is_success else answer.json()["code"] for answer in answers)
