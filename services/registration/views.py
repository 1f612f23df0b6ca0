"""Requests and answers of the registration API."""

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict

from chassis.http import Command
from contracts.registration import ServiceDescription
from contracts.values import CountChange, Language
from services.registration.domain import Contract, YearGauge
from services.registration.fields import (
    Address,
    BusinessId,
    Day,
    Email,
    MunicipalityCode,
    Name,
    Phone,
    ServiceCode,
    Web,
)


class RegisterProvider(Command):
    """Register a provider."""

    provider_id: BusinessId
    name: Name


class RegisterOffice(Command):
    """Register an office."""

    name: Name
    municipality_code: MunicipalityCode
    street_address: Address
    postal_address: Address
    phone: Phone | None = None


class RegisterContract(Command):
    """Register a contract."""

    provider_id: BusinessId
    service: ServiceCode
    language: Language
    valid_from: Day
    valid_to: Day | None = None


class SetContact(Command):
    """Publish contact details: addresses of a role, never of a person."""

    email: Email
    phone: Phone
    web: Web | None = None


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ProviderView(_View):
    """A provider."""

    provider_id: str
    name: str
    version: int


class ProviderList(BaseModel):
    """Providers; `next` is the `after` of the following page."""

    items: list[ProviderView]
    next: str | None


class OfficeView(_View):
    """An office."""

    office_id: str
    provider_id: str
    name: str
    municipality_code: str
    street_address: str
    postal_address: str
    phone: str | None
    open: bool
    email: str | None
    web: str | None
    version: int


class OfficeList(BaseModel):
    """Offices; `next` is the `after` of the following page."""

    items: list[OfficeView]
    next: str | None


class ContactView(_View):
    """Published contact details."""

    email: str
    phone: str
    web: str | None


class YearView(_View):
    """One year of a contract; `announced` is null while nothing is announced.

    `state` says whether the provider announced the year or it began from the year before. Overdrawn
    is what stands beyond a count that Kela has corrected to below it.
    """

    year: int
    announced: int | None
    state: CountChange | None
    decisions_used: int
    decisions_left: int
    decisions_overdrawn: int
    places_used: int
    places_left: int
    places_overdrawn: int


class ContractView(_View):
    """A contract with its gauge per year."""

    contract_id: str
    provider_id: str
    service: str
    language: Language
    valid_from: date
    valid_to: date | None
    contact: ContactView | None
    years: list[YearView]
    version: int

    @classmethod
    def of(cls, contract: Contract, gauges: Sequence[YearGauge]) -> Self:
        """The view of a contract and its gauges."""
        return cls(
            contract_id=contract.contract_id,
            provider_id=contract.provider_id,
            service=contract.service,
            language=contract.language,
            valid_from=contract.valid_from,
            valid_to=contract.valid_to,
            contact=None if contract.contact is None else ContactView.model_validate(contract.contact),
            years=[YearView.model_validate(each) for each in gauges],
            version=contract.version,
        )


class ContractList(BaseModel):
    """Contracts; `next` is the `after` of the following page."""

    items: list[ContractView]
    next: str | None


class DescriptionList(BaseModel):
    """The description of every service as it is in force today."""

    items: list[ServiceDescription]
    next: None = None


class DescriptionView(ServiceDescription):
    """A description in force today, with all versions, oldest first."""

    versions: tuple[ServiceDescription, ...]

    @classmethod
    def of(cls, current: ServiceDescription, versions: tuple[ServiceDescription, ...]) -> Self:
        """The view of a service's descriptions."""
        return cls(**dict(current), versions=versions)
