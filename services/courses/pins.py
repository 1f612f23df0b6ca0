"""The rules of pins: who may have a place, and what becomes of it (pure functions)."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from contracts.refusals import NotFound, Refusal
from contracts.values import DecisionState, PinState, ReleaseReason
from services.courses.domain import Course, require_published

_TAKEN_BACK = frozenset({DecisionState.REVOKED, DecisionState.ANNULLED})


@dataclass(frozen=True, slots=True)
class Decision:
    """Our copy of a decision, with where its client is pinned now.

    `pin_version` counts the changes of its pin over all courses.
    """

    decision_ref: str
    version: int
    provider_id: str
    service: str
    state: DecisionState
    confirm_by: date | None = None
    pinned_to: str | None = None
    pinned_to_number: int | None = None
    pin_version: int = 0
    provider_changed: bool = False

    @property
    def valid(self) -> bool:
        """True while the decision entitles its client to a place."""
        return self.state is DecisionState.GRANTED

    @property
    def taken_back(self) -> bool:
        """Revoked or annulled: it holds no place (E-21)."""
        return self.state in _TAKEN_BACK


@dataclass(frozen=True, slots=True)
class Pin:
    """One stay of a decision's client on a course.

    `planned` are the periods the client is to attend, None for all; of those in neither `attended` nor
    `missed` nobody has spoken yet (E-20).
    """

    decision_ref: str
    version: int
    course_id: str
    provider_id: str
    office_id: str
    state: PinState
    occupies_place: bool
    pinned_at: datetime
    ended_at: datetime | None = None
    reason: ReleaseReason | None = None
    planned: tuple[int, ...] | None = None
    attended: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    moved_from: str | None = None
    moved_to: str | None = None


def pin(
    course: Course, decision: Decision | None, at: datetime, on: date, *, free_in_year: int = 0
) -> tuple[Course, Pin]:
    """Places go to clients with a valid decision for this provider and service (R-CRS-10, R-CRS-14).

    `free_in_year` are the places of the count that are on no course: a full group may grow by them.

    Raises:
        Refusal: COURSE_GONE, NOT_PUBLISHED, DECISION_UNKNOWN, OTHER_PROVIDER, OTHER_SERVICE,
            DECISION_REVOKED, DECISION_NOT_GRANTED, ALREADY_PINNED or COURSE_FULL, with the
            values that did not fit. Where a client is pinned is told only to the provider
            of that course (E-23): OTHER_PROVIDER comes first.
    """
    require_published(course)
    if decision is None:
        raise Refusal("DECISION_UNKNOWN")
    if decision.provider_id != course.provider_id:
        raise Refusal("OTHER_PROVIDER")
    if decision.service != course.service:
        raise Refusal("OTHER_SERVICE", decision_service=decision.service, course_service=course.service)
    if decision.taken_back:
        raise Refusal("DECISION_REVOKED")
    if not decision.valid:
        raise Refusal("DECISION_NOT_GRANTED", state=decision.state)
    if decision.pinned_to is not None:
        raise Refusal("ALREADY_PINNED", course_id=decision.pinned_to, course_number=decision.pinned_to_number)
    if course.free_places == 0:
        raise _full(course, free_in_year)
    taken = replace(course, version=course.version + 1, pinned=course.pinned + 1, occupied=course.occupied + 1)
    if taken.must_run and taken.must_run_since is None:
        taken = replace(taken, must_run_since=on)
    return taken, Pin(
        decision_ref=decision.decision_ref,
        version=decision.pin_version + 1,
        course_id=course.course_id,
        provider_id=course.provider_id,
        office_id=course.office_id,
        state=PinState.ACTIVE,
        occupies_place=True,
        pinned_at=at,
    )


def _full(course: Course, free_in_year: int) -> Refusal:
    """COURSE_FULL; where the group may still grow, with how far (E-22)."""
    grown = course.group_size + free_in_year
    may_grow_to = grown if course.terms.group_max is None else min(grown, course.terms.group_max)
    if may_grow_to <= course.group_size:
        return Refusal("COURSE_FULL", group_size=course.group_size)
    return Refusal("COURSE_FULL", group_size=course.group_size, offer="grow_group", may_grow_to=may_grow_to)


def release(course: Course, active: Pin, reason: ReleaseReason, at: datetime, on: date) -> tuple[Course, Pin]:
    """End an active pin; its place is free again unless the course has begun (E-21).

    `must_run_since` stays: the duty once reached is remembered (E-33).
    """
    keeps_place = course.begun(on)
    freed = replace(
        course,
        version=course.version + 1,
        pinned=course.pinned - 1,
        occupied=course.occupied if keeps_place else course.occupied - 1,
    )
    return freed, replace(
        active,
        version=active.version + 1,
        state=PinState.RELEASED,
        reason=reason,
        occupies_place=keeps_place,
        ended_at=at,
    )


def release_reason(decision: Decision) -> ReleaseReason:
    """Why the pin of a decision that was taken back goes (E-21)."""
    if decision.state is DecisionState.ANNULLED:
        return ReleaseReason.DECISION_ANNULLED
    if decision.provider_changed:
        return ReleaseReason.PROVIDER_CHANGED
    return ReleaseReason.DECISION_REVOKED


def why_not_pinnable(decision: Decision, course: Course | None) -> str | None:
    """Why the decision's client cannot be pinned (to `course`, where one is meant), or None (E-25)."""
    if not decision.valid:
        return str(decision.state)
    if decision.pinned_to is not None:
        return "pinned_here" if course and decision.pinned_to == course.course_id else "pinned_on_own_course"
    if course and decision.service != course.service:
        return "other_service"
    return None


def require_pinned_here(course: Course, decision: Decision | None) -> Decision:
    """The decision, if its client is pinned to `course`; else NOT_PINNED."""
    if decision is None or decision.pinned_to != course.course_id:
        raise NotFound("NOT_PINNED", course_number=course.course_number)
    return decision
