"""The SQL of the follow-up.

The work list is worked out when it is asked for, from the decisions, our copies of pins and courses, and the
Helsinki day. So whoever was confirmed, moved or revoked a moment ago is not on it any more, and an outage misses
nothing (E-16, E-40).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from chassis.db import Transaction
from contracts.values import CourseState, Language, PinState
from services.decisions.domain import GivenBy, NoticeChannel
from services.decisions.followup.domain import (
    CONFIRMED,
    NEARING,
    PINNED,
    Entry,
    EntryKind,
    Place,
    Watch,
    WorkState,
)

# One row per open follow-up: $1 today, $2 the last day that is near, $3 pinned and $4 confirmed states.
_OPEN = """
SELECT d.decision_ref, d.client_ref, d.service, d.contract_id, d.provider_id, d.language, d.decided_on, d.confirm_by,
    coalesce(f.version, 0) AS version, f.next_on, f.contacted_on,
    coalesce(f.next_on, d.confirm_by) AS due_on, p.course_id AS pinned_to, p.first_day,
    CASE
        WHEN f.swap_wanted THEN 'swap_wanted'
        WHEN (coalesce(f.next_on, d.confirm_by) <= $2) IS NOT TRUE THEN 'watched'
        WHEN p.first_day <= $1 THEN 'course_unanswered'
        WHEN coalesce(f.next_on, d.confirm_by) >= $1 THEN 'nearing'
        WHEN f.contacted_on IS NULL THEN 'overdue'
        ELSE 'contacted'
    END AS state
FROM decisions d
LEFT JOIN follow_ups f USING (decision_ref)
LEFT JOIN LATERAL (
    SELECT newest.state, course_id, c.state AS course_state,
        (SELECT min((period->>'first_day')::date) FROM jsonb_array_elements(c.periods) period) AS first_day
    FROM (
        SELECT course_id, pins.state FROM pins WHERE pins.decision_ref = d.decision_ref ORDER BY version DESC LIMIT 1
    ) newest LEFT JOIN courses c USING (course_id)
    WHERE newest.state = ANY ($3)
) p ON true
WHERE d.state = 'granted' AND p.state IS DISTINCT FROM 'fulfilled' AND (p.course_state = ANY ($4)) IS NOT TRUE
"""

_WORK = f"""
SELECT * FROM ({_OPEN}) item
WHERE ($5::text IS NULL OR service = $5)
    AND CASE WHEN $6::text IS NULL THEN $7::date IS NOT NULL OR state <> 'watched' ELSE state = $6 END
    AND ($7::date IS NULL OR due_on < $7)
    AND ($8::date IS NULL OR (coalesce(due_on, date '9999-12-31'), decision_ref) > ($8, $9))
ORDER BY coalesce(due_on, date '9999-12-31'), decision_ref LIMIT $10
"""  # noqa: S608 - two constants


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the work list: without a state and a day, everything there is to do."""

    service: str | None = None
    state: WorkState | None = None
    due_before: date | None = None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A client without a confirmed course. `due_on` is the deadline or the day agreed since; None: none is known.

    `first_day` is that of the course the client is pinned to, None where there is none.
    """

    decision_ref: str
    client_ref: str
    service: str
    contract_id: str
    provider_id: str
    language: Language
    decided_on: date
    confirm_by: date | None
    version: int
    next_on: date | None
    contacted_on: date | None
    due_on: date | None
    pinned_to: str | None
    first_day: date | None
    state: WorkState

    @property
    def place(self) -> tuple[date, str]:
        """Where it stands in the list: by day, then by decision."""
        return self.due_on or date.max, self.decision_ref


async def find_work(
    tx: Transaction, wanted: Wanted, *, after: tuple[date, str] | None = None, limit: int
) -> list[WorkItem]:
    """Items in the order of their days, behind the place `after` (R-CRS-21, E-11)."""
    day, ref = after or (None, None)
    rows = await tx.fetch(_WORK, *_moment(tx), wanted.service, wanted.state, wanted.due_before, day, ref, limit)
    return [_item(row) for row in rows]


async def find_item(tx: Transaction, decision_ref: str) -> WorkItem | None:
    """The decision's item, also one that is only watched; None where its follow-up is closed."""
    row = await tx.fetchrow(f"{_OPEN} AND d.decision_ref = $5", *_moment(tx), decision_ref)
    return None if row is None else _item(row)


async def find_place(tx: Transaction, decision_ref: str) -> Place | None:
    """The decision's newest pin, from our copies of pins and courses."""
    row = await tx.fetchrow(
        "SELECT course_id, p.state AS pin_state, c.state AS course_state FROM pins p LEFT JOIN courses c"
        " USING (course_id) WHERE decision_ref = $1 ORDER BY p.version DESC LIMIT 1",
        decision_ref,
    )
    if row is None:
        return None
    course_state = None if row["course_state"] is None else CourseState(row["course_state"])
    return Place(row["course_id"], PinState(row["pin_state"]), course_state)


async def find_watch(tx: Transaction, decision_ref: str) -> Watch:
    """How the follow-up stands; to be read after the decision was locked by whoever changes it."""
    row = await tx.fetchrow(
        "SELECT version, next_on, contacted_on, swap_wanted FROM follow_ups WHERE decision_ref = $1", decision_ref
    )
    return Watch() if row is None else Watch(**row)


async def set_watch(tx: Transaction, decision_ref: str, watch: Watch, entry: Entry) -> None:
    """Store how the follow-up of a locked decision stands now, and what made it so."""
    await tx.execute(
        "INSERT INTO follow_ups (decision_ref, version, next_on, contacted_on, swap_wanted)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (decision_ref) DO UPDATE SET version = excluded.version,"
        " next_on = excluded.next_on, contacted_on = excluded.contacted_on, swap_wanted = excluded.swap_wanted",
        decision_ref,
        watch.version,
        watch.next_on,
        watch.contacted_on,
        watch.swap_wanted,
    )
    await tx.execute(
        "INSERT INTO follow_up_entries"
        " (decision_ref, version, kind, happened_on, channel, spoken_with, next_on, noted_at, noted_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        decision_ref,
        entry.version,
        entry.kind,
        entry.happened_on,
        entry.channel,
        entry.spoken_with,
        entry.next_on,
        entry.noted_at,
        entry.noted_by,
    )


async def find_entries(tx: Transaction, decision_ref: str) -> Sequence[Entry]:
    """Everything noted about the follow-up, oldest first."""
    rows = await tx.fetch(
        "SELECT version, kind, happened_on, channel, spoken_with, next_on, noted_at, noted_by"
        " FROM follow_up_entries WHERE decision_ref = $1 ORDER BY version",
        decision_ref,
    )
    return [
        Entry(
            **{
                **row,
                "kind": EntryKind(row["kind"]),
                "channel": row["channel"] and NoticeChannel(row["channel"]),
                "spoken_with": row["spoken_with"] and GivenBy(row["spoken_with"]),
            }
        )
        for row in rows
    ]


def _moment(tx: Transaction) -> tuple[date, date, list[PinState], list[CourseState]]:
    return tx.today, tx.today + NEARING, sorted(PINNED), sorted(CONFIRMED)


def _item(row: asyncpg.Record) -> WorkItem:
    return WorkItem(**{**row, "language": Language(row["language"]), "state": WorkState(row["state"])})
