"""Events of the courses service: courses with their counts, and pins keyed by decision."""

from datetime import date, datetime
from typing import get_args

from contracts.envelope import Event, EventKind, Value
from contracts.registration import Contact
from contracts.values import CourseState, DeliveryMode, Language, PeriodKind, PinState, ReleaseReason, ReportKind

COURSES = "rekku.courses"
PINS = "rekku.pins"
REPORTS = "rekku.reports"


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
    `contact` is None while the course is shown with its contract's contact (E-43). A `mixed_age`
    course takes every age of its service (E-47); `late_confirmed` says that it was confirmed after
    its first day (E-40); `must_run_since` stays when clients leave again (E-33). `holds_places` is False
    once its places are free for other courses of its year: deleted, or cancelled before it began (R-CRS-37, E-34).
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
    late_confirmed: bool = False
    mixed_age: bool = False
    must_run_since: date | None = None
    holds_places: bool = True
    contact: Contact | None = None

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


class CourseChanged(_CourseState, wire="courses.course-changed.v1", topic=COURSES):
    """Group size, target groups, ages or contact details changed (R-CRS-15, R-CRS-16, E-41, E-43, E-47)."""


class CourseRescheduled(_CourseState, wire="courses.course-rescheduled.v1", topic=COURSES):
    """Dates of the course moved, perhaps into another year (R-CRS-32, R-CRS-33)."""


class CourseDeleted(_CourseState, wire="courses.course-deleted.v1", topic=COURSES):
    """The course will not happen: its places are free for others of its year (R-CRS-36, R-CRS-37)."""


class CourseCancelled(_CourseState, wire="courses.course-cancelled.v1", topic=COURSES):
    """Kela cancelled a course that was committed to (E-34)."""


class Pin(Value):
    """Where one decision's client is pinned; the newest pin of the decision.

    `attended` are the numbers of this course's periods that the client has attended; `planned` those
    the client is to attend, None for all of them. A client who changed course after it had begun keeps
    the attended ones and takes the remaining ones on the other course (E-20).
    """

    decision_ref: str
    course_id: str
    provider_id: str
    office_id: str
    state: PinState
    reason: ReleaseReason | None = None
    occupies_place: bool
    pinned_at: datetime
    ended_at: datetime | None = None
    planned: tuple[int, ...] | None = None
    attended: tuple[int, ...] = ()
    moved_from: str | None = None
    moved_to: str | None = None


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


class ClientMoved(_PinState, wire="courses.client-moved.v1", topic=PINS):
    """A pin ended because its client changed to another course; the new course's pin follows (E-26)."""


class ParticipationNoted(_PinState, wire="courses.participation-noted.v1", topic=PINS):
    """Which periods the client has attended was written down (E-20)."""


class RehabilitationInterrupted(_PinState, wire="courses.rehabilitation-interrupted.v1", topic=PINS):
    """The client's rehabilitation ended before its last period (E-57)."""


class ReportFiled(Event, wire="courses.report-filed.v1", topic=REPORTS, kind=EventKind.FACT):
    """Something about a course or a client's place that Kela is told; its reason in words stays in courses."""

    report_id: str
    report_kind: ReportKind
    provider_id: str
    course_id: str | None = None
    decision_ref: str | None = None
    reported_at: datetime

    @property
    def key(self) -> str:
        return self.report_id


CourseEvent = (
    CourseCreated
    | CoursePublished
    | CoursePlacesChanged
    | CourseConfirmed
    | CourseBegan
    | CourseCompleted
    | CourseChanged
    | CourseRescheduled
    | CourseDeleted
    | CourseCancelled
)
COURSE_EVENTS: tuple[type[CourseEvent], ...] = get_args(CourseEvent)
"""Every event that carries a course's snapshot."""

PinEvent = ClientPinned | ClientUnpinned | PinFulfilled | ClientMoved | ParticipationNoted | RehabilitationInterrupted
PIN_EVENTS: tuple[type[PinEvent], ...] = get_args(PinEvent)
"""Every event that carries a pin's snapshot."""
