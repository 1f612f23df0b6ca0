"""Events of the decisions service: decisions, quotas, payments, client contacts; and the quota signals it takes."""

from datetime import UTC, date, datetime
from typing import Annotated, get_args

from pydantic import AwareDatetime, Field, field_validator

from contracts.envelope import Event, EventKind, Value
from contracts.identity_codes import TextKind
from contracts.values import DecisionState, Language

DECISIONS = "rekku.decisions"
QUOTAS = "rekku.quotas"
PAYMENTS = "rekku.payments"
CLIENT_CONTACTS = "rekku.client-contacts"
CLIENT_ELIGIBILITY = "rekku.client-eligibility"
QUOTA_SIGNALS = "rekku.quota-signals"


class Decision(Value):
    """A rehabilitation decision; references only, nothing about the person (E-59).

    `decided_on` is the Helsinki date of the grant or rejection; `confirm_by` the last day to be
    pinned to a confirmed course (E-10, E-11), by the description in force on that date (E-13).
    `new_client` is true for a client's first grant in the service (E-8). `provider_changed` says of a
    revoked one that its client goes on with another provider (E-65). `valid_to` is the last day of its
    validity, None where none is set.
    """

    decision_ref: str
    application_ref: str
    client_ref: str
    service: str
    contract_id: str
    provider_id: str
    language: Language
    state: DecisionState
    applied_on: date
    decided_on: date | None = None
    confirm_by: date | None = None
    new_client: bool = False
    provider_changed: bool = False
    valid_to: date | None = None

    @property
    def valid(self) -> bool:
        """True while the decision entitles its client to a place."""
        return self.state is DecisionState.GRANTED


class _DecisionState(Event):
    decision: Decision

    @property
    def key(self) -> str:
        return self.decision.decision_ref


class DecisionGranted(_DecisionState, wire="decisions.decision-granted.v1", topic=DECISIONS):
    """A grant (myöntö)."""


class DecisionRejected(_DecisionState, wire="decisions.decision-rejected.v1", topic=DECISIONS):
    """A rejection on merit (hylkäys)."""


class DecisionAwaitsQuota(_DecisionState, wire="decisions.decision-awaits-quota.v1", topic=DECISIONS):
    """The quota is full or deciding is suspended; the application waits (E-54)."""


class DecisionWithdrawn(_DecisionState, wire="decisions.decision-withdrawn.v1", topic=DECISIONS):
    """The client withdrew an application that was waiting (E-54)."""


class DecisionRevoked(_DecisionState, wire="decisions.decision-revoked.v1", topic=DECISIONS):
    """Kela revoked the decision on the client's own notice (R-DEC-16)."""


class DecisionAnnulled(_DecisionState, wire="decisions.decision-annulled.v1", topic=DECISIONS):
    """Kela annulled a decision that was issued in error; it counts nowhere (E-7)."""


class DecisionExpired(_DecisionState, wire="decisions.decision-expired.v1", topic=DECISIONS):
    """The decision's validity ended unused; it still counts for its provider and year (E-7)."""


class DecisionUsed(_DecisionState, wire="decisions.decision-used.v1", topic=DECISIONS):
    """The client's course has been completed."""


class CountUse(Value):
    """The use of one contract's announced count in one year (E-1)."""

    contract_id: str
    provider_id: str
    service: str
    language: Language
    year: int
    announced: int
    used: int

    @property
    def left(self) -> int:
        """Decisions that may still be given, never negative."""
        return max(0, self.announced - self.used)


class _CountUseState(Event):
    count: CountUse

    @property
    def key(self) -> str:
        return f"{self.count.contract_id}/{self.count.year}"


class AnnouncedCountFilled(_CountUseState, wire="decisions.announced-count-filled.v1", topic=QUOTAS):
    """No new decision can be made to this provider this year (R-DEC-1)."""


class AnnouncedCountReopened(_CountUseState, wire="decisions.announced-count-reopened.v1", topic=QUOTAS):
    """A raised count has room again."""


class QuotaScope(Value):
    """New clients of an area, a language or both against an estimate and a quota of their own (E-55).

    `area` is the code of a wellbeing services county (hyvinvointialue), None the whole country;
    `language` None is every language. `suspended`: a signal stops every new decision in it (E-54).
    """

    area: str | None = None
    language: Language | None = None
    estimate: int | None = None
    limit: int | None = None
    used: int
    suspended: bool = False


class Quota(Value):
    """National new clients of one service and year against Kela's estimate and quota.

    `limit` None: no quota in use (the normal case); an estimate never blocks (E-51). `scopes` are the
    narrower counters beside it: a new client needs room in the national one and in those that cover it.
    """

    service: str
    year: int
    estimate: int | None = None
    limit: int | None = None
    used: int
    suspended: bool = False
    scopes: tuple[QuotaScope, ...] = ()

    @property
    def remaining(self) -> int | None:
        """New clients that may still be granted; None without a quota (E-52)."""
        return None if self.limit is None else max(0, self.limit - self.used)


class _QuotaState(Event):
    quota: Quota

    @property
    def key(self) -> str:
        return f"{self.quota.service}/{self.quota.year}"


class EstimateSet(_QuotaState, wire="decisions.estimate-set.v1", topic=QUOTAS):
    """Kela published its estimate of a year's new clients (R-DEC-8)."""


class QuotaSet(_QuotaState, wire="decisions.quota-set.v1", topic=QUOTAS):
    """Kela took a quota into use, changed it, or gave it up (R-DEC-11, E-52)."""


class QuotaFilled(_QuotaState, wire="decisions.quota-filled.v1", topic=QUOTAS):
    """The quota is full: Kela suspends making decisions (R-DEC-13)."""


class QuotaReopened(_QuotaState, wire="decisions.quota-reopened.v1", topic=QUOTAS):
    """There is room in the quota again."""


class _QuotaScopeState(_QuotaState):
    """One scope of the quota changed: the one of `area` and `language`; both are in the snapshot."""

    area: str | None = None
    language: Language | None = None


class QuotaScopeSet(_QuotaScopeState, wire="decisions.quota-scope-set.v1", topic=QUOTAS):
    """Kela set the estimate or the quota of an area or a language, or gave the quota up (E-55)."""


class QuotaScopeFilled(_QuotaScopeState, wire="decisions.quota-scope-filled.v1", topic=QUOTAS):
    """The quota of an area or a language is full, or a signal stops its decisions: new clients wait (E-54, E-55)."""


class QuotaScopeReopened(_QuotaScopeState, wire="decisions.quota-scope-reopened.v1", topic=QUOTAS):
    """New clients of an area or a language can be granted again."""


class CounterDiffered(Event, wire="decisions.counter-differed.v1", topic=QUOTAS, kind=EventKind.FACT):
    """A counter or a copy was found not to be what the decisions say; found once, until it is settled.

    `counter` is what kind it is of, `subject` which one; `shown` is what it said, `expected` what it
    should have said.
    """

    difference: int
    counter: str
    subject: str
    shown: int
    expected: int
    found_at: datetime

    @property
    def key(self) -> str:
        return f"{self.counter}/{self.subject}"


class PeriodPaid(Event, wire="decisions.period-paid.v1", topic=PAYMENTS, kind=EventKind.FACT):
    """Kela paid the costs of one period of one client's course, for the first time (R-FBK-2, E-29).

    `last` is true for the last planned period of the client's path.
    """

    decision_ref: str
    client_ref: str
    contract_id: str
    provider_id: str
    office_id: str
    service: str
    course_id: str
    period_number: int
    last: bool
    paid_on: date

    @property
    def key(self) -> str:
        return self.decision_ref


class ClientContactChanged(Event, wire="decisions.client-contact-changed.v1", topic=CLIENT_CONTACTS):
    """A client's phone and language, encrypted under the client's own key (restricted).

    `sealed` is what `chassis.vault` seals: base64 of nonce and AES-256-GCM ciphertext of a
    `ClientContact` document.
    """

    client_ref: str
    sealed: str

    @property
    def key(self) -> str:
        return self.client_ref


class ClientContact(Value):
    """The sealed content: E.164 phone number and the language to write in."""

    phone: str
    language: Language


class ClientContactErased(Event, wire="decisions.client-contact-erased.v1", topic=CLIENT_CONTACTS):
    """The client is erased: nothing older counts any more, and a null value of the same key follows (restricted).

    Only a newer `ClientContactChanged` makes anything known of the client again.
    """

    client_ref: str

    @property
    def key(self) -> str:
        return self.client_ref


class ClientEligibilityChanged(Event, wire="decisions.client-eligibility-changed.v1", topic=CLIENT_ELIGIBILITY):
    """A client's disease group and age, encrypted under the client's own key (restricted, E-24).

    `sealed` is what `chassis.vault` seals: base64 of nonce and AES-256-GCM ciphertext of a
    `ClientEligibility` document.
    """

    client_ref: str
    sealed: str

    @property
    def key(self) -> str:
        return self.client_ref


class ClientEligibilityErased(Event, wire="decisions.client-eligibility-erased.v1", topic=CLIENT_ELIGIBILITY):
    """The client is erased: nothing older counts any more, and a null value of the same key follows (restricted).

    Only a newer `ClientEligibilityChanged` makes anything known of the client again.
    """

    client_ref: str

    @property
    def key(self) -> str:
        return self.client_ref


class ClientEligibility(Value):
    """The sealed content; each part may be UNKNOWN, and at most one of the last two is known."""

    disease_group: str | None = None
    birth_date: date | None = None
    birth_year: int | None = None


class _QuotaSignal(Event):
    """Taken from Kela's systems that follow the money; `signal_id` counts once per `ce_source`.

    It is of a whole service, or of an `area` (the code of a wellbeing services county), of a `language`, or of
    both. What it names has to be known here, else it is not taken.
    `signal_id` and `service` have 1 to 128 printable characters and hold no personal identity code (E-59).
    """

    signal_id: Annotated[str, TextKind.MACHINE]
    service: Annotated[str, TextKind.MACHINE]
    effective_at: AwareDatetime = Field(strict=True)
    area: Annotated[str | None, TextKind.MACHINE] = None
    language: Annotated[str | None, TextKind.MACHINE] = None

    @field_validator("effective_at", mode="before")
    @classmethod
    def _is_written_as_a_time(cls, at: object) -> object:
        return datetime.fromisoformat(at) if isinstance(at, str) else at

    @field_validator("effective_at")
    @classmethod
    def _is_an_instant_in_utc(cls, at: datetime) -> datetime:
        try:
            return at.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("there is no such instant in UTC") from error

    @property
    def key(self) -> str:
        return self.service


class DecisionsSuspended(_QuotaSignal, wire="quota-signals.suspend.v1", topic=QUOTA_SIGNALS, kind=EventKind.FACT):
    """Stop every new decision of the service, or of its area or language, from `effective_at` on."""


class SuspensionLifted(_QuotaSignal, wire="quota-signals.lift.v1", topic=QUOTA_SIGNALS, kind=EventKind.FACT):
    """Deciding may go on from `effective_at`; `signal_id` names the suspension that ends, of the same scope."""


DecisionEvent = (
    DecisionGranted
    | DecisionRejected
    | DecisionAwaitsQuota
    | DecisionWithdrawn
    | DecisionRevoked
    | DecisionAnnulled
    | DecisionExpired
    | DecisionUsed
)
DECISION_EVENTS: tuple[type[DecisionEvent], ...] = get_args(DecisionEvent)
"""Every event that carries a decision's snapshot."""

QuotaEvent = EstimateSet | QuotaSet | QuotaFilled | QuotaReopened
QuotaScopeEvent = QuotaScopeSet | QuotaScopeFilled | QuotaScopeReopened
CountUseEvent = AnnouncedCountFilled | AnnouncedCountReopened
