"""The courses that each provider holds, and who is on them from when to when: plain data of the plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from rekku.demo.decisions import PlannedDecision

CONFIRM_FROM = 6
MUST_RUN_FROM = 7
NOTICE = timedelta(days=30)
"""Until so long before its first day a course is deleted or moved on time (R-CRS-35)."""

Periods = tuple[tuple[date, date], ...]


class Arrival(StrEnum):
    """How a client came onto a course."""

    PINNED = "pinned"
    PINNED_ANEW = "pinned_anew"
    MOVED = "moved"
    TRANSFERRED = "transferred"


@dataclass(frozen=True)
class Stay:
    """One client's time on one course.

    `until` is the day the client left it while the decision was in force; `came_from` the course
    before, and `first_period` the first one the client attends here (E-20).
    """

    decision: PlannedDecision
    since: date
    arrival: Arrival = Arrival.PINNED
    came_from: str | None = None
    first_period: int = 1
    until: date | None = None

    def held_on(self, day: date) -> bool:
        """True where the client has a place on the course at the end of `day`."""
        return self.since <= day and (self.until is None or self.until > day) and self.decision.held_on(day)


@dataclass(frozen=True)
class PlannedPayment:
    """One period's payment for everyone who attended it."""

    number: int
    paid_on: date
    decisions: tuple[str, ...]


@dataclass(frozen=True)
class Growth:
    """The group is made larger (R-CRS-15)."""

    day: date
    group_size: int


@dataclass(frozen=True)
class Rescheduling:
    """The course moves to other dates in the next year (R-CRS-33); `before` are those it was opened with."""

    day: date
    before: Periods


@dataclass(frozen=True)
class PlannedEnding:
    """The course is deleted `before_start`, or it turns out not to have taken place (R-CRS-36, R-CRS-42)."""

    day: date
    before_start: bool
    late: bool


@dataclass(frozen=True)
class PlannedCourse:
    """One course of the plan; `stays` holds everybody who ever had a place on it, in order.

    `refused_on` is the day on which its provider tries in vain to delete it (E-34).
    """

    key: str
    contract: str
    group_size: int
    age_group: str
    created_on: date
    periods: Periods
    stays: tuple[Stay, ...]
    confirmed_on: date | None = None
    confirmed_late: bool = False
    payments: tuple[PlannedPayment, ...] = ()
    grown: Growth | None = None
    rescheduled: Rescheduling | None = None
    ended: PlannedEnding | None = None
    refused_on: date | None = None

    @property
    def opened_with(self) -> Periods:
        """The periods it is created with."""
        return self.rescheduled.before if self.rescheduled else self.periods

    @property
    def deleted(self) -> bool:
        """True where it is deleted before it begins."""
        return self.ended is not None and self.ended.before_start

    @property
    def not_held(self) -> bool:
        """True where it turns out not to have taken place."""
        return self.ended is not None and not self.ended.before_start

    @property
    def year(self) -> int:
        """The year whose places it takes in the end: that of its first day (E-1)."""
        return self.periods[0][0].year

    @property
    def rescheduled_late(self) -> bool:
        """True where it moves, with too few clients, after the last day of moving on time (E-15)."""
        return self.rescheduled is not None and self.rescheduled.day > self.rescheduled.before[0][0] - NOTICE

    def places(self) -> Iterator[tuple[date, int, int]]:
        """When it takes how many places of which year, that of its first day (E-1)."""
        yield self.created_on, self.opened_with[0][0].year, self.group_size
        if self.rescheduled:
            yield self.rescheduled.day, self.year, self.group_size
        if self.grown:
            yield self.grown.day, self.year, self.grown.group_size - self.group_size

    def size_on(self, day: date) -> int:
        """The group's size at the end of `day`."""
        return self.grown.group_size if self.grown and self.grown.day <= day else self.group_size

    def present(self, day: date) -> list[Stay]:
        """Who has a place at the end of `day`."""
        return [stay for stay in self.stays if stay.held_on(day)]

    def had_to_run(self, day: date) -> bool:
        """True where so many have been on it by the end of `day` that it had to be carried out (E-33)."""
        return any(len(self.present(stay.since)) >= MUST_RUN_FROM for stay in self.stays if stay.since <= day)
