"""The rules of Kela's follow-up: when it is open, and what a contact or an answer makes of it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from contracts.refusals import Invalid, Refusal
from contracts.values import CourseState, DecisionState, PinState
from services.decisions.domain import Decision, GivenBy, NoticeChannel

PINNED = frozenset({PinState.ACTIVE, PinState.FULFILLED})
CONFIRMED = frozenset({CourseState.CONFIRMED, CourseState.RUNNING, CourseState.COMPLETED})
NEARING = timedelta(days=30)
"""So long before its day an item is on the work list."""
LONGEST_WAIT = timedelta(days=365)
"""So far ahead the next day may lie: a mistyped year forgets nobody."""


class WorkState(StrEnum):
    """What Kela has to do about an open follow-up; nothing yet while it is `watched`."""

    WATCHED = "watched"
    NEARING = "nearing"
    COURSE_UNANSWERED = "course_unanswered"
    OVERDUE = "overdue"
    CONTACTED = "contacted"
    SWAP_WANTED = "swap_wanted"


class EntryKind(StrEnum):
    """What was noted about a follow-up."""

    CONTACTED = "contacted"
    STAYS = "stays"
    SWAP_WANTED = "swap_wanted"
    SWAP_ENDED = "swap_ended"


@dataclass(frozen=True, slots=True)
class Place:
    """A decision's newest pin; `course_state` is None while our copy does not know the course."""

    course_id: str
    pin_state: PinState
    course_state: CourseState | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Where a decision's client is pinned, and whether Kela still has to watch the deadline."""

    pinned_to: str | None
    confirmed: bool
    open: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """How a follow-up stands. `version` counts what was noted, `next_on` replaces the deadline once agreed.

    `contacted_on` is the last contact since the deadline or the last answer.
    """

    version: int = 0
    next_on: date | None = None
    contacted_on: date | None = None
    swap_wanted: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A contact or an answer: its day, its channel and with whom; None where nobody was reached (E-58)."""

    on: date
    channel: NoticeChannel
    spoken_with: GivenBy | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing noted about a follow-up, by whom and when. Ending a swap needs no contact."""

    version: int
    kind: EntryKind
    happened_on: date
    channel: NoticeChannel | None
    spoken_with: GivenBy | None
    next_on: date | None
    noted_at: datetime
    noted_by: str


def follow_up(decision: Decision, place: Place | None) -> FollowUp:
    """Open while a granted client is not pinned to a confirmed course; a revocation closes it (E-21).

    A course confirmed after its start counts like any other: it took place (E-40).
    """
    pinned_to, confirmed = None, False
    if place is not None and place.pin_state in PINNED:
        pinned_to = place.course_id
        confirmed = place.pin_state is PinState.FULFILLED or place.course_state in CONFIRMED
    return FollowUp(pinned_to, confirmed, decision.state is DecisionState.GRANTED and not confirmed)


def contacted(watch: Watch, said: Said, decision: Decision, on: date) -> Watch:
    """Kela contacted the client about the deadline (R-CRS-20, R-CRS-21).

    Raises:
        Invalid: CONTACT_DAY_INVALID.
    """
    _check_day(said, decision, on)
    latest = said.on if watch.contacted_on is None else max(watch.contacted_on, said.on)
    return _changed(replace(watch, contacted_on=latest))


def stays(watch: Watch, said: Said, decision: Decision, next_on: date, on: date) -> Watch:
    """The client stays with the provider: watched again from a new day on, whatever was wished before (E-65).

    Raises:
        Invalid: CONTACT_DAY_INVALID or NEXT_DAY_INVALID.
    """
    _check_day(said, decision, on)
    _check_next(next_on, on)
    return _changed(Watch(watch.version, next_on))


def wants_swap(watch: Watch, said: Said, decision: Decision, on: date) -> Watch:
    """The client wants another provider, which a missed deadline entitles to (R-CRS-21, E-65).

    Raises:
        Refusal: DEADLINE_NOT_PASSED.
        Invalid: CONTACT_DAY_INVALID.
    """
    _check_day(said, decision, on)
    if decision.confirm_by is not None and on <= decision.confirm_by:
        raise Refusal("DEADLINE_NOT_PASSED", confirm_by=decision.confirm_by, today=on)
    return _changed(replace(watch, contacted_on=said.on, swap_wanted=True))


def swap_ended(watch: Watch, next_on: date, on: date) -> Watch:
    """No other provider can take the client: the decision stays, watched again from a new day on (E-65, E-66).

    Raises:
        Refusal: SWAP_NOT_WANTED.
        Invalid: NEXT_DAY_INVALID.
    """
    if not watch.swap_wanted:
        raise Refusal("SWAP_NOT_WANTED")
    _check_next(next_on, on)
    return _changed(Watch(watch.version, next_on))


def require_open(follow_up: FollowUp, decision: Decision) -> None:
    """Nobody is contacted whose course is confirmed or took place, or whose decision has ended (R-CRS-40, E-40).

    Raises:
        Refusal: FOLLOW_UP_CLOSED.
    """
    if not follow_up.open:
        raise Refusal("FOLLOW_UP_CLOSED", state=decision.state, confirmed=follow_up.confirmed)


def _changed(watch: Watch) -> Watch:
    return replace(watch, version=watch.version + 1)


def _check_day(said: Said, decision: Decision, on: date) -> None:
    earliest = decision.decided_on or on
    if not earliest <= said.on <= on:
        raise Invalid("CONTACT_DAY_INVALID", earliest=earliest, today=on)


def _check_next(next_on: date, on: date) -> None:
    latest = on + LONGEST_WAIT
    if not on < next_on <= latest:
        raise Invalid("NEXT_DAY_INVALID", today=on, latest=latest)
