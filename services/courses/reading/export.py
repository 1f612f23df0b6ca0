"""Courses and pins as tables: one line each, in the reader's language."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from chassis.calendar import helsinki_date
from chassis.tables import Cell
from services.courses.domain import Course
from services.courses.reading.store import PinOnCourse

COURSE_COLUMNS = (
    "provider-id",
    "contract",
    "office",
    "course-number",
    "course-id",
    "service-code",
    "service",
    "language",
    "state",
    "stale",
    "year",
    "first-day",
    "last-day",
    "target-groups",
    "age-group",
    "group-size",
    "pinned",
    "occupied",
    "free-places",
    "must-run",
    "must-run-since",
    "confirm-by",
    "confirmed-on",
    "late-confirmed",
)
PIN_COLUMNS = (
    "provider-id",
    "contract",
    "office",
    "course-number",
    "course-id",
    "service-code",
    "service",
    "year",
    "decision",
    "state",
    "reason",
    "pinned-on",
    "ended-on",
    "occupies-place",
    "periods-planned",
    "periods-attended",
    "periods-missed",
    "confirm-by",
    "moved-from",
    "moved-to",
)


def course_rows(
    found: Sequence[tuple[Course, date | None]],
    on: date,
    service_names: Mapping[str, str],
    say: Callable[[str], str],
) -> Iterator[tuple[Cell, ...]]:
    """Courses with their confirm-by dates as seen `on` a day; `say` gives a text in the reader's language."""
    yes_or_no = {True: say("yes"), False: say("no")}
    for course, confirm_by in found:
        yield (
            course.provider_id,
            course.contract_id,
            course.office_id,
            course.course_number,
            course.course_id,
            course.service,
            service_names.get(course.service),
            course.language.value,
            say(f"course-state-{course.state}"),
            yes_or_no[course.stale_unconfirmed(on)],
            course.year,
            course.first_day,
            course.last_day,
            ", ".join(course.target_groups),
            say("every-age") if course.mixed_age else course.age_group,
            course.group_size,
            course.pinned,
            course.occupied,
            course.free_places,
            yes_or_no[course.must_run],
            course.must_run_since,
            confirm_by,
            course.confirmed_on,
            yes_or_no[course.late_confirmed],
        )


def pin_rows(
    found: Sequence[PinOnCourse], service_names: Mapping[str, str], say: Callable[[str], str]
) -> Iterator[tuple[Cell, ...]]:
    """Pins with their Helsinki dates; `say` gives a text in the reader's language."""
    for each in found:
        pin = each.pin
        yield (
            pin.provider_id,
            each.contract_id,
            pin.office_id,
            each.course_number,
            pin.course_id,
            each.service,
            service_names.get(each.service),
            each.year,
            pin.decision_ref,
            say(f"pin-state-{pin.state}"),
            None if pin.reason is None else say(f"pin-reason-{pin.reason.replace('_', '-')}"),
            helsinki_date(pin.pinned_at),
            None if pin.ended_at is None else helsinki_date(pin.ended_at),
            say("yes" if pin.occupies_place else "no"),
            say("every-period") if pin.planned is None else _numbers(pin.planned),
            _numbers(pin.attended),
            _numbers(pin.missed),
            each.confirm_by,
            each.moved_from_number,
            each.moved_to_number,
        )


def _numbers(periods: Sequence[int]) -> str | None:
    return ", ".join(map(str, periods)) or None
