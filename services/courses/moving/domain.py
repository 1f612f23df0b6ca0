"""The rules of moving clients and of what they attend: plain values and pure functions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from contracts.refusals import Invalid, NotFound, Refusal
from contracts.values import PinState, ReleaseReason
from services.courses import pins
from services.courses.consents import Consent, require_given
from services.courses.creation import latest_last_day
from services.courses.domain import Course, Period
from services.courses.pins import Decision, Pin


class Obstacle(StrEnum):
    """Why a provider cannot place a client (R-CRS-16)."""

    NO_COURSE_FITS = "no_course_fits"
    CANNOT_CREATE_COURSE = "cannot_create_course"
    CANNOT_ADD_TARGET_GROUP = "cannot_add_target_group"


@dataclass(frozen=True, slots=True)
class Stay:
    """What a client attended of one course: the course's periods, and the numbers of those attended."""

    periods: tuple[Period, ...]
    attended: tuple[int, ...]

    @property
    def attended_periods(self) -> tuple[Period, ...]:
        """The attended ones, in order."""
        return tuple(period for period in self.periods if period.number in self.attended)


@dataclass(frozen=True, slots=True)
class DurationLimit:
    """How long a client's whole rehabilitation may last (E-12); None is UNKNOWN, and then nothing is refused."""

    months: int | None
    enforced: bool


@dataclass(frozen=True, slots=True)
class Path:
    """How a client goes on: the periods still to be attended (None for all), and what to be warned of."""

    planned: tuple[int, ...] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Destination:
    """The course a client goes to, and what the client or a guardian said to that (R-CRS-28, E-47, E-58)."""

    course_id: str
    consent: Consent | None
    age_notice: Consent | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A client's change of course: both courses after it, the pin that ended and the one that began."""

    here: Course
    there: Course
    left: Pin
    arrived: Pin
    warnings: tuple[str, ...]


def require_consent(consent: Consent | None, on: date) -> Consent:
    """The consent, without which nobody is moved (R-CRS-28).

    Raises:
        Refusal: CONSENT_MISSING, or CONSENT_IN_FUTURE with both days.
    """
    if consent is None:
        raise Refusal("CONSENT_MISSING", change="course")
    require_given((consent,), on)
    return consent


def require_reason(course: Course, reason: str | None) -> None:
    """Taking a client off a course that has had to be run needs a reason (E-33).

    Raises:
        Refusal: MUST_RUN_REASON_REQUIRED with the course's number and since when it had to be run.
    """
    if course.must_run_since is not None and reason is None:
        raise Refusal(
            "MUST_RUN_REASON_REQUIRED", course_number=course.course_number, must_run_since=course.must_run_since
        )


def move(
    here: Course,
    there: Course,
    decision: Decision,
    active: Pin,
    stays: Sequence[Stay],
    limit: DurationLimit,
    at: datetime,
    on: date,
    *,
    free_in_year: int = 0,
) -> Move:
    """Unpin here and pin there as one change (R-CRS-27, E-26); attended periods stay here (E-20).

    The old place is given again only where the course has not begun. A place there is taken to the
    course's end, so one that is free is free in each of the remaining periods. `free_in_year` is as
    in `pins.pin`.

    Raises:
        Invalid: SAME_COURSE.
        Refusal: PARTICIPATION_NOT_NOTED, what `pins.pin` refuses, or what `go_on` refuses.
    """
    if there.course_id == here.course_id:
        raise Invalid("SAME_COURSE")
    require_noted(here, active, on)
    freed, ended = pins.release(here, active, ReleaseReason.PROVIDER, at, on)
    left = replace(ended, state=PinState.MOVED, reason=None, moved_to=there.course_id)
    detached = replace(decision, pinned_to=None, pinned_to_number=None, pin_version=left.version)
    taken, pin = pins.pin(there, detached, at, on, free_in_year=free_in_year)
    path = go_on(there, stays, limit, on)
    require_still_to_come(there, path.planned, on)
    arrived = replace(pin, planned=path.planned, moved_from=here.course_id)
    return Move(freed, taken, left, arrived, path.warnings)


def go_on(there: Course, stays: Sequence[Stay], limit: DurationLimit, on: date) -> Path:
    """The periods a client still has to attend on `there`, to its end (E-20, P10).

    Nothing attended so far: all of them. Otherwise those whose numbers were not attended; the whole
    path fits the total duration from the first day of the first attended period (R-CRS-31, E-12).

    Raises:
        Refusal: PERIODS_DO_NOT_MATCH where the courses have different periods, NOTHING_REMAINS,
            PERIODS_NOT_AFTER with both days, PERIODS_PASSED, or PATH_TOO_LONG with the latest day.
    """
    if not stays:
        return Path()
    for stay in stays:
        if _kinds(stay.periods) != _kinds(there.periods):
            raise Refusal("PERIODS_DO_NOT_MATCH", periods_before=len(stay.periods), periods_there=len(there.periods))
    attended = [period for stay in stays for period in stay.attended_periods]
    numbers = {period.number for period in attended}
    remaining = [period for period in there.periods if period.number not in numbers]
    if not remaining:
        raise Refusal("NOTHING_REMAINS", attended=sorted(numbers))
    ended_on = max(period.last_day for period in attended)
    if remaining[0].first_day <= ended_on:
        raise Refusal(
            "PERIODS_NOT_AFTER",
            number=remaining[0].number,
            first_day=remaining[0].first_day,
            attended_until=ended_on,
        )
    planned = tuple(period.number for period in remaining)
    require_still_to_come(there, planned, on)
    began_on = min(period.first_day for period in attended)
    return Path(planned, _duration_warnings(began_on, remaining[-1].last_day, limit))


def require_still_to_come(there: Course, planned: Collection[int] | None, on: date) -> None:
    """Nobody is moved to a course whose period they need is over; raises PERIODS_PASSED."""
    passed = [period.number for period in there.periods if _in(period, planned) and period.last_day < on]
    if passed:
        raise Refusal("PERIODS_PASSED", course_number=there.course_number, periods=passed)


def require_noted(course: Course, pin: Pin, on: date) -> None:
    """Of every period that has begun it must be known whether the client attended it (E-20).

    Raises:
        Refusal: PARTICIPATION_NOT_NOTED with the periods nobody has spoken of.
    """
    noted = (*pin.attended, *pin.missed)
    open_periods = [
        period.number for period in _begun(course, on) if _in(period, pin.planned) and period.number not in noted
    ]
    if open_periods:
        raise Refusal("PARTICIPATION_NOT_NOTED", course_number=course.course_number, periods=open_periods)


def note_participation(course: Course, pin: Pin, attended: Collection[int], missed: Collection[int], on: date) -> Pin:
    """The pin with what is now known: the whole of both lists replaces what was noted before (E-20).

    `on` is today, or the day the pin ended. The same pin where nothing is new.

    Raises:
        Invalid: PERIOD_NOTED_TWICE.
        Refusal: PERIOD_NOT_PLANNED with the client's periods, or PERIOD_NOT_BEGUN.
    """
    both = set(attended) & set(missed)
    if both:
        raise Invalid("PERIOD_NOTED_TWICE", periods=sorted(both))
    planned = [period.number for period in course.periods if _in(period, pin.planned)]
    begun = {period.number for period in _begun(course, on)}
    for number in sorted({*attended, *missed}):
        if number not in planned:
            raise Refusal("PERIOD_NOT_PLANNED", planned=planned)
        if number not in begun:
            raise Refusal("PERIOD_NOT_BEGUN", number=number)
    noted = replace(pin, attended=tuple(sorted(set(attended))), missed=tuple(sorted(set(missed))))
    return pin if noted == pin else replace(noted, version=pin.version + 1)


def interrupt(course: Course, active: Pin, at: datetime, on: date, *, final: bool = False) -> tuple[Course, Pin]:
    """The client's rehabilitation ends before its last period; the place is not given again (R-DEC-7, E-57).

    Where the last attended period is `final`, the attended ones are all that was planned, so that it is
    the last one of the client's path (E-29).

    Raises:
        Refusal: COURSE_NOT_BEGUN (then the client is simply unpinned), PARTICIPATION_NOT_NOTED, or
            NOTHING_ATTENDED of which a period could be final.
    """
    if not course.begun(on):
        raise Refusal("COURSE_NOT_BEGUN", course_number=course.course_number, first_day=course.first_day)
    require_noted(course, active, on)
    if final and not active.attended:
        raise Refusal("NOTHING_ATTENDED")
    left, ended = pins.release(course, active, ReleaseReason.PROVIDER, at, on)
    planned = active.attended if final else active.planned
    return left, replace(ended, state=PinState.INTERRUPTED, reason=None, planned=planned)


def require_without_place(decision: Decision | None) -> Decision:
    """A client with a valid decision who is on no course: only of those Kela is told (R-CRS-16).

    Raises:
        NotFound: DECISION_UNKNOWN.
        Refusal: DECISION_REVOKED, DECISION_NOT_GRANTED or ALREADY_PINNED.
    """
    if decision is None:
        raise NotFound("DECISION_UNKNOWN")
    if decision.taken_back:
        raise Refusal("DECISION_REVOKED")
    if not decision.valid:
        raise Refusal("DECISION_NOT_GRANTED", state=decision.state)
    if decision.pinned_to is not None:
        raise Refusal("ALREADY_PINNED", course_id=decision.pinned_to, course_number=decision.pinned_to_number)
    return decision


def attended_at_the_end(course: Course, pin: Pin, pinned_on: date) -> tuple[int, ...]:
    """What a completed course's client attended: what was noted, and every planned period that nobody spoke of.

    Not counted is a period that was over before the client was pinned.
    """
    assumed = [
        period.number
        for period in course.periods
        if _in(period, pin.planned) and period.number not in pin.missed and period.last_day >= pinned_on
    ]
    return tuple(sorted({*pin.attended, *assumed}))


def _duration_warnings(began_on: date, last_day: date, limit: DurationLimit) -> tuple[str, ...]:
    latest = latest_last_day(began_on, limit.months)
    if latest is None:
        return ("TOTAL_DURATION_UNKNOWN",)
    if last_day <= latest:
        return ()
    if limit.enforced:
        raise Refusal("PATH_TOO_LONG", months=limit.months, first_day=began_on, latest=latest, last_day=last_day)
    return ("TOTAL_DURATION_EXCEEDED",)


def _begun(course: Course, on: date) -> list[Period]:
    return [period for period in course.periods if course.begun(on) and period.first_day <= on]


def _in(period: Period, planned: Collection[int] | None) -> bool:
    return planned is None or period.number in planned


def _kinds(periods: Sequence[Period]) -> list[tuple[int, str]]:
    return [(period.number, period.kind) for period in periods]
