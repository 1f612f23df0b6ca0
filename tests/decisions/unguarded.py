"""The grant without its guards, for negative controls; started as a program, it serves the decisions service so."""

import sys
from collections.abc import Sequence
from typing import Any

from rekku.cli import main
from services.decisions import granting
from services.decisions.quotas import slots

_GUARDS = (
    "AND used < announced",
    "AND status = 'open'",
    "AND (quota_limit IS NULL OR used < quota_limit)",
)
DROP_CONSTRAINTS = (
    "ALTER TABLE announced_counts DROP CONSTRAINT no_grant_beyond_the_count",
    "ALTER TABLE quotas DROP CONSTRAINT no_grant_beyond_the_quota",
)
"""What the tables would refuse all the same."""


def take_unguarded() -> str:
    """The statement that takes, without the conditions that there is something to take."""
    statement = slots.TAKE_SLOTS
    for guard in _GUARDS:
        if guard not in statement:
            raise LookupError(f"the statement that takes slots has no {guard!r} to leave out")
        statement = statement.replace(guard, "")
    return statement


async def leave_all_out(_tx: Any, applications: Sequence[Any]) -> list[None]:
    """Instead of `grant_together`, which locks counts before anybody is granted: nobody shares a transaction."""
    return [None] * len(applications)


if __name__ == "__main__":
    granting.grant_together = leave_all_out
    slots.TAKE_SLOTS = take_unguarded()
    sys.argv = ["rekku", "serve", sys.argv[-1]]
    main()
