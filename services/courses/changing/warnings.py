"""What a course's dates may be wrong about without being refused (E-12, E-17)."""

from datetime import date
from typing import Literal

from pydantic import BaseModel

from chassis.public_holidays import holidays_within
from services.courses.creation import latest_last_day
from services.courses.domain import Course


class HolidayNames(BaseModel):
    """The name of a public holiday."""

    fi: str
    sv: str
    en: str


class HolidayWarning(BaseModel):
    """A public holiday lies inside a period: no allowance is paid for it; a length that changes is agreed with Kela."""

    code: Literal["PUBLIC_HOLIDAY"] = "PUBLIC_HOLIDAY"
    period: int
    day: date
    names: HolidayNames


class DurationWarning(BaseModel):
    """The course lasts longer than its service's total duration, which is not enforced (E-12)."""

    code: Literal["TOTAL_DURATION_EXCEEDED"] = "TOTAL_DURATION_EXCEEDED"
    months: int
    latest: date
    last_day: date


CourseWarning = HolidayWarning | DurationWarning


def warnings_of(course: Course, total_duration_months: int | None) -> list[CourseWarning]:
    """Everything to be warned of, the whole course first, then period by period."""
    found: list[CourseWarning] = []
    latest = latest_last_day(course.first_day, total_duration_months)
    if total_duration_months and latest and course.last_day > latest:
        found.append(DurationWarning(months=total_duration_months, latest=latest, last_day=course.last_day))
    for period in course.periods:
        found += [
            HolidayWarning(
                period=period.number,
                day=holiday.day,
                names=HolidayNames(fi=holiday.fi, sv=holiday.sv, en=holiday.en),
            )
            for holiday in holidays_within(period.first_day, period.last_day)
        ]
    return found
