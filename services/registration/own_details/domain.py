"""What the rules say of details that a provider changes alone (P2): plain types and pure functions."""

from dataclasses import dataclass, replace
from datetime import date

from contracts.refusals import Invalid
from contracts.values import Language
from services.registration.domain import Office


@dataclass(frozen=True)
class OfficeContact:
    """How an office is reached; its visiting address is changed by a request only."""

    postal_address: str
    phone: str | None
    email: str | None
    web: str | None


@dataclass(frozen=True)
class Responsible:
    """Who answers for a contract: the addresses of a role, never of a person, and the language it is written in."""

    contact_language: Language
    email: str
    phone: str | None


@dataclass(frozen=True)
class Biller:
    """Who invoices under a contract from a day on; it may be another organisation than the provider (E-60)."""

    name: str
    business_id: str
    effective_from: date


@dataclass(frozen=True)
class Administration:
    """What the provider and Kela's contract management see of a contract; billers oldest first."""

    contract_id: str
    provider_id: str
    responsible: Responsible | None = None
    billers: tuple[Biller, ...] = ()
    version: int = 0

    def biller_on(self, day: date) -> Biller | None:
        """Who invoices on a day."""
        begun = [biller for biller in self.billers if biller.effective_from <= day]
        return begun[-1] if begun else None


def with_office_contact(office: Office, contact: OfficeContact) -> Office:
    """The office with these details; the same where nothing changed."""
    changed = replace(
        office,
        postal_address=contact.postal_address,
        phone=contact.phone,
        email=contact.email,
        web=contact.web,
    )
    return office if changed == office else replace(changed, version=office.version + 1)


def with_responsible(administration: Administration, responsible: Responsible) -> Administration:
    """The administration with who answers for the contract; the same where nothing changed."""
    if administration.responsible == responsible:
        return administration
    return replace(administration, responsible=responsible, version=administration.version + 1)


def with_biller(administration: Administration, biller: Biller, *, today: date) -> Administration:
    """The administration with a biller from today or a later day on; the same where nothing changed.

    A biller that was to begin on the same day is replaced; who invoiced in the past stays.

    Raises:
        Invalid: DATE_IN_PAST.
    """
    if biller.effective_from < today:
        raise Invalid("DATE_IN_PAST", day=biller.effective_from, today=today)
    if biller in administration.billers:
        return administration
    others = [each for each in administration.billers if each.effective_from != biller.effective_from]
    billers = tuple(sorted([*others, biller], key=lambda each: each.effective_from))
    return replace(administration, billers=billers, version=administration.version + 1)
