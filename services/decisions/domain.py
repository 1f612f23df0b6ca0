"""The rules of decisions: plain values and pure functions."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from string import ascii_uppercase, digits
from typing import Any

from contracts.refusals import Invalid, Refusal
from contracts.values import DecisionState, Language
from services.decisions.quotas.domain import CountUse, Quota, ScopedQuota

_RANDOM_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_CHECK_CHARACTERS = digits + ascii_uppercase
_RANDOM_LENGTH = 12
RANDOM_BITS = _RANDOM_LENGTH * 5


def decision_ref(random_bits: int) -> str:
    """An opaque decision identifier: 12 random characters and a check character (E-59, R-DEC-19).

    Nothing in it comes from the person, the application or the time.
    """
    text = "".join(_RANDOM_CHARACTERS[random_bits >> 5 * place & 31] for place in range(_RANDOM_LENGTH))
    return text + check_character(text)


def check_character(text: str) -> str:
    """The ISO 7064 MOD 37,36 check character of `text`: any one wrong character is found."""
    return _CHECK_CHARACTERS[(1 - _doubled(_check_sum(text))) % 36]


def is_decision_ref(text: str) -> bool:
    """True where `text` has the shape and the check character of a decision identifier."""
    if len(text) != _RANDOM_LENGTH + 1 or any(character not in _CHECK_CHARACTERS for character in text):
        return False
    return _check_sum(text) == 1


def _check_sum(text: str) -> int:
    check = 18
    for character in text:
        check = (_doubled(check) + _CHECK_CHARACTERS.index(character)) % 36
    return check


def _doubled(check: int) -> int:
    return (check or 36) * 2 % 37


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


@dataclass(frozen=True, slots=True)
class ClientNotice:
    """The client's own notice, without which nothing is revoked or withdrawn (R-DEC-16, E-57)."""

    received_on: date
    channel: NoticeChannel


@dataclass(frozen=True, slots=True)
class Application:
    """An application with the official's outcome, for one contract of one provider.

    `municipality_code` and its `area` are where the client lives, None where that was not told.
    """

    application_ref: str
    client_ref: str
    contract_id: str
    applied_on: date
    outcome: Outcome
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
    notice: ClientNotice | None = None
    version: int = 0
    number: int = 0
    area: str | None = None

    def answers(self, application: Application) -> bool:
        """Whether this decision was given on this very application, so that a repeat gets the same answer."""
        rejected_at_once = self.state is DecisionState.REJECTED and self.version == 1
        return (self.client_ref, self.contract_id, self.applied_on, rejected_at_once) == (
            application.client_ref,
            application.contract_id,
            application.applied_on,
            application.outcome is Outcome.REJECTED,
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


def pending_decision(ref: str, application: Application, contract: Contract, on: date) -> Decision:
    """The application before anything is decided on it.

    Raises:
        Invalid: APPLIED_IN_FUTURE.
    """
    if application.applied_on > on:
        raise Invalid("APPLIED_IN_FUTURE", today=on)
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
        area=application.area,
    )


def check_area(basis: GrantBasis, area: str | None) -> None:
    """Where a quota is an area's, nobody new passes it by not saying where they live (E-55).

    Raises:
        Invalid: MUNICIPALITY_NEEDED.
    """
    by_area = any(scope.area is not None and scope.limit is not None for scope in basis.scopes)
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
    application: Decision, description: Description, on: date, *, confirm_by: date | None, new_client: bool
) -> Decision:
    """A grant given on `on`, whose year's counters it takes from (R-DEC-6, E-16).

    `confirm_by` and the description's version are those in force that day and stay with the
    decision (E-10, E-13).

    Raises:
        Refusal: NOT_WAITING.
    """
    _check_undecided(application)
    return _changed(
        application,
        state=DecisionState.GRANTED,
        decided_on=on,
        confirm_by=confirm_by,
        description_version=description.description_version,
        new_client=new_client,
    )


def wait_for_quota(application: Decision) -> Decision:
    """The application waits for a full or suspended quota; it holds no slot of any contract (E-54)."""
    return _changed(application, state=DecisionState.AWAITING_QUOTA)


def reject(application: Decision, on: date) -> Decision:
    """A rejection on merit; it takes nothing from any counter (R-DEC-21, E-54).

    Raises:
        Refusal: NOT_WAITING.
    """
    _check_undecided(application)
    return _changed(application, state=DecisionState.REJECTED, decided_on=on)


def withdraw(application: Decision, notice: ClientNotice, on: date) -> Decision:
    """The client takes back an application that waits for the quota (E-54).

    Raises:
        Refusal: NOT_WAITING.
        Invalid: NOTICE_IN_FUTURE.
    """
    _check_undecided(application)
    _check_notice(notice, on)
    return _changed(application, state=DecisionState.WITHDRAWN, notice=notice)


def revoke(decision: Decision, notice: ClientNotice, on: date) -> Decision:
    """Revoked on the client's own notice (R-DEC-16, E-57); it still counts for its provider and year (E-7).

    Raises:
        Refusal: ALREADY_REVOKED or NOT_GRANTED.
        Invalid: NOTICE_IN_FUTURE.
    """
    if decision.state is DecisionState.REVOKED:
        raise Refusal("ALREADY_REVOKED")
    if decision.state is not DecisionState.GRANTED:
        raise Refusal("NOT_GRANTED", state=decision.state)
    _check_notice(notice, on)
    return _changed(decision, state=DecisionState.REVOKED, notice=notice)


def say_again(decision: Decision) -> Decision:
    """The same state in a newer version, for whoever has missed it."""
    return _changed(decision)


def take_back_use(decision: Decision) -> Decision:
    """Granted again: no course of the client's was completed after all."""
    return _changed(decision, state=DecisionState.GRANTED)


def _changed(decision: Decision, **changes: Any) -> Decision:
    return replace(decision, version=decision.version + 1, **changes)


def _check_undecided(application: Decision) -> None:
    if application.state not in (DecisionState.PENDING, DecisionState.AWAITING_QUOTA):
        raise Refusal("NOT_WAITING", state=application.state)


def _check_notice(notice: ClientNotice, on: date) -> None:
    if notice.received_on > on:
        raise Invalid("NOTICE_IN_FUTURE", received_on=notice.received_on, today=on)
