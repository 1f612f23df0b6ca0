"""Requests and answers of changes that need Kela's approval."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from chassis.http import Command
from contracts.values import ChangeKind, ChangeState
from services.registration.change_requests.domain import (
    AddSubcontractor,
    Announce,
    ChangeConsortium,
    ChangePremises,
    ChangeRequest,
    MoveVisitingAddress,
    Premises,
    RemoveSubcontractor,
    detail_of,
)
from services.registration.change_requests.store import Ended
from services.registration.fields import Address, BusinessId, Day, Id, MunicipalityCode, Prose
from services.registration.registering.views import SUBCONTRACTING_INSTRUCTION, Parties, Party


class _Asked(Command):
    effective_from: Day
    explanation: Prose | None = None


class _Told(Command):
    effective_from: Day
    explanation: Prose


class SubcontractorAdded(_Asked):
    """A subcontractor is to begin."""

    kind: Literal["subcontractor_added"]
    registration_id: Id
    subcontractor: Party

    def change(self) -> AddSubcontractor:
        """What is asked for."""
        return AddSubcontractor(self.subcontractor.as_subcontractor())


class SubcontractorRemoved(_Asked):
    """A subcontractor is to end."""

    kind: Literal["subcontractor_removed"]
    registration_id: Id
    business_id: BusinessId

    def change(self) -> RemoveSubcontractor:
        """What is asked for."""
        return RemoveSubcontractor(self.business_id)


class ConsortiumChanged(_Asked):
    """The whole consortium as it is to be."""

    kind: Literal["consortium_changed"]
    registration_id: Id
    members: Annotated[tuple[Party, ...], Parties]

    def change(self) -> ChangeConsortium:
        """What is asked for."""
        return ChangeConsortium(tuple(each.as_member() for each in self.members))


class VisitingAddressChanged(_Asked):
    """An office's new visiting address."""

    kind: Literal["visiting_address_changed"]
    office_id: Id
    municipality_code: MunicipalityCode
    street_address: Address

    def change(self) -> MoveVisitingAddress:
        """What is asked for."""
        return MoveVisitingAddress(self.municipality_code, self.street_address)


class PremisesChanged(_Told):
    """An office's premises change, move or are renovated."""

    kind: Literal["premises_changed"]
    office_id: Id
    premises: Premises

    def change(self) -> ChangePremises:
        """What is asked for."""
        return ChangePremises(self.premises)


class StaffChanged(_Told):
    """An office's staff changes; nobody is named."""

    kind: Literal["staff_changed"]
    office_id: Id

    def change(self) -> Announce:
        """What is asked for."""
        return Announce()


class CompanyFormChanged(_Told):
    """The provider's company form changes: announced at least three months before."""

    kind: Literal["company_form_changed"]
    provider_id: BusinessId

    def change(self) -> Announce:
        """What is asked for."""
        return Announce()


class MergerOrSale(_Told):
    """The provider merges or is sold."""

    kind: Literal["merger_or_sale"]
    provider_id: BusinessId

    def change(self) -> Announce:
        """What is asked for."""
        return Announce()


OfRegistration = SubcontractorAdded | SubcontractorRemoved | ConsortiumChanged
OfOffice = VisitingAddressChanged | PremisesChanged | StaffChanged
OfProvider = CompanyFormChanged | MergerOrSale

AskForChange = Annotated[OfRegistration | OfOffice | OfProvider, Field(discriminator="kind")]


class OutcomeView(BaseModel):
    """How a request ended; a withdrawal gives no reason."""

    outcome: ChangeState
    reason_code: str | None
    reason_text: str | None
    decided_at: datetime

    @classmethod
    def of(cls, ended: Ended) -> Self:
        """The view of an outcome."""
        grounds = ended.grounds
        return cls(
            outcome=ended.outcome,
            reason_code=None if grounds is None else grounds.code,
            reason_text=None if grounds is None else grounds.text,
            decided_at=ended.decided_at,
        )


class ChangeView(BaseModel):
    """A request; `in_force` says that the change has been applied, and `detail` what is changed."""

    request_id: str
    provider_id: str
    kind: ChangeKind
    registration_id: str | None
    office_id: str | None
    detail: dict[str, Any]
    explanation: str | None
    effective_from: date
    state: ChangeState
    in_force: bool
    subcontracting_instruction: str = SUBCONTRACTING_INSTRUCTION
    version: int

    @classmethod
    def of(cls, request: ChangeRequest) -> Self:
        """The view of a request."""
        return cls(**_facts(request))


class ChangeDetail(ChangeView):
    """A request with its outcome; null while it is open."""

    outcome: OutcomeView | None

    @classmethod
    def told(cls, request: ChangeRequest, ended: Ended | None) -> Self:
        """The view of a request and how it ended."""
        return cls(**_facts(request), outcome=None if ended is None else OutcomeView.of(ended))


class ChangeList(BaseModel):
    """Requests; `next` is the `after` of the following page."""

    items: list[ChangeView]
    next: str | None


def _facts(request: ChangeRequest) -> dict[str, Any]:
    return {
        "request_id": request.request_id,
        "provider_id": request.provider_id,
        "kind": request.kind,
        "registration_id": request.registration_id,
        "office_id": request.office_id,
        "detail": detail_of(request.change),
        "explanation": request.explanation,
        "effective_from": request.effective_from,
        "state": request.state,
        "in_force": request.applied,
        "version": request.version,
    }
