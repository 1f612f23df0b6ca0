"""What other services see of courses and pins: the public snapshots inside the events."""

from contracts.courses import Course as CourseSnapshot
from contracts.courses import Period as PeriodSnapshot
from contracts.courses import Pin as PinSnapshot
from contracts.registration import Contact as ContactSnapshot
from services.courses.domain import Contact, Course
from services.courses.pins import Pin


def course_snapshot(course: Course) -> CourseSnapshot:
    """The course with its counts, never with a list of pins."""
    return CourseSnapshot(
        course_id=course.course_id,
        course_number=course.course_number,
        contract_id=course.contract_id,
        provider_id=course.provider_id,
        office_id=course.office_id,
        service=course.service,
        language=course.language,
        state=course.state,
        year=course.year,
        group_size=course.group_size,
        pinned=course.pinned,
        occupied=course.occupied,
        target_groups=course.target_groups,
        age_group=course.age_group,
        min_age=course.min_age,
        max_age=course.max_age,
        periods=tuple(
            PeriodSnapshot(
                number=period.number,
                kind=period.kind,
                mode=period.mode,
                first_day=period.first_day,
                last_day=period.last_day,
            )
            for period in course.periods
        ),
        confirmed_on=course.confirmed_on,
        late_confirmed=course.late_confirmed,
        must_run_since=course.must_run_since,
        holds_places=course.holds_places,
        mixed_age=course.mixed_age,
        contact=_contact(course.contact),
    )


def _contact(contact: Contact | None) -> ContactSnapshot | None:
    return ContactSnapshot(email=contact.email, phone=contact.phone, web=contact.web) if contact else None


def pin_snapshot(pin: Pin) -> PinSnapshot:
    """Where the decision's client is, or was, pinned."""
    return PinSnapshot(
        decision_ref=pin.decision_ref,
        course_id=pin.course_id,
        provider_id=pin.provider_id,
        office_id=pin.office_id,
        state=pin.state,
        reason=pin.reason,
        occupies_place=pin.occupies_place,
        pinned_at=pin.pinned_at,
        ended_at=pin.ended_at,
        planned=pin.planned,
        attended=pin.attended,
        moved_from=pin.moved_from,
        moved_to=pin.moved_to,
    )
