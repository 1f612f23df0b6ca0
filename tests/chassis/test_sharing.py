"""Lanes: what arrives while a transaction runs shares the next one, within one scope and a bound."""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from chassis.auth import SYSTEM, Principal, Role
from chassis.db import Transaction
from chassis.sharing import Lane, Seat
from chassis.testing import ServiceUnderTest

ONE = Principal("one", Role.PROVIDER, "2828286-3")
OTHER = Principal("other", Role.PROVIDER, "1572860-0")


class Work:
    """What was done together; negative numbers are left out, zero fails."""

    def __init__(self, toy: ServiceUnderTest) -> None:
        self.batches: list[list[int]] = []
        self.scopes: list[str] = []
        self.lane: Lane[int, int] = Lane(toy.db, self._together)

    async def _together(self, tx: Transaction, numbers: Sequence[int]) -> list[int | None]:
        self.batches.append(list(numbers))
        self.scopes.append(await tx.fetchval("SELECT current_setting('rekku.scope')"))
        if 0 in numbers:
            raise ZeroDivisionError
        return [number if number > 0 else None for number in numbers]

    async def share(self, number: int, principal: Principal = SYSTEM) -> str | None:
        answer = await self.lane.share(Seat(number, principal, None, lambda _tx, result: Response(str(result))))
        return None if answer is None else bytes(answer.body).decode()


async def test_what_waits_shares_the_next_transaction_up_to_a_bound(toy: ServiceUnderTest):
    work = Work(toy)
    await asyncio.gather(*(work.share(1) for _ in range(70)))
    assert [len(batch) for batch in work.batches] == [32, 32, 6]


async def test_whoever_is_left_out_is_told_so_and_nobody_else_is(toy: ServiceUnderTest):
    assert await asyncio.gather(*map(Work(toy).share, (1, -2, 1))) == ["1", None, "1"]


async def test_a_failure_leaves_everybody_out_and_the_lane_goes_on(toy: ServiceUnderTest):
    work = Work(toy)
    assert await asyncio.gather(*map(work.share, (1, 0))) == [None, None]
    assert await work.share(1) == "1"


async def test_only_principals_of_one_scope_share(toy: ServiceUnderTest):
    """What row-level security lets one see, another must not."""
    work = Work(toy)
    await asyncio.gather(work.share(1, ONE), work.share(2, OTHER), work.share(3, ONE), work.share(4))
    assert (work.batches, work.scopes) == ([[1, 3], [2], [4]], [ONE.scope, OTHER.scope, "*"])
