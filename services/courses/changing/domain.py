"""Rules of a course's size, target groups, ages and contact details (pure functions)."""

from dataclasses import replace

from contracts.refusals import Refusal
from contracts.values import CourseState
from services.courses.creation import Description, require_group_size, require_target_groups
from services.courses.domain import Contact, Course, PlaceLedger, require_there

_OPEN = frozenset({CourseState.CREATED, CourseState.PUBLISHED})


def committed(course: Course) -> bool:
    """True once the course is confirmed: what was committed to stays (R-CRS-17)."""
    return course.state not in _OPEN


def resize(course: Course, group_size: int) -> Course:
    """The course with another group size (R-CRS-15, R-CRS-24, E-41); the same course where it has it already.

    It may grow up to the description's maximum, also after the confirmation, and shrink before it
    down to its pinned clients and the description's minimum.

    Raises:
        Refusal: COURSE_GONE, GROUP_SIZE_OUT_OF_RANGE, SHRINK_AFTER_CONFIRMATION or SHRINK_BELOW_PINNED.
    """
    require_there(course)
    if group_size == course.group_size:
        return course
    require_group_size(course.terms, group_size)
    if group_size < course.group_size and committed(course):
        raise Refusal("SHRINK_AFTER_CONFIRMATION", group_size=course.group_size, requested=group_size)
    if group_size < course.occupied:
        raise Refusal("SHRINK_BELOW_PINNED", pinned=course.occupied, requested=group_size)
    return replace(course, version=course.version + 1, group_size=group_size)


def retarget(course: Course, description: Description, chosen: tuple[str, ...]) -> Course:
    """The course for other disease groups of its description, until it is confirmed (R-CRS-16, R-CRS-17).

    Raises:
        Refusal: COURSE_GONE, TARGET_GROUP_FROZEN, TARGET_GROUP_UNKNOWN or TARGET_GROUPS_COUNT.
    """
    require_there(course)
    if chosen == course.target_groups:
        return course
    _require_open(course)
    require_target_groups(description, chosen)
    return replace(course, version=course.version + 1, target_groups=chosen)


def mix_ages(course: Course, description: Description, ledger: PlaceLedger) -> Course:
    """The year's last course, open to every age of its service (R-CRS-49, E-47).

    The ledger has the course's own places in it: what it has free is what is left after the course.
    It is the last one where that is less than the smallest group; an unknown smallest group is one.

    Raises:
        Refusal: COURSE_GONE, TARGET_GROUP_FROZEN, NO_AGE_GROUP or MIXED_AGE_NOT_LAST with the free
            places and the smallest group.
    """
    require_there(course)
    if course.mixed_age:
        return course
    _require_open(course)
    if course.age_group is None:
        raise Refusal("NO_AGE_GROUP", course_number=course.course_number)
    group_min = course.terms.group_min or 1
    if ledger.free >= group_min:
        raise Refusal("MIXED_AGE_NOT_LAST", year=ledger.year, free=ledger.free, group_min=group_min)
    return replace(
        course,
        version=course.version + 1,
        mixed_age=True,
        age_group=None,
        min_age=description.min_age,
        max_age=description.max_age,
    )


def show_contact(course: Course, contact: Contact | None) -> Course:
    """The course with contact details of its own; None links it to its contract's again (R-REG-10, E-43)."""
    require_there(course)
    if contact == course.contact:
        return course
    return replace(course, version=course.version + 1, contact=contact)


def require_mixed(course: Course) -> None:
    """Refuses with COURSE_GONE or NOT_MIXED_AGE where there is no notice to acknowledge."""
    require_there(course)
    if not course.mixed_age:
        raise Refusal("NOT_MIXED_AGE", course_number=course.course_number)


def _require_open(course: Course) -> None:
    if committed(course):
        raise Refusal("TARGET_GROUP_FROZEN", course_number=course.course_number, confirmed_on=course.confirmed_on)
