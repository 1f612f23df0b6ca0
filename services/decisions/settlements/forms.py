"""The billing form: what a settlement looks like when it comes in, as JSON or as a Finvoice (R-BIL-7, P11)."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from chassis import cleaning
from chassis.fields import DECISION_REF, EMAIL, Iban, ReferenceNumber, words
from chassis.http import Command
from contracts.identity_codes import TextKind
from contracts.refusals import Invalid
from contracts.values import DeliveryMode
from services.decisions import fields
from services.decisions.settlements.domain import FaultCode, Invoice, Line
from services.decisions.settlements.prices import Price, Unit

MOST_LINES = 60
"""So many fit into a request also as a Finvoice, whose rows are long."""


def _as_written(raw: str) -> str:
    ref = cleaning.plain(raw)
    if not ref.isprintable():
        raise Invalid("DECISION_REF_INVALID")
    return ref


AsWritten = Annotated[str, replace(DECISION_REF, clean=_as_written), Field(examples=["7ZK3M9QW2XRTC"])]
"""A decision identifier; a wrong one is a fault of its line, said together with all others (E-60)."""
InvoiceNumber = Annotated[str, TextKind.PROSE, Field(pattern=r"^[A-Za-z0-9._/-]{1,20}$", examples=["2024-017"])]
Service = Annotated[str, TextKind.MACHINE, Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$", examples=["CARDIAC_ADULT"])]
Amount = Annotated[str, TextKind.MACHINE, Field(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$", examples=["1250.00"])]
"""Euros as text, exact; a credit's are negative."""
Name = Annotated[str, words(70, shortest=2), Field(examples=["Sydänkunto Oy"])]
Reason = Annotated[str, words(500), Field(examples=["Asiakas keskeytti kurssin ennen jaksoa."])]
FormVersion = Annotated[int, Field(ge=1, le=10_000, examples=[1])]


class Party(Command):
    """An organisation on an invoice."""

    business_id: fields.BusinessId
    name: Name


class SettlementLine(Command):
    """One period of one client, by the decision identifier (R-BIL-6); a contract or service of its own must fit."""

    decision_ref: AsWritten
    period_number: Annotated[int, Field(ge=1, le=100, examples=[1])]
    amount: Amount
    contract_id: fields.Id | None = None
    service: Service | None = None

    def billed(self, number: int) -> Line:
        """The line, as the rules look at it."""
        ref, wrong = "", None
        try:
            ref = cleaning.decision_ref(self.decision_ref)
        except Invalid as refused:
            wrong = FaultCode(refused.code)
        return Line(number, ref, self.period_number, self.amount, self.contract_id, self.service, wrong)


class SubmitSettlement(Command):
    """A settlement: one contract, one service, its lines, and the mandatory content of an e-invoice (P11).

    With `original_invoice_number` it gives back lines of that invoice: the same lines, negative amounts.
    """

    form_version: FormVersion
    contract_id: fields.Id
    service: Service
    receiver: Party
    provider_id: fields.BusinessId
    biller: Party
    biller_reference: Annotated[str, words(70), Field(examples=["Kurssi 10412"])]
    email: Annotated[str, replace(EMAIL, longest=70), Field(examples=["kuntoutus@sydankunto.fi"])]
    invoice_number: InvoiceNumber
    reference_number: ReferenceNumber
    iban: Iban
    invoiced_on: fields.Day
    due_on: fields.Day
    total: Amount
    original_invoice_number: InvoiceNumber | None = None
    lines: Annotated[list[SettlementLine], Field(min_length=1, max_length=MOST_LINES)]

    @model_validator(mode="after")
    def _due_after_invoiced(self) -> Self:
        if self.due_on < self.invoiced_on:
            raise ValueError("due before it is invoiced")
        return self

    def invoice(self) -> Invoice:
        """The head, as the rules look at it."""
        return Invoice(
            form_version=self.form_version,
            contract_id=self.contract_id,
            service=self.service,
            provider_id=self.provider_id,
            biller_id=self.biller.business_id,
            biller_name=self.biller.name,
            biller_reference=self.biller_reference,
            email=self.email,
            iban=self.iban,
            invoice_number=self.invoice_number,
            reference_number=self.reference_number,
            invoiced_on=self.invoiced_on,
            due_on=self.due_on,
            total=self.total,
            original_invoice_number=self.original_invoice_number,
            receiver_id=self.receiver.business_id,
            receiver_name=self.receiver.name,
        )

    def billed(self) -> list[Line]:
        """The lines, as the rules look at them."""
        return [line.billed(number) for number, line in enumerate(self.lines, 1)]


class RejectSettlement(Command):
    """Why Kela does not pay (R-BIL-1)."""

    reasons: Annotated[list[Reason], Field(min_length=1, max_length=20)]


class ModePrice(Command):
    """What a period of one delivery mode costs, in euros: for the period, or for each day of it."""

    mode: DeliveryMode
    unit: Unit
    price: Annotated[str, TextKind.MACHINE, Field(pattern=r"^[0-9]{1,6}\.[0-9]{2}$", examples=["250.00"])]

    @model_validator(mode="after")
    def _costs_something(self) -> Self:
        if Decimal(self.price) == 0:
            raise ValueError("a price of nothing")
        return self

    def as_price(self) -> Price:
        """The price, as the rules look at it."""
        return Price(self.mode, self.unit, Decimal(self.price))


class AddPriceAnnex(Command):
    """The next version of a contract's price annex; where several are valid the newest is in force (R-BIL-2)."""

    valid_from: fields.Day
    valid_to: fields.Day | None = None
    prices: Annotated[list[ModePrice], Field(min_length=1, max_length=len(DeliveryMode))]

    @model_validator(mode="after")
    def _one_price_for_a_mode(self) -> Self:
        if len({price.mode for price in self.prices}) < len(self.prices):
            raise ValueError("two prices for one mode")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("ends before it begins")
        return self


class AddBillingForm(Command):
    """A new version of the billing form, and the first day on which only it is taken (R-BIL-7)."""

    form_version: FormVersion
    in_use_from: fields.Day
