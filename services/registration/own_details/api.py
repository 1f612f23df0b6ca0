"""HTTP of what a provider changes alone and at once (P2)."""

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.db import Transaction
from chassis.http import Answer, Command, problems
from contracts.values import Language
from services.registration.acts import Act, Read
from services.registration.fields import (
    Address,
    BusinessId,
    Day,
    Email,
    IdInPath,
    Name,
    Phone,
    Reader,
    Web,
    Writer,
)
from services.registration.own_details import handlers
from services.registration.own_details.domain import Administration, Biller, OfficeContact, Responsible
from services.registration.views import OfficeView

router = APIRouter(tags=["own details"])


class SetOfficeContact(Command):
    """How an office is reached, as a whole: what is left out is taken away."""

    postal_address: Address
    phone: Phone | None = None
    email: Email | None = None
    web: Web | None = None


class SetResponsible(Command):
    """Who answers for the contract: addresses of a role, never of a person."""

    contact_language: Language
    email: Email
    phone: Phone | None = None


class SetBiller(Command):
    """Who invoices from a day on."""

    name: Name
    business_id: BusinessId
    effective_from: Day


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ResponsibleView(_View):
    """Who answers for the contract."""

    contact_language: Language
    email: str
    phone: str | None


class BillerView(_View):
    """Who invoices from a day on."""

    name: str
    business_id: str
    effective_from: date


class AdministrationView(_View):
    """Who answers for a contract, who invoices today, and every biller, oldest first."""

    contract_id: str
    provider_id: str
    responsible: ResponsibleView | None
    biller: BillerView | None
    billers: list[BillerView]
    version: int


@router.put(
    "/offices/{office_id}/contact",
    response_model=OfficeView,
    responses=problems("OFFICE_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.SET_OFFICE_CONTACT),
)
async def set_office_contact(office_id: IdInPath, body: SetOfficeContact, caller: Writer) -> Response:
    """Change an office's postal address, phone, e-mail and web address; the visiting address needs a request."""
    contact = OfficeContact(body.postal_address, body.phone, body.email, body.web)

    async def act(tx: Transaction) -> Answer:
        office = await handlers.set_office_contact(tx, office_id, contact, if_match=caller.if_match)
        view = OfficeView.model_validate(office)
        return Answer(200, view, version=office.version, subject=("office", office_id))

    return await caller.command(act)


@router.get(
    "/contracts/{contract_id}/administration",
    response_model=AdministrationView,
    responses=problems("CONTRACT_UNKNOWN"),
    openapi_extra=shows(Read.READ_ADMINISTRATION),
)
async def show_administration(contract_id: IdInPath, caller: Reader) -> Response:
    """Who answers for the contract and who invoices under it; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        return _answer(tx, await handlers.get_administration(tx, contract_id))

    return await caller.query(read)


@router.put(
    "/contracts/{contract_id}/responsible",
    response_model=AdministrationView,
    responses=problems("CONTRACT_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.SET_RESPONSIBLE),
)
async def set_responsible(contract_id: IdInPath, body: SetResponsible, caller: Writer) -> Response:
    """Say who answers for the contract; If-Match takes the administration's version."""
    responsible = Responsible(body.contact_language, body.email, body.phone)

    async def act(tx: Transaction) -> Answer:
        return _answer(tx, await handlers.set_responsible(tx, contract_id, responsible, if_match=caller.if_match))

    return await caller.command(act)


@router.put(
    "/contracts/{contract_id}/biller",
    response_model=AdministrationView,
    responses=problems("CONTRACT_UNKNOWN", "DATE_IN_PAST", "STALE_VERSION"),
    openapi_extra=does(Act.SET_BILLER),
)
async def set_biller(contract_id: IdInPath, body: SetBiller, caller: Writer) -> Response:
    """Say who invoices from a day on, today at the earliest; If-Match takes the administration's version."""
    biller = Biller(body.name, body.business_id, body.effective_from)

    async def act(tx: Transaction) -> Answer:
        return _answer(tx, await handlers.set_biller(tx, contract_id, biller, if_match=caller.if_match))

    return await caller.command(act)


def _answer(tx: Transaction, administration: Administration) -> Answer:
    biller = administration.biller_on(tx.today)
    view = AdministrationView(
        contract_id=administration.contract_id,
        provider_id=administration.provider_id,
        responsible=None
        if administration.responsible is None
        else ResponsibleView.model_validate(administration.responsible),
        biller=None if biller is None else BillerView.model_validate(biller),
        billers=[BillerView.model_validate(each) for each in administration.billers],
        version=administration.version,
    )
    subject = ("contract-administration", administration.contract_id)
    return Answer(200, view, version=administration.version, subject=subject)
