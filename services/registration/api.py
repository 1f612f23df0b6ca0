"""HTTP of registration: parse, authorise, call a handler, shape the answer."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.http import Answer, problems
from services.registration import descriptions, gauge, handlers, store
from services.registration.acts import Act
from services.registration.answers import contract_answer
from services.registration.audits import api as audits_api
from services.registration.change_requests import api as change_requests_api
from services.registration.choices import api as choices_api
from services.registration.counts import api as counts_api
from services.registration.domain import Contact
from services.registration.ending import api as ending_api
from services.registration.fields import (
    After,
    Anybody,
    BusinessId,
    IdInPath,
    Limit,
    Officer,
    OfficialReader,
    Reader,
    ServiceCode,
    Writer,
)
from services.registration.gauges import api as gauges_api
from services.registration.history import api as history_api
from services.registration.own_details import api as own_details_api
from services.registration.registering import api as registering_api
from services.registration.reviews import api as reviews_api
from services.registration.views import (
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
router.include_router(registering_api.router)
router.include_router(change_requests_api.router)
router.include_router(own_details_api.router)
router.include_router(counts_api.router)
router.include_router(ending_api.router)
router.include_router(gauges_api.router)
router.include_router(history_api.router)
router.include_router(audits_api.router)
router.include_router(choices_api.router)
router.include_router(reviews_api.router)


@router.post(
    "/providers",
    status_code=201,
    response_model=ProviderView,
    responses=problems("OTHER_PROVIDER", "PROVIDER_EXISTS"),
    openapi_extra=does(Act.REGISTER_PROVIDER),
)
async def register_provider(body: RegisterProvider, caller: Writer) -> Response:
    """Register a provider under its business ID; a provider registers itself only."""

    async def act(tx: Transaction) -> Answer:
        provider = await handlers.register_provider(tx, body.provider_id, body.name)
        view = ProviderView.model_validate(provider)
        return Answer(201, view, version=provider.version, subject=("provider", body.provider_id))

    return await caller.command(act, body.provider_id)


@router.get("/providers", response_model=ProviderList, responses=problems())
async def list_providers(caller: OfficialReader, limit: Limit = 100, after: After = "") -> Response:
    """All providers, by business ID."""

    async def read(tx: Transaction) -> Answer:
        found = await store.find_providers(tx, after=after, limit=limit + 1)
        items = [ProviderView.model_validate(provider) for provider in found[:limit]]
        return Answer(200, ProviderList(items=items, next=items[-1].provider_id if len(found) > limit else None))

    return await caller.query(read)


@router.get("/providers/{provider_id}", response_model=ProviderView, responses=problems("PROVIDER_UNKNOWN"))
async def show_provider(provider_id: BusinessId, caller: Reader) -> Response:
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
    responses=problems("PROVIDER_UNKNOWN", "MUNICIPALITY_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.REGISTER_OFFICE),
)
async def register_office(provider_id: BusinessId, body: RegisterOffice, caller: Writer) -> Response:
    """Register an office in one of today's municipalities; If-Match takes the provider's version."""

    async def act(tx: Transaction) -> Answer:
        office = await handlers.register_office(
            tx,
            provider_id,
            name=body.name,
            municipality_code=body.municipality_code,
            street_address=body.street_address,
            postal_address=body.postal_address,
            phone=body.phone,
            if_match=caller.if_match,
        )
        view = OfficeView.model_validate(office)
        return Answer(201, view, version=office.version, subject=("office", office.office_id))

    return await caller.command(act)


@router.get("/providers/{provider_id}/offices", response_model=OfficeList, responses=problems("PROVIDER_UNKNOWN"))
async def list_offices(provider_id: BusinessId, caller: Reader, limit: Limit = 100, after: After = "") -> Response:
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
        "CONTRACT_EXISTS",
        "LANGUAGE_NOT_OFFERED",
        "PROVIDER_UNKNOWN",
        "SERVICE_NOT_OPEN",
        "SERVICE_UNKNOWN",
        "VALIDITY_INVERTED",
    ),
    openapi_extra=does(Act.REGISTER_CONTRACT),
)
async def register_contract(body: RegisterContract, caller: Officer) -> Response:
    """Kela registers a contract: one per provider, service and language."""

    async def act(tx: Transaction) -> Answer:
        contract = await handlers.register_contract(
            tx,
            provider_id=body.provider_id,
            service=body.service,
            language=body.language,
            valid_from=body.valid_from,
            valid_to=body.valid_to,
        )
        return await contract_answer(tx, contract, status=201)

    return await caller.command(act, body.provider_id)


@router.get("/contracts", response_model=ContractList, responses=problems())
async def list_contracts(
    caller: Reader, provider_id: BusinessId | None = None, limit: Limit = 100, after: After = ""
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
        return await contract_answer(tx, await store.get_contract(tx, contract_id))

    return await caller.query(read)


@router.put(
    "/contracts/{contract_id}/contact",
    response_model=ContractView,
    responses=problems("CONTRACT_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.SET_CONTACT),
)
async def set_contact(contract_id: IdInPath, body: SetContact, caller: Writer) -> Response:
    """Publish the contract's contact details."""
    contact = Contact(body.email, body.phone, body.web)

    async def act(tx: Transaction) -> Answer:
        contract = await handlers.set_contact(tx, contract_id, contact, if_match=caller.if_match)
        return await contract_answer(tx, contract)

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
