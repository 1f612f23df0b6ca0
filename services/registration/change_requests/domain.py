"""The rules of changes that need Kela's approval: plain types and pure functions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from contracts.refusals import Invalid, Refusal
from contracts.values import ChangeKind, ChangeState
from services.registration.domain import Office
from services.registration.registering.domain import (
    Composition,
    ConsortiumMember,
    Registration,
    Subcontractor,
    require_distinct,
)

COMPANY_FORM_NOTICE_MONTHS = 3
"""A new company form is announced at least this long before (P2)."""


class Premises(StrEnum):
    """What happens to an office's premises."""

    CHANGED = "changed"
    MOVED = "moved"
    RENOVATED = "renovated"


@dataclass(frozen=True)
class AddSubcontractor:
    """A subcontractor begins to produce a part of the service."""

    subcontractor: Subcontractor


@dataclass(frozen=True)
class RemoveSubcontractor:
    """A subcontractor ends."""

    business_id: str


@dataclass(frozen=True)
class ChangeConsortium:
    """The consortium as it will be."""

    members: tuple[ConsortiumMember, ...]


@dataclass(frozen=True)
class MoveVisitingAddress:
    """An office's new visiting address."""

    municipality_code: str
    street_address: str


@dataclass(frozen=True)
class ChangePremises:
    """An office's premises change; how is told in the explanation."""

    premises: Premises


@dataclass(frozen=True)
class Announce:
    """A change of something this system holds no data of; the explanation tells it."""


Change = AddSubcontractor | RemoveSubcontractor | ChangeConsortium | MoveVisitingAddress | ChangePremises | Announce


@dataclass(frozen=True)
class ChangeRequest:
    """A change the provider asks for; nothing of it is in force before Kela approves it (R-REG-5, E-68)."""

    request_id: str
    provider_id: str
    kind: ChangeKind
    change: Change
    effective_from: date
    registration_id: str | None = None
    office_id: str | None = None
    explanation: str | None = None
    state: ChangeState = ChangeState.SUBMITTED
    applied: bool = False
    version: int = 1

    @property
    def contradicts(self) -> str | None:
        """What no second request may be about while this one is open or still to take effect.

        Several announcements of one kind can stand side by side, but not two company forms.
        """
        match self.change:
            case AddSubcontractor(subcontractor):
                return f"subcontractor/{self.registration_id}/{subcontractor.business_id}"
            case RemoveSubcontractor(business_id):
                return f"subcontractor/{self.registration_id}/{business_id}"
            case ChangeConsortium():
                return f"consortium/{self.registration_id}"
            case MoveVisitingAddress():
                return f"visiting-address/{self.office_id}"
            case _:
                return f"company-form/{self.provider_id}" if self.kind is ChangeKind.COMPANY_FORM_CHANGED else None


def require_notice(kind: ChangeKind, effective_from: date, *, today: date, in_three_months: date) -> None:
    """A change is asked for before it happens, a new company form three months before (P2).

    Raises:
        Invalid: DATE_IN_PAST.
        Refusal: ANNOUNCED_TOO_LATE, with the earliest day.
    """
    if effective_from < today:
        raise Invalid("DATE_IN_PAST", day=effective_from, today=today)
    if kind is ChangeKind.COMPANY_FORM_CHANGED and effective_from < in_three_months:
        raise Refusal("ANNOUNCED_TOO_LATE", effective_from=effective_from, earliest=in_three_months)


def require_sensible(registration: Registration, change: Change) -> None:
    """The change means something to the composition it is asked for.

    Raises:
        Refusal: SUBCONTRACTOR_KNOWN or SUBCONTRACTOR_UNKNOWN.
        Invalid: PARTY_NAMED_TWICE.
    """
    present = {each.business_id for each in registration.composition.subcontractors}
    match change:
        case AddSubcontractor(subcontractor):
            require_distinct(registration.provider_id, [subcontractor.business_id])
            if subcontractor.business_id in present:
                raise Refusal("SUBCONTRACTOR_KNOWN")
        case RemoveSubcontractor(business_id):
            if business_id not in present:
                raise Refusal("SUBCONTRACTOR_UNKNOWN")
        case ChangeConsortium(members):
            require_distinct(registration.provider_id, [each.business_id for each in members])


def end(request: ChangeRequest, state: ChangeState) -> ChangeRequest:
    """The request approved, rejected or withdrawn: once, by whoever comes first.

    Raises:
        Refusal: CHANGE_NOT_OPEN, with the state it has.
    """
    if request.state is not ChangeState.SUBMITTED:
        raise Refusal("CHANGE_NOT_OPEN", state=request.state.value)
    return replace(request, state=state, version=request.version + 1)


def due(request: ChangeRequest, *, on: date) -> bool:
    """True where an approved change is to be applied on that day: never before its own, never twice (E-68)."""
    return request.state is ChangeState.APPROVED and not request.applied and request.effective_from <= on


def applied(request: ChangeRequest) -> ChangeRequest:
    """The request once its change is in force."""
    return replace(request, applied=True, version=request.version + 1)


def recomposed(composition: Composition, change: Change) -> Composition:
    """The composition after the change; doing it a second time changes nothing."""
    match change:
        case AddSubcontractor(subcontractor):
            others = _without(composition, subcontractor.business_id)
            return replace(composition, subcontractors=(*others, subcontractor))
        case RemoveSubcontractor(business_id):
            return replace(composition, subcontractors=_without(composition, business_id))
        case ChangeConsortium(members):
            return replace(composition, consortium=members)
        case _:
            return composition


def moved(office: Office, change: MoveVisitingAddress) -> Office:
    """The office at its new visiting address; the same where it is there already."""
    there = replace(office, municipality_code=change.municipality_code, street_address=change.street_address)
    return office if there == office else replace(there, version=office.version + 1)


def detail_of(change: Change) -> dict[str, Any]:
    """The change as it is kept."""
    return asdict(change)


def change_of(kind: ChangeKind, detail: Mapping[str, Any]) -> Change:
    """The change that `detail_of` kept."""
    match kind:
        case ChangeKind.SUBCONTRACTOR_ADDED:
            return AddSubcontractor(Subcontractor(**detail["subcontractor"]))
        case ChangeKind.SUBCONTRACTOR_REMOVED:
            return RemoveSubcontractor(detail["business_id"])
        case ChangeKind.CONSORTIUM_CHANGED:
            return ChangeConsortium(tuple(ConsortiumMember(**each) for each in detail["members"]))
        case ChangeKind.VISITING_ADDRESS_CHANGED:
            return MoveVisitingAddress(**detail)
        case ChangeKind.PREMISES_CHANGED:
            return ChangePremises(Premises(detail["premises"]))
        case _:
            return Announce()


def _without(composition: Composition, business_id: str) -> tuple[Subcontractor, ...]:
    return tuple(each for each in composition.subcontractors if each.business_id != business_id)
