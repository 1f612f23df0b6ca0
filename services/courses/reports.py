"""What Kela is told of by the courses themselves: each report is a row to be listed and an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.db import Transaction
from contracts.courses import ReportFiled
from contracts.envelope import new_event_id
from contracts.values import ReportKind


@dataclass(frozen=True, slots=True)
class Report:
    """One thing Kela is told of; `reason` is the provider's own words and stays in this service."""

    report_id: str
    kind: ReportKind
    provider_id: str
    course_id: str | None
    decision_ref: str | None
    reason: str | None
    reported_at: datetime
    reported_by: str


async def file_report(
    tx: Transaction,
    kind: ReportKind,
    *,
    provider_id: str,
    course_id: str | None = None,
    decision_ref: str | None = None,
    reason: str | None = None,
) -> Report:
    """Tell Kela, in the transaction of what it is about (R-CRS-16, E-15, E-33)."""
    report = Report(
        report_id=str(new_event_id()),
        kind=kind,
        provider_id=provider_id,
        course_id=course_id,
        decision_ref=decision_ref,
        reason=reason,
        reported_at=tx.now,
        reported_by=tx.principal.subject,
    )
    await tx.execute(
        "INSERT INTO reports (report_id, kind, provider_id, course_id, decision_ref, reason, reported_at, reported_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        report.report_id,
        report.kind,
        report.provider_id,
        report.course_id,
        report.decision_ref,
        report.reason,
        report.reported_at,
        report.reported_by,
    )
    tx.emit(
        ReportFiled(
            version=1,
            report_id=report.report_id,
            report_kind=report.kind,
            provider_id=report.provider_id,
            course_id=report.course_id,
            decision_ref=report.decision_ref,
            reported_at=report.reported_at,
        )
    )
    return report


async def find_reports(
    tx: Transaction,
    *,
    kind: ReportKind | None = None,
    course_id: str | None = None,
    after: str = "",
    limit: int,
) -> Sequence[Report]:
    """Reports in the caller's scope in the order they were filed (their ids grow with time)."""
    rows = await tx.fetch(
        "SELECT report_id, kind, provider_id, course_id, decision_ref, reason, reported_at, reported_by FROM reports"
        " WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR course_id = $2) AND report_id > $3"
        " ORDER BY report_id LIMIT $4",
        kind,
        course_id,
        after,
        limit,
    )
    return [Report(**{**row, "kind": ReportKind(row["kind"])}) for row in rows]
