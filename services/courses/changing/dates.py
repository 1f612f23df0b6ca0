"""Rules of moving a course's dates (pure functions).

New dates are always given whole: nothing is ever shifted by a year on its own, so 29 February and
moving holidays need no rule (E-18).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from contracts.refusals import Refusal
from contracts.values import DeliveryMode, ReportKind
from services.courses.changing.domain import committed
from services.courses.consents import Consent, require_given
from services.courses.creation import (
    Description,
    PlannedPeriod,
    ProposedPeriod,
    latest_last_day,
    plan_periods,
)
from services.courses.domain import Contract, Course, Period, require_there, require_valid


@dataclass(frozen=True, slots=True)
class PinnedClient:
    """A client with a place on the course, the deadline of the decision, and the first day attended elsewhere."""

    decision_ref: str
    confirm_by: date | None
    attended_since: date | None = None


def reschedule(
    course: Course, description: Description, contract: Contract, proposed: tuple[ProposedPeriod, ...], on: date
) -> Course:
    """The course on other dates, by the rules of its creation (R-CRS-32); its year follows its first day (E-1).

    Before the confirmation every period may move. After it the committed periods and those that have
    begun stay as they are, and so do the number and the modes of the others (R-CRS-17, E-35).
    The same course where the dates are the same.

    Raises:
        Refusal: COURSE_GONE, COURSE_STARTED where nobody has said yet whether the course took place (E-40),
            PERIOD_FROZEN with the periods' numbers, CONTRACT_NOT_VALID, PERIODS_IN_PAST or what
            `plan_periods` raises.
        Invalid: PERIOD_BACKWARDS or PERIODS_OVERLAP.
    """
    require_there(course)
    stays = proposed[0].first_day == course.first_day
    periods = plan_periods(_plan(course, description), proposed, min(on, course.first_day) if stays else on)
    if periods == course.periods:
        return course
    if course.stale_unconfirmed(on):
        raise Refusal("COURSE_STARTED", first_day=course.first_day)
    frozen = frozen_periods(course, on)
    broken = [before.number for before, after in _changed(course.periods, periods) if before.number in frozen]
    if broken:
        raise Refusal("PERIOD_FROZEN", periods=broken)
    _require_ahead(course.periods, periods, on)
    if not stays:
        require_valid(contract, periods[0].first_day)
    return replace(course, version=course.version + 1, periods=periods, year=periods[0].first_day.year)


def frozen_periods(course: Course, on: date) -> frozenset[int]:
    """Numbers of the periods that stay where they are, `on` a day.

    Nothing before the confirmation; after it the first face-to-face period and every online one
    (R-CRS-17), and whatever has begun.
    """
    if not committed(course):
        return frozenset()
    face_to_face = [period for period in course.periods if period.mode is DeliveryMode.FACE_TO_FACE]
    online = [period for period in course.periods if period.mode is DeliveryMode.ONLINE]
    begun = [period for period in course.periods if period.first_day <= on]
    return frozenset(period.number for period in (*face_to_face[:1], *online, *begun))


def require_deadlines(before: Course, after: Course, pinned: Sequence[PinnedClient]) -> None:
    """An unconfirmed course does not move past a pinned client's deadline (R-CRS-19, E-37).

    A course can be confirmed until it begins. So what a later first day may not pass is the day by
    which the client has to be on a confirmed course; once confirmed, that deadline is met for good.

    Raises:
        Refusal: DEADLINE_BREAKS with the new first day, and decision and deadline of each such client.
    """
    if committed(before) or after.first_day <= before.first_day:
        return
    breaks = [client for client in pinned if client.confirm_by and client.confirm_by < after.first_day]
    if breaks:
        raise Refusal(
            "DEADLINE_BREAKS",
            first_day=after.first_day,
            decision_refs=[client.decision_ref for client in breaks],
            deadlines=[client.confirm_by for client in breaks],
        )


def require_durations(after: Course, description: Description, pinned: Sequence[PinnedClient]) -> None:
    """A course does not move to where a client who began on another one would take too long (E-12, E-37).

    Raises:
        Refusal: PATHS_TOO_LONG with months and last day, and decision and latest day of each such client.
    """
    if not description.total_duration_enforced:
        return
    months = description.total_duration_months
    latest = {
        client.decision_ref: latest_last_day(client.attended_since, months)
        for client in pinned
        if client.attended_since is not None
    }
    breaks = {ref: day for ref, day in latest.items() if day is not None and day < after.last_day}
    if breaks:
        raise Refusal(
            "PATHS_TOO_LONG",
            months=months,
            last_day=after.last_day,
            decision_refs=list(breaks),
            latest=list(breaks.values()),
        )


def require_consents(pinned: Sequence[PinnedClient], consents: tuple[Consent, ...], on: date) -> tuple[Consent, ...]:
    """The pinned clients' consents; the new dates suit every one of them (R-CRS-34, E-35).

    Raises:
        Refusal: CONSENT_MISSING with the decisions of those who have not agreed, or CONSENT_IN_FUTURE.
    """
    require_given(consents, on)
    given = {consent.decision_ref: consent for consent in consents}
    missing = [client.decision_ref for client in pinned if client.decision_ref not in given]
    if missing:
        raise Refusal("CONSENT_MISSING", change="dates", decision_refs=missing)
    return tuple(given[client.decision_ref] for client in pinned)


def is_late(course: Course, on: date) -> bool:
    """True where too few are pinned and the day to act has passed (R-CRS-35, E-15); an unknown notice is none."""
    if course.notice_by is None or committed(course) or course.pinned >= course.terms.confirm_at:
        return False
    return on > course.notice_by


def what_to_report(course: Course, *, late: bool) -> tuple[ReportKind, ...]:
    """What Kela is told of a move: that it is late (E-15), that the course had to run at some time (E-33)."""
    return (
        *((ReportKind.LATE_MOVE,) if late else ()),
        *((ReportKind.MUST_RUN_COURSE_MOVED,) if course.must_run_since else ()),
    )


def _plan(course: Course, description: Description) -> Description:
    """What the new dates follow: a confirmed course keeps the periods it has, also without a plan for them."""
    if description.periods or not committed(course):
        return description
    kept = tuple(PlannedPeriod(period.kind, period.mode, days=None) for period in course.periods)
    return replace(description, periods=kept)


def _changed(before: tuple[Period, ...], after: tuple[Period, ...]) -> list[tuple[Period, Period]]:
    return [(old, new) for old, new in zip(before, after, strict=False) if old != new]


def _require_ahead(before: tuple[Period, ...], after: tuple[Period, ...], on: date) -> None:
    for period in after:
        if period not in before and period.first_day < on:
            raise Refusal("PERIODS_IN_PAST", first_day=period.first_day, today=on)
