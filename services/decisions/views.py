"""Shapes of the answers on decisions."""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, Field

from contracts.values import DecisionState, Language
from services.decisions.domain import AnnulmentReason, Decision
from services.decisions.erasing import Erased
from services.decisions.followup.domain import FollowUp


class FollowUpView(BaseModel):
    """Where the client is pinned; `open` while Kela watches the deadline."""

    pinned_to: str | None
    confirmed: bool
    open: bool

    @classmethod
    def of(cls, followup: FollowUp) -> Self:
        """The follow-up as it is now."""
        return cls(pinned_to=followup.pinned_to, confirmed=followup.confirmed, open=followup.open)


class DecisionView(BaseModel):
    """A decision. Kela's own references (application, client), other decisions and why are not shown to providers.

    `valid_to` is the last day of validity. `replaces` is the decision the client had for another
    provider; that one says `provider_changed`. `reasoning` is the code of the template that says why.
    """

    decision_ref: str
    version: int
    application_ref: str | None
    client_ref: str | None
    service: str
    contract_id: str
    provider_id: str
    language: Language
    state: DecisionState
    applied_on: date
    decided_on: date | None
    confirm_by: date | None
    description_version: int | None
    new_client: bool
    valid_to: date | None = Field(examples=["2025-12-31"])
    provider_changed: bool = Field(examples=[False])
    replaces: str | None = Field(examples=[None])
    annulment_reason: AnnulmentReason | None
    reasoning: str | None = Field(examples=["GRANT_CONDITIONS_MET"])
    followup: FollowUpView | None = None

    @classmethod
    def of(cls, decision: Decision, *, for_kela: bool, followup: FollowUp | None = None) -> Self:
        """What the caller may see of a decision."""
        return cls(
            decision_ref=decision.decision_ref,
            version=decision.version,
            application_ref=decision.application_ref if for_kela else None,
            client_ref=decision.client_ref if for_kela else None,
            service=decision.service,
            contract_id=decision.contract_id,
            provider_id=decision.provider_id,
            language=decision.language,
            state=decision.state,
            applied_on=decision.applied_on,
            decided_on=decision.decided_on,
            confirm_by=decision.confirm_by,
            description_version=decision.description_version,
            new_client=decision.new_client,
            valid_to=decision.valid_to,
            provider_changed=decision.provider_changed,
            replaces=decision.replaces if for_kela else None,
            annulment_reason=decision.annulment_reason if for_kela else None,
            reasoning=decision.reasoning.code if for_kela and decision.reasoning else None,
            followup=None if followup is None else FollowUpView.of(followup),
        )


class SwapView(BaseModel):
    """A change of provider: the decision that was revoked, and the one the client has now."""

    revoked: DecisionView
    granted: DecisionView


class DecisionList(BaseModel):
    """Decisions in the order of arrival; `next` leads to the following page, `resume` later to what is new."""

    items: list[DecisionView]
    next: str | None
    resume: Annotated[str | None, Field(examples=["7ZK3M9QW2XRTC"])]


class EligibilityView(BaseModel):
    """That what decides on a client's courses is stored; the data themselves are never shown."""

    client_ref: str
    version: int


class ErasureView(BaseModel):
    """What there was to erase: all false where the client was erased before, or nothing was ever known of it."""

    client_ref: str
    contacts: bool
    eligibility: bool
    keys: bool

    @classmethod
    def of(cls, client_ref: str, erased: Erased) -> Self:
        """What was found."""
        return cls(client_ref=client_ref, contacts=erased.contacts, eligibility=erased.eligibility, keys=erased.keys)


class ContactView(BaseModel):
    """That a client's contact data are stored; the data themselves are never shown."""

    client_ref: str
    version: int
