"""Paying the periods of clients' courses: by a settlement, or at Kela's own command."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chassis.db import Transaction
from contracts.decisions import PeriodPaid
from contracts.envelope import new_event_id
from contracts.refusals import IfMatch, NotFound, NotYetKnown, Refusal, expect_version
from services.decisions.acts import Act
from services.decisions.copies.store import CourseCopy, PinCopy, find_course, find_courses, find_pins_of, find_pins_on
from services.decisions.domain import Contract
from services.decisions.settlements import annexes, billing_forms, domain, store
from services.decisions.settlements.domain import (
    Entitlement,
    Fault,
    FaultCode,
    Invoice,
    Known,
    Line,
    Settlement,
    SettlementRefused,
    SettlementState,
    Stay,
)
from services.decisions.settlements.prices import ServicePeriod
from services.decisions.store import find_contract


@dataclass(frozen=True, slots=True)
class Payment:
    """What one command paid, and what had been paid before."""

    paid: list[str]
    already_paid: list[str]


async def submit(tx: Transaction, invoice: Invoice, lines: Sequence[Line]) -> Settlement:
    """Take a settlement of one contract and one service, or refuse it as a whole (R-BIL-1, R-BIL-3, R-BIL-4, E-60).

    One that names an original invoice gives back lines of that one (E-29).

    Raises:
        Refusal: FORM_OUTDATED, INVOICE_NUMBER_USED, ORIGINAL_UNKNOWN, ORIGINAL_NOT_ACCEPTED, or
            SETTLEMENT_REFUSED with every fault.
        NotFound: CONTRACT_UNKNOWN.
        NotYetKnown: NOT_YET_KNOWN, a client's course has not reached our copy.
    """
    await billing_forms.require_in_use(tx, invoice.form_version)
    contract, refs = await _contract(tx, invoice), [line.decision_ref for line in lines]
    original = await _original(tx, invoice)
    if original is None:
        billed = domain.bill(invoice, lines, await _known(tx, contract, refs))
    else:
        credited = await store.find_standing(tx, refs, credit=True)
        billed = domain.credit(invoice, lines, original, credited, contract, tx.today)
    settlement = Settlement(
        settlement_id=str(new_event_id()),
        invoice=invoice,
        lines=billed,
        original_id=None if original is None else original.settlement_id,
    )
    await store.add_settlement(tx, settlement, tx.now)
    added = await store.add_lines(tx, settlement)
    _require_all(settlement, added, FaultCode.ALREADY_BILLED if original is None else FaultCode.ALREADY_CREDITED)
    tx.audit(Act.SUBMIT_SETTLEMENT, _subject(settlement), contract_id=invoice.contract_id, lines=len(billed))
    return settlement


async def accept(tx: Transaction, settlement_id: str, *, if_match: IfMatch | None) -> Settlement:
    """Accept a settlement, which pays its periods; accepting a credit refunds them (R-BIL-1, E-29).

    It is looked at once more, as what is known of its clients may have changed. `PeriodPaid` is
    published where a period is paid for the first time.

    Raises:
        Refusal: SETTLEMENT_DECIDED, or SETTLEMENT_REFUSED with what does not fit any longer.
        NotFound: SETTLEMENT_UNKNOWN.
        Stale: it changed meanwhile.
    """
    settlement = await _locked(tx, settlement_id, if_match)
    accepted = domain.decide(settlement, SettlementState.ACCEPTED, tx.today)
    if settlement.original_id is None:
        await _pay_all(tx, settlement)
    else:
        await store.set_refunded(tx, settlement, tx.today)
    await store.set_decided(tx, accepted)
    tx.audit(Act.ACCEPT_SETTLEMENT, _subject(settlement))
    return accepted


async def reject(
    tx: Transaction, settlement_id: str, reasons: Sequence[str], *, if_match: IfMatch | None
) -> Settlement:
    """Reject a settlement with reasons; its periods may be billed again (R-BIL-1).

    Raises:
        Refusal: SETTLEMENT_DECIDED.
        NotFound: SETTLEMENT_UNKNOWN.
        Stale: it changed meanwhile.
    """
    settlement = await _locked(tx, settlement_id, if_match)
    rejected = domain.decide(settlement, SettlementState.REJECTED, tx.today, reasons)
    await store.set_decided(tx, rejected)
    tx.audit(Act.REJECT_SETTLEMENT, _subject(settlement))
    return rejected


async def pay_period(tx: Transaction, course_id: str, period_number: int, decision_refs: Sequence[str]) -> Payment:
    """Pay a period of a course for the clients of `decision_refs`, without a settlement: all of them or none.

    `PeriodPaid` is published once per decision and period, whatever is paid again (R-BIL-9, E-29).

    Raises:
        NotFound: COURSE_UNKNOWN.
        Refusal: PERIOD_UNKNOWN, PERIOD_NOT_ENDED; NOT_PINNED_THERE or NOT_ATTENDED with the decisions it is said of.
    """
    course = await find_course(tx, course_id)
    if course is None:
        raise NotFound("COURSE_UNKNOWN")
    period = course.periods.get(period_number)
    if period is None:
        raise Refusal("PERIOD_UNKNOWN", period_number=period_number, periods=len(course.periods))
    if period.last_day > tx.today:
        raise Refusal("PERIOD_NOT_ENDED", last_day=period.last_day, today=tx.today)
    refs = list(dict.fromkeys(decision_refs))
    pins = await find_pins_on(tx, course_id, refs)
    decisions = await store.find_decisions(tx, refs)
    strangers = [ref for ref in refs if ref not in decisions or ref not in pins or not pins[ref].took_part]
    if strangers:
        raise Refusal("NOT_PINNED_THERE", decision_refs=strangers)
    if absent := [ref for ref in refs if not pins[ref].takes_part_in(period_number)]:
        paid_before = await store.find_paid(tx, absent)
        if unpaid := [ref for ref in absent if (ref, period_number) not in paid_before]:
            raise Refusal("NOT_ATTENDED", decision_refs=unpaid)
    payments = [
        PeriodPaid(
            version=1,
            decision_ref=ref,
            client_ref=decisions[ref][0],
            contract_id=decisions[ref][1],
            provider_id=course.provider_id,
            office_id=pins[ref].office_id,
            service=course.service,
            course_id=course_id,
            period_number=period_number,
            last=domain.ends_path(pins[ref].state, pins[ref].planned, course.periods, period_number),
            paid_on=tx.today,
        )
        for ref in refs
    ]
    done = {ref for ref, _ in await _pay(tx, payments)}
    paid = [ref for ref in refs if ref in done]
    if paid:
        tx.audit(Act.PAY_PERIOD, f"course:{course_id}", period_number=period_number, decision_refs=paid)
    return Payment(paid, [ref for ref in refs if ref not in done])


async def _pay(tx: Transaction, payments: Sequence[PeriodPaid], settlement_id: str | None = None) -> store.Periods:
    """Pay what is not paid; what was never paid before is said. The periods that are paid now."""
    paid, first = await store.add_payments(tx, payments, settlement_id)
    for payment in payments:
        if (payment.decision_ref, payment.period_number) in first:
            tx.emit(payment)
    return paid


async def _pay_all(tx: Transaction, settlement: Settlement) -> None:
    invoice = settlement.invoice
    refs = [line.decision_ref for line in settlement.lines]
    known = await _known(tx, await _contract(tx, invoice), refs, besides=settlement.settlement_id)
    lines = [Line(line.number, *line.period, str(line.amount)) for line in settlement.lines]
    domain.bill(invoice, lines, known)
    payments = [
        PeriodPaid(
            version=1,
            decision_ref=line.decision_ref,
            client_ref=known.entitlements[line.decision_ref].client_ref,
            contract_id=invoice.contract_id,
            provider_id=invoice.provider_id,
            office_id=line.office_id,
            service=invoice.service,
            course_id=line.course_id,
            period_number=line.period_number,
            last=_ends_path(known.entitlements[line.decision_ref], line),
            paid_on=tx.today,
        )
        for line in settlement.lines
    ]
    paid = await _pay(tx, payments, settlement.settlement_id)
    _require_all(settlement, paid, FaultCode.ALREADY_PAID)


def _ends_path(entitlement: Entitlement, line: domain.BilledLine) -> bool:
    return any(
        domain.ends_path(stay.state, stay.planned, stay.periods, line.period_number)
        for stay in entitlement.stays
        if stay.course_id == line.course_id
    )


def _require_all(settlement: Settlement, done: Collection[tuple[str, int]], code: FaultCode) -> None:
    """Somebody else was quicker with a line: then nothing is done."""
    lost = [Fault(line.number, code) for line in settlement.lines if line.period not in done]
    if lost:
        raise SettlementRefused(lost)


def _subject(settlement: Settlement) -> str:
    return f"settlement:{settlement.settlement_id}"


async def _contract(tx: Transaction, invoice: Invoice) -> Contract:
    contract = await find_contract(tx, invoice.contract_id)
    if contract is None:
        raise NotFound("CONTRACT_UNKNOWN")
    return contract


async def _original(tx: Transaction, invoice: Invoice) -> Settlement | None:
    number = invoice.original_invoice_number
    if number is None:
        return None
    original = await store.lock_original(tx, invoice.provider_id, invoice.biller_id, number)
    if original is None or original.invoice.contract_id != invoice.contract_id:
        raise Refusal("ORIGINAL_UNKNOWN")
    return original


async def _locked(tx: Transaction, settlement_id: str, if_match: IfMatch | None) -> Settlement:
    settlement = await store.lock_settlement(tx, settlement_id)
    expect_version(settlement.version, if_match)
    return settlement


async def _known(tx: Transaction, contract: Contract, refs: Sequence[str], *, besides: str = "") -> Known:
    """Everything a settlement is held against, less what the settlement `besides` bills itself."""
    decisions = await store.find_decisions(tx, refs)
    pins = await find_pins_of(tx, list(decisions))
    courses = await find_courses(tx, [pin.course_id for pin in pins])
    stays: dict[str, list[Stay]] = defaultdict(list)
    for pin in pins:
        stays[pin.decision_ref].append(_stay(pin, courses.get(pin.course_id)))
    return Known(
        contract=contract,
        annexes=await annexes.find_annexes(tx, contract.contract_id),
        entitlements={ref: Entitlement(*facts, tuple(stays[ref])) for ref, facts in decisions.items()},
        billed=await store.find_standing(tx, refs, credit=False, besides=besides),
        paid=await store.find_paid(tx, refs),
        today=tx.today,
    )


def _stay(pin: PinCopy, course: CourseCopy | None) -> Stay:
    periods = {}
    for period in () if course is None else course.periods.values():
        if period.first_day is not None and period.mode is not None:
            periods[period.number] = ServicePeriod(period.number, period.mode, period.first_day, period.last_day)
    if course is None or len(periods) < len(course.periods):
        raise NotYetKnown("NOT_YET_KNOWN", subjects=["course"])
    return Stay(pin.course_id, pin.office_id, pin.state, pin.planned, pin.attended, periods)
