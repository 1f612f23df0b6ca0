"""The history of an aggregate: who did what to it and when, from the audit rows of its commands.

A subject is `<kind>:<id>`, such as `course:<id>`. Whoever asks has to have made sure that the caller may see the
subject. A service whose providers read histories names the kinds of subjects in the wall around `audit` (its
migration `second_wall`): of any other kind a provider reads nothing. It has an index on `audit (subject, id)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from chassis.auth import Principal, Role
from chassis.db import Transaction

# A command leaves a row named after its route, and often one that says more; then the latter speaks
# for both. They are of one transaction; `at` keeps them apart after a restore, which makes one of many.
_HISTORY = """
SELECT id AS entry_id, at, actor, role, on_behalf_of, action, detail FROM audit a
WHERE subject = $1 AND id > $2 AND NOT (
    action LIKE '% /%' AND EXISTS (
        SELECT FROM audit b
        WHERE b.subject = a.subject AND b.at = a.at AND b.xmin = a.xmin AND b.action NOT LIKE '% /%'
    )
)
ORDER BY id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing done; `actor` None is somebody whose name the reader is not told."""

    entry_id: int
    at: datetime
    actor: str | None
    role: str
    on_behalf_of: str | None
    action: str
    detail: Mapping[str, Any] = field(default_factory=dict)


class HistoryEntryView(BaseModel):
    """What was done, when and by whom; `reason` where one was given."""

    model_config = ConfigDict(from_attributes=True)

    entry_id: int
    at: datetime
    actor: str | None
    role: str
    action: str
    detail: dict[str, Any]
    reason: str | None = None


class HistoryList(BaseModel):
    """A history, oldest first; `next` is the `after` of the following page."""

    items: list[HistoryEntryView]
    next: int | None


async def read_history(tx: Transaction, subject: str, *, after: int = 0, limit: int) -> list[HistoryEntry]:
    """The history of a subject that the caller may see, oldest first, from the one after entry `after`.

    A provider is told the names of its own people, and of others their role only.
    """
    rows = await tx.fetch(_HISTORY, subject, after, limit)
    return [_told(HistoryEntry(**row), tx.principal) for row in rows]


def history_page(found: Sequence[HistoryEntry], limit: int, reasons: Mapping[int, str] | None = None) -> HistoryList:
    """A page of what was read with one entry more than `limit`; `reasons` by entry."""
    shown = found[:limit]
    items = [HistoryEntryView.model_validate(entry) for entry in shown]
    for item in items:
        item.reason = (reasons or {}).get(item.entry_id)
    return HistoryList(items=items, next=items[-1].entry_id if len(found) > limit else None)


def _told(entry: HistoryEntry, reader: Principal) -> HistoryEntry:
    if reader.role is not Role.PROVIDER or entry.on_behalf_of == reader.provider_id:
        return entry
    return replace(entry, actor=None)
