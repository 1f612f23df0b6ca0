"""When a client's rehabilitation is planned to take place, over all the courses the client is or was on (R-CRS-12)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from chassis.db import Transaction
from contracts.values import CourseState, DeliveryMode, PinState
from services.decisions.followup.domain import PINNED

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
    if stay.pin_state not in PINNED or stay.course_state in _GONE:
        return False
    return stay.planned is None or number in stay.planned


async def find_stays(tx: Transaction, decision_ref: str) -> Sequence[Stay]:
    """Every course the decision is or was pinned to, as far as our copies know them."""
    rows = await tx.fetch(
        "SELECT course_id, p.provider_id, p.office_id, p.state AS pin_state, c.state AS course_state, p.planned,"
        " p.attended, c.periods FROM pins p JOIN courses c USING (course_id) WHERE p.decision_ref = $1",
        decision_ref,
    )
    return [
        Stay(
            **{
                **row,
                "pin_state": PinState(row["pin_state"]),
                "course_state": CourseState(row["course_state"]),
                "planned": None if row["planned"] is None else tuple(row["planned"]),
                "attended": tuple(row["attended"]),
                "periods": tuple(
                    Period(
                        number=period["number"],
                        first_day=date.fromisoformat(period["first_day"]) if "first_day" in period else None,
                        last_day=date.fromisoformat(period["last_day"]),
                        mode=DeliveryMode(period["mode"]) if "mode" in period else None,
                    )
                    for period in row["periods"]
                ),
            }
        )
        for row in rows
    ]
