"""Shapes of the HTTP answers about endings, stale courses and reports."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel

from contracts.values import ReportKind
from services.courses.ending.domain import EndingKind
from services.courses.ending.store import KeptEnding
from services.courses.reports import Report
from services.courses.views import CourseView


class EndingView(BaseModel):
    """How, when and by whom a course was ended, and why."""

    course_id: str
    kind: EndingKind
    late: bool
    must_run_since: date | None
    reason: str | None
    ended_at: datetime
    ended_by: str

    @classmethod
    def of(cls, course_id: str, kept: KeptEnding) -> Self:
        """The ending of a course."""
        return cls(
            course_id=course_id,
            kind=kept.ending.kind,
            late=kept.ending.late,
            must_run_since=kept.ending.must_run_since,
            reason=kept.ending.reason,
            ended_at=kept.ended_at,
            ended_by=kept.ended_by,
        )


class DeletedCourseView(CourseView):
    """A course after its deletion; `transfer_warnings` is of each decision whose client moved, as in a move (E-12)."""

    transfer_warnings: dict[str, list[str]]


class StaleCourseView(CourseView):
    """A past course that nobody confirmed: did it take place? (R-CRS-39, E-40)."""

    pinned_at_start: int
    may_confirm_late: bool

    @classmethod
    def seen(cls, view: CourseView, pinned_at_start: int) -> Self:
        """`may_confirm_late` is False where too few were pinned at the start, so that only Kela can confirm."""
        return cls(
            **dict(view),
            pinned_at_start=pinned_at_start,
            may_confirm_late=pinned_at_start >= view.confirm_at,
        )


class StaleCourseList(BaseModel):
    """A page of past courses that nobody confirmed; `next` is the `after` of the following page."""

    items: list[StaleCourseView]
    next: str | None


class ReportView(BaseModel):
    """Something Kela was told of a course or a client's place."""

    report_id: str
    kind: ReportKind
    provider_id: str
    course_id: str | None
    decision_ref: str | None
    reason: str | None
    reported_at: datetime
    reported_by: str

    @classmethod
    def of(cls, report: Report) -> Self:
        """The report with its reason in words, for Kela and the provider it came from."""
        return cls(
            report_id=report.report_id,
            kind=report.kind,
            provider_id=report.provider_id,
            course_id=report.course_id,
            decision_ref=report.decision_ref,
            reason=report.reason,
            reported_at=report.reported_at,
            reported_by=report.reported_by,
        )


class ReportList(BaseModel):
    """A page of reports in the order they were filed; `next` is the `after` of the following page."""

    items: list[ReportView]
    next: str | None
