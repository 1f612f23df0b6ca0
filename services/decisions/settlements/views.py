"""Shapes of the answers on settlements, price annexes and billing forms."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, Field

from contracts.values import DeliveryMode
from services.decisions.settlements.billing_forms import BillingForm
from services.decisions.settlements.domain import BilledLine, Settlement, SettlementState
from services.decisions.settlements.prices import PriceAnnex, Unit

Euros = Annotated[Decimal, Field(examples=["1250.00"])]
Ref = Annotated[str, Field(examples=["7ZK3M9QW2XRTC"])]
Number = Annotated[int, Field(examples=[1])]
BusinessId = Annotated[str, Field(examples=["1234567-1"])]
InvoiceNumber = Annotated[str, Field(examples=["2024-017"])]


class PaymentView(BaseModel):
    """What was paid now, and what had been paid before and was not paid again."""

    paid: list[Ref]
    already_paid: list[Ref]


class PartyView(BaseModel):
    """An organisation on an invoice."""

    business_id: BusinessId
    name: Annotated[str, Field(examples=["Sydänkunto Oy"])]


class LineView(BaseModel):
    """One period of one client; `standing` is false once the line was rejected or given back (E-29)."""

    line: Number
    decision_ref: Ref
    period_number: Number
    course_id: str
    office_id: str
    first_day: date
    last_day: date
    mode: DeliveryMode
    unit: Unit
    quantity: Annotated[int, Field(examples=[5])]
    unit_price: Annotated[Decimal, Field(examples=["250.00"])]
    amount: Euros
    annex_version: Number
    standing: bool

    @classmethod
    def of(cls, line: BilledLine) -> Self:
        """The line."""
        return cls(
            line=line.number,
            decision_ref=line.decision_ref,
            period_number=line.period_number,
            course_id=line.course_id,
            office_id=line.office_id,
            first_day=line.first_day,
            last_day=line.last_day,
            mode=line.price.mode,
            unit=line.price.unit,
            quantity=line.quantity,
            unit_price=line.price.amount,
            amount=line.amount,
            annex_version=line.annex_version,
            standing=line.standing,
        )


class SettlementView(BaseModel):
    """A settlement: the content of its e-invoice (P11), and what Kela made of it (R-BIL-1)."""

    settlement_id: str
    version: int
    state: SettlementState
    decided_on: date | None
    reasons: Annotated[list[str], Field(examples=[[]])]
    form_version: Number
    contract_id: str
    service: str
    receiver: PartyView
    provider_id: str
    biller: PartyView
    biller_reference: Annotated[str, Field(examples=["Kurssi 10412"])]
    email: Annotated[str, Field(examples=["laskutus@sydankunto.fi"])]
    invoice_number: InvoiceNumber
    reference_number: Annotated[str, Field(examples=["1232"])]
    iban: Annotated[str, Field(examples=["FI2112345600000785"])]
    invoiced_on: date
    due_on: date
    total: Euros
    original_invoice_number: Annotated[str | None, Field(examples=[None])]
    lines: list[LineView]

    @classmethod
    def of(cls, settlement: Settlement) -> Self:
        """The settlement as it is now."""
        invoice = settlement.invoice
        return cls(
            settlement_id=settlement.settlement_id,
            version=settlement.version,
            state=settlement.state,
            decided_on=settlement.decided_on,
            reasons=list(settlement.reasons),
            form_version=invoice.form_version,
            contract_id=invoice.contract_id,
            service=invoice.service,
            receiver=PartyView(business_id=invoice.receiver_id, name=invoice.receiver_name),
            provider_id=invoice.provider_id,
            biller=PartyView(business_id=invoice.biller_id, name=invoice.biller_name),
            biller_reference=invoice.biller_reference,
            email=invoice.email,
            invoice_number=invoice.invoice_number,
            reference_number=invoice.reference_number,
            iban=invoice.iban,
            invoiced_on=invoice.invoiced_on,
            due_on=invoice.due_on,
            total=settlement.total,
            original_invoice_number=invoice.original_invoice_number,
            lines=[LineView.of(line) for line in settlement.lines],
        )


class SettlementList(BaseModel):
    """Settlements in the order of arrival; `next` leads to the following page, `resume` later to what is new."""

    items: list[SettlementView]
    next: Annotated[str | None, Field(examples=[None])]
    resume: Annotated[str | None, Field(examples=["0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77"])]


class PriceView(BaseModel):
    """The price of a delivery mode, in euros, for a period or for each day of it."""

    mode: DeliveryMode
    unit: Unit
    price: Annotated[Decimal, Field(examples=["250.00"])]


class PriceAnnexView(BaseModel):
    """One version of a contract's price annex."""

    contract_id: str
    service: str
    annex_version: Number
    valid_from: date
    valid_to: date | None
    prices: list[PriceView]

    @classmethod
    def of(cls, annex: PriceAnnex) -> Self:
        """The version."""
        return cls(
            contract_id=annex.contract_id,
            service=annex.service,
            annex_version=annex.annex_version,
            valid_from=annex.valid_from,
            valid_to=annex.valid_to,
            prices=[PriceView(mode=each.mode, unit=each.unit, price=each.amount) for each in annex.prices],
        )


class PriceAnnexList(BaseModel):
    """All versions, oldest first; where several are valid on a day, the newest is in force (R-BIL-2)."""

    items: list[PriceAnnexView]


class BillingFormView(BaseModel):
    """A version of the billing form, and the first day on which only it is taken (R-BIL-7)."""

    form_version: Number
    in_use_from: date


class BillingFormList(BaseModel):
    """All versions, oldest first."""

    items: list[BillingFormView]

    @classmethod
    def of(cls, forms: Iterable[BillingForm]) -> Self:
        """The versions."""
        return cls(items=[BillingFormView(form_version=f.form_version, in_use_from=f.in_use_from) for f in forms])
