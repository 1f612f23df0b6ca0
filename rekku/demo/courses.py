"""Which courses each provider holds, and who is pinned where: one open course per contract at a time.

A provider pins its clients to the open course until it is full, and opens the next one the same
day. A client whose decision is revoked while the course is open gives the place to the next one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import count

from rekku.demo.decisions import PlannedDecision
from rekku.demo.providers import PROVIDERS
from rekku.demo.workdays import working_day_after, working_days, working_week_from

CONFIRM_FROM = 6
AGE_GROUPS = ("UNDER_68", "FROM_68")
NOTICE_DAYS = 28
"""From the day a course is full to its first day, at least."""

_GROUP_SIZES = (10, 8, 12, 9, 11)
_SWEDISH_GROUP_SIZE = 7
_WEEKS_BETWEEN_PERIODS = (0, 22, 40)
"""The rhythm of a real provider's course 976: April, September, January (P7)."""
_PAID_AFTER = 5
"""Working days from a period's last day to its payment."""


@dataclass(frozen=True)
class PlannedPayment:
    """One period's payment for everyone who attended it."""

    number: int
    paid_on: date
    decisions: tuple[str, ...]


@dataclass(frozen=True)
class PlannedCourse:
    """One course of the plan; `members` holds everybody who was ever pinned to it, in order."""

    key: str
    contract: str
    group_size: int
    age_group: str
    created_on: date
    periods: tuple[tuple[date, date], ...]
    members: tuple[PlannedDecision, ...]
    confirmed_on: date | None
    payments: tuple[PlannedPayment, ...]

    @property
    def year(self) -> int:
        """The year whose places it takes: that of its first day (E-1)."""
        return self.periods[0][0].year


@dataclass
class _OpenCourse:
    key: str
    group_size: int
    age_group: str
    created_on: date
    members: list[PlannedDecision] = field(default_factory=list)
    active: set[str] = field(default_factory=set)


def plan_courses(decisions: Iterable[PlannedDecision], opened_on: date, last: date) -> list[PlannedCourse]:
    """The courses of every contract, in order of creation; the first one opens on `opened_on`."""
    of_contract: dict[str, list[PlannedDecision]] = {provider.key: [] for provider in PROVIDERS}
    for decision in decisions:
        if decision.pin_on is not None:
            of_contract[decision.contract].append(decision)
    courses: list[PlannedCourse] = []
    for place, (contract, pinned) in enumerate(of_contract.items()):
        courses += _courses_of(contract, place, pinned, opened_on, last)
    return sorted(courses, key=lambda course: (course.created_on, course.key))


def _courses_of(
    contract: str, place: int, pinned: Sequence[PlannedDecision], opened_on: date, last: date
) -> Iterable[PlannedCourse]:
    numbers = count()
    new_course = partial(_new_course, contract, place, numbers)
    course = new_course(opened_on)
    # Revocations of a day come before its pins: the place they free can be given the same day.
    happenings = [(d.revoked_on, 0, d.key, d) for d in pinned if d.revoked_on is not None]
    happenings += [(d.pin_on, 1, d.key, d) for d in pinned if d.pin_on is not None]
    for day, pinning, key, decision in sorted(happenings):
        if not pinning:
            course.active.discard(key)
            continue
        course.members.append(decision)
        course.active.add(key)
        if len(course.active) == course.group_size:
            yield _closed(course, contract, day, last)
            course = new_course(day)
    yield _closed(course, contract, last, last)


def _new_course(contract: str, place: int, numbers: "count[int]", created_on: date) -> _OpenCourse:
    number = next(numbers)
    swedish = place == len(PROVIDERS) - 1
    return _OpenCourse(
        key=f"{contract}-{number + 1:02}",
        group_size=_SWEDISH_GROUP_SIZE if swedish else _GROUP_SIZES[(place + number) % len(_GROUP_SIZES)],
        age_group=AGE_GROUPS[(place + number) % len(AGE_GROUPS)],
        created_on=created_on,
    )


def _closed(course: _OpenCourse, contract: str, full_on: date, last: date) -> PlannedCourse:
    begins = full_on + timedelta(days=NOTICE_DAYS)
    mondays = [working_week_from(begins)]
    mondays += [working_week_from(mondays[0] + timedelta(weeks=weeks)) for weeks in _WEEKS_BETWEEN_PERIODS[1:]]
    periods = tuple((monday, monday + timedelta(days=4)) for monday in mondays)
    members = tuple(course.members)
    confirmed_on = _confirmation_day(members, course.created_on, min(last, periods[0][0] - timedelta(days=1)))
    return PlannedCourse(
        key=course.key,
        contract=contract,
        group_size=course.group_size,
        age_group=course.age_group,
        created_on=course.created_on,
        periods=periods,
        members=members,
        confirmed_on=confirmed_on,
        payments=tuple(_payments(members, periods, last)) if confirmed_on else (),
    )


def _confirmation_day(members: Sequence[PlannedDecision], created_on: date, until: date) -> date | None:
    """The first working day that begins with enough pins and does not lose one of them."""
    for day in working_days(created_on + timedelta(days=1), until):
        if sum(1 for d in members if d.pin_on is not None and d.pin_on < day and d.held_on(day)) >= CONFIRM_FROM:
            return day
    return None


def _payments(
    members: Sequence[PlannedDecision], periods: Sequence[tuple[date, date]], last: date
) -> Iterable[PlannedPayment]:
    for number, (_, last_day) in enumerate(periods, start=1):
        paid_on = working_day_after(last_day, _PAID_AFTER)
        attended = tuple(d.key for d in members if d.held_on(paid_on))
        if paid_on <= last and attended:
            yield PlannedPayment(number, paid_on, attended)
