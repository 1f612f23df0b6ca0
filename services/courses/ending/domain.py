"""The rules of ending a course, of confirming it after its start, and of warning in time: pure functions."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from contracts.refusals import NotFound, Refusal
from contracts.values import CourseState, ReleaseReason, ReportKind
from services.courses.domain import Course, require_published, require_there

_DELETABLE = frozenset({CourseState.CREATED, CourseState.PUBLISHED})
_CANCELLABLE = frozenset({CourseState.CONFIRMED, CourseState.RUNNING})


class EndingKind(StrEnum):
    """How a course ended other than by being completed."""

    DELETED = "deleted"
    DID_NOT_HAPPEN = "did_not_happen"
    CANCELLED = "cancelled"


_RELEASES = {
    EndingKind.DELETED: ReleaseReason.COURSE_DELETED,
    EndingKind.DID_NOT_HAPPEN: ReleaseReason.DID_NOT_HAPPEN,
    EndingKind.CANCELLED: ReleaseReason.COURSE_CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a course: whether it came late (E-15), since when it was to be carried out (E-33), and why."""

    kind: EndingKind
    late: bool
    must_run_since: date | None
    reason: str | None

    @property
    def releases(self) -> ReleaseReason:
        """Why the pins that are left go."""
        return _RELEASES[self.kind]

    @property
    def reports(self) -> tuple[ReportKind, ...]:
        """What Kela is told of; what Kela did itself it knows."""
        if self.kind is EndingKind.CANCELLED:
            return ()
        late = (ReportKind.LATE_DELETION,) if self.late else ()
        return late + ((ReportKind.MUST_RUN_COURSE_DELETED,) if self.must_run_since else ())


@dataclass(frozen=True, slots=True)
class Underfilled:
    """A course with too few clients: until when it can be deleted on time, None where that is not known."""

    pinned: int
    needed: int
    notice_by: date | None
    late: bool


def is_late(course: Course, on: date) -> bool:
    """True from the day after the last day of deleting on time (E-14, E-15); never where that is not known."""
    return course.notice_by is not None and on > course.notice_by


def underfilled(course: Course, on: date) -> Underfilled | None:
    """The warning shown from day one until the course begins while too few are pinned (R-CRS-35)."""
    if course.state not in _DELETABLE or on >= course.first_day or course.pinned >= course.terms.confirm_at:
        return None
    return Underfilled(course.pinned, course.terms.confirm_at, course.notice_by, is_late(course, on))


def delete(course: Course, pinned: Collection[str], planned: Collection[str], on: date, reason: str | None) -> Ending:
    """Delete a course that will not happen (R-CRS-36, E-36); its clients leave by a full plan or before.

    Args:
        course: as it stands before anybody is transferred.
        pinned: the decisions pinned to it.
        planned: the decisions that the transfer plan takes along.
        on: today's Helsinki date.
        reason: the provider's words; needed when it is late or the course was once to be carried out.

    Raises:
        Refusal: COURSE_GONE, CONFIRMED, MUST_RUN (E-34), COURSE_STARTED, TRANSFERS_MISSING with the
            decisions nobody takes (E-38), or REASON_REQUIRED.
        NotFound: NOT_PINNED where the plan names somebody who is not on the course.
    """
    require_there(course)
    _require_unconfirmed(course)
    _require_need_not_run(course)
    if course.stale_unconfirmed(on):
        raise Refusal("COURSE_STARTED", first_day=course.first_day)
    if set(planned) - set(pinned):
        raise NotFound("NOT_PINNED", course_number=course.course_number)
    missing = sorted(set(pinned) - set(planned))
    if missing:
        raise Refusal("TRANSFERS_MISSING", pinned=len(pinned), planned=len(planned), missing=missing)
    return _explained(Ending(EndingKind.DELETED, is_late(course, on), course.must_run_since, reason), course)


def did_not_happen(course: Course, pinned_at_start: int, on: date, reason: str | None, *, official: bool) -> Ending:
    """The past course was never carried out (R-CRS-42, E-40); the same reasons and reports as when deleting late.

    Raises:
        Refusal: COURSE_GONE, NOT_PUBLISHED, CONFIRMED, COURSE_NOT_STARTED, REASON_REQUIRED, or MUST_RUN where
            so many are pinned, or were at 00:00 of the first day, that only an official may say so (E-34).
    """
    _require_unconfirmed_past(course, on)
    if not official:
        _require_need_not_run(replace(course, pinned=max(course.pinned, pinned_at_start)))
    return _explained(Ending(EndingKind.DID_NOT_HAPPEN, is_late(course, on), course.must_run_since, reason), course)


def cancel(course: Course, reason: str) -> Ending:
    """Kela cancels a course that was committed to (E-34).

    Raises:
        Refusal: COURSE_GONE or NOT_CONFIRMED.
    """
    require_there(course)
    if course.state not in _CANCELLABLE:
        raise Refusal("NOT_CONFIRMED", course_number=course.course_number)
    return Ending(EndingKind.CANCELLED, late=False, must_run_since=course.must_run_since, reason=reason)


def ended(course: Course, ending: Ending, on: date) -> Course:
    """The course when it is over, nobody pinned any more.

    A deleted course takes none of its year's places (R-CRS-37), a cancelled one only if it had begun:
    the count is of places on courses that are carried out (R-CRS-2). A place is kept by an ended pin
    only where the course had begun (E-21).
    """
    begun = course.begun(on)
    cancelled = ending.kind is EndingKind.CANCELLED
    return replace(
        course,
        version=course.version + 1,
        state=CourseState.CANCELLED if cancelled else CourseState.DELETED,
        pinned=0,
        occupied=course.occupied if begun else course.occupied - course.pinned,
        holds_places=begun,
    )


def confirm_retroactively(
    course: Course, pinned_at_start: int, on: date, reason: str | None, *, official: bool
) -> Course:
    """The past course was carried out though nobody confirmed it in time (R-CRS-41, E-40): it is running.

    Args:
        course: published, its first day has come.
        pinned_at_start: clients pinned at 00:00 of the first day.
        on: today's Helsinki date.
        reason: why an official lets it be confirmed with fewer.
        official: whether Kela asks.

    Raises:
        Refusal: COURSE_GONE, NOT_PUBLISHED, ALREADY_CONFIRMED, COURSE_NOT_STARTED, REASON_REQUIRED, or
            LATE_CONFIRM_TOO_FEW with the clients pinned at the start and those needed.
    """
    require_published(course)
    if course.state is not CourseState.PUBLISHED:
        raise Refusal("ALREADY_CONFIRMED", course_number=course.course_number)
    _require_started(course, on)
    if pinned_at_start < course.terms.confirm_at:
        if not official:
            needed = course.terms.confirm_at
            raise Refusal("LATE_CONFIRM_TOO_FEW", pinned_at_start=pinned_at_start, needed=needed)
        if reason is None:
            raise _reason_required(course)
    return replace(course, version=course.version + 1, state=CourseState.RUNNING, confirmed_on=on, late_confirmed=True)


def require_unconfirmable(course: Course, on: date) -> None:
    """Only of a past course that nobody confirmed can Kela be told that confirming it fails (R-CRS-43).

    Raises:
        Refusal: COURSE_GONE, NOT_PUBLISHED, CONFIRMED or COURSE_NOT_STARTED.
    """
    _require_unconfirmed_past(course, on)


def _require_unconfirmed_past(course: Course, on: date) -> None:
    require_published(course)
    _require_unconfirmed(course)
    _require_started(course, on)


def _require_unconfirmed(course: Course) -> None:
    if course.state not in _DELETABLE:
        raise Refusal("CONFIRMED", course_number=course.course_number)


def _require_started(course: Course, on: date) -> None:
    if on < course.first_day:
        raise Refusal("COURSE_NOT_STARTED", first_day=course.first_day)


def _require_need_not_run(course: Course) -> None:
    if course.must_run:
        raise Refusal("MUST_RUN", pinned=course.pinned, must_run_at=course.terms.must_run_at)


def _explained(ending: Ending, course: Course) -> Ending:
    if ending.reports and ending.reason is None:
        raise _reason_required(course)
    return ending


def _reason_required(course: Course) -> Refusal:
    return Refusal("REASON_REQUIRED", notice_by=course.notice_by, must_run_since=course.must_run_since)
