"""What happens to clients and courses besides the ordinary: how often it must, and how often it did."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.values import CourseState, PinState, ReleaseReason, ReportKind
from rekku.demo.courses import Arrival, PlannedCourse


@dataclass(frozen=True)
class Changes:
    """Each figure by its name in plain words; `reports` are what Kela was told, by kind."""

    moved_before: int
    moved_after: int
    deleted: int
    deleted_late: int
    transferred: int
    not_held: int
    released: int
    confirmed_late: int
    refused: int
    grown: int
    rescheduled: int
    told_not_held: int
    reports: Mapping[ReportKind, int] = field(default_factory=dict)


WORDS = {
    "moved_before": "clients moved before the course began",
    "moved_after": "clients moved after the first period",
    "deleted": "courses deleted",
    "deleted_late": "courses deleted late, of these",
    "transferred": "clients who went from deleted courses to others",
    "not_held": "courses that did not take place",
    "released": "clients who lost their place by that",
    "confirmed_late": "courses confirmed late",
    "refused": "deletions refused, as the course has to run",
    "grown": "groups made larger",
    "rescheduled": "courses moved to the next year",
    "told_not_held": "clients told by SMS that their course is not held",
}

REPORT_WORDS = {
    ReportKind.CANNOT_PLACE_CLIENT: "clients who cannot be placed",
    ReportKind.LATE_DELETION: "courses ended late",
    ReportKind.LATE_MOVE: "courses moved late",
    ReportKind.MUST_RUN_COURSE_DELETED: "deleted courses that had to run",
    ReportKind.MUST_RUN_COURSE_MOVED: "moved courses that had to run",
    ReportKind.CLIENT_LEFT_MUST_RUN_COURSE: "clients taken off courses that have to run",
    ReportKind.CANNOT_CONFIRM_PAST_COURSE: "past courses that cannot be confirmed",
}


def planned_changes(courses: Sequence[PlannedCourse]) -> Changes:
    """What the plan holds."""
    of_key = {course.key: course for course in courses}
    stays = [stay for course in courses for stay in course.stays]
    moved = [stay for stay in stays if stay.arrival is Arrival.MOVED]
    released = sum(stay.arrival is Arrival.PINNED_ANEW for stay in stays)
    left_must_run = [stay for stay in moved if stay.came_from and of_key[stay.came_from].had_to_run(stay.since)]
    reports = Counter(
        {
            ReportKind.LATE_DELETION: sum(course.ended is not None and course.ended.late for course in courses),
            ReportKind.LATE_MOVE: sum(course.rescheduled_late for course in courses),
            ReportKind.CLIENT_LEFT_MUST_RUN_COURSE: len(left_must_run),
        }
    )
    return Changes(
        moved_before=sum(stay.first_period == 1 for stay in moved),
        moved_after=sum(stay.first_period > 1 for stay in moved),
        deleted=sum(course.deleted for course in courses),
        deleted_late=sum(course.deleted and course.ended is not None and course.ended.late for course in courses),
        transferred=sum(stay.arrival is Arrival.TRANSFERRED for stay in stays),
        not_held=sum(course.not_held for course in courses),
        released=released,
        confirmed_late=sum(course.confirmed_late for course in courses),
        refused=sum(course.refused_on is not None for course in courses),
        grown=sum(course.grown is not None for course in courses),
        rescheduled=sum(course.rescheduled is not None for course in courses),
        told_not_held=released,
        reports=+reports,
    )


@dataclass(frozen=True)
class Opened:
    """A course as it was created."""

    group_size: int
    year: int


def seen_changes(
    courses: Sequence[Any],
    pins: Sequence[Any],
    endings: Mapping[str, Any],
    reports: Sequence[Any],
    messages: Sequence[Any],
    opened: Mapping[str, Opened],
    refused: int,
) -> Changes:
    """What the services tell, beside how the courses were `opened` and how often deleting was `refused`."""
    gone = {course["course_id"] for course in courses if course["state"] == CourseState.DELETED}
    moved = [pin for pin in pins if pin["state"] == PinState.MOVED]
    by_themselves = [pin for pin in moved if pin["course_id"] not in gone]
    deleted = [ending for ending in endings.values() if ending["kind"] == "deleted"]
    return Changes(
        moved_before=sum(not pin["attended"] for pin in by_themselves),
        moved_after=sum(bool(pin["attended"]) for pin in by_themselves),
        deleted=len(deleted),
        deleted_late=sum(ending["late"] for ending in deleted),
        transferred=len(moved) - len(by_themselves),
        not_held=sum(ending["kind"] == "did_not_happen" for ending in endings.values()),
        released=sum(pin["reason"] == ReleaseReason.DID_NOT_HAPPEN for pin in pins),
        confirmed_late=sum(course["late_confirmed"] for course in courses),
        refused=refused,
        grown=sum(course["group_size"] != opened[course["course_id"]].group_size for course in courses),
        rescheduled=sum(course["year"] != opened[course["course_id"]].year for course in courses),
        told_not_held=sum(
            row["messages"]
            for row in messages
            if row["template"] == "course-not-held" and row["channel"] == "sms" and row["state"] == "sent"
        ),
        reports=Counter(ReportKind(report["kind"]) for report in reports),
    )
