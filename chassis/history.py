"""The history of an aggregate: who did what to it and when, from the audit rows of its commands.

A subject is `<kind>:<id>`, such as `course:<id>`. Whoever asks has to have made sure that the caller may see the
subject. A service whose providers read histories names the kinds of subjects in the wall around `audit` (its
migration `second_wall`): of any other kind a provider reads nothing. It has an index on `audit (subject, id)`.
Who has looked at a subject is no part of its history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from chassis.acts import Act, Acts, Read
from chassis.auth import Principal, Role
from chassis.db import Transaction
from chassis.http import Caller
from chassis.texts import text_id

# Before decision record 0032 a command left a row named after its route, and often one that says more: then the
# latter speaks for both. They are of one transaction; `at` keeps them apart after a restore, which makes one of many.
_HISTORY = """
SELECT id AS entry_id, at, actor, role, on_behalf_of, action, detail FROM audit a
WHERE subject = $1 AND id > $2 AND action <> ALL ($4::text[]) AND NOT (
    action LIKE '% /%' AND EXISTS (
        SELECT FROM audit b
        WHERE b.subject = a.subject AND b.at = a.at AND b.xmin = a.xmin AND b.action NOT LIKE '% /%'
    )
)
ORDER BY id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing done; `actor` None is somebody whose name the reader does not get.

    `act` None is of before, and no longer known; `action` is what its row says. `unchanged`: everything was as it
    was to be, so `detail` has nothing of what was done.
    """

    entry_id: int
    at: datetime
    actor: str | None
    role: str
    on_behalf_of: str | None
    act: Act | Read | None
    action: str
    unchanged: bool
    detail: Mapping[str, Any] = field(default_factory=dict)

    def did(self, act: Act) -> bool:
        """Whether it is this act, and something was changed by it."""
        return self.act is act and not self.unchanged


class HistoryEntryView(BaseModel):
    """What was done, when and by whom; `reason` where one was given.

    `action` is the same in every language, `name` what it means in that of Accept-Language.
    """

    entry_id: int
    at: datetime
    actor: str | None
    role: str
    action: str
    name: str
    detail: dict[str, Any]
    reason: str | None = None


class HistoryList(BaseModel):
    """A history, oldest first; `next` is the `after` of the following page."""

    items: list[HistoryEntryView]
    next: int | None


async def read_history(tx: Transaction, acts: Acts, subject: str, *, after: int = 0, limit: int) -> list[HistoryEntry]:
    """The history of a subject that the caller may see, oldest first, from the one after entry `after`.

    A provider gets the names of its own people, and of others their role only.
    """
    rows = await tx.fetch(_HISTORY, subject, after, limit, acts.reads)
    return [_entry(dict(row), acts, tx.principal) for row in rows]


def history_page(
    caller: Caller, found: Sequence[HistoryEntry], limit: int, reasons: Mapping[int, str] | None = None
) -> HistoryList:
    """A page of what was read with one entry more than `limit`; `reasons` by entry."""
    items = [_view(caller, entry, (reasons or {}).get(entry.entry_id)) for entry in found[:limit]]
    return HistoryList(items=items, next=items[-1].entry_id if len(found) > limit else None)


def _entry(row: dict[str, Any], acts: Acts, reader: Principal) -> HistoryEntry:
    # Before decision record 0032 a command left its route alone where it changed nothing (and where it granted or
    # revoked, of which no history tells).
    unchanged = "unchanged" in row["detail"] or row["action"] in acts.commands
    entry = HistoryEntry(act=acts.find(row["action"]), unchanged=unchanged, **row)
    if reader.role is not Role.PROVIDER or entry.on_behalf_of == reader.provider_id:
        return entry
    return replace(entry, actor=None)


def _view(caller: Caller, entry: HistoryEntry, reason: str | None) -> HistoryEntryView:
    name = entry.action if entry.act is None else caller.runtime.texts.text(caller.language, act_text_id(entry.act))
    return HistoryEntryView(
        entry_id=entry.entry_id,
        at=entry.at,
        actor=entry.actor,
        role=entry.role,
        action=entry.act or entry.action,
        name=name,
        detail=dict(entry.detail),
        reason=reason,
    )


def act_text_id(act: Act | Read) -> str:
    """The message id of an act's name: `pin_client` is `act-pin-client`."""
    return f"act-{text_id(act)}"
