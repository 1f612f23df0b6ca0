"""The rules of decisions: plain values and pure functions."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from contracts.refusals import Invalid, Refusal
from contracts.values import DecisionState, Language
from services.decisions.quotas.domain import CountUse, Quota, ScopedQuota


class Outcome(StrEnum):
    """What the official decides on an application (R-DEC-21)."""

    GRANTED = "granted"
    REJECTED = "rejected"


class NoticeChannel(StrEnum):
    """How the client's own notice reached Kela."""

    PHONE = "phone"
    LETTER = "letter"
    WEB = "web"
    IN_PERSON = "in_person"


class GivenBy(StrEnum):
    """Whose notice it is: the client's, or for a family course the guardian's (E-58)."""

    CLIENT = "client"
    GUARDIAN = "guardian"


class AnnulmentReason(StrEnum):
    """Why a decision was issued in error (E-7)."""

    WRONG_CLIENT = "wrong_client"
    WRONG_PROVIDER = "wrong_provider"
    WRONG_SERVICE = "wrong_service"
    DECIDED_TWICE = "decided_twice"
    NOT_DECIDED = "not_decided"


@dataclass(frozen=True, slots=True)
class ClientNotice:
    """The client's own notice, without which nothing is revoked or withdrawn (R-DEC-16, E-57)."""

    received_on: date
    channel: NoticeChannel
    given_by: GivenBy = GivenBy.CLIENT


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Which template says why, in the version in force when it was said; the words are in the catalogue."""

    code: str
    version: int


@dataclass(frozen=True, slots=True)
class Application:
    """An application with the official's outcome, for one contract of one provider.

    `valid_to` is the last day of the decision's validity, None where none is set; `reasoning` the
    template's code, None for the usual one; `municipality_code` and its `area` are where the client
    lives, None where that was not told.
    """

    application_ref: str
    client_ref: str
    contract_id: str
    applied_on: date
    outcome: Outcome
    valid_to: date | None = None
    reasoning: str | None = None
    municipality_code: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """Our copy of a contract: provider x service x language (E-4)."""

    contract_id: str
    provider_id: str
    service: str
    language: Language
    valid_from: date
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        """True on the first and on the last day of validity as well."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Description:
    """Of a service description's version what a decision needs; None months: no deadline is known."""

    description_version: int
    confirm_within_months: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision, or an application that is still pending or waits. Nothing about the person (E-59).

    `version` counts its changes of state; `number` is the order of arrival, 0 before it is stored.
    `replaces` is the decision its client had for another provider, whose end says `provider_changed`
    (E-65). `reasoning` is of the grant or rejection, `revocation_reasoning` of its end on notice.
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
    description_version: int | None = None
    new_client: bool = False
    valid_to: date | None = None
    notice: ClientNotice | None = None
    annulment_reason: AnnulmentReason | None = None
    provider_changed: bool = False
    replaces: str | None = None
    reasoning: Reasoning | None = None
    revocation_reasoning: Reasoning | None = None
    version: int = 0
    number: int = 0
    area: str | None = None

    def answers(self, application: Application) -> bool:
        """Whether this decision was given on this very application, so that a repeat gets the same answer."""
        rejected_at_once = self.state is DecisionState.REJECTED and self.version == 1
        reasoned = self.reasoning is None or application.reasoning in (None, self.reasoning.code)
        valid = rejected_at_once or self.valid_to == application.valid_to
        return (self.client_ref, self.contract_id, self.applied_on, rejected_at_once, reasoned, valid) == (
            application.client_ref,
            application.contract_id,
            application.applied_on,
            application.outcome is Outcome.REJECTED,
            True,
            True,
        )


@dataclass(frozen=True, slots=True)
class GrantBasis:
    """What a grant is decided on.

    `count` None: nothing announced for the year. `description` None: none known for the day.
    `new_client`: never granted in the service before (E-8). `earlier_ref`: the decision that was
    already given on the same application. `scopes`: the narrower counters of the service and year (E-55).
    """

    contract: Contract
    count: CountUse | None
    quota: Quota
    description: Description | None
    new_client: bool
    earlier_ref: str | None = None
    scopes: tuple[ScopedQuota, ...] = ()

    def has_room(self, area: str | None) -> bool:
        """Whether a grant can be given at once to a client of `area`, by every counter."""
        has_count = self.count is not None and not self.count.full
        return has_count and not self.must_queue(area)

    def must_queue(self, area: str | None) -> bool:
        """Whether an application has to wait: the narrowest and the national quota must both have room (E-55)."""
        scope_is_full = any(scope.full and scope.covers(area, self.contract.language) for scope in self.scopes)
        return self.quota.must_queue(new_client=self.new_client) or (self.new_client and scope_is_full)


def pending_decision(
    ref: str, application: Application, contract: Contract, on: date, *, reasoning: Reasoning | None = None
) -> Decision:
    """The application before anything is decided on it.

    Raises:
        Invalid: APPLIED_IN_FUTURE or VALIDITY_IN_PAST.
    """
    if application.applied_on > on:
        raise Invalid("APPLIED_IN_FUTURE", today=on)
    if application.valid_to is not None and application.valid_to < on:
        raise Invalid("VALIDITY_IN_PAST", today=on)
    return Decision(
        decision_ref=ref,
        application_ref=application.application_ref,
        client_ref=application.client_ref,
        service=contract.service,
        contract_id=contract.contract_id,
        provider_id=contract.provider_id,
        language=contract.language,
        state=DecisionState.PENDING,
        applied_on=application.applied_on,
        valid_to=application.valid_to,
        reasoning=reasoning,
        area=application.area,
    )


def check_area(basis: GrantBasis, area: str | None) -> None:
    """Where a quota or a stop is an area's, nobody new passes it by not saying where they live (E-55).

    Raises:
        Invalid: MUNICIPALITY_NEEDED.
    """
    by_area = any(scope.area is not None and (scope.limit is not None or scope.suspended) for scope in basis.scopes)
    if area is None and by_area and basis.new_client:
        raise Invalid("MUNICIPALITY_NEEDED")


def check_contract(contract: Contract, on: date) -> None:
    """No new decision outside a contract's validity (E-45).

    Raises:
        Refusal: CONTRACT_NOT_IN_FORCE.
    """
    if not contract.valid_on(on):
        raise Refusal("CONTRACT_NOT_IN_FORCE", valid_from=contract.valid_from, valid_to=contract.valid_to, day=on)


def grant(
    application: Decision,
    description: Description,
    on: date,
    *,
    confirm_by: date | None,
    new_client: bool,
    reasoning: Reasoning | None = None,
) -> Decision:
    """A grant given on `on`, whose year's counters it takes from (R-DEC-6, E-16).

    `confirm_by`, the description's version and the reasoning are those in force that day and stay
    with the decision (E-10, E-13).

    Raises:
        Refusal: NOT_WAITING.
    """
    _check_undecided(application)
    return changed(
        application,
        state=DecisionState.GRANTED,
        decided_on=on,
        confirm_by=confirm_by,
        description_version=description.description_version,
        new_client=new_client,
        reasoning=reasoning or application.reasoning,
    )


def wait_for_quota(application: Decision) -> Decision:
    """The application waits for a full or suspended quota; it holds no slot of any contract (E-54)."""
    return changed(application, state=DecisionState.AWAITING_QUOTA)


def reject(application: Decision, on: date, reasoning: Reasoning | None = None) -> Decision:
    """A rejection on merit; it takes nothing from any counter (R-DEC-21, E-54).

    Raises:
        Refusal: NOT_WAITING.
    """
    _check_undecided(application)
    return changed(application, state=DecisionState.REJECTED, decided_on=on, valid_to=None, reasoning=reasoning)


def withdraw(application: Decision, notice: ClientNotice, on: date) -> Decision:
    """The client takes back an application that waits for the quota (E-54).

    Raises:
        Refusal: NOT_WAITING.
        Invalid: NOTICE_IN_FUTURE.
    """
    _check_undecided(application)
    _check_notice(notice, on)
    return changed(application, state=DecisionState.WITHDRAWN, notice=notice)


def revoke(
    decision: Decision,
    notice: ClientNotice,
    on: date,
    *,
    reasoning: Reasoning | None = None,
    provider_changed: bool = False,
) -> Decision:
    """Revoked on the client's own notice (R-DEC-16, E-57); it still counts for its provider and year (E-7).

    Raises:
        Refusal: ALREADY_REVOKED or NOT_GRANTED.
        Invalid: NOTICE_IN_FUTURE.
    """
    if decision.state is DecisionState.REVOKED:
        raise Refusal("ALREADY_REVOKED")
    _check_granted(decision)
    _check_notice(notice, on)
    return changed(
        decision,
        state=DecisionState.REVOKED,
        notice=notice,
        provider_changed=provider_changed,
        revocation_reasoning=reasoning,
    )


def annul(decision: Decision, reason: AnnulmentReason) -> Decision:
    """Annulled as issued in error: it counts nowhere, as if it had never been given (E-7).

    Raises:
        Refusal: ALREADY_ANNULLED or NOT_GRANTED.
    """
    if decision.state is DecisionState.ANNULLED:
        raise Refusal("ALREADY_ANNULLED")
    _check_granted(decision)
    return changed(decision, state=DecisionState.ANNULLED, annulment_reason=reason, new_client=False)


def inherit_first_grant(later: Decision) -> Decision:
    """The client's next grant is the first one now that the one before it was annulled (E-8)."""
    return changed(later, new_client=True)


def check_swap(decision: Decision, contract: Contract) -> None:
    """A client goes on with another provider of the same service (E-65).

    Raises:
        Refusal: OTHER_SERVICE or SAME_PROVIDER.
    """
    if contract.service != decision.service:
        raise Refusal("OTHER_SERVICE", decision_service=decision.service, contract_service=contract.service)
    if contract.provider_id == decision.provider_id:
        raise Refusal("SAME_PROVIDER")


def changed(decision: Decision, **changes: Any) -> Decision:
    """The decision's next version."""
    return replace(decision, version=decision.version + 1, **changes)


def _check_granted(decision: Decision) -> None:
    if decision.state is not DecisionState.GRANTED:
        raise Refusal("NOT_GRANTED", state=decision.state)


def say_again(decision: Decision) -> Decision:
    """The same state in a newer version, for whoever has missed it."""
    return changed(decision)


def take_back_use(decision: Decision) -> Decision:
    """Granted again: no course of the client's was completed after all."""
    return changed(decision, state=DecisionState.GRANTED)


def _check_undecided(application: Decision) -> None:
    if application.state not in (DecisionState.PENDING, DecisionState.AWAITING_QUOTA):
        raise Refusal("NOT_WAITING", state=application.state)


def _check_notice(notice: ClientNotice, on: date) -> None:
    if notice.received_on > on:
        raise Invalid("NOTICE_IN_FUTURE", received_on=notice.received_on, today=on)


def age_on(birth_date: date | None, birth_year: int | None, on: date) -> int | None:
    """The age on a day; by the year alone, the age reached that year; None where neither is known (E-24)."""
    if birth_date is not None:
        return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))
    return None if birth_year is None else on.year - birth_year
