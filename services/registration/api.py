"""HTTP of registration: parse, authorise, call a handler, shape the answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from chassis.auth import Role
from chassis.db import Transaction
from chassis.http import Answer, Caller, caller, problems, public_caller
from services.registration import descriptions, gauge, handlers, store
from services.registration.audits import api as audits
from services.registration.choices import api as choices
from services.registration.domain import Contact, Contract
from services.registration.fields import After, IdInPath, IdInQuery, Limit, ServiceCode, business_id, phone_number
from services.registration.reviews import api as reviews
from services.registration.views import (
    AnnounceCount,
    ContractList,
    ContractView,
    DescriptionList,
    DescriptionView,
    OfficeList,
    OfficeView,
    ProviderList,
    ProviderView,
    RegisterContract,
    RegisterOffice,
    RegisterProvider,
    SetContact,
)

router = APIRouter()
router.include_router(audits.router)
router.include_router(choices.router)
router.include_router(reviews.router)

Writer = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER))]
Reader = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER, Role.SYSTEM))]
Officer = Annotated[Caller, Depends(caller(Role.OFFICER))]
OfficialReader = Annotated[Caller, Depends(caller(Role.OFFICER, Role.SYSTEM))]
Anybody = Annotated[Caller, Depends(public_caller)]
Year = Annotated[int, Path(ge=2000, le=2200)]


@router.post(
    "/providers",
    status_code=201,
    response_model=ProviderView,
    responses=problems("BUSINESS_ID_INVALID", "OTHER_PROVIDER", "PROVIDER_EXISTS"),
)
async def register_provider(body: RegisterProvider, caller: Writer) -> Response:
    """Register a provider under its business ID; a provider registers itself only."""
    provider_id = business_id(body.provider_id)

    async def act(tx: Transaction) -> Answer:
        provider = await handlers.register_provider(tx, provider_id, body.name)
        view = ProviderView.model_validate(provider)
        return Answer(201, view, version=provider.version, subject=("provider", provider_id))

    return await caller.command(act)


@router.get("/providers", response_model=ProviderList, responses=problems())
async def list_providers(caller: OfficialReader, limit: Limit = 100, after: After = "") -> Response:
    """All providers, by business ID."""

    async def read(tx: Transaction) -> Answer:
        found = await store.find_providers(tx, after=after, limit=limit + 1)
        items = [ProviderView.model_validate(provider) for provider in found[:limit]]
        return Answer(200, ProviderList(items=items, next=items[-1].provider_id if len(found) > limit else None))

    return await caller.query(read)


@router.get("/providers/{provider_id}", response_model=ProviderView, responses=problems("PROVIDER_UNKNOWN"))
async def show_provider(provider_id: IdInPath, caller: Reader) -> Response:
    """One provider; a provider sees itself only."""

    async def read(tx: Transaction) -> Answer:
        provider = await store.get_provider(tx, provider_id)
        view = ProviderView.model_validate(provider)
        return Answer(200, view, version=provider.version, subject=("provider", provider_id))

    return await caller.query(read)


@router.post(
    "/providers/{provider_id}/offices",
    status_code=201,
    response_model=OfficeView,
    responses=problems("PROVIDER_UNKNOWN", "MUNICIPALITY_UNKNOWN", "PHONE_INVALID", "STALE_VERSION"),
)
async def register_office(provider_id: IdInPath, body: RegisterOffice, caller: Writer) -> Response:
    """Register an office in one of today's municipalities; If-Match takes the provider's version."""
    phone = None if body.phone is None else phone_number(body.phone)

    async def act(tx: Transaction) -> Answer:
        office = await handlers.register_office(
            tx,
            provider_id,
            name=body.name,
            municipality_code=body.municipality_code,
            street_address=body.street_address,
            postal_address=body.postal_address,
            phone=phone,
            if_match=caller.if_match,
        )
        view = OfficeView.model_validate(office)
        return Answer(201, view, version=office.version, subject=("office", office.office_id))

    return await caller.command(act)


@router.get("/providers/{provider_id}/offices", response_model=OfficeList, responses=problems("PROVIDER_UNKNOWN"))
async def list_offices(provider_id: IdInPath, caller: Reader, limit: Limit = 100, after: After = "") -> Response:
    """The offices of one provider."""

    async def read(tx: Transaction) -> Answer:
        await store.get_provider(tx, provider_id)
        found = await store.find_offices(tx, provider_id, after=after, limit=limit + 1)
        items = [OfficeView.model_validate(office) for office in found[:limit]]
        return Answer(200, OfficeList(items=items, next=items[-1].office_id if len(found) > limit else None))

    return await caller.query(read)


@router.get("/offices/{office_id}", response_model=OfficeView, responses=problems("OFFICE_UNKNOWN"))
async def show_office(office_id: IdInPath, caller: Reader) -> Response:
    """One office; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        office = await store.get_office(tx, office_id)
        view = OfficeView.model_validate(office)
        return Answer(200, view, version=office.version, subject=("office", office_id))

    return await caller.query(read)


@router.post(
    "/contracts",
    status_code=201,
    response_model=ContractView,
    responses=problems(
        "BUSINESS_ID_INVALID",
        "CONTRACT_EXISTS",
        "LANGUAGE_NOT_OFFERED",
        "PROVIDER_UNKNOWN",
        "SERVICE_NOT_OPEN",
        "SERVICE_UNKNOWN",
        "VALIDITY_INVERTED",
    ),
)
async def register_contract(body: RegisterContract, caller: Officer) -> Response:
    """Kela registers a contract: one per provider, service and language."""
    provider_id = business_id(body.provider_id)

    async def act(tx: Transaction) -> Answer:
        contract = await handlers.register_contract(
            tx,
            provider_id=provider_id,
            service=body.service,
            language=body.language,
            valid_from=body.valid_from,
            valid_to=body.valid_to,
        )
        return await _contract_answer(tx, contract, status=201)

    return await caller.command(act)


@router.get("/contracts", response_model=ContractList, responses=problems())
async def list_contracts(
    caller: Reader, provider_id: IdInQuery = None, limit: Limit = 100, after: After = ""
) -> Response:
    """Contracts with their gauges; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        found = await store.find_contracts(tx, provider_id, after=after, limit=limit + 1)
        shown = found[:limit]
        gauges = await gauge.read_gauges(tx, shown)
        items = [ContractView.of(contract, gauges[contract.contract_id]) for contract in shown]
        return Answer(200, ContractList(items=items, next=items[-1].contract_id if len(found) > limit else None))

    return await caller.query(read)


@router.get("/contracts/{contract_id}", response_model=ContractView, responses=problems("CONTRACT_UNKNOWN"))
async def show_contract(contract_id: IdInPath, caller: Reader) -> Response:
    """One contract with its gauge per year: announced, used and left, for decisions and for places."""

    async def read(tx: Transaction) -> Answer:
        return await _contract_answer(tx, await store.get_contract(tx, contract_id))

    return await caller.query(read)


@router.put(
    "/contracts/{contract_id}/contact",
    response_model=ContractView,
    responses=problems("CONTRACT_UNKNOWN", "PHONE_INVALID", "STALE_VERSION"),
)
async def set_contact(contract_id: IdInPath, body: SetContact, caller: Writer) -> Response:
    """Publish the contract's contact details."""
    contact = Contact(body.email, phone_number(body.phone), body.web)

    async def act(tx: Transaction) -> Answer:
        contract = await handlers.set_contact(tx, contract_id, contact, if_match=caller.if_match)
        return await _contract_answer(tx, contract)

    return await caller.command(act)


@router.put(
    "/contracts/{contract_id}/announced-counts/{year}",
    response_model=ContractView,
    responses=problems(
        "CONTRACT_NOT_IN_FORCE",
        "CONTRACT_UNKNOWN",
        "COUNT_ONLY_RAISED",
        "STALE_VERSION",
        "WINDOW_CLOSED",
        "YEAR_NOT_OPEN",
    ),
)
async def announce_count(contract_id: IdInPath, year: Year, body: AnnounceCount, caller: Writer) -> Response:
    """Announce how many new clients the provider takes this year or next, or raise that number."""

    async def act(tx: Transaction) -> Answer:
        contract = await handlers.announce_count(tx, contract_id, year, body.count, if_match=caller.if_match)
        return await _contract_answer(tx, contract)

    return await caller.command(act)


@router.get("/service-descriptions", response_model=DescriptionList, responses=problems())
async def list_service_descriptions(caller: Anybody) -> Response:
    """Every service's description as it is in force today; `sources` says where each value comes from."""

    async def read(tx: Transaction) -> Answer:
        found = await descriptions.find_all_descriptions(tx)
        return Answer(200, DescriptionList(items=[descriptions.in_force(each, tx.today) for each in found]))

    return await caller.query(read)


@router.get("/service-descriptions/{service}", response_model=DescriptionView, responses=problems("SERVICE_UNKNOWN"))
async def show_service_description(service: Annotated[ServiceCode, Path()], caller: Anybody) -> Response:
    """One service's description as it is in force today, with all its versions."""

    async def read(tx: Transaction) -> Answer:
        versions = await descriptions.get_descriptions(tx, service)
        view = DescriptionView.of(descriptions.in_force(versions, tx.today), versions)
        version = await store.get_service_version(tx, service)
        return Answer(200, view, version=version, subject=("service", service))

    return await caller.query(read)


async def _contract_answer(tx: Transaction, contract: Contract, *, status: int = 200) -> Answer:
    gauges = await gauge.read_gauges(tx, [contract])
    view = ContractView.of(contract, gauges[contract.contract_id])
    return Answer(status, view, version=contract.version, subject=("contract", contract.contract_id))
