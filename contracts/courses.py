"""Events of the courses service: courses with their counts, and pins keyed by decision."""

from datetime import date, datetime

from contracts.envelope import Event, Value
from contracts.values import CourseState, DeliveryMode, Language, PeriodKind, PinState, ReleaseReason

COURSES = "rekku.courses"
PINS = "rekku.pins"


class Period(Value):
    """A period of a course; both days inclusive, Helsinki dates."""

    number: int
    kind: PeriodKind
    mode: DeliveryMode
    first_day: date
    last_day: date


class Course(Value):
    """A course as others see it: counts, never a list of pins.

    `pinned` counts active pins; `occupied` counts the places that are taken, which after the
    course has begun includes ended pins that keep theirs. `free_places` = group size - occupied.
    """

    course_id: str
    course_number: int
    contract_id: str
    provider_id: str
    office_id: str
    service: str
    language: Language
    state: CourseState
    year: int
    group_size: int
    pinned: int
    occupied: int
    target_groups: tuple[str, ...] = ()
    age_group: str | None = None
    min_age: int | None = None
    max_age: int | None = None
    periods: tuple[Period, ...]
    confirmed_on: date | None = None

    @property
    def free_places(self) -> int:
        """Places left, never negative (E-50)."""
        return max(0, self.group_size - self.occupied)


class _CourseState(Event):
    course: Course

    @property
    def key(self) -> str:
        return self.course.course_id


class CourseCreated(_CourseState, wire="courses.course-created.v1", topic=COURSES):
    """A provider created a course; not yet visible in the search (R-CRS-6)."""


class CoursePublished(_CourseState, wire="courses.course-published.v1", topic=COURSES):
    """The course is visible in the search (R-CRS-8)."""


class CoursePlacesChanged(_CourseState, wire="courses.course-places-changed.v1", topic=COURSES):
    """A place was taken or became free (R-CRS-11)."""


class CourseConfirmed(_CourseState, wire="courses.course-confirmed.v1", topic=COURSES):
    """The provider committed to carry the course out (R-CRS-17)."""


class CourseBegan(_CourseState, wire="courses.course-began.v1", topic=COURSES):
    """The first day of a confirmed course."""


class CourseCompleted(_CourseState, wire="courses.course-completed.v1", topic=COURSES):
    """The day after the last day of a course."""


class Pin(Value):
    """Where one decision's client is pinned; the newest pin of the decision."""

    decision_ref: str
    course_id: str
    provider_id: str
    office_id: str
    state: PinState
    reason: ReleaseReason | None = None
    occupies_place: bool
    pinned_at: datetime
    ended_at: datetime | None = None


class _PinState(Event):
    """`version` counts the changes of the decision's pin, over all courses."""

    pin: Pin

    @property
    def key(self) -> str:
        return self.pin.decision_ref


class ClientPinned(_PinState, wire="courses.client-pinned.v1", topic=PINS):
    """A client was pinned to a course (R-CRS-10)."""


class ClientUnpinned(_PinState, wire="courses.client-unpinned.v1", topic=PINS):
    """A pin was released; `pin.reason` says why (R-CRS-13, E-21)."""


class PinFulfilled(_PinState, wire="courses.pin-fulfilled.v1", topic=PINS):
    """The pinned course was completed."""


CourseEvent = CourseCreated | CoursePublished | CoursePlacesChanged | CourseConfirmed | CourseBegan | CourseCompleted
PinEvent = ClientPinned | ClientUnpinned | PinFulfilled
