"""A settlement as an e-invoice: reading and writing Finvoice 3.0 (P11).

| Finvoice | here |
|---|---|
| `SellerPartyDetails`, `SellerCommunicationDetails` | biller, e-mail |
| `BuyerPartyDetails` | receiver |
| `AnyPartyDetails`, `AnyPartyCode` PROVIDER | provider |
| `InvoiceTypeCode` INV01, INV02 | settlement, credit |
| `OriginalInvoiceReference`, or as before 3.0 `OriginalInvoiceNumber` | the invoice that is credited |
| `SellerReferenceIdentifier`, `AgreementIdentifier` | biller's reference, contract |
| `DefinitionDetails` FORM_VERSION, SERVICE | billing form, service |
| `InvoiceRow`: `RowIdentifier`, `RowDefinitionDetails` PERIOD, `RowAmount` | decision identifier, period, amount |
| `InvoiceRow`: `RowAgreementIdentifier`, `ArticleIdentifier` | the row's contract and service |
| `EpiDetails` | reference number, account, due date |

Rehabilitation services are exempt from value added tax: every amount is without it. What we write also has
what the European standard EN 16931 asks of lines and taxes, as far as it is known here.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers import expat

from chassis import cleaning
from contracts.identity_codes import HoldsIdentityCode, holds_identity_code
from contracts.refusals import Invalid
from services.decisions.settlements.domain import BilledLine, Settlement
from services.decisions.settlements.prices import Unit

MEDIA_TYPE = "application/xml"
_DEEPEST = 12
_ORDINARY, _CREDIT = "INV01", "INV02"
_EXEMPT = "E"
_UNITS = {Unit.DAY: "pv", Unit.PERIOD: "jakso"}


def read(document: bytes) -> dict[str, Any]:
    """The content of a Finvoice under the names of the billing form; what is missing is left out.

    Raises:
        Invalid: XML_INVALID with `why`, or PERSONAL_IDENTITY_CODE, also where it was written in references (E-59).
    """
    root, asides = _parsed(document)
    texts = (text for element in root.iter() for text in _texts(element))
    if any(map(holds_identity_code, chain(texts, asides))):
        raise HoldsIdentityCode("body")
    if root.tag != "Finvoice" or root.get("Version") != "3.0":
        raise Invalid("XML_INVALID", why="not_finvoice_3")
    kind = root.findtext("InvoiceDetails/InvoiceTypeCode")
    if kind not in (_ORDINARY, _CREDIT):
        raise Invalid("XML_INVALID", why="not_an_invoice")
    if any(element.get("AmountCurrencyIdentifier", "EUR") != "EUR" for element in root.iter()):
        raise Invalid("XML_INVALID", why="not_in_euros")
    original = root.findtext("InvoiceDetails/OriginalInvoiceReference/InvoiceNumber") or root.findtext(
        "InvoiceDetails/OriginalInvoiceNumber"
    )
    return _without_none(
        form_version=_number(_definition(root, "InvoiceDetails/Definition", "FORM_VERSION")),
        contract_id=root.findtext("InvoiceDetails/AgreementIdentifier"),
        service=_definition(root, "InvoiceDetails/Definition", "SERVICE"),
        receiver=_party(root, "Buyer"),
        provider_id=_provider(root),
        biller=_party(root, "Seller"),
        biller_reference=root.findtext("InvoiceDetails/SellerReferenceIdentifier"),
        email=root.findtext("SellerCommunicationDetails/SellerEmailaddressIdentifier"),
        invoice_number=root.findtext("InvoiceDetails/InvoiceNumber"),
        reference_number=root.findtext(f"{_INSTRUCTION}/EpiRemittanceInfoIdentifier"),
        iban=root.findtext("EpiDetails/EpiPartyDetails/EpiBeneficiaryPartyDetails/EpiAccountID"),
        invoiced_on=_day(root.findtext("InvoiceDetails/InvoiceDate")),
        due_on=_day(root.findtext(f"{_INSTRUCTION}/EpiDateOptionDate")),
        total=_euros(root.findtext("InvoiceDetails/InvoiceTotalVatIncludedAmount")),
        # A credit that names no original is not taken for an ordinary invoice.
        original_invoice_number=(original or "") if kind == _CREDIT else original,
        lines=[
            _without_none(
                decision_ref=row.findtext("RowIdentifier"),
                period_number=_number(_definition(row, "RowDefinition", "PERIOD")),
                amount=_euros(row.findtext("RowAmount")),
                contract_id=row.findtext("RowAgreementIdentifier"),
                service=row.findtext("ArticleIdentifier"),
            )
            for row in root.iterfind("InvoiceRow")
        ],
    )


def write(settlement: Settlement) -> bytes:
    """The settlement as a Finvoice 3.0 document."""
    invoice = settlement.invoice
    root = Element("Finvoice", Version="3.0")
    seller = SubElement(root, "SellerPartyDetails")
    _add(seller, "SellerPartyIdentifier", invoice.biller_id)
    _add(seller, "SellerOrganisationName", invoice.biller_name)
    _add(SubElement(root, "SellerCommunicationDetails"), "SellerEmailaddressIdentifier", invoice.email)
    buyer = SubElement(root, "BuyerPartyDetails")
    _add(buyer, "BuyerPartyIdentifier", invoice.receiver_id)
    _add(buyer, "BuyerOrganisationName", invoice.receiver_name)
    provider = SubElement(root, "AnyPartyDetails")
    _add(provider, "AnyPartyText", "Palveluntuottaja", AnyPartyCode="PROVIDER")
    _add(provider, "AnyPartyIdentifier", invoice.provider_id)
    # Only its business ID is known here, and a name is asked for.
    _add(provider, "AnyPartyOrganisationName", invoice.provider_id)
    _add_details(SubElement(root, "InvoiceDetails"), settlement)
    for line in settlement.lines:
        _add_row(SubElement(root, "InvoiceRow"), settlement, line)
    _add_payment(SubElement(root, "EpiDetails"), settlement)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


_INSTRUCTION = "EpiDetails/EpiPaymentInstructionDetails"


def _parsed(document: bytes) -> tuple[Element, list[str]]:
    """The root element, and what stands in comments and processing instructions.

    Neither a document type nor entities are taken, nor anything nested deeply.
    """
    builder, depth, asides = TreeBuilder(), 0, list[str]()

    def refuse(why: str) -> NoReturn:
        raise Invalid("XML_INVALID", why=why)

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            refuse("too_deep")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: refuse("document_type")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.CommentHandler = builder.data, asides.append
    parser.ProcessingInstructionHandler = lambda target, text: asides.extend((target, text))
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise Invalid("XML_INVALID", why="not_well_formed") from error
    return builder.close(), asides


def _texts(element: Element) -> Iterator[str]:
    yield element.tag
    yield element.text or ""
    yield element.tail or ""
    yield from (text for pair in element.items() for text in pair)


def _without_none(**content: Any) -> dict[str, Any]:
    return {
        name: value.strip() if isinstance(value, str) else value for name, value in content.items() if value is not None
    }


def _party(root: Element, role: str) -> dict[str, Any] | None:
    party = root.find(f"{role}PartyDetails")
    if party is None:
        return None
    return _without_none(
        business_id=party.findtext(f"{role}PartyIdentifier"), name=party.findtext(f"{role}OrganisationName")
    )


def _provider(root: Element) -> str | None:
    for party in root.iterfind("AnyPartyDetails"):
        text = party.find("AnyPartyText")
        if text is not None and text.get("AnyPartyCode") == "PROVIDER":
            return party.findtext("AnyPartyIdentifier")
    return None


def _definition(parent: Element, path: str, code: str) -> str | None:
    """The value of the definition with this code; `path` ends in the prefix of its element names."""
    prefix = path.rsplit("/", 1)[-1]
    for definition in parent.iterfind(f"{path}Details"):
        header = definition.find(f"{prefix}HeaderText")
        if header is not None and header.get("DefinitionCode") == code:
            return definition.findtext(f"{prefix}Value")
    return None


def _day(text: str | None) -> str | None:
    return text and f"{text[:4]}-{text[4:6]}-{text[6:]}"


def _number(text: str | None) -> int | str | None:
    """A number written in digits; anything else stays for the form to refuse."""
    try:
        return text and cleaning.whole_number(text)
    except Invalid:
        return text


def _euros(text: str | None) -> str | None:
    return text and text.replace(",", ".")


def _add(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text


def _add_day(parent: Element, tag: str, day: date) -> None:
    _add(parent, tag, f"{day:%Y%m%d}", Format="CCYYMMDD")


def _add_euros(parent: Element, tag: str, amount: Decimal) -> None:
    _add(parent, tag, _decimals(amount), AmountCurrencyIdentifier="EUR")


def _decimals(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _add_definition(parent: Element, prefix: str, code: str, text: str, value: str) -> None:
    definition = SubElement(parent, f"{prefix}Details")
    _add(definition, f"{prefix}HeaderText", text, DefinitionCode=code)
    _add(definition, f"{prefix}Value", value)


def _add_details(details: Element, settlement: Settlement) -> None:
    invoice, is_credit = settlement.invoice, settlement.original_id is not None
    _add(details, "InvoiceTypeCode", _CREDIT if is_credit else _ORDINARY)
    _add(details, "InvoiceTypeText", "HYVITYSLASKU" if is_credit else "LASKU")
    _add(details, "OriginCode", "Original")
    _add(details, "InvoiceNumber", invoice.invoice_number)
    _add_day(details, "InvoiceDate", invoice.invoiced_on)
    if invoice.original_invoice_number is not None:
        _add(SubElement(details, "OriginalInvoiceReference"), "InvoiceNumber", invoice.original_invoice_number)
    _add(details, "SellerReferenceIdentifier", invoice.biller_reference)
    _add(details, "AgreementIdentifier", invoice.contract_id)
    _add_definition(details, "Definition", "FORM_VERSION", "Laskutuslomakkeen versio", str(invoice.form_version))
    _add_definition(details, "Definition", "SERVICE", "Palvelu", invoice.service)
    _add_euros(details, "RowsTotalVatExcludedAmount", settlement.total)
    _add_euros(details, "InvoiceTotalVatExcludedAmount", settlement.total)
    _add_euros(details, "InvoiceTotalVatAmount", Decimal(0))
    _add_euros(details, "InvoiceTotalVatIncludedAmount", settlement.total)
    tax = SubElement(details, "VatSpecificationDetails")
    _add_euros(tax, "VatBaseAmount", settlement.total)
    _add(tax, "VatRatePercent", "0")
    _add(tax, "VatCode", _EXEMPT)
    _add_euros(tax, "VatRateAmount", Decimal(0))
    _add(tax, "VatFreeText", "Arvonlisäveroton kuntoutuspalvelu")


def _add_row(row: Element, settlement: Settlement, line: BilledLine) -> None:
    _add(row, "ArticleIdentifier", settlement.invoice.service)
    _add(row, "ArticleName", f"Kurssijakso {line.period_number}")
    _add_definition(row, "RowDefinition", "PERIOD", "Jakso", str(line.period_number))
    _add(row, "InvoicedQuantity", str(line.quantity), QuantityUnitCode=_UNITS[line.price.unit])
    _add_day(row, "StartDate", line.first_day)
    _add_day(row, "EndDate", line.last_day)
    _add_euros(row, "UnitPriceAmount", line.price.amount)
    _add(row, "RowIdentifier", line.decision_ref)
    _add(row, "RowPositionIdentifier", str(line.number))
    _add(row, "RowAgreementIdentifier", settlement.invoice.contract_id)
    _add(row, "RowVatRatePercent", "0")
    _add(row, "RowVatCode", _EXEMPT)
    _add_euros(row, "RowVatAmount", Decimal(0))
    _add_euros(row, "RowVatExcludedAmount", line.amount)
    _add_euros(row, "RowAmount", line.amount)


def _add_payment(epi: Element, settlement: Settlement) -> None:
    invoice = settlement.invoice
    identification = SubElement(epi, "EpiIdentificationDetails")
    _add_day(identification, "EpiDate", invoice.invoiced_on)
    _add(identification, "EpiReference", invoice.invoice_number)
    parties = SubElement(epi, "EpiPartyDetails")
    SubElement(parties, "EpiBfiPartyDetails")
    beneficiary = SubElement(parties, "EpiBeneficiaryPartyDetails")
    _add(beneficiary, "EpiAccountID", invoice.iban, IdentificationSchemeName="IBAN")
    instruction = SubElement(epi, "EpiPaymentInstructionDetails")
    scheme = "ISO" if invoice.reference_number.startswith("RF") else "SPY"
    _add(instruction, "EpiRemittanceInfoIdentifier", invoice.reference_number, IdentificationSchemeName=scheme)
    _add_euros(instruction, "EpiInstructedAmount", settlement.total)
    _add(instruction, "EpiCharge", "SLEV", ChargeOption="SLEV")
    _add_day(instruction, "EpiDateOptionDate", invoice.due_on)
