"""What clients agree to or acknowledge, as providers record it: plain values."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.refusals import Refusal


class GivenBy(StrEnum):
    """Who agreed: the client, or for a family course the guardian (E-58)."""

    CLIENT = "client"
    GUARDIAN = "guardian"


class Channel(StrEnum):
    """How the provider and the client spoke."""

    PHONE = "phone"
    LETTER = "letter"
    WEB = "web"
    IN_PERSON = "in_person"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a pinned client agreed to or acknowledged (R-CRS-28, R-CRS-34)."""

    decision_ref: str
    given_on: date
    given_by: GivenBy
    channel: Channel


def require_given(consents: tuple[Consent, ...], on: date) -> None:
    """Refuses with CONSENT_IN_FUTURE what nobody can have agreed to yet."""
    latest = max((consent.given_on for consent in consents), default=on)
    if latest > on:
        raise Refusal("CONSENT_IN_FUTURE", given_on=latest, today=on)
