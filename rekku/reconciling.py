"""Counters against decisions from the command line: look through all of them now, and set right what differs."""

from functools import partial

from rich.console import Console
from rich.table import Table

from chassis.db import Database
from rekku.home import Home
from rekku.inside import database_of
from services.decisions.reconciling import handlers, store
from services.decisions.reconciling.domain import Difference, DifferenceState

_AT_MOST = 500


async def reconcile(home: Home, *, repair: bool) -> int:
    """A whole round in the system that runs here; the exit status is 1 where something differs and stays so.

    Raises:
        Problem: nothing runs here, or PostgreSQL does not answer.
    """
    async with database_of(home, "decisions") as database:
        return 1 if await reconcile_in(database, repair=repair) else 0


async def reconcile_in(database: Database, *, repair: bool) -> int:
    """A whole round; shows what is open after it, repairs it where wanted, and says how much is left."""
    async with database.transaction(readonly=True) as tx:
        place: handlers.Place | None = handlers.Place(tx.now)
    while place is not None:
        place = await database.run(partial(handlers.look_on, place=place))
    async with database.transaction(readonly=True) as tx:
        found = await store.find_differences(tx, state=DifferenceState.OPEN, after=0, limit=_AT_MOST)
    _show(found)
    left = len(found)
    while repair and left:
        done = await database.run(handlers.repair)
        left = done.left
        print(f"{done.repaired} repaired, {left} left")
        if not done.repaired:
            break
    return left


def _show(found: list[Difference]) -> None:
    if not found:
        print("every counter is what the decisions say")
        return
    table = Table("number", "kind", "which", "shows", "should show", "found at")
    for one in found:
        shown, expected = str(one.shown), str(one.expected)
        table.add_row(str(one.number), one.kind, one.subject, shown, expected, f"{one.found_at:%Y-%m-%d %H:%M:%S}")
    Console(width=200, soft_wrap=True).print(table)
