"""Settlements as a provider's billing system writes them: the billing form as JSON, or a Finvoice 3.0 (P11)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from rekku.demo.played import Played
from rekku.demo.providers import PROVIDER_OF
from rekku.demo.reference import SERVICE
from rekku.demo.steps import BillPeriod, TrySettlement

_KELA = {"business_id": "0246246-0", "name": "Kansaneläkelaitos"}
_IBAN = "FI2112345600000785"
_WEIGHTS = (7, 3, 1)
_TERM = timedelta(days=30)


def reference_number(base: int) -> str:
    """A Finnish reference number: `base` and its check digit."""
    weighted = sum(int(digit) * _WEIGHTS[place % 3] for place, digit in enumerate(reversed(str(base))))
    return f"{base}{-weighted % 10}"


def settlement(step: BillPeriod, played: Played) -> dict[str, Any]:
    """The billing form of one course period; one that is tried in vain has four wrong lines."""
    provider, contract_id = PROVIDER_OF[step.contract], played.contracts[step.contract]
    lines = [_line(played.decisions[key], step.number, step.amount) for key in step.decisions]
    if isinstance(step, TrySettlement):
        lines = _wrong(lines, next(other for other in played.contracts.values() if other != contract_id), step)
    return {
        "form_version": 1,
        "contract_id": contract_id,
        "service": SERVICE,
        "receiver": _KELA,
        "provider_id": provider.provider_id,
        "biller": {"business_id": provider.provider_id, "name": provider.name},
        "biller_reference": f"Kurssi {step.course}",
        "email": provider.email,
        "invoice_number": f"{step.course}-{step.number}",
        "reference_number": reference_number(1000 + step.number),
        "iban": _IBAN,
        "invoiced_on": str(step.day),
        "due_on": str(step.day + _TERM),
        "total": str(sum(Decimal(line["amount"]) for line in lines)),
        "lines": lines,
    }


def _line(decision_ref: str, number: int, amount: Decimal) -> dict[str, Any]:
    return {"decision_ref": decision_ref, "period_number": number, "amount": str(amount)}


def _wrong(lines: list[dict[str, Any]], foreign: str, step: TrySettlement) -> list[dict[str, Any]]:
    """A right line; the same again, one of another contract, one of a period to come, one at another price."""
    first, second, third, fourth = lines[:4]
    other_price = str(step.amount + 1)
    return [
        first,
        first,
        second | {"contract_id": foreign},
        third | {"period_number": step.number + 1},
        fourth | {"amount": other_price},
    ]


def finvoice(form: dict[str, Any]) -> str:
    """The same as a Finvoice 3.0 document."""
    root = Element("Finvoice", Version="3.0")
    _put(root, "SellerPartyDetails/SellerPartyIdentifier", form["biller"]["business_id"])
    _put(root, "SellerPartyDetails/SellerOrganisationName", form["biller"]["name"])
    _put(root, "SellerCommunicationDetails/SellerEmailaddressIdentifier", form["email"])
    _put(root, "BuyerPartyDetails/BuyerPartyIdentifier", form["receiver"]["business_id"])
    _put(root, "BuyerPartyDetails/BuyerOrganisationName", form["receiver"]["name"])
    _put(root, "AnyPartyDetails/AnyPartyText", "Serviceproducent", AnyPartyCode="PROVIDER")
    _put(root, "AnyPartyDetails/AnyPartyIdentifier", form["provider_id"])
    _put(root, "AnyPartyDetails/AnyPartyOrganisationName", form["biller"]["name"])
    _put(root, "InvoiceDetails/InvoiceTypeCode", "INV01")
    _put(root, "InvoiceDetails/InvoiceTypeText", "FAKTURA")
    _put(root, "InvoiceDetails/OriginCode", "Original")
    _put(root, "InvoiceDetails/InvoiceNumber", form["invoice_number"])
    _put(root, "InvoiceDetails/InvoiceDate", _day(form["invoiced_on"]), Format="CCYYMMDD")
    _put(root, "InvoiceDetails/SellerReferenceIdentifier", form["biller_reference"])
    _put(root, "InvoiceDetails/AgreementIdentifier", form["contract_id"])
    for code, value in (("FORM_VERSION", str(form["form_version"])), ("SERVICE", form["service"])):
        _define(root.findall("InvoiceDetails")[0], "Definition", code, value)
    _put(root, "InvoiceDetails/InvoiceTotalVatIncludedAmount", _euros(form["total"]), AmountCurrencyIdentifier="EUR")
    for line in form["lines"]:
        row = SubElement(root, "InvoiceRow")
        _define(row, "RowDefinition", "PERIOD", str(line["period_number"]))
        _put(row, "RowIdentifier", line["decision_ref"])
        _put(row, "RowAmount", _euros(line["amount"]), AmountCurrencyIdentifier="EUR")
    epi = SubElement(root, "EpiDetails")
    _put(epi, "EpiIdentificationDetails/EpiDate", _day(form["invoiced_on"]), Format="CCYYMMDD")
    _put(epi, "EpiIdentificationDetails/EpiReference", form["invoice_number"])
    SubElement(SubElement(epi, "EpiPartyDetails"), "EpiBfiPartyDetails")
    beneficiary = "EpiPartyDetails/EpiBeneficiaryPartyDetails/EpiAccountID"
    _put(epi, beneficiary, form["iban"], IdentificationSchemeName="IBAN")
    instruction = "EpiPaymentInstructionDetails"
    _put(epi, f"{instruction}/EpiRemittanceInfoIdentifier", form["reference_number"], IdentificationSchemeName="SPY")
    _put(epi, f"{instruction}/EpiInstructedAmount", _euros(form["total"]), AmountCurrencyIdentifier="EUR")
    _put(epi, f"{instruction}/EpiCharge", "SLEV", ChargeOption="SLEV")
    _put(epi, f"{instruction}/EpiDateOptionDate", _day(form["due_on"]), Format="CCYYMMDD")
    return tostring(root, encoding="unicode")


def _put(parent: Element, path: str, text: str, **attributes: str) -> None:
    """Add the element at the end of the path, and what of the path is not there yet."""
    *folders, tag = path.split("/")
    for folder in folders:
        found = parent.find(folder)
        parent = SubElement(parent, folder) if found is None else found
    SubElement(parent, tag, attributes).text = text


def _define(parent: Element, prefix: str, code: str, value: str) -> None:
    details = SubElement(parent, f"{prefix}Details")
    _put(details, f"{prefix}HeaderText", code, DefinitionCode=code)
    _put(details, f"{prefix}Value", value)


def _day(text: str) -> str:
    return text.replace("-", "")


def _euros(text: str) -> str:
    return text.replace(".", ",")
