"""Requests and answers of registering."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from chassis.http import Command
from contracts.values import Language, RegistrationState
from services.registration.fields import BusinessId, Day, Id, Name, Prose, ServiceCode
from services.registration.registering.domain import (
    Composition,
    ConsortiumMember,
    DecisionDelivery,
    Grounds,
    Outcome,
    Registration,
    Subcontractor,
)
from services.registration.registering.store import Decided

SUBCONTRACTING_INSTRUCTION = (
    "https://www.kela.fi/kuntoutuspalvelut-rekisteroityminen-ohjeita-rekisteroityneille-palveluntuottajille"
)
"""Where Kela tells how subcontractors are declared (R-REG-6)."""

Parties = Field(max_length=50)


class Party(Command):
    """An organisation and the part of the service that it produces."""

    name: Name
    business_id: BusinessId
    service_part: Name

    def as_subcontractor(self) -> Subcontractor:
        """The subcontractor (R-REG-4)."""
        return Subcontractor(self.name, self.business_id, self.service_part)

    def as_member(self) -> ConsortiumMember:
        """The member of a consortium."""
        return ConsortiumMember(self.name, self.business_id, self.service_part)


class DraftContent(Command):
    """What a draft says. It may be unfinished; what is missing is asked for when it is submitted."""

    subcontracting: bool | None = None
    subcontractors: Annotated[tuple[Party, ...], Parties] = ()
    consortium: Annotated[tuple[Party, ...], Parties] = ()
    conditions_accepted: bool = False
    decision_delivery: DecisionDelivery = DecisionDelivery.ELECTRONIC

    def composition(self) -> Composition:
        """Who produces the service besides the provider."""
        return Composition(
            self.subcontracting,
            tuple(each.as_subcontractor() for each in self.subcontractors),
            tuple(each.as_member() for each in self.consortium),
        )


class DraftRegistration(DraftContent):
    """Begin to register an office for a service in a language."""

    office_id: Id
    service: ServiceCode
    language: Language


class Approve(Command):
    """Why a registration or a change is approved."""

    reason_code: Literal["conditions_met"] = "conditions_met"
    reason_text: Prose

    def grounds(self) -> Grounds:
        """The code and the words."""
        return Grounds(self.reason_code, self.reason_text)


class Reject(Command):
    """Why a registration or a change is rejected."""

    reason_code: Literal[
        "conditions_not_met",
        "information_missing",
        "subcontractor_not_accepted",
        "premises_not_accepted",
        "staff_not_qualified",
        "other",
    ]
    reason_text: Prose

    def grounds(self) -> Grounds:
        """The code and the words."""
        return Grounds(self.reason_code, self.reason_text)


class PutUnderContract(Command):
    """The dates of the signed contract; a contract that is there already keeps its own."""

    valid_from: Day
    valid_to: Day | None = None


class EndRegistration(Command):
    """The last day of a registration, and why it ends."""

    last_day: Day
    reason_code: Literal["provider_asked", "terms_breached", "service_ends", "other"]
    reason_text: Prose

    def grounds(self) -> Grounds:
        """The code and the words."""
        return Grounds(self.reason_code, self.reason_text)


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PartyView(_View):
    """An organisation and the part of the service that it produces."""

    name: str
    business_id: str
    service_part: str


class DecisionView(BaseModel):
    """What Kela decided, and why."""

    outcome: Outcome
    reason_code: str
    reason_text: str
    decided_at: datetime


class RegistrationView(BaseModel):
    """A registration; `subcontracting` is null while nobody has answered."""

    registration_id: str
    provider_id: str
    office_id: str
    service: str
    language: Language
    state: RegistrationState
    subcontracting: bool | None
    subcontractors: list[PartyView]
    consortium: list[PartyView]
    conditions_accepted: bool
    decision_delivery: DecisionDelivery
    contract_id: str | None
    ends_on: date | None
    subcontracting_instruction: str = SUBCONTRACTING_INSTRUCTION
    version: int

    @classmethod
    def of(cls, registration: Registration) -> Self:
        """The view of a registration."""
        return cls(**_facts(registration))


class RegistrationDetail(RegistrationView):
    """A registration with Kela's decisions about it, oldest first."""

    decisions: list[DecisionView]

    @classmethod
    def told(cls, registration: Registration, decisions: Sequence[Decided]) -> Self:
        """The view of a registration and its decisions."""
        given = [
            DecisionView(
                outcome=each.outcome,
                reason_code=each.grounds.code,
                reason_text=each.grounds.text,
                decided_at=each.decided_at,
            )
            for each in decisions
        ]
        return cls(**_facts(registration), decisions=given)


class RegistrationList(BaseModel):
    """Registrations; `next` is the `after` of the following page."""

    items: list[RegistrationView]
    next: str | None


class UndeclaredView(_View):
    """A contract in force under which nobody has said whether there is subcontracting."""

    contract_id: str
    provider_id: str
    service: str
    language: Language


class UndeclaredList(BaseModel):
    """Contracts without the answer; `next` is the `after` of the following page."""

    items: list[UndeclaredView]
    next: str | None
    subcontracting_instruction: str = SUBCONTRACTING_INSTRUCTION


def _facts(registration: Registration) -> dict[str, Any]:
    composition = registration.composition
    return {
        "registration_id": registration.registration_id,
        "provider_id": registration.provider_id,
        "office_id": registration.office_id,
        "service": registration.service,
        "language": registration.language,
        "state": registration.state,
        "subcontracting": composition.subcontracting,
        "subcontractors": [PartyView.model_validate(each) for each in composition.subcontractors],
        "consortium": [PartyView.model_validate(each) for each in composition.consortium],
        "conditions_accepted": registration.conditions_accepted,
        "decision_delivery": registration.decision_delivery,
        "contract_id": registration.contract_id,
        "ends_on": registration.ends_on,
        "version": registration.version,
    }
