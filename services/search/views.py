"""The shapes of the answers. What the public reads is named here once, and its documentation follows."""

from datetime import date

from pydantic import BaseModel, ConfigDict

from contracts.values import CourseState, Coverage, DeliveryMode, Language, PeriodKind


class View(BaseModel):
    """Parent of answers: exactly these fields."""

    model_config = ConfigDict(extra="forbid")


class NamesView(View):
    """A name in Finnish, Swedish and English."""

    fi: str
    sv: str
    en: str


class MunicipalityView(View):
    """A municipality of today, by its three-digit code."""

    code: str
    names: NamesView


class OfficeView(View):
    """A provider's office and where it is."""

    office_id: str
    name: str
    street_address: str
    postal_address: str
    phone: str | None


class ProviderView(View):
    """Who offers the service; the identifier is the business ID (Y-tunnus)."""

    provider_id: str
    name: str


class ContactView(View):
    """The contact details that the provider publishes for the service."""

    email: str
    phone: str
    web: str | None


class FeedbackView(View):
    """Clients' average of 1-5 where 5 is best (E-27); without one, `reason` says why (E-30)."""

    average: float | None
    answers: int | None
    reason: str | None


class TargetGroupView(View):
    """A group that a course is targeted at."""

    code: str
    names: NamesView | None


class AgeGroupView(View):
    """Ages in whole years, both ends inclusive; null is open (E-46)."""

    code: str
    names: NamesView | None
    min_age: int | None
    max_age: int | None


class PeriodView(View):
    """One period of a course, both days inclusive, with its delivery mode (R-SRCH-14)."""

    number: int
    kind: PeriodKind
    mode: DeliveryMode
    first_day: date
    last_day: date


class CourseView(View):
    """A course as the public sees it (R-SRCH-13); `age_group` null: for all ages of the service (E-47)."""

    course_number: int
    state: CourseState
    confirmed: bool
    first_day: date
    last_day: date
    periods: list[PeriodView]
    group_size: int
    free_places: int
    target_groups: list[TargetGroupView]
    age_group: AgeGroupView | None


class ChosenOptionView(View):
    """An option that an office chose."""

    code: str
    names: NamesView | None


class ChoiceView(View):
    """An office's answer to a question that helps clients choose: options, or a number in `unit` (R-SRCH-9)."""

    question: str
    names: NamesView
    options: list[ChosenOptionView]
    number: int | None
    unit: str | None


class OfferingView(View):
    """One service in one language at one office. `distance_km` is measured between municipal centres."""

    office: OfficeView
    municipality: MunicipalityView | None
    distance_km: float | None
    provider: ProviderView
    service: str
    service_names: NamesView | None
    language: Language
    contact: ContactView | None
    feedback: FeedbackView
    choice_information: list[ChoiceView]
    courses: list[CourseView]


class OfferingsView(View):
    """A page of offerings, nearest first; `next` is the `after` of the following page."""

    municipality: MunicipalityView | None
    items: list[OfferingView]
    next: str | None
    attribution: str


class CoursePageView(View):
    """A course with where and by whom it is held; `offered`: a client can still join."""

    course: CourseView
    offered: bool
    office: OfficeView
    municipality: MunicipalityView | None
    provider: ProviderView
    service: str
    service_names: NamesView | None
    language: Language
    contact: ContactView | None


class MunicipalitiesView(View):
    """Municipalities for a text as it is being typed."""

    items: list[MunicipalityView]
    next: str | None
    attribution: str


class ServiceView(View):
    """A service that fits what was asked."""

    service: str
    names: NamesView
    is_course: bool
    coverage: Coverage
    languages: list[Language]
    min_age: int | None
    max_age: int | None
    age_groups: list[AgeGroupView]
    target_groups: list[TargetGroupView]


class ServicesView(View):
    """Services in the order of their codes."""

    items: list[ServiceView]
    next: str | None


class QuotaScopeView(View):
    """What Kela has announced of an area, a language or both (E-55); `status` as that of the service.

    `area` is a wellbeing services county, null for the whole country; `language` null is every language.
    """

    area: str | None
    area_names: NamesView | None
    language: Language | None
    estimate: int | None
    limit: int | None
    status: str


class QuotaView(View):
    """What Kela has announced of one service and year (R-DEC-14).

    `limit` null: no quota in use, the estimate never blocks. `status` is `open`, `full` or `suspended`.
    A new client needs room in the quota of the service and in those of `scopes` that cover the client.
    """

    service: str
    service_names: NamesView | None
    year: int
    estimate: int | None
    limit: int | None
    status: str
    scopes: list[QuotaScopeView]


class QuotasView(View):
    """Quotas and estimates by service and year."""

    items: list[QuotaView]
    next: str | None
