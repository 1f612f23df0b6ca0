"""Shapes of the HTTP answers."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel

from contracts.values import CourseState, DeliveryMode, Language, PeriodKind, PinState, ReleaseReason
from services.courses.changing.warnings import CourseWarning, warnings_of
from services.courses.domain import Contact, Course, Period, PlaceLedger
from services.courses.ending.domain import Underfilled, underfilled
from services.courses.pinning import Pinnable, Pinning
from services.courses.pins import Pin


class PeriodView(BaseModel):
    """A period of a course; both days inclusive."""

    number: int
    kind: PeriodKind
    mode: DeliveryMode
    first_day: date
    last_day: date

    @classmethod
    def of(cls, period: Period) -> Self:
        """The period."""
        return cls(
            number=period.number,
            kind=period.kind,
            mode=period.mode,
            first_day=period.first_day,
            last_day=period.last_day,
        )


class ContactView(BaseModel):
    """Contact details of a course."""

    email: str
    phone: str
    web: str | None


class UnderfilledView(BaseModel):
    """Too few are pinned: the last day of deleting on time, None where it is not known (R-CRS-35, E-14)."""

    pinned: int
    needed: int
    notice_by: date | None
    late: bool

    @classmethod
    def of(cls, warning: Underfilled | None) -> Self | None:
        """The warning, where there is one."""
        if warning is None:
            return None
        return cls(pinned=warning.pinned, needed=warning.needed, notice_by=warning.notice_by, late=warning.late)


class CourseView(BaseModel):
    """A course with its places, what may and must be done with it, and what to be warned of.

    `contact` is that of the contract while `contact_linked` (E-43).
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
    periods: list[PeriodView]
    group_size: int
    group_min: int | None
    group_max: int | None
    target_groups: list[str]
    age_group: str | None
    min_age: int | None
    max_age: int | None
    pinned: int
    occupied: int
    free_places: int
    confirm_at: int
    may_confirm: bool
    must_run_at: int | None
    must_run: bool
    must_run_since: date | None
    confirm_by: date | None
    confirmed_on: date | None
    late_confirmed: bool
    stale_unconfirmed: bool
    underfilled: UnderfilledView | None
    mixed_age: bool
    contact: ContactView | None
    contact_linked: bool
    warnings: list[CourseWarning]

    @classmethod
    def of(
        cls,
        course: Course,
        confirm_by: date | None,
        on: date,
        *,
        contract_contact: Contact | None = None,
        total_duration_months: int | None = None,
    ) -> Self:
        """The course as seen `on` a day; `confirm_by` is the earliest deadline of its pins (E-44)."""
        contact = course.contact or contract_contact
        return cls(
            course_id=course.course_id,
            course_number=course.course_number,
            version=course.version,
            contract_id=course.contract_id,
            provider_id=course.provider_id,
            office_id=course.office_id,
            service=course.service,
            language=course.language,
            state=course.state,
            year=course.year,
            periods=[PeriodView.of(period) for period in course.periods],
            group_size=course.group_size,
            group_min=course.terms.group_min,
            group_max=course.terms.group_max,
            target_groups=list(course.target_groups),
            age_group=course.age_group,
            min_age=course.min_age,
            max_age=course.max_age,
            pinned=course.pinned,
            occupied=course.occupied,
            free_places=course.free_places,
            confirm_at=course.terms.confirm_at,
            may_confirm=course.may_confirm,
            must_run_at=course.terms.must_run_at,
            must_run=course.must_run,
            must_run_since=course.must_run_since,
            confirm_by=confirm_by,
            confirmed_on=course.confirmed_on,
            late_confirmed=course.late_confirmed,
            stale_unconfirmed=course.stale_unconfirmed(on),
            underfilled=UnderfilledView.of(underfilled(course, on)),
            mixed_age=course.mixed_age,
            contact=ContactView(email=contact.email, phone=contact.phone, web=contact.web) if contact else None,
            contact_linked=course.contact is None,
            warnings=warnings_of(course, total_duration_months),
        )


class CourseList(BaseModel):
    """A page of courses; `next` is the `after` of the following page."""

    items: list[CourseView]
    next: str | None


class PinView(BaseModel):
    """One pin: a decision's client on a course."""

    decision_ref: str
    version: int
    course_id: str
    office_id: str
    state: PinState
    reason: ReleaseReason | None
    occupies_place: bool
    pinned_at: datetime
    ended_at: datetime | None
    planned: list[int] | None
    attended: list[int]
    missed: list[int]
    moved_from: str | None
    moved_to: str | None
    confirm_by: date | None = None

    @classmethod
    def of(cls, pin: Pin, confirm_by: date | None = None) -> Self:
        """The pin, with its decision's deadline where that is known."""
        return cls(
            decision_ref=pin.decision_ref,
            version=pin.version,
            course_id=pin.course_id,
            office_id=pin.office_id,
            state=pin.state,
            reason=pin.reason,
            occupies_place=pin.occupies_place,
            pinned_at=pin.pinned_at,
            ended_at=pin.ended_at,
            planned=None if pin.planned is None else list(pin.planned),
            attended=list(pin.attended),
            missed=list(pin.missed),
            moved_from=pin.moved_from,
            moved_to=pin.moved_to,
            confirm_by=confirm_by,
        )


class PinList(BaseModel):
    """A page of pins; `next` is the `after` of the following page."""

    items: list[PinView]
    next: str | None


class PinningView(PinView):
    """What became of a pin, and the course's places after it."""

    course_version: int
    pinned: int
    free_places: int
    may_confirm: bool
    must_run: bool
    warnings: list[str]

    @classmethod
    def after(cls, pinning: Pinning) -> Self:
        """The outcome of a command on a pin."""
        return cls(
            **dict(PinView.of(pinning.pin)),
            course_version=pinning.course.version,
            pinned=pinning.course.pinned,
            free_places=pinning.course.free_places,
            may_confirm=pinning.course.may_confirm,
            must_run=pinning.course.must_run,
            warnings=list(pinning.warnings),
        )


class PinnableView(BaseModel):
    """A client with a decision; `reason` says why it cannot be pinned, None means it can (E-25)."""

    decision_ref: str
    service: str
    confirm_by: date | None
    reason: str | None
    course_id: str | None
    course_number: int | None
    warnings: list[str]

    @classmethod
    def of(cls, pinnable: Pinnable) -> Self:
        """The decision's client; the course is one of the provider's own."""
        decision = pinnable.decision
        return cls(
            decision_ref=decision.decision_ref,
            service=decision.service,
            confirm_by=decision.confirm_by,
            reason=pinnable.reason,
            course_id=decision.pinned_to,
            course_number=decision.pinned_to_number,
            warnings=list(pinnable.warnings),
        )


class PinnableList(BaseModel):
    """A page of clients; `next` is the `after` of the following page."""

    items: list[PinnableView]
    next: str | None


class PlaceLedgerView(BaseModel):
    """Places of a contract's courses in a year against its announced count (R-CRS-2)."""

    contract_id: str
    year: int
    announced: int
    reserved: int
    free: int

    @classmethod
    def of(cls, ledger: PlaceLedger) -> Self:
        """The ledger."""
        return cls(
            contract_id=ledger.contract_id,
            year=ledger.year,
            announced=ledger.announced,
            reserved=ledger.reserved,
            free=ledger.free,
        )
