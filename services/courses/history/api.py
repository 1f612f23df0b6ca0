"""HTTP of histories: for Kela, and for a provider of its own."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import Response

from chassis.acts import shows
from chassis.db import Transaction
from chassis.history import HistoryEntry, HistoryList, history_page, read_history
from chassis.http import Answer, problems
from contracts.refusals import NotFound
from services.courses import copies
from services.courses.acts import Act, Read
from services.courses.fields import CourseId, DecisionRef, Limit, Place, Reading
from services.courses.history import store
from services.courses.store import get_course

router = APIRouter()


@router.get(
    "/courses/{course_id}/history",
    response_model=HistoryList,
    responses=problems("COURSE_UNKNOWN"),
    openapi_extra=shows(Read.READ_HISTORY_OF_COURSE),
)
async def show_course_history(course_id: CourseId, caller: Reading, limit: Limit = 100, after: Place = 0) -> Response:
    """What was done to a course and what it did by itself, with the reasons given; its clients' pins have their own."""

    async def read(tx: Transaction) -> Answer:
        await get_course(tx, course_id)
        found = await read_history(tx, caller.acts, f"course:{course_id}", after=after, limit=limit + 1)
        reasons = await _reasons_of_reports(tx, found) | await _reasons_of_course(tx, course_id, found)
        return Answer(200, history_page(caller, found, limit, reasons))

    return await caller.query(read)


@router.get(
    "/decisions/{decision_ref}/history",
    response_model=HistoryList,
    responses=problems("DECISION_UNKNOWN"),
    openapi_extra=shows(Read.READ_HISTORY_OF_DECISION),
)
async def show_decision_history(
    decision_ref: DecisionRef, caller: Reading, limit: Limit = 100, after: Place = 0
) -> Response:
    """What became of a decision's pin over all courses, by whose hand, with the reasons given (R-CRS-29)."""

    async def read(tx: Transaction) -> Answer:
        if await copies.find_version(tx, decision_ref, table="decisions", column="decision_ref") is None:
            raise NotFound("DECISION_UNKNOWN")
        found = await read_history(tx, caller.acts, f"pin:{decision_ref}", after=after, limit=limit + 1)
        reasons = await _reasons_of_reports(tx, found) | await _reasons_of_moves(tx, decision_ref, found)
        return Answer(200, history_page(caller, found, limit, reasons))

    return await caller.query(read)


async def _reasons_of_reports(tx: Transaction, found: Sequence[HistoryEntry]) -> dict[int, str]:
    """Several reports of one command carry the same words."""
    filed = {entry.entry_id: entry.detail["report_ids"] for entry in found if entry.detail.get("report_ids")}
    said = await store.find_reasons_of_reports(tx, [report_id for reports in filed.values() for report_id in reports])
    return {entry: said[reports[0]] for entry, reports in filed.items() if reports[0] in said}


async def _reasons_of_course(tx: Transaction, course_id: str, found: Sequence[HistoryEntry]) -> dict[int, str]:
    kept: dict[Act, str | None] = {
        Act.END_COURSE: await store.find_reason_of_end(tx, course_id),
        Act.CONFIRM_RETROACTIVELY: await store.find_reason_of_late_confirmation(tx, course_id),
    }
    return {entry.entry_id: reason for entry in found for act, reason in kept.items() if reason and entry.did(act)}


async def _reasons_of_moves(tx: Transaction, decision_ref: str, found: Sequence[HistoryEntry]) -> dict[int, str]:
    moved = {entry.entry_id: entry.detail["left_version"] for entry in found if entry.did(Act.MOVE_CLIENT)}
    said = await store.find_reasons_of_moves(tx, decision_ref, list(moved.values()))
    return {entry: said[version] for entry, version in moved.items() if version in said}
