"""Lanes: commands that arrive while a transaction runs share the next one (decision record 0021).

A transaction costs the same round trips and the same flush of the log for one command as for thirty. So
where many commands want the same rows and would wait for one another, they stand in a lane: while one shared
transaction runs, arrivals wait; the next one takes all of them. Whoever cannot be helped there is left out, and
runs on its own afterwards, by the code that runs a command on its own: so does everybody if the shared transaction
fails. Nobody is answered before the commit.
"""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from starlette.responses import Response

from chassis.auth import Principal
from chassis.db import BRIEFLY, Database, Transaction
from chassis.idempotency import IdempotentRequest, keep_answer

_log = logging.getLogger(__name__)

_MOST = 32

Item = TypeVar("Item")
Result = TypeVar("Result")
Together = Callable[[Transaction, Sequence[Item]], Awaitable[Sequence[Result | None]]]
"""Does several commands in one transaction, and tells of each what came of it, in their order.

None leaves a command out: nothing may have been written for it. An error undoes them all.
"""


@dataclass(eq=False)
class Seat(Generic[Item, Result]):
    """One command in a lane. `finish` turns its result into its answer, in its own context (trace, span)."""

    item: Item
    principal: Principal
    request: IdempotentRequest | None
    finish: Callable[[Transaction, Result], Response]
    answered: "asyncio.Future[Response | None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    context: contextvars.Context = field(default_factory=contextvars.copy_context)

    @property
    def key(self) -> object:
        """What only one command of a transaction may have: its Idempotency-Key."""
        return self if self.request is None else (self.request.principal, self.request.route, self.request.key)


def _reach(seat: Seat[Any, Any]) -> tuple[str, bool]:
    return seat.principal.scope, seat.principal.narrow


class Lane(Generic[Item, Result]):
    """The commands of one kind in this process: one shared transaction at a time."""

    def __init__(self, database: Database, together: Together[Item, Result]) -> None:
        self._database = database
        self._together = together
        self._waiting: list[Seat[Item, Result]] = []
        self._running: asyncio.Task[None] | None = None

    async def share(self, seat: Seat[Item, Result]) -> Response | None:
        """The command's answer, once it is committed; None where it is to be run on its own."""
        self._waiting.append(seat)
        if self._running is None:
            # A context of its own: the transaction is not part of whichever request came first.
            self._running = asyncio.create_task(self._run(), context=contextvars.Context())
        return await seat.answered

    async def _run(self) -> None:
        try:
            while seats := self._next():
                answers = await self._shared(seats)
                for seat, answer in zip(seats, answers, strict=True):
                    if not seat.answered.done():
                        seat.answered.set_result(answer)
        finally:
            self._running = None

    def _next(self) -> list[Seat[Item, Result]]:
        """Those that wait, in the order of their arrival; one transaction is in one scope and in one role.

        Whoever went away while waiting is not run at all.
        """
        waiting = [seat for seat in self._waiting if not seat.answered.done()]
        seats = [seat for seat in waiting if _reach(seat) == _reach(waiting[0])][:_MOST]
        self._waiting = [seat for seat in waiting if seat not in seats]
        return seats

    async def _shared(self, seats: list[Seat[Item, Result]]) -> list[Response | None]:
        first_of = {seat.key: seat for seat in reversed(seats)}
        once = [seat for seat in seats if first_of[seat.key] is seat]
        try:
            async with self._database.transaction(seats[0].principal, lock_wait=BRIEFLY) as tx:
                results = await self._together(tx, [seat.item for seat in once])
                answers = {
                    seat: seat.context.run(seat.finish, tx, result)
                    for seat, result in zip(once, results, strict=True)
                    if result is not None
                }
                for seat, answer in answers.items():
                    if seat.request is not None:
                        keep_answer(tx, seat.request, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, each command meets it again, alone
            _log.info("%s commands are run one by one: %s", len(seats), type(error).__name__)
            return [None] * len(seats)
        return [answers.get(seat) for seat in seats]
