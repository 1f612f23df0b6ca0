"""Answers that show courses, complete with what is not on their own rows."""

from collections.abc import Sequence
from datetime import date

from chassis.db import Transaction
from chassis.http import Answer
from services.courses.changing.store import find_shown
from services.courses.domain import Course
from services.courses.store import find_confirm_by
from services.courses.views import CourseView


async def course_answer(tx: Transaction, course: Course, status: int = 200) -> Answer:
    """One course, with its version."""
    [view] = await course_views(tx, [(course, await find_confirm_by(tx, course.course_id))])
    return Answer(status, view, version=course.version, subject=("course", course.course_id))


async def course_views(tx: Transaction, found: Sequence[tuple[Course, date | None]]) -> list[CourseView]:
    """Courses with their confirm-by dates as they are shown today, in their order."""
    shown = await find_shown(tx, [course.course_id for course, _ in found])
    return [
        CourseView.of(
            course,
            confirm_by,
            tx.today,
            contract_contact=shown[course.course_id].contact,
            total_duration_months=shown[course.course_id].total_duration_months,
        )
        for course, confirm_by in found
    ]
