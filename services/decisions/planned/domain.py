"""When a client's rehabilitation is planned to take place, over all the courses the client is or was on (R-CRS-12)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from contracts.values import CourseState, DeliveryMode, PinState

_PINNED = frozenset({PinState.ACTIVE, PinState.FULFILLED})
_GONE = frozenset({CourseState.DELETED, CourseState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Period:
    """A course's period as our copy has it; a copy from before it kept first day and mode has None for them."""

    number: int
    first_day: date | None
    last_day: date
    mode: DeliveryMode | None


@dataclass(frozen=True, slots=True)
class Stay:
    """A client on one course; `planned` None: all its periods."""

    course_id: str
    provider_id: str
    office_id: str
    pin_state: PinState
    course_state: CourseState
    planned: tuple[int, ...] | None
    attended: tuple[int, ...]
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class PlannedPeriod:
    """One period of a client's way."""

    course_id: str
    provider_id: str
    office_id: str
    number: int
    first_day: date | None
    last_day: date
    mode: DeliveryMode | None
    attended: bool


def path(stays: Iterable[Stay]) -> list[PlannedPeriod]:
    """The periods the client is to attend where pinned now, and those attended anywhere, by their days (E-20).

    What remained on a course that the client left, or that does not take place, is planned no more.
    """
    found = [
        PlannedPeriod(
            course_id=stay.course_id,
            provider_id=stay.provider_id,
            office_id=stay.office_id,
            number=period.number,
            first_day=period.first_day,
            last_day=period.last_day,
            mode=period.mode,
            attended=period.number in stay.attended,
        )
        for stay in stays
        for period in stay.periods
        if period.number in stay.attended or _is_planned(stay, period.number)
    ]
    return sorted(found, key=lambda period: (period.last_day, period.course_id, period.number))


def _is_planned(stay: Stay, number: int) -> bool:
    if stay.pin_state not in _PINNED or stay.course_state in _GONE:
        return False
    return stay.planned is None or number in stay.planned
