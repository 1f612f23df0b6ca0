"""How each provider's courses fill: one open course per contract at a time.

A provider pins its clients to the open course until it is full, and opens the next one the same
day. A client whose decision is revoked while the course is open gives the place to the next one,
and whoever leaves an earlier course comes to the open one as well.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count

from rekku.demo import schedule
from rekku.demo.courses import (
    NOTICE,
    Arrival,
    Growth,
    Periods,
    PlannedCourse,
    PlannedEnding,
    Rescheduling,
    Stay,
)
from rekku.demo.decisions import PlannedDecision
from rekku.demo.fates import ENDS_SOON, Fate, Planned
from rekku.demo.providers import PROVIDERS
from rekku.demo.workdays import working_day_after

AGE_GROUPS = ("UNDER_68", "FROM_68")

_GROUP_SIZES = (10, 8, 12, 9, 11)
_SWEDISH_GROUP_SIZE = 7
_LARGEST_GROUP = 12
_GROWS_BY = 2
_TOO_FEW = 3
"""So many have come when a course is given up."""
_MOVERS = 2
_AHEAD = {Fate.DELETED: timedelta(days=45), Fate.DELETED_LATE: timedelta(days=9), Fate.NOT_HELD: timedelta(days=9)}
"""How far ahead a course begins on the day it is given up, at least."""


@dataclass
class _Course:
    key: str
    group_size: int
    size: int
    age_group: str
    created_on: date
    fate: Fate | None
    stays: list[Stay] = field(default_factory=list)
    periods: Periods = ()
    full_on: date | None = None
    grown: Growth | None = None
    rescheduled: Rescheduling | None = None
    ended: PlannedEnding | None = None

    def present(self, day: date) -> list[Stay]:
        return [stay for stay in self.stays if stay.held_on(day)]

    def leave(self, stay: Stay, day: date) -> None:
        self.stays[self.stays.index(stay)] = replace(stay, until=day)


def plan_courses(
    decisions: Iterable[PlannedDecision], fates: dict[str, list[Planned]], opened_on: date, last: date
) -> list[PlannedCourse]:
    """The courses of every contract, in order of creation; the first one opens on `opened_on`."""
    of_contract: dict[str, list[PlannedDecision]] = {provider.key: [] for provider in PROVIDERS}
    for decision in decisions:
        if decision.pin_on is not None:
            of_contract[decision.contract].append(decision)
    courses: list[PlannedCourse] = []
    for place, (contract, pinned) in enumerate(of_contract.items()):
        courses += _Filling(contract, place, fates.get(contract, []), last).fill(pinned, opened_on)
    return sorted(courses, key=lambda course: (course.created_on, course.key))


class _Filling:
    """One contract's courses, day by day: of a day first what ends courses, then moves, then new pins."""

    def __init__(self, contract: str, place: int, fates: Sequence[Planned], last: date) -> None:
        self._contract = contract
        self._place = place
        self._fates = list(fates)
        self._last = last
        self._numbers = count()
        self._happenings: list[tuple[date, int, str, Callable[[date], None]]] = []
        self._courses: list[_Course] = []

    def fill(self, pinned: Iterable[PlannedDecision], opened_on: date) -> Iterator[PlannedCourse]:
        """The courses that become of these decisions."""
        self._open_next(opened_on)
        for decision in pinned:
            if decision.pin_on is not None:
                self._plan(decision.pin_on, 2, decision.key, self._pinning(decision))
        while self._happenings:
            day, _, _, happen = heapq.heappop(self._happenings)
            happen(day)
        self._open.periods = schedule.periods_from(self._last + schedule.NOTICE_BEFORE_START)
        return (self._planned(course) for course in self._courses)

    @property
    def _open(self) -> _Course:
        return self._courses[-1]

    def _plan(self, day: date, rank: int, key: str, happen: Callable[[date], None]) -> None:
        if day <= self._last:
            heapq.heappush(self._happenings, (day, rank, key, happen))

    def _open_next(self, day: date) -> None:
        number = next(self._numbers)
        swedish = self._place == len(PROVIDERS) - 1
        size = _SWEDISH_GROUP_SIZE if swedish else _GROUP_SIZES[(self._place + number) % len(_GROUP_SIZES)]
        fate = self._next_fate(day)
        if fate is Fate.GROWN and size == _LARGEST_GROUP:
            size = _GROUP_SIZES[0]
        self._courses.append(
            _Course(
                key=f"{self._contract}-{number + 1:02}",
                group_size=size,
                size=size,
                age_group=AGE_GROUPS[(self._place + number) % len(AGE_GROUPS)],
                created_on=day,
                fate=fate,
            )
        )

    def _next_fate(self, day: date) -> Fate | None:
        while self._fates and self._fates[0].opened_until < day:
            self._fates.pop(0)
        if self._fates and self._fates[0].opened_from <= day:
            return self._fates[0].fate
        return None

    def _befell(self) -> None:
        """The next fate waits for a later course."""
        self._fates.pop(0)

    def _pinning(self, decision: PlannedDecision) -> Callable[[date], None]:
        return lambda day: self._arrive(Stay(decision, day), day)

    def _arrive(self, stay: Stay, day: date) -> None:
        course = self._open
        course.stays.append(stay)
        present = len(course.present(day))
        if course.fate in ENDS_SOON and present == _TOO_FEW:
            self._give_up(course, day)
        elif present == course.size:
            self._full(course, day)

    def _full(self, course: _Course, day: date) -> None:
        if course.fate is Fate.GROWN and course.grown is None:
            course.size = min(course.size + _GROWS_BY, _LARGEST_GROUP)
            course.grown = Growth(day, course.size)
            self._befell()
            return
        course.full_on = day
        course.periods = schedule.periods_from(day + schedule.NOTICE_BEFORE_START)
        if course.fate is Fate.MOVES_TO_NEXT_YEAR:
            course.rescheduled = schedule.rescheduling(course.stays, course.created_on, course.periods)
        if course.rescheduled or course.fate not in (None, Fate.GROWN, Fate.MOVES_TO_NEXT_YEAR):
            self._befell()
        if course.fate is Fate.CLIENTS_MOVE_BEFORE:
            self._plan(working_day_after(day), 1, course.key, lambda on: self._move(course, on, first_period=1))
        if course.fate is Fate.CLIENTS_MOVE_AFTER:
            after = working_day_after(course.periods[0][1], 2)
            self._plan(after, 1, course.key, lambda on: self._move(course, on, first_period=2))
        self._open_next(day)

    def _give_up(self, course: _Course, day: date) -> None:
        """Too few have come: the course ends the next working day, or when its first day has passed."""
        before_start = course.fate is not Fate.NOT_HELD
        periods = schedule.periods_from(day + _AHEAD[course.fate or Fate.DELETED])
        first_day = periods[0][0]
        ends_on = working_day_after(day if before_start else first_day)
        if ends_on > self._last:
            return
        course.periods = periods
        course.ended = PlannedEnding(ends_on, before_start=before_start, late=ends_on > first_day - NOTICE)
        self._befell()
        self._open_next(day)
        self._plan(ends_on, 0, course.key, lambda on: self._end(course, on))

    def _end(self, course: _Course, day: date) -> None:
        arrival = Arrival.PINNED_ANEW if course.fate is Fate.NOT_HELD else Arrival.TRANSFERRED
        for stay in course.present(day):
            course.leave(stay, day)
            self._arrive(Stay(stay.decision, day, arrival, came_from=course.key), day)

    def _move(self, course: _Course, day: date, first_period: int) -> None:
        staying = [stay for stay in course.present(day) if stay.decision.revoked_on is None and not stay.came_from]
        for stay in staying[:_MOVERS]:
            course.leave(stay, day)
            self._arrive(Stay(stay.decision, day, Arrival.MOVED, course.key, first_period), day)

    def _planned(self, course: _Course) -> PlannedCourse:
        planned = PlannedCourse(
            key=course.key,
            contract=self._contract,
            group_size=course.group_size,
            age_group=course.age_group,
            created_on=course.created_on,
            periods=course.periods,
            stays=tuple(course.stays),
            grown=course.grown,
            rescheduled=course.rescheduled,
            ended=course.ended,
        )
        return planned if planned.ended else schedule.carried_out(planned, course.fate, course.full_on, self._last)
