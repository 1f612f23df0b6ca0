"""The rules of unfinished courses of the older system: plain values and pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from contracts.refusals import Refusal

CUT_OVER = date(2024, 9, 28)
"""From this day on unfinished courses could no longer be saved (R-CRS-38, E-42)."""


class DraftState(StrEnum):
    """`unfinished` becomes one of the others and stays so."""

    UNFINISHED = "unfinished"
    COMPLETED = "completed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Draft:
    """An unfinished course as it came over; `known` is whatever had been filled in, never checked."""

    draft_id: str
    version: int
    legacy_ref: str
    contract_id: str
    provider_id: str
    saved_on: date
    known: Mapping[str, Any]
    state: DraftState = DraftState.UNFINISHED
    course_id: str | None = None


def require_saved_before(saved_on: date, cut_over: date = CUT_OVER) -> None:
    """Only what was saved while unfinished courses could be saved is taken over: before the cut-over day.

    Raises:
        Refusal: DRAFT_TOO_NEW with both days.
    """
    if saved_on >= cut_over:
        raise Refusal("DRAFT_TOO_NEW", saved_on=saved_on, cut_over=cut_over)


def require_unfinished(draft: Draft) -> None:
    """Refuses with DRAFT_GONE what was completed or deleted already."""
    if draft.state is not DraftState.UNFINISHED:
        raise Refusal("DRAFT_GONE", state=draft.state, course_id=draft.course_id)


def completed(draft: Draft, course_id: str) -> Draft:
    """The draft that became this course."""
    return replace(draft, version=draft.version + 1, state=DraftState.COMPLETED, course_id=course_id)


def deleted(draft: Draft) -> Draft:
    """The draft that becomes no course.

    Raises:
        Refusal: DRAFT_GONE.
    """
    require_unfinished(draft)
    return replace(draft, version=draft.version + 1, state=DraftState.DELETED)
