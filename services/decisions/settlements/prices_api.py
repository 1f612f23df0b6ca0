"""HTTP of what settlements are held against: price annexes and versions of the billing form."""

from fastapi import APIRouter
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.http import Answer, problems
from services.decisions import fields
from services.decisions.acts import Act
from services.decisions.settlements import annexes, billing_forms
from services.decisions.settlements.billing_forms import BillingForm
from services.decisions.settlements.forms import AddBillingForm, AddPriceAnnex
from services.decisions.settlements.views import BillingFormList, BillingFormView, PriceAnnexList, PriceAnnexView

router = APIRouter(tags=["settlements"])


@router.post(
    "/contracts/{contract_id}/price-annexes",
    status_code=201,
    response_model=PriceAnnexView,
    responses=problems("CONTRACT_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.ADD_PRICE_ANNEX),
)
async def add_annex(contract_id: fields.PathId, body: AddPriceAnnex, caller: fields.Official) -> Response:
    """Add the next version of a contract's price annex; If-Match is the newest version (R-BIL-2)."""

    async def act(tx: Transaction) -> Answer:
        prices = [price.as_price() for price in body.prices]
        annex = await annexes.add_annex(
            tx, contract_id, body.valid_from, body.valid_to, prices, if_match=caller.if_match
        )
        subject = ("price-annex", contract_id)
        return Answer(201, PriceAnnexView.of(annex), version=annex.annex_version, subject=subject)

    return await caller.command(act)


@router.get(
    "/contracts/{contract_id}/price-annexes",
    response_model=PriceAnnexList,
    responses=problems("CONTRACT_UNKNOWN"),
)
async def list_annexes(contract_id: fields.PathId, caller: fields.Anyone) -> Response:
    """All versions of a contract's price annex; a provider sees those of its own contracts."""

    async def read(tx: Transaction) -> Answer:
        found = await annexes.get_annexes(tx, contract_id)
        body = PriceAnnexList(items=[PriceAnnexView.of(annex) for annex in found])
        return Answer(200, body, version=found[-1].annex_version if found else 0)

    return await caller.query(read)


@router.post(
    "/billing-forms",
    status_code=201,
    response_model=BillingFormView,
    responses=problems("DATE_IN_PAST", "FORM_NOT_NEWER"),
    openapi_extra=does(Act.ADD_BILLING_FORM),
)
async def add_form(body: AddBillingForm, caller: fields.Official) -> Response:
    """Announce the next version of the billing form; from its day on only it is taken (R-BIL-7)."""

    async def act(tx: Transaction) -> Answer:
        form = await billing_forms.add_form(tx, BillingForm(body.form_version, body.in_use_from))
        view = BillingFormView(form_version=form.form_version, in_use_from=form.in_use_from)
        return Answer(201, view, version=form.form_version, subject=("billing-form", str(form.form_version)))

    return await caller.command(act)


@router.get("/billing-forms", response_model=BillingFormList, responses=problems())
async def list_forms(caller: fields.Anyone) -> Response:
    """All versions of the billing form, oldest first."""

    async def read(tx: Transaction) -> Answer:
        return Answer(200, BillingFormList.of(await billing_forms.find_forms(tx)))

    return await caller.query(read)
