"""The rules of registering: plain types and pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from contracts.refusals import Invalid, NotFound, Refusal
from contracts.values import Language, RegistrationState
from services.registration.domain import Contract, Offer

IN_FORCE = frozenset({RegistrationState.APPROVED, RegistrationState.CONTRACT_REGISTERED})
"""States in which the composition is changed by a request only (R-REG-5)."""


class DecisionDelivery(StrEnum):
    """How the provider wants to be given the decision (P3)."""

    ELECTRONIC = "electronic"
    POST = "post"


class Outcome(StrEnum):
    """What Kela decided about a registration."""

    APPROVED = "approved"
    REJECTED = "rejected"
    ENDED = "ended"


@dataclass(frozen=True)
class Grounds:
    """Why something was decided: a code that can be counted, and words that stay in this service."""

    code: str
    text: str


@dataclass(frozen=True)
class Subcontractor:
    """An organisation that produces a part of the service (R-REG-4)."""

    name: str
    business_id: str
    service_part: str


@dataclass(frozen=True)
class ConsortiumMember:
    """An organisation that registers together with the provider."""

    name: str
    business_id: str
    service_part: str


@dataclass(frozen=True)
class Composition:
    """Who produces the service besides the provider; `subcontracting` None is a question not answered yet."""

    subcontracting: bool | None = None
    subcontractors: tuple[Subcontractor, ...] = ()
    consortium: tuple[ConsortiumMember, ...] = ()


@dataclass(frozen=True)
class Registration:
    """One office registered for one service in one language (P3).

    `ends_on` is the last day, once Kela has set one.
    """

    registration_id: str
    provider_id: str
    office_id: str
    service: str
    language: Language
    composition: Composition = Composition()
    conditions_accepted: bool = False
    decision_delivery: DecisionDelivery = DecisionDelivery.ELECTRONIC
    state: RegistrationState = RegistrationState.DRAFT
    contract_id: str | None = None
    ends_on: date | None = None
    version: int = 1


def require_offered(offers: Sequence[Offer], language: Language) -> None:
    """A draft is for a service that is or will be offered in its language; the contract looks at the day.

    Raises:
        NotFound: SERVICE_UNKNOWN.
        Refusal: LANGUAGE_NOT_OFFERED, with what is offered.
    """
    if not offers:
        raise NotFound("SERVICE_UNKNOWN")
    offered = {each for offer in offers for each in offer.languages}
    if language not in offered:
        raise Refusal("LANGUAGE_NOT_OFFERED", language=language.value, offered=", ".join(sorted(offered)))


def require_distinct(provider_id: str, business_ids: Iterable[str]) -> None:
    """Each organisation is named once, and the provider is not among them.

    Raises:
        Invalid: PARTY_NAMED_TWICE, with its place in the list.
    """
    seen = {provider_id}
    for position, business_id in enumerate(business_ids, 1):
        if business_id in seen:
            raise Invalid("PARTY_NAMED_TWICE", position=position)
        seen.add(business_id)


def require_well_named(provider_id: str, composition: Composition) -> None:
    """Subcontractors are distinct, and so are the members of the consortium.

    Raises:
        Invalid: PARTY_NAMED_TWICE.
    """
    require_distinct(provider_id, (each.business_id for each in composition.subcontractors))
    require_distinct(provider_id, (each.business_id for each in composition.consortium))


def require_declared(composition: Composition) -> None:
    """Subcontracting is answered yes or no; yes names at least one subcontractor, no names none (R-REG-3, R-REG-4).

    Raises:
        Refusal: SUBCONTRACTING_UNDECLARED, SUBCONTRACTORS_MISSING, or SUBCONTRACTORS_UNEXPECTED with how many.
    """
    named = len(composition.subcontractors)
    if composition.subcontracting is None:
        raise Refusal("SUBCONTRACTING_UNDECLARED")
    if composition.subcontracting and not named:
        raise Refusal("SUBCONTRACTORS_MISSING")
    if not composition.subcontracting and named:
        raise Refusal("SUBCONTRACTORS_UNEXPECTED", named=named)


def require_state(registration: Registration, *needed: RegistrationState) -> None:
    """Raises Refusal REGISTRATION_STATE, with the present and the needed state, where the registration is elsewhere."""
    if registration.state not in needed:
        raise Refusal("REGISTRATION_STATE", state=registration.state.value, needed=[state.value for state in needed])


def revise(
    registration: Registration,
    composition: Composition,
    *,
    conditions_accepted: bool,
    decision_delivery: DecisionDelivery,
) -> Registration:
    """The draft with its content replaced; the same draft where nothing changed.

    Raises:
        Refusal: REGISTRATION_STATE: what is submitted is no longer edited.
        Invalid: PARTY_NAMED_TWICE.
    """
    require_state(registration, RegistrationState.DRAFT)
    require_well_named(registration.provider_id, composition)
    revised = replace(
        registration,
        composition=composition,
        conditions_accepted=conditions_accepted,
        decision_delivery=decision_delivery,
    )
    return registration if revised == registration else _next(revised)


def submit(registration: Registration) -> Registration:
    """The draft handed in, once it says all that Kela needs (R-REG-3, P3).

    Raises:
        Refusal: REGISTRATION_STATE, CONDITIONS_NOT_ACCEPTED, SUBCONTRACTING_UNDECLARED, SUBCONTRACTORS_MISSING
            or SUBCONTRACTORS_UNEXPECTED.
    """
    require_state(registration, RegistrationState.DRAFT)
    require_declared(registration.composition)
    if not registration.conditions_accepted:
        raise Refusal("CONDITIONS_NOT_ACCEPTED")
    return _next(registration, state=RegistrationState.SUBMITTED)


def decide(registration: Registration, *, approved: bool) -> Registration:
    """A submitted registration approved or rejected.

    Raises:
        Refusal: REGISTRATION_STATE: it was not submitted, or has been decided already.
    """
    require_state(registration, RegistrationState.SUBMITTED)
    return _next(registration, state=RegistrationState.APPROVED if approved else RegistrationState.REJECTED)


def under_contract(registration: Registration, contract_id: str) -> Registration:
    """An approved registration whose contract Kela has registered: the service may begin (P3).

    Raises:
        Refusal: REGISTRATION_STATE.
    """
    require_state(registration, RegistrationState.APPROVED)
    return _next(registration, state=RegistrationState.CONTRACT_REGISTERED, contract_id=contract_id)


def require_open_on(contract: Contract, day: date) -> None:
    """Raises Refusal CONTRACT_ENDED where the contract's last day is before `day`."""
    if contract.ended_before(day):
        raise Refusal("CONTRACT_ENDED", valid_to=contract.valid_to)


def end_on(registration: Registration, last_day: date, *, on: date) -> Registration:
    """A registration with a last day, today or later; it ends when that day is over (E-45).

    Raises:
        Refusal: REGISTRATION_STATE, or REGISTRATION_ENDING where it has a last day already.
        Invalid: DATE_IN_PAST.
    """
    require_state(registration, RegistrationState.CONTRACT_REGISTERED)
    if registration.ends_on is not None:
        raise Refusal("REGISTRATION_ENDING", ends_on=registration.ends_on)
    if last_day < on:
        raise Invalid("DATE_IN_PAST", day=last_day, today=on)
    return _next(registration, ends_on=last_day)


def ended(registration: Registration, *, on: date) -> Registration:
    """The registration as of `on`: ended once its last day is over, else the same."""
    over = registration.ends_on is not None and registration.ends_on < on
    if not over or registration.state is not RegistrationState.CONTRACT_REGISTERED:
        return registration
    return _next(registration, state=RegistrationState.ENDED)


def closed_with(contract: Contract, last_days: Sequence[date | None]) -> Contract:
    """The contract, ending with the last of its registrations; the same while one has no last day (E-45).

    A contract that ends sooner anyway stays as it is.

    Raises:
        Invalid: VALIDITY_INVERTED: it would end before it begins.
    """
    known = [day for day in last_days if day is not None]
    if not known or len(known) < len(last_days):
        return contract
    last_day = max(known)
    if contract.valid_to is not None and contract.valid_to <= last_day:
        return contract
    if last_day < contract.valid_from:
        raise Invalid("VALIDITY_INVERTED", valid_from=contract.valid_from, valid_to=last_day)
    return replace(contract, valid_to=last_day, version=contract.version + 1)


def recompose(registration: Registration, composition: Composition) -> Registration:
    """The registration with an approved composition; the same where it has it, or is not in force any more (R-REG-5).

    Subcontracting is answered by the list: yes while somebody is on it.
    """
    answered = replace(composition, subcontracting=bool(composition.subcontractors))
    if registration.state not in IN_FORCE or answered == registration.composition:
        return registration
    return _next(registration, composition=answered)


def _next(registration: Registration, **changes: object) -> Registration:
    return replace(registration, version=registration.version + 1, **changes)  # type: ignore[arg-type]
