"""The SQL of planned periods: what our copies of pins and courses say of a client's way."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg

from chassis.db import Transaction
from contracts.values import CourseState, DeliveryMode, PinState
from services.decisions.planned.domain import Period, Stay


async def find_stays(tx: Transaction, decision_refs: Sequence[str]) -> dict[str, list[Stay]]:
    """Every course each decision is or was pinned to, as far as our copies know them; by decision."""
    rows = await tx.fetch(
        "SELECT decision_ref, course_id, p.provider_id, p.office_id, p.state AS pin_state, c.state AS course_state,"
        " p.planned, p.attended, c.periods FROM pins p JOIN courses c USING (course_id)"
        " WHERE p.decision_ref = ANY ($1)",
        list(decision_refs),
    )
    found: dict[str, list[Stay]] = {ref: [] for ref in decision_refs}
    for row in rows:
        found[row["decision_ref"]].append(_stay(row))
    return found


def _stay(row: asyncpg.Record) -> Stay:
    return Stay(
        course_id=row["course_id"],
        provider_id=row["provider_id"],
        office_id=row["office_id"],
        pin_state=PinState(row["pin_state"]),
        course_state=CourseState(row["course_state"]),
        planned=None if row["planned"] is None else tuple(row["planned"]),
        attended=tuple(row["attended"]),
        periods=tuple(_period(period) for period in row["periods"]),
    )


def _period(copied: Mapping[str, Any]) -> Period:
    known = "first_day" in copied
    return Period(
        number=copied["number"],
        first_day=date.fromisoformat(copied["first_day"]) if known else None,
        last_day=date.fromisoformat(copied["last_day"]),
        mode=DeliveryMode(copied["mode"]) if "mode" in copied else None,
    )
