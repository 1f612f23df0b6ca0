"""The rules of courses and their places: plain values and pure functions."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from contracts.refusals import Refusal
from contracts.values import CourseState, DeliveryMode, Language, PeriodKind

_GONE = frozenset({CourseState.COMPLETED, CourseState.DELETED, CourseState.CANCELLED})
_COMMITTED = frozenset({CourseState.CONFIRMED, CourseState.RUNNING, CourseState.COMPLETED, CourseState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Contact:
    """Published contact details: role addresses, never a person's."""

    email: str
    phone: str
    web: str | None = None

    @classmethod
    def found(cls, email: str | None, phone: str | None, web: str | None) -> "Contact | None":
        """The contact in three columns, None where they are empty."""
        return cls(email, phone, web) if email and phone else None


@dataclass(frozen=True, slots=True)
class Contract:
    """Our copy of a contract: provider x service x language."""

    contract_id: str
    version: int
    provider_id: str
    service: str
    language: Language
    valid_from: date
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        """True on both the first and the last day of validity as well."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Office:
    """Our copy of an office."""

    office_id: str
    version: int
    provider_id: str
    open: bool


@dataclass(frozen=True, slots=True)
class PlaceLedger:
    """Places of one contract's courses in one year against its announced count (R-CRS-2, E-1)."""

    contract_id: str
    year: int
    announced: int
    reserved: int

    @property
    def free(self) -> int:
        """Places that may still be put on courses; never negative, also when overdrawn (E-3)."""
        return max(0, self.announced - self.reserved)


@dataclass(frozen=True, slots=True)
class Period:
    """One period; both days inclusive, Helsinki dates."""

    number: int
    kind: PeriodKind
    mode: DeliveryMode
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Terms:
    """What the service description in force at creation fixes for the course's whole life.

    None is UNKNOWN: no bound, no must-run, and no last day for deleting on time.
    """

    description_version: int
    group_min: int | None
    group_max: int | None
    confirm_min: int | None
    must_run_at: int | None
    move_notice_days: int | None = None

    @property
    def confirm_at(self) -> int:
        """Pins needed for confirming; where unknown the smallest group, at least one (E-32)."""
        return self.confirm_min or self.group_min or 1


@dataclass(frozen=True, slots=True)
class Course:
    """A course with its counters.

    `pinned` counts active pins, `occupied` the places taken: after the course has begun an ended
    pin keeps its place. `holds_places` is False once the course takes nothing of its year's announced
    count any more (R-CRS-37); `late_confirmed` says that it was confirmed after its first day (E-40).
    `contact` is None while the contract's is shown (E-43); a `mixed_age` course
    is for every age of its service (E-47).
    """

    course_id: str
    course_number: int
    version: int
    contract_id: str
    provider_id: str
    office_id: str
    service: str
    language: Language
    state: CourseState
    year: int
    periods: tuple[Period, ...]
    group_size: int
    target_groups: tuple[str, ...]
    age_group: str | None
    min_age: int | None
    max_age: int | None
    terms: Terms
    pinned: int = 0
    occupied: int = 0
    must_run_since: date | None = None
    confirmed_on: date | None = None
    late_confirmed: bool = False
    holds_places: bool = True
    mixed_age: bool = False
    contact: Contact | None = None

    @property
    def first_day(self) -> date:
        """First day of the first period."""
        return self.periods[0].first_day

    @property
    def last_day(self) -> date:
        """Last day of the last period."""
        return self.periods[-1].last_day

    @property
    def notice_by(self) -> date | None:
        """The last day of deleting or moving on time: calendar days before the first, that day included (E-14).

        Start 30.3.2024 with 30 days: 29.2.2024. None where the days are not known.
        """
        days = self.terms.move_notice_days
        return None if days is None else self.first_day - timedelta(days=days)

    @property
    def free_places(self) -> int:
        """Places left (E-50)."""
        return max(0, self.group_size - self.occupied)

    @property
    def may_confirm(self) -> bool:
        """Enough are pinned for confirming (R-CRS-22, E-32)."""
        return self.state is CourseState.PUBLISHED and self.pinned >= self.terms.confirm_at

    @property
    def must_run(self) -> bool:
        """So many are pinned that the course must be carried out (R-CRS-23, E-32)."""
        return self.terms.must_run_at is not None and self.pinned >= self.terms.must_run_at

    def begun(self, on: date) -> bool:
        """True from the first day on of what was ever confirmed, whether or not its timer has fired."""
        return self.state in _COMMITTED and on >= self.first_day

    def stale_unconfirmed(self, on: date) -> bool:
        """Published, past its start, never confirmed (R-CRS-39)."""
        return self.state is CourseState.PUBLISHED and on >= self.first_day


def reserve(ledger: PlaceLedger, places: int) -> PlaceLedger:
    """Put `places` more on courses of the ledger's year (R-CRS-2).

    Raises:
        Refusal: PLACE_LEDGER_FULL with the announced, reserved, free and requested places.
    """
    if places > ledger.free:
        raise Refusal(
            "PLACE_LEDGER_FULL",
            year=ledger.year,
            announced=ledger.announced,
            reserved=ledger.reserved,
            free=ledger.free,
            requested=places,
        )
    return replace(ledger, reserved=ledger.reserved + places)


def publish(course: Course, contract: Contract, on: date) -> Course:
    """Make the course visible in the search; there is no way back (R-CRS-8, R-CRS-9).

    Raises:
        Refusal: COURSE_GONE, ALREADY_PUBLISHED, COURSE_STARTED or CONTRACT_NOT_VALID (E-45).
    """
    require_there(course)
    if course.state is not CourseState.CREATED:
        raise Refusal("ALREADY_PUBLISHED", course_number=course.course_number)
    if on >= course.first_day:
        raise Refusal("COURSE_STARTED", first_day=course.first_day)
    require_valid(contract, on)
    return replace(course, version=course.version + 1, state=CourseState.PUBLISHED)


def confirm(course: Course, on: date) -> Course:
    """Commit to carry the course out (R-CRS-17, R-CRS-22, R-CRS-26).

    Raises:
        Refusal: COURSE_GONE, NOT_PUBLISHED, ALREADY_CONFIRMED, COURSE_STARTED, or
            CONFIRM_TOO_FEW with the pinned and the needed clients.
    """
    require_published(course)
    if course.state is not CourseState.PUBLISHED:
        raise Refusal("ALREADY_CONFIRMED", course_number=course.course_number)
    if on >= course.first_day:
        raise Refusal("COURSE_STARTED", first_day=course.first_day)
    if course.pinned < course.terms.confirm_at:
        raise Refusal("CONFIRM_TOO_FEW", pinned=course.pinned, needed=course.terms.confirm_at)
    return replace(course, version=course.version + 1, state=CourseState.CONFIRMED, confirmed_on=on)


def begin(course: Course, on: date) -> Course | None:
    """The confirmed course on or after its first day, running; None where there is nothing to begin."""
    if course.state is not CourseState.CONFIRMED or on < course.first_day:
        return None
    return replace(course, version=course.version + 1, state=CourseState.RUNNING)


def complete(course: Course, on: date) -> Course | None:
    """The running course after its last day, its pins fulfilled; None where there is nothing to complete."""
    if course.state is not CourseState.RUNNING or on <= course.last_day:
        return None
    return replace(course, version=course.version + 1, state=CourseState.COMPLETED, pinned=0)


def require_valid(contract: Contract, on: date) -> None:
    """Refuses with CONTRACT_NOT_VALID where the contract does not cover `on` (E-45)."""
    if not contract.valid_on(on):
        raise Refusal(
            "CONTRACT_NOT_VALID",
            valid_from=contract.valid_from,
            valid_to=contract.valid_to,
        )


def require_there(course: Course) -> None:
    """Refuses with COURSE_GONE what is over: completed, deleted or cancelled."""
    if course.state in _GONE:
        raise Refusal("COURSE_GONE", course_number=course.course_number, state=course.state)


def require_published(course: Course) -> None:
    """Refuses with COURSE_GONE or NOT_PUBLISHED what clients cannot find (R-CRS-6)."""
    require_there(course)
    if course.state is CourseState.CREATED:
        raise Refusal("NOT_PUBLISHED", course_number=course.course_number)
