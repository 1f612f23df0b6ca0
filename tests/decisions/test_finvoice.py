"""A settlement as a Finvoice 3.0 document: read, written, and read back; nothing dangerous is taken."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import cleaning
from chassis.request_body import MOST_BYTES
from contracts.identity_codes import holds_identity_code
from contracts.refusals import Invalid
from services.decisions.settlements import finvoice
from services.decisions.settlements.domain import BilledLine, Settlement
from services.decisions.settlements.forms import MOST_LINES, SubmitSettlement
from services.decisions.settlements.prices import Price, Unit
from tests.decisions.builders import CONTRACT, PROVIDER, RARE, expect, refusal
from tests.decisions.settling import BILLER, IBAN, KELA, a_line, accepted, credit, faults, reject, submitted
from tests.decisions.test_settlement_rules import ANNEX, FIRST, REFS, an_invoice

IN_ORDER = {
    "Finvoice": "SellerPartyDetails SellerCommunicationDetails BuyerPartyDetails AnyPartyDetails InvoiceDetails"
    " InvoiceRow EpiDetails",
    "SellerPartyDetails": "SellerPartyIdentifier SellerOrganisationName",
    "SellerCommunicationDetails": "SellerEmailaddressIdentifier",
    "BuyerPartyDetails": "BuyerPartyIdentifier BuyerOrganisationName",
    "AnyPartyDetails": "AnyPartyText AnyPartyIdentifier AnyPartyOrganisationName",
    "InvoiceDetails": "InvoiceTypeCode InvoiceTypeText OriginCode InvoiceNumber InvoiceDate OriginalInvoiceReference"
    " SellerReferenceIdentifier AgreementIdentifier DefinitionDetails RowsTotalVatExcludedAmount"
    " InvoiceTotalVatExcludedAmount InvoiceTotalVatAmount InvoiceTotalVatIncludedAmount VatSpecificationDetails",
    "VatSpecificationDetails": "VatBaseAmount VatRatePercent VatCode VatRateAmount VatFreeText",
    "OriginalInvoiceReference": "InvoiceNumber",
    "DefinitionDetails": "DefinitionHeaderText DefinitionValue",
    "InvoiceRow": "ArticleIdentifier ArticleName RowDefinitionDetails InvoicedQuantity StartDate EndDate"
    " UnitPriceAmount RowIdentifier RowPositionIdentifier RowAgreementIdentifier"
    " RowVatRatePercent RowVatCode RowVatAmount RowVatExcludedAmount RowAmount",
    "RowDefinitionDetails": "RowDefinitionHeaderText RowDefinitionValue",
    "EpiDetails": "EpiIdentificationDetails EpiPartyDetails EpiPaymentInstructionDetails",
    "EpiIdentificationDetails": "EpiDate EpiReference",
    "EpiPartyDetails": "EpiBfiPartyDetails EpiBeneficiaryPartyDetails",
    "EpiBeneficiaryPartyDetails": "EpiAccountID",
    "EpiPaymentInstructionDetails": "EpiRemittanceInfoIdentifier EpiInstructedAmount EpiCharge EpiDateOptionDate",
}
"""The order in which the schema of Finvoice 3.0 wants what we write of each element."""

MOST = Decimal("999999.99")


def is_clean(text):
    """Whether it is stored as it is written."""
    try:
        return cleaning.text(text, longest=70) == text
    except Invalid:
        return False


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
    min_size=2,
    max_size=70,
).filter(lambda text: len(text) > 1 and not holds_identity_code(text) and is_clean(text))


@st.composite
def settlements(draw):
    """Any settlement, ordinary or a credit."""
    is_credit = draw(st.booleans())
    lines = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        price = Price(ANNEX.prices[0].mode, draw(st.sampled_from(Unit)), draw(st.decimals("0.01", "9999.99", places=2)))
        quantity = draw(st.integers(1, 20)) * (-1 if is_credit else 1)
        last_day = FIRST + timedelta(days=draw(st.integers(0, 30)))
        line = BilledLine(number, draw(st.sampled_from(REFS)), number, "c", "o", FIRST, last_day, price, quantity, 1)
        lines.append(line)
    total = sum((line.amount for line in lines), Decimal(0))
    invoice = replace(
        an_invoice(),
        biller_name=draw(TEXTS),
        biller_reference=draw(TEXTS),
        email="laskutus@sydankunto.fi",
        total=f"{total:.2f}",
        original_invoice_number="2024-1" if is_credit else None,
    )
    return Settlement("s-1", invoice, tuple(lines), "s-0" if is_credit else None)


@settings(deadline=None)
@given(settlements())
def test_what_is_written_is_read_back_the_same(settlement):
    """P11: every mandatory piece, exact to the cent."""
    form = SubmitSettlement.model_validate(finvoice.read(finvoice.write(settlement)))
    assert form.invoice() == settlement.invoice
    assert [(line.decision_ref, line.period_number, Decimal(line.amount)) for line in form.billed()] == [
        (*line.period, line.amount) for line in settlement.lines
    ]
    assert {(line.contract_id, line.service) for line in form.billed()} == {("contract-1", "RARE")}


@settings(deadline=None)
@given(settlements())
def test_elements_stand_in_the_order_of_the_schema(settlement):
    """P11: as Finvoice 3.0 wants them; amounts with a comma in euros, days as CCYYMMDD."""
    root = ElementTree.fromstring(finvoice.write(settlement))
    for element in root.iter():
        order = IN_ORDER.get(element.tag, "").split()
        places = [order.index(child.tag) for child in element]
        assert places == sorted(places), element.tag
        if "AmountCurrencyIdentifier" in element.attrib:
            assert element.get("AmountCurrencyIdentifier") == "EUR"
            assert element.text.replace("-", "").replace(",", "").isdigit()
            assert element.text[-3] == ","
        if "Format" in element.attrib:
            assert (element.get("Format"), len(element.text)) == ("CCYYMMDD", 8)


async def test_a_settlement_comes_and_goes_as_a_finvoice(decisions, clients):
    """P11, R-BIL-3: the same settlement, as JSON and as an e-invoice; a credit names its original."""
    first = await submitted(decisions, a_line(clients[0]))
    answer = await decisions.provider.get(f"/settlements/{first['settlement_id']}/finvoice")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    for mandatory in (KELA, "Kansaneläkelaitos", first["invoice_number"], "1232", "Kurssi 976", BILLER, PROVIDER, IBAN):
        assert mandatory in answer.text
    assert "Laskutus &amp; Perintä Oy" in answer.text

    other = answer.text.replace(first["invoice_number"], "2024-x").replace(clients[0], clients[1])
    second = expect(201, await send(decisions, other))
    assert (second["contract_id"], second["service"]) == (CONTRACT, RARE)
    assert second["lines"][0]["decision_ref"] == clients[1]
    assert second | {"lines": 0, "settlement_id": 0, "invoice_number": 0} == first | {
        "lines": 0,
        "settlement_id": 0,
        "invoice_number": 0,
    }
    mixed = other.replace(f"<RowAgreementIdentifier>{CONTRACT}", "<RowAgreementIdentifier>contract-2")
    assert faults(await send(decisions, mixed)) == [(1, "FOREIGN_CONTRACT")]
    cents = other.replace("500,00</RowAmount>", "500,001</RowAmount>")
    assert (1, "AMOUNT_INVALID") in faults(await send(decisions, cents))

    original = await accepted(decisions, a_line(clients[2]))
    given_back = expect(201, await credit(decisions, original, a_line(clients[2])))
    written = await decisions.officer.get(f"/settlements/{given_back['settlement_id']}/finvoice")
    assert "INV02" in written.text
    assert '<RowAmount AmountCurrencyIdentifier="EUR">-500,00</RowAmount>' in written.text
    reference = f"<InvoiceNumber>{original['invoice_number']}</InvoiceNumber></OriginalInvoiceReference>"
    assert f"<OriginalInvoiceReference>{reference}" in written.text
    nameless = written.text.replace(f"<InvoiceNumber>{original['invoice_number']}</InvoiceNumber>", "")
    assert refusal(await send(decisions, nameless), 422)[0] == "VALIDATION"


async def test_a_credit_may_name_its_original_as_before_finvoice_3(decisions, clients):
    """P11, R-BIL-8, E-29: the original's number stands in an element of its own, which 3.0 still has."""
    original = await accepted(decisions, a_line(clients[0]))
    given_back = expect(201, await credit(decisions, original, a_line(clients[0])))
    written = (await decisions.provider.get(f"/settlements/{given_back['settlement_id']}/finvoice")).text
    expect(200, await reject(decisions, given_back, "Väärä viite."))
    number = original["invoice_number"]
    older = written.replace(
        f"<OriginalInvoiceReference><InvoiceNumber>{number}</InvoiceNumber></OriginalInvoiceReference>",
        f"<OriginalInvoiceNumber>{number}</OriginalInvoiceNumber>",
    )
    assert "OriginalInvoiceReference" not in older
    assert expect(201, await send(decisions, older))["original_invoice_number"] == number


def test_the_longest_settlement_fits_into_a_request():
    """P11, R-BIL-8: what is taken as JSON is taken as a Finvoice too, with the longest names."""
    line = BilledLine(
        MOST_LINES, REFS[0], 100, "c", "o", FIRST, FIRST, Price(ANNEX.prices[0].mode, Unit.PERIOD, MOST), 31, 1
    )
    invoice = replace(an_invoice(), contract_id="c" * 64, service="S" * 40, biller_name="ä" * 70)
    document = finvoice.write(Settlement("s-1", invoice, (line,) * MOST_LINES))
    assert len(document) < MOST_BYTES


async def send(decisions, document):
    content = document if isinstance(document, bytes) else document.encode()
    headers = {"content-type": "application/xml"}
    return await decisions.provider.post("/settlements/finvoice", content=content, headers=headers)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "not_well_formed"),
        (b"\x00\xff", "not_well_formed"),
        (b"<Finvoice Version='3.0'>", "not_well_formed"),
        (b"<?xml version='1.0' encoding='ebcdic-9'?><Finvoice Version='3.0'/>", "not_well_formed"),
        (b"<!DOCTYPE Finvoice><Finvoice Version='3.0'/>", "document_type"),
        (b"<!DOCTYPE f [<!ENTITY a 'b'>]><Finvoice Version='3.0'>&a;</Finvoice>", "document_type"),
        (b"<!DOCTYPE f SYSTEM 'file:///etc/passwd'><Finvoice Version='3.0'/>", "document_type"),
        (b"<!DOCTYPE f [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><f>&a;</f>", "document_type"),
        (b"<Finvoice Version='3.0'>&a;</Finvoice>", "not_well_formed"),
        (b"<a>" * 20_000, "too_deep"),
        (b"<Invoice/>", "not_finvoice_3"),
        (b"<Finvoice Version='1.3'/>", "not_finvoice_3"),
        (b"<Finvoice Version='3.0'/>", "not_an_invoice"),
    ],
)
async def test_what_is_no_finvoice_is_refused(decisions, document, why):
    """P11, R-BIL-8: and neither a document type nor an entity is ever taken."""
    assert refusal(await send(decisions, document), 422) == ("XML_INVALID", {"why": why})


async def test_what_is_missing_is_named_and_nothing_is_echoed(decisions, clients):
    """P11, E-59."""
    bare = (
        "<Finvoice Version='3.0'><InvoiceDetails><InvoiceTypeCode>INV01</InvoiceTypeCode></InvoiceDetails></Finvoice>"
    )
    answer = await send(decisions, bare)
    assert refusal(answer, 422)[0] == "VALIDATION"
    fields = {error["field"] for error in answer.json()["errors"]}
    assert {"body.receiver", "body.biller", "body.provider_id", "body.email", "body.reference_number"} <= fields
    in_dollars = bare.replace("</InvoiceDetails>", "<Sum AmountCurrencyIdentifier='USD'/></InvoiceDetails>")
    assert refusal(await send(decisions, in_dollars), 422) == ("XML_INVALID", {"why": "not_in_euros"})


@pytest.mark.parametrize(
    "hidden",
    [
        "<SellerReferenceIdentifier>131052-308T</SellerReferenceIdentifier>",
        "<SellerReferenceIdentifier>131052&#45;308T</SellerReferenceIdentifier>",
        "<SellerReferenceIdentifier>131052<!-- x -->-308T</SellerReferenceIdentifier>",
        "<SellerReferenceIdentifier><![CDATA[131052]]>-308T</SellerReferenceIdentifier>",
        "<Anything Attribute='131052&#x2d;308T'/>",
        "<!-- 131052-308T -->",
        "<?note 131052-308T?>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_a_personal_identity_code_is_found_however_it_is_written(decisions, hidden, encoding):
    """E-59, R-BIL-6, acceptance example 13: in references, sections, attributes or another encoding; not echoed."""
    document = f"<?xml version='1.0' encoding='{encoding}'?><Finvoice Version='3.0'>{hidden}</Finvoice>"
    answer = await send(decisions, document.encode(encoding))
    assert refusal(answer, 422)[0] == "PERSONAL_IDENTITY_CODE"
    assert "308T" not in answer.text


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: f"<Finvoice Version='3.0'>{t}</Finvoice>".encode()))
def test_whatever_is_sent_is_read_or_refused(document):
    """P11: never anything else than a refusal."""
    with suppress(Invalid):
        finvoice.read(document)
