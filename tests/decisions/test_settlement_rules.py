"""The rules of settlements as they are, without a database: whole or not at all, exact money, prices by the day."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.refusals import Refusal
from contracts.values import DeliveryMode, Language, PinState
from services.decisions.domain import Contract
from services.decisions.identifiers import decision_ref
from services.decisions.settlements.domain import (
    KELA_ID,
    BilledLine,
    Entitlement,
    FaultCode,
    Invoice,
    Known,
    Line,
    Settlement,
    SettlementRefused,
    SettlementState,
    Stay,
    amount_of,
    bill,
    credit,
    decide,
    ends_path,
)
from services.decisions.settlements.prices import Price, PriceAnnex, ServicePeriod, Unit, annex_in_force

TODAY = date(2024, 6, 30)
FIRST = date(2024, 1, 8)
REFS = [decision_ref(number) for number in range(1, 7)]
CONTRACT = Contract("contract-1", "2828286-3", "RARE", Language.FI, date(2023, 1, 1), None)
PERIODS = {
    number: ServicePeriod(number, DeliveryMode.FACE_TO_FACE, first, first + timedelta(days=4))
    for number, first in ((n, FIRST + timedelta(weeks=8 * (n - 1))) for n in range(1, 5))
}
ANNEX = PriceAnnex(
    "contract-1",
    "RARE",
    1,
    date(2023, 1, 1),
    None,
    (Price(DeliveryMode.FACE_TO_FACE, Unit.DAY, Decimal("33.33")),),
)
PRICE = "166.65"


def a_stay(**differences):
    facts = {
        "course_id": "course-1",
        "office_id": "office-1",
        "state": PinState.ACTIVE,
        "planned": None,
        "attended": (1, 2, 3),
        "periods": PERIODS,
    }
    return Stay(**facts | differences)


def what_is_known(**differences):
    facts = {
        "contract": CONTRACT,
        "annexes": [ANNEX],
        "entitlements": {ref: Entitlement("client", "contract-1", "RARE", (a_stay(),)) for ref in REFS},
        "billed": frozenset(),
        "paid": frozenset(),
        "today": TODAY,
    }
    return Known(**facts | differences)


def an_invoice(lines=(), **differences):
    facts = {
        "form_version": 1,
        "contract_id": "contract-1",
        "service": "RARE",
        "provider_id": "2828286-3",
        "biller_id": "1234567-1",
        "biller_name": "Laskutus Oy",
        "biller_reference": "1",
        "email": "a@b.fi",
        "iban": "FI2112345600000785",
        "invoice_number": "1",
        "reference_number": "1232",
        "invoiced_on": TODAY,
        "due_on": TODAY,
        "total": str(sum((amount_of(line.amount) or Decimal(0) for line in lines), Decimal(0))),
    }
    return Invoice(**facts | differences)


def found(lines, known=None, **differences):
    """The faults of a settlement; none where it is taken."""
    try:
        bill(an_invoice(lines, **differences), lines, known or what_is_known())
    except SettlementRefused as refused:
        return [(fault.line, fault.code) for fault in refused.faults]
    return []


good_periods = st.lists(st.tuples(st.sampled_from(REFS), st.integers(1, 3)), min_size=1, max_size=18, unique=True)


@settings(deadline=None)
@given(good_periods)
def test_every_attended_period_is_billed_at_its_price_and_the_total_is_exact(periods):
    """R-BIL-2, E-60: no cent is lost, however many lines there are."""
    lines = [Line(number, ref, period, PRICE) for number, (ref, period) in enumerate(periods, 1)]
    billed = bill(an_invoice(lines), lines, what_is_known())
    assert [line.period for line in billed] == periods
    assert sum(line.amount for line in billed) == Decimal("166.65") * len(periods)
    assert {(line.quantity, line.annex_version) for line in billed} == {(5, 1)}


def without_ref(line, why):
    """The line as it is read where its identifier is none."""
    return replace(line, decision_ref="", wrong_ref=why)


WRONG = {
    FaultCode.FOREIGN_CONTRACT: lambda line: replace(line, contract_id="contract-2"),
    FaultCode.FOREIGN_SERVICE: lambda line: replace(line, service="HEART"),
    FaultCode.DECISION_REF_INVALID: lambda line: without_ref(line, FaultCode.DECISION_REF_INVALID),
    FaultCode.DECISION_REF_CHECK_CHARACTER: lambda line: without_ref(line, FaultCode.DECISION_REF_CHECK_CHARACTER),
    FaultCode.DECISION_UNKNOWN: lambda line: replace(line, decision_ref=decision_ref(1000 + line.number)),
    FaultCode.PERIOD_UNKNOWN: lambda line: replace(line, period_number=9),
    FaultCode.NOT_ATTENDED: lambda line: replace(line, period_number=4),
    FaultCode.AMOUNT_INVALID: lambda line: replace(line, amount="166.650"),
    FaultCode.PRICE_DIFFERS: lambda line: replace(line, amount="166.66"),
}


@settings(deadline=None)
@given(good_periods, st.data())
def test_one_wrong_line_refuses_all_and_every_wrong_line_is_listed(periods, data):
    """E-60, R-BIL-1, R-BIL-3: exactly the wrong lines, in order, whatever is right beside them."""
    lines = [Line(number, ref, period, PRICE) for number, (ref, period) in enumerate(periods, 1)]
    wrong = data.draw(
        st.dictionaries(st.sampled_from(lines).map(lambda line: line.number), st.sampled_from(list(WRONG)), min_size=1)
    )
    sent = [WRONG[wrong[line.number]](line) if line.number in wrong else line for line in lines]
    assume(len({line.period for line in sent}) == len(sent))
    assert found(sent) == sorted(wrong.items())


@settings(deadline=None)
@given(good_periods, st.data())
def test_what_is_billed_paid_or_repeated_is_refused(periods, data):
    """E-60: unique by decision and period."""
    held = data.draw(st.sets(st.sampled_from(periods)))
    paid = data.draw(st.sets(st.sampled_from(periods)))
    repeated = data.draw(st.lists(st.sampled_from(periods), max_size=3))
    lines = [Line(number, ref, period, PRICE) for number, (ref, period) in enumerate([*periods, *repeated], 1)]
    expected = [
        (number, FaultCode.ALREADY_BILLED if period in held else FaultCode.ALREADY_PAID)
        for number, period in enumerate(periods, 1)
        if period in held | paid
    ]
    expected += [(number, FaultCode.REPEATED) for number in range(len(periods) + 1, len(lines) + 1)]
    assert found(lines, what_is_known(billed=frozenset(held), paid=frozenset(paid))) == expected


@given(st.dates(date(2023, 12, 1), date(2024, 8, 1)), st.dates(date(2023, 12, 1), date(2024, 8, 1)))
def test_a_period_is_billed_when_it_has_ended_and_under_a_contract_in_force_on_its_first_day(today, valid_to):
    """E-60: the last day itself counts, and so does the contract's."""
    contract = replace(CONTRACT, valid_to=valid_to)
    line = Line(1, REFS[0], 2, PRICE)
    codes = [code for _, code in found([line], what_is_known(today=today, contract=contract), invoiced_on=today)]
    if today < PERIODS[2].last_day:
        assert codes == [FaultCode.PERIOD_NOT_ENDED]
    elif valid_to < PERIODS[2].first_day:
        assert codes == [FaultCode.CONTRACT_NOT_IN_FORCE]
    else:
        assert codes == []


annexes = st.lists(
    st.tuples(st.dates(date(2023, 1, 1), date(2024, 12, 31)), st.none() | st.integers(0, 400)), max_size=6
).map(
    lambda spans: [
        replace(ANNEX, annex_version=n, valid_from=begin, valid_to=None if days is None else begin + timedelta(days))
        for n, (begin, days) in enumerate(spans, 1)
    ]
)


@given(annexes, st.dates(date(2023, 1, 1), date(2025, 12, 31)))
def test_the_newest_annex_valid_on_the_day_is_in_force(versions, day):
    """R-BIL-2: both ends inclusive, whatever the order in which they are found."""
    in_force = annex_in_force(versions, day)
    valid = [each for each in versions if each.valid_from <= day <= (each.valid_to or date.max)]
    assert in_force == (valid[-1] if valid else None)
    assert annex_in_force(versions[::-1], day) == in_force


@given(st.decimals(-(10**8), 10**8, places=2).filter(lambda amount: amount != 0))
def test_amounts_of_two_decimals_are_exact(amount):
    """E-60."""
    assert amount_of(str(amount)) == amount


@given(st.text(max_size=12) | st.decimals(allow_nan=True, allow_infinity=True).map(str))
def test_an_amount_is_digits_with_two_decimals_at_most_or_nothing(text):
    """E-60."""
    whole, _, decimals = text.removeprefix("-").partition(".")
    plain = whole.isascii() and whole.isdigit() and len(whole) <= 9
    fits = plain and ("." not in text or (decimals.isascii() and decimals.isdigit() and len(decimals) <= 2))
    assert (amount_of(text) is not None) == fits


def an_accepted(periods):
    lines = [Line(number, ref, period, PRICE) for number, (ref, period) in enumerate(periods, 1)]
    taken = Settlement("s-1", an_invoice(lines), bill(an_invoice(lines), lines, what_is_known()))
    return decide(taken, SettlementState.ACCEPTED, TODAY)


@settings(deadline=None)
@given(good_periods, st.data())
def test_a_credit_gives_back_exactly_what_it_names_of_the_original(periods, data):
    """E-29: whole lines at the price that was paid, each once."""
    original = an_accepted(periods)
    asked = data.draw(st.lists(st.sampled_from([*periods, (REFS[0], 4)]), min_size=1, unique=True))
    underway = data.draw(st.frozensets(st.sampled_from(periods)))
    lines = [Line(number, ref, period, f"-{PRICE}") for number, (ref, period) in enumerate(asked, 1)]
    expected = [
        (number, FaultCode.ALREADY_CREDITED if period in underway else FaultCode.NOT_ON_ORIGINAL)
        for number, period in enumerate(asked, 1)
        if period in underway or period not in periods
    ]
    if expected:
        with pytest.raises(SettlementRefused) as refused:
            credit(an_invoice(lines), lines, original, underway, CONTRACT, TODAY)
        assert [(fault.line, fault.code) for fault in refused.value.faults] == expected
    else:
        given_back = credit(an_invoice(lines), lines, original, underway, CONTRACT, TODAY)
        assert sum(line.amount for line in given_back) == -Decimal(PRICE) * len(asked)


def test_only_an_accepted_ordinary_settlement_is_credited():
    """E-29."""
    original = an_accepted([(REFS[0], 1)])
    line = Line(1, REFS[0], 1, f"-{PRICE}")
    for wrong in (
        replace(original, state=SettlementState.SUBMITTED),
        replace(original, state=SettlementState.REJECTED),
        replace(original, original_id="s-0"),
    ):
        with pytest.raises(Refusal, match="ORIGINAL_NOT_ACCEPTED"):
            credit(an_invoice([line]), [line], wrong, frozenset(), CONTRACT, TODAY)


@given(st.sampled_from(SettlementState), st.sampled_from([SettlementState.ACCEPTED, SettlementState.REJECTED]))
def test_a_settlement_is_decided_once(state, wanted):
    """R-BIL-1."""
    settlement = replace(an_accepted([(REFS[0], 1)]), state=state)
    if state is not SettlementState.SUBMITTED:
        with pytest.raises(Refusal, match="SETTLEMENT_DECIDED"):
            decide(settlement, wanted, TODAY)
        return
    decided = decide(settlement, wanted, TODAY, ["Syy."])
    assert (decided.state, decided.version) == (wanted, settlement.version + 1)
    assert all(line.standing == (wanted is SettlementState.ACCEPTED) for line in decided.lines)


@pytest.mark.parametrize(
    ("state", "planned", "number", "last"),
    [
        (PinState.ACTIVE, None, 3, False),
        (PinState.ACTIVE, None, 4, True),
        (PinState.FULFILLED, (2, 3), 3, True),
        (PinState.FULFILLED, (2, 3), 4, False),
        (PinState.INTERRUPTED, None, 2, False),
        (PinState.INTERRUPTED, (1, 2), 2, True),
        (PinState.MOVED, None, 4, False),
    ],
)
def test_the_last_period_is_the_last_planned_of_the_path(state, planned, number, last):
    """E-29: of an interrupted client the last attended one where it is final, of a moved one none of the old course."""
    assert ends_path(state, planned, PERIODS, number) is last


def test_the_invoice_itself_is_checked_beside_its_lines():
    """R-BIL-1, P11: everything at once."""
    line = Line(1, REFS[0], 1, "1.001")
    wrong = {"provider_id": "x", "receiver_name": "Keva", "service": "HEART", "invoiced_on": date(2024, 7, 1)}
    codes = [code for _, code in found([replace(line, service="HEART")], **wrong)]
    assert codes == [
        FaultCode.RECEIVER_NOT_KELA,
        FaultCode.PROVIDER_DIFFERS,
        FaultCode.SERVICE_NOT_OF_CONTRACT,
        FaultCode.INVOICED_IN_FUTURE,
        FaultCode.AMOUNT_INVALID,
    ]
    assert found([Line(1, REFS[0], 1, PRICE)], receiver_id=KELA_ID, receiver_name="FOLKPENSIONSANSTALTEN") == []


def test_a_line_is_its_price_times_its_units():
    """R-BIL-2."""
    line = BilledLine(1, REFS[0], 1, "c", "o", FIRST, FIRST, ANNEX.prices[0], -5, 1)
    assert line.amount == Decimal("-166.65")
