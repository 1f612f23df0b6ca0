"""Events of the registration service: providers, offices, contracts, service descriptions."""

from datetime import date
from typing import Annotated, get_args

from pydantic import Field

from contracts.envelope import Event, EventKind, Value
from contracts.values import (
    ChangeKind,
    ChangeState,
    ChoiceKind,
    CountChange,
    Coverage,
    DeliveryMode,
    FindingState,
    Language,
    PeriodKind,
    Provenance,
    RegistrationState,
    Severity,
)

REGISTRATIONS = "rekku.registrations"
SERVICE_DESCRIPTIONS = "rekku.service-descriptions"
NOTICES = "rekku.notices"


class Contact(Value):
    """Contact details an organisation publishes for a service; role addresses, never a person's."""

    email: str
    phone: str
    web: str | None = None


class Provider(Value):
    """A provider is its business ID (Y-tunnus), e.g. `2828286-3`."""

    provider_id: str
    name: str


class Office(Value):
    """An office (toimipiste) in a municipality."""

    office_id: str
    provider_id: str
    name: str
    municipality_code: str
    street_address: str
    postal_address: str
    phone: str | None = None
    open: bool = True
    email: str | None = None
    web: str | None = None


class AnnouncedCount(Value):
    """How many new clients a provider takes under one contract in one calendar year (R-CRS-2).

    `defaulted`: nothing was announced in time, so the year began from the year before (E-2).
    """

    year: int
    count: int
    defaulted: bool = False


class Contract(Value):
    """Provider x service x language (E-4)."""

    contract_id: str
    provider_id: str
    service: str
    language: Language
    valid_from: date
    valid_to: date | None = None
    contact: Contact | None = None
    announced_counts: tuple[AnnouncedCount, ...] = ()


class Registration(Value):
    """Which office offers which service in which language, and how far its registration has got.

    Subcontractors and members of the consortium are named by their business IDs alone: a sole
    trader's company often bears the trader's own name, which is in no event.
    """

    registration_id: str
    provider_id: str
    office_id: str
    service: str
    language: Language
    state: RegistrationState
    contract_id: str | None = None
    ends_on: date | None = None
    subcontracting: bool | None = None
    subcontractors: tuple[str, ...] = ()
    consortium: tuple[str, ...] = ()


class ChangeRequest(Value):
    """A change that needed Kela's approval; what is changed stays in registration."""

    request_id: str
    provider_id: str
    kind: ChangeKind
    state: ChangeState
    effective_from: date
    registration_id: str | None = None
    office_id: str | None = None


class LocalisedText(Value):
    """A text in Finnish, Swedish and English."""

    fi: str
    sv: str
    en: str


class TargetGroup(Value):
    """A disease group courses can be targeted at (R-CRS-4)."""

    code: str
    names: LocalisedText


class AgeGroup(Value):
    """An age group in whole years, both ends inclusive; None is open (E-46)."""

    code: str
    names: LocalisedText
    min_age: int | None = None
    max_age: int | None = None


class PeriodPlan(Value):
    """One period of the courses of a service; `days` is None where the length is not known."""

    number: int
    kind: PeriodKind
    mode: DeliveryMode
    days: int | None = None


class ServiceDescription(Value):
    """One version of a service description (palvelukuvaus), in force from `valid_from`.

    On a family course (perhekurssi) notices and consents are the guardian's (E-58).
    Every parameter may be None: UNKNOWN. `sources` says where each parameter's value comes
    from; a demo value is always marked (domain section 4).
    """

    service: str
    description_version: int
    valid_from: date
    valid_to: date | None = None
    names: LocalisedText
    is_course: bool
    family_course: bool = False
    coverage: Coverage
    languages: tuple[Language, ...]
    group_min: int | None = None
    group_max: int | None = None
    confirm_min: int | None = None
    must_run_at: int | None = None
    confirm_within_months: int | None = None
    total_duration_months: int | None = None
    total_duration_enforced: bool = False
    move_notice_days: int | None = None
    min_age: int | None = None
    max_age: int | None = None
    target_groups: tuple[TargetGroup, ...] = ()
    target_groups_min: int = 0
    target_groups_max: int = 0
    age_groups: tuple[AgeGroup, ...] = ()
    periods: tuple[PeriodPlan, ...] = ()
    sources: dict[str, Provenance] = Field(default_factory=dict)


class ChoiceOption(Value):
    """One answer to choose; where options are classes of a number, `at_least` belongs to it and `below` does not."""

    code: str
    texts: LocalisedText
    at_least: int | None = None
    below: int | None = None


class ChoiceQuestion(Value):
    """A question of a service's choice-supporting information, asked from `valid_from` to `valid_to` (R-SRCH-5)."""

    code: str
    question_version: int
    kind: ChoiceKind
    texts: LocalisedText
    options: tuple[ChoiceOption, ...] = ()
    unit: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    valid_from: date
    valid_to: date | None = None
    sources: dict[str, Provenance] = Field(default_factory=dict)


class ChoiceAnswer(Value):
    """An answer: the codes of the options chosen, or a number."""

    question: str
    options: tuple[str, ...] = ()
    number: int | None = None


class ChoiceInformation(Value):
    """What an office answers about one service, to help clients choose (R-SRCH-9)."""

    office_id: str
    provider_id: str
    service: str
    answers: tuple[ChoiceAnswer, ...] = ()


class AuditFinding(Value):
    """A deviation an audit found (R-REG-11): codes and dates, never the words of Kela or the provider.

    Categories may be added; a reader keeps one that it does not know.
    """

    finding_id: str
    provider_id: str
    office_id: str
    service: str
    category: str
    severity: Severity
    state: FindingState
    due_on: date


class Notice(Value):
    """Something a provider is to be told once; `notice_id` is its occasion.

    Kinds may be added; a reader leaves out one that it does not know.
    """

    notice_id: str
    kind: str
    provider_id: str
    office: Office
    service: str | None = None
    due_on: date


class _ProviderState(Event):
    provider: Provider

    @property
    def key(self) -> str:
        return self.provider.provider_id


class ProviderRegistered(_ProviderState, wire="registration.provider-registered.v1", topic=REGISTRATIONS):
    """A provider registered."""


class _OfficeState(Event):
    office: Office

    @property
    def key(self) -> str:
        return self.office.office_id


class OfficeRegistered(_OfficeState, wire="registration.office-registered.v1", topic=REGISTRATIONS):
    """An office was registered (every office on its own, P3)."""


class OfficeChanged(_OfficeState, wire="registration.office-changed.v1", topic=REGISTRATIONS):
    """An office's contact details changed, or its visiting address, which Kela had approved (P2)."""


class _ContractState(Event):
    contract: Contract

    @property
    def key(self) -> str:
        return self.contract.contract_id


class ContractRegistered(_ContractState, wire="registration.contract-registered.v1", topic=REGISTRATIONS):
    """Kela registered a contract: the service may begin."""


class ContactChanged(_ContractState, wire="registration.contact-changed.v1", topic=REGISTRATIONS):
    """The published contact details of a contract changed (R-REG-10)."""


class AnnouncedCountChanged(_ContractState, wire="registration.announced-count-changed.v1", topic=REGISTRATIONS):
    """A count was announced, raised, taken from the year before or corrected (R-REG-8, R-REG-9, E-2, E-3).

    Only a correction lowers it; that takes nothing away from what is granted or reserved.
    """

    year: int
    count: int
    change: CountChange = CountChange.ANNOUNCED


class ContractValidityChanged(_ContractState, wire="registration.contract-validity-changed.v1", topic=REGISTRATIONS):
    """Kela set, moved or lifted the last day of a contract; what runs then goes on, nothing new begins (E-45)."""


class RegistrationChanged(Event, wire="registration.registration-changed.v1", topic=REGISTRATIONS):
    """A registration was submitted, decided, put under contract or ended, or its composition changed (R-REG-5)."""

    registration: Registration

    @property
    def key(self) -> str:
        return self.registration.registration_id


class ChangeRequestDecided(Event, wire="registration.change-request-decided.v1", topic=REGISTRATIONS):
    """Kela approved or rejected a change that needed its approval (R-REG-5, P2)."""

    request: ChangeRequest

    @property
    def key(self) -> str:
        return self.request.request_id


class ServiceDescriptionPublished(
    Event, wire="registration.service-description-published.v1", topic=SERVICE_DESCRIPTIONS
):
    """All versions of one service's description, newest last, and the questions that help clients choose."""

    service: str
    descriptions: Annotated[tuple[ServiceDescription, ...], Field(min_length=1)]
    choice_questions: tuple[ChoiceQuestion, ...] = ()

    @property
    def key(self) -> str:
        return self.service


class ChoiceInformationChanged(Event, wire="registration.choice-information-changed.v1", topic=REGISTRATIONS):
    """A provider entered or updated what an office answers about a service (R-SRCH-9)."""

    choice_information: ChoiceInformation

    @property
    def key(self) -> str:
        return f"{self.choice_information.office_id}/{self.choice_information.service}"


class AuditFindingChanged(Event, wire="registration.audit-finding-changed.v1", topic=REGISTRATIONS):
    """An audit finding was made, answered with a corrective action, closed or reopened (R-REG-11)."""

    finding: AuditFinding

    @property
    def key(self) -> str:
        return self.finding.finding_id


class NoticeGiven(Event, wire="registration.notice-given.v1", topic=NOTICES, kind=EventKind.FACT):
    """A provider is to be told of an audit finding, its due date, or data to look through (R-REG-7, R-REG-11)."""

    notice: Notice

    @property
    def key(self) -> str:
        return self.notice.notice_id


OfficeEvent = OfficeRegistered | OfficeChanged
OFFICE_EVENTS: tuple[type[OfficeEvent], ...] = get_args(OfficeEvent)
"""Every event that carries an office's snapshot."""

ContractEvent = ContractRegistered | ContactChanged | AnnouncedCountChanged | ContractValidityChanged
CONTRACT_EVENTS: tuple[type[ContractEvent], ...] = get_args(ContractEvent)
"""Every event that carries a contract's snapshot."""
