"""Whose command it is that runs in a transaction, and what it has done there: commands may share one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chassis.acts import Act, Read
from chassis.auth import Principal
from chassis.db import Transaction


@dataclass(frozen=True)
class Done:
    """What a command has done so far in its transaction, behind what others did there before."""

    tx: Transaction
    audited: int
    emitted: int

    @property
    def acts(self) -> set[Act | Read]:
        """The acts it has recorded."""
        return {row.act for row in self.tx.audited[self.audited :]}

    @property
    def published(self) -> bool:
        """Whether it publishes something."""
        return len(self.tx.outgoing) > self.emitted


@contextmanager
def acting(tx: Transaction, principal: Principal, route: str) -> Iterator[Done]:
    """What is audited inside was done by `principal` through `route`."""
    before = tx.principal, tx.route
    tx.principal, tx.route = principal, route
    try:
        yield Done(tx, len(tx.audited), len(tx.outgoing))
    finally:
        tx.principal, tx.route = before
