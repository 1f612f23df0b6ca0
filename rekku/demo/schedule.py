"""When a planned course begins, is confirmed and is paid for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from chassis.calendar import add_months
from rekku.demo.courses import (
    CONFIRM_FROM,
    MUST_RUN_FROM,
    Periods,
    PlannedCourse,
    PlannedPayment,
    Rescheduling,
    Stay,
)
from rekku.demo.fates import Fate
from rekku.demo.workdays import working_day_after, working_days, working_week_from

NOTICE_BEFORE_START = timedelta(days=28)
"""From the day a course is full to its first day, at least."""

_WEEKS_BETWEEN_PERIODS = (0, 22, 40)
"""The rhythm of a real provider's course 976: April, September, January (P7)."""
_PAID_AFTER = 5
"""Working days from a period's last day to its payment."""
_CONFIRMED_LATE_AFTER = 2
"""Working days from the first period's last day to a confirmation that was forgotten."""
_CONFIRM_WITHIN_MONTHS = 4
_MOVES_WITH = range(3, CONFIRM_FROM)
"""How many are on a course that moves to the next year: enough to ask, too few to confirm."""


def periods_from(day: date) -> Periods:
    """Three working weeks in the rhythm of the service, the first one not before `day`."""
    first = working_week_from(day)
    mondays = [first] + [working_week_from(first + timedelta(weeks=weeks)) for weeks in _WEEKS_BETWEEN_PERIODS[1:]]
    return tuple((monday, monday + timedelta(days=4)) for monday in mondays)


def rescheduling(stays: Sequence[Stay], created_on: date, periods: Periods) -> Rescheduling | None:
    """How the course comes from December to these periods of the next year; None where it does not.

    On a day on which nobody comes or goes, so that it is known who is to be asked; and no client's
    deadline may break (E-37).
    """
    first_day = periods[0][0]
    if first_day.year == created_on.year:
        return None
    before = periods_from(date(created_on.year, 12, 11))
    for day in working_days(created_on + timedelta(days=1), before[0][0] - timedelta(days=1)):
        busy = any(day in (stay.since, stay.until, stay.decision.revoked_on) for stay in stays)
        present = [stay for stay in stays if stay.held_on(day)]
        in_time = all(add_months(stay.decision.decided_on, _CONFIRM_WITHIN_MONTHS) >= first_day for stay in present)
        if not busy and len(present) in _MOVES_WITH and in_time:
            return Rescheduling(day, before)
    return None


def carried_out(course: PlannedCourse, fate: Fate | None, full_on: date | None, last: date) -> PlannedCourse:
    """The course with its confirmation, where it comes to that by `last`, and its payments."""
    first_day, refused_on = course.periods[0][0], None
    confirm_after = course.rescheduled.day if course.rescheduled else course.created_on
    if fate is Fate.HAS_TO_RUN and full_on:
        day = working_day_after(full_on)
        if day <= last and len(course.present(day)) >= MUST_RUN_FROM:
            refused_on = confirm_after = day
    confirmed_on = _confirmation_day(course, confirm_after, min(last, first_day - timedelta(days=1)))
    late_on = working_day_after(course.periods[0][1], _CONFIRMED_LATE_AFTER)
    late = (
        fate is Fate.CONFIRMED_LATE
        and full_on is not None
        and late_on <= last
        and len(course.present(first_day - timedelta(days=1))) >= CONFIRM_FROM
    )
    course = replace(course, confirmed_on=late_on if late else confirmed_on, confirmed_late=late, refused_on=refused_on)
    return replace(course, payments=tuple(_payments(course, last))) if course.confirmed_on else course


def _confirmation_day(course: PlannedCourse, after: date, until: date) -> date | None:
    """The first working day that begins with enough pins and does not lose one of them."""
    for day in working_days(after + timedelta(days=1), until):
        if sum(stay.since < day for stay in course.present(day)) >= CONFIRM_FROM:
            return day
    return None


def _payments(course: PlannedCourse, last: date) -> Iterator[PlannedPayment]:
    for number, (_, last_day) in enumerate(course.periods, start=1):
        paid_on = working_day_after(last_day, _PAID_AFTER)
        attended = tuple(
            stay.decision.key
            for stay in course.stays
            if stay.first_period <= number and stay.held_on(last_day) and stay.decision.held_on(paid_on)
        )
        if paid_on <= last and attended:
            yield PlannedPayment(number, paid_on, attended)
