"""The rules of settlements: what a provider may bill, at which price, and what becomes of it."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from contracts.refusals import Refusal
from contracts.values import PinState
from services.decisions.domain import Contract
from services.decisions.settlements.prices import Price, PriceAnnex, ServicePeriod, annex_in_force

KELA_ID = "0246246-0"
KELA_NAMES = frozenset({"kansaneläkelaitos", "kela", "folkpensionsanstalten", "fpa"})
_CENT = Decimal("0.01")
_AMOUNT = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,2})?")


class SettlementState(StrEnum):
    """States of a settlement: Kela accepts it, which pays it, or rejects it with reasons (R-BIL-1)."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class FaultCode(StrEnum):
    """What can be wrong with a settlement or one line of it; every one has a text `fault-…`."""

    RECEIVER_NOT_KELA = "RECEIVER_NOT_KELA"
    PROVIDER_DIFFERS = "PROVIDER_DIFFERS"
    SERVICE_NOT_OF_CONTRACT = "SERVICE_NOT_OF_CONTRACT"
    INVOICED_IN_FUTURE = "INVOICED_IN_FUTURE"
    TOTAL_DIFFERS = "TOTAL_DIFFERS"
    AMOUNT_INVALID = "AMOUNT_INVALID"
    FOREIGN_CONTRACT = "FOREIGN_CONTRACT"
    FOREIGN_SERVICE = "FOREIGN_SERVICE"
    REPEATED = "REPEATED"
    DECISION_REF_INVALID = "DECISION_REF_INVALID"
    DECISION_REF_CHECK_CHARACTER = "DECISION_REF_CHECK_CHARACTER"
    DECISION_UNKNOWN = "DECISION_UNKNOWN"
    PERIOD_UNKNOWN = "PERIOD_UNKNOWN"
    NOT_PINNED = "NOT_PINNED"
    PERIOD_NOT_ENDED = "PERIOD_NOT_ENDED"
    NOT_ATTENDED = "NOT_ATTENDED"
    CONTRACT_NOT_IN_FORCE = "CONTRACT_NOT_IN_FORCE"
    ALREADY_BILLED = "ALREADY_BILLED"
    ALREADY_PAID = "ALREADY_PAID"
    PRICE_UNKNOWN = "PRICE_UNKNOWN"
    PRICE_DIFFERS = "PRICE_DIFFERS"
    NOT_ON_ORIGINAL = "NOT_ON_ORIGINAL"
    ALREADY_CREDITED = "ALREADY_CREDITED"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `line` counts from 1, None for the settlement itself. Figures only, no input."""

    line: int | None
    code: FaultCode
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, object]:
        """What a refusal says of it."""
        return {"line": self.line, "code": self.code, **self.values}

    @property
    def text_id(self) -> str:
        """The text that says it to people."""
        return f"fault-{self.code.lower().replace('_', '-')}"


class SettlementRefused(Refusal):
    """Nothing of the settlement is taken; every fault is listed (E-60)."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("SETTLEMENT_REFUSED", faults=[each.figures for each in faults])


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was sent: `amount` is still text; `contract_id` and `service` where the line says its own.

    `wrong_ref` says that no decision identifier was sent, and what is wrong; then `decision_ref` is empty.
    """

    number: int
    decision_ref: str
    period_number: int
    amount: str
    contract_id: str | None = None
    service: str | None = None
    wrong_ref: FaultCode | None = None

    @property
    def period(self) -> tuple[str, int]:
        """What is billed once: a decision and a period of it."""
        return self.decision_ref, self.period_number


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line that fits; a credited one has a negative quantity."""

    number: int
    decision_ref: str
    period_number: int
    course_id: str
    office_id: str
    first_day: date
    last_day: date
    price: Price
    quantity: int
    annex_version: int
    standing: bool = True

    @property
    def period(self) -> tuple[str, int]:
        """What is billed once: a decision and a period of it."""
        return self.decision_ref, self.period_number

    @property
    def amount(self) -> Decimal:
        """What the line costs, in euros."""
        return self.price.amount * self.quantity


@dataclass(frozen=True, slots=True)
class Invoice:
    """The head of a settlement: the mandatory content of an e-invoice (P11) and what it settles.

    The biller may be another organisation than the provider (E-60). `original_invoice_number` is that
    of the invoice which this one credits, None for an ordinary one.
    """

    form_version: int
    contract_id: str
    service: str
    provider_id: str
    biller_id: str
    biller_name: str
    biller_reference: str
    email: str
    iban: str
    invoice_number: str
    reference_number: str
    invoiced_on: date
    due_on: date
    total: str
    original_invoice_number: str | None = None
    receiver_id: str = KELA_ID
    receiver_name: str = "Kansaneläkelaitos"


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement that was taken: exactly one contract and one service (R-BIL-3, R-BIL-4)."""

    settlement_id: str
    invoice: Invoice
    lines: tuple[BilledLine, ...]
    original_id: str | None = None
    state: SettlementState = SettlementState.SUBMITTED
    decided_on: date | None = None
    reasons: tuple[str, ...] = ()
    version: int = 1

    @property
    def total(self) -> Decimal:
        """The sum of the lines, in euros."""
        return sum((line.amount for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Stay:
    """A client's pin on one course, as our copies know it; `planned` None is every period (E-20)."""

    course_id: str
    office_id: str
    state: PinState
    planned: tuple[int, ...] | None
    attended: tuple[int, ...]
    periods: Mapping[int, ServicePeriod]


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a decision is for, and its client's stays, oldest first."""

    client_ref: str
    contract_id: str
    service: str
    stays: tuple[Stay, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a settlement is held against: the contract with its annexes, and everything its lines name."""

    contract: Contract
    annexes: Sequence[PriceAnnex]
    entitlements: Mapping[str, Entitlement]
    billed: frozenset[tuple[str, int]]
    paid: frozenset[tuple[str, int]]
    today: date


def check_head(invoice: Invoice, contract: Contract, today: date) -> list[Fault]:
    """What is wrong with the invoice itself (R-BIL-1, P11)."""
    found = []
    if invoice.receiver_id != KELA_ID or invoice.receiver_name.casefold() not in KELA_NAMES:
        found.append(Fault(None, FaultCode.RECEIVER_NOT_KELA, {"business_id": KELA_ID}))
    if invoice.provider_id != contract.provider_id:
        found.append(Fault(None, FaultCode.PROVIDER_DIFFERS))
    if invoice.service != contract.service:
        found.append(Fault(None, FaultCode.SERVICE_NOT_OF_CONTRACT))
    if invoice.invoiced_on > today:
        found.append(Fault(None, FaultCode.INVOICED_IN_FUTURE, {"today": today}))
    return found


def bill(invoice: Invoice, lines: Sequence[Line], known: Known) -> tuple[BilledLine, ...]:
    """The lines of an ordinary settlement, priced; all of them or none (E-60).

    Raises:
        SettlementRefused: with every fault of the head and of every line.
    """
    return _whole(invoice, lines, known.contract, known.today, lambda line: _billed(line, known))


def credit(
    invoice: Invoice,
    lines: Sequence[Line],
    original: Settlement,
    credited: frozenset[tuple[str, int]],
    contract: Contract,
    on: date,
) -> tuple[BilledLine, ...]:
    """The lines of a settlement that gives back whole lines of the accepted `original` (E-29).

    `credited` are the periods that another settlement is giving back already.

    Raises:
        Refusal: ORIGINAL_NOT_ACCEPTED.
        SettlementRefused: with every fault.
    """
    if original.state is not SettlementState.ACCEPTED or original.original_id is not None:
        raise Refusal("ORIGINAL_NOT_ACCEPTED")
    theirs = {line.period: line for line in original.lines}

    def given_back(line: Line) -> BilledLine | Fault:
        billed = theirs.get(line.period)
        if billed is None:
            return Fault(line.number, FaultCode.NOT_ON_ORIGINAL)
        if not billed.standing or line.period in credited:
            return Fault(line.number, FaultCode.ALREADY_CREDITED)
        return replace(billed, number=line.number, quantity=-billed.quantity)

    return _whole(invoice, lines, contract, on, given_back)


def _whole(
    invoice: Invoice,
    lines: Sequence[Line],
    contract: Contract,
    on: date,
    taken: Callable[[Line], BilledLine | Fault],
) -> tuple[BilledLine, ...]:
    faults = check_head(invoice, contract, on)
    fitting: list[BilledLine] = []
    seen: dict[tuple[str, int], int] = {}
    for line in lines:
        first = seen.setdefault(line.period, line.number)
        result: BilledLine | Fault | None = next(_faults_of_sent(line, invoice), None)
        if result is None and first != line.number:
            result = Fault(line.number, FaultCode.REPEATED, {"first": first})
        result = result or taken(line)
        amount = amount_of(line.amount)
        if amount is None:
            faults.append(Fault(line.number, FaultCode.AMOUNT_INVALID))
        if isinstance(result, Fault):
            faults.append(result)
        elif amount is not None and amount != result.amount:
            faults.append(Fault(line.number, FaultCode.PRICE_DIFFERS, {"price": result.amount}))
        else:
            fitting.append(result)
    faults += _faults_of_total(invoice, lines)
    if faults:
        raise SettlementRefused(faults)
    return tuple(fitting)


def _faults_of_sent(line: Line, invoice: Invoice) -> Iterator[Fault]:
    if line.wrong_ref is not None:
        yield Fault(line.number, line.wrong_ref)
    if line.service not in (None, invoice.service):
        yield Fault(line.number, FaultCode.FOREIGN_SERVICE)
    if line.contract_id not in (None, invoice.contract_id):
        yield Fault(line.number, FaultCode.FOREIGN_CONTRACT)


def _faults_of_total(invoice: Invoice, lines: Sequence[Line]) -> Iterator[Fault]:
    amounts = [amount_of(line.amount) for line in lines]
    total = sum((amount for amount in amounts if amount is not None), Decimal(0))
    if None not in amounts and amount_of(invoice.total) != total:
        yield Fault(None, FaultCode.TOTAL_DIFFERS, {"total": total})


def _billed(line: Line, known: Known) -> BilledLine | Fault:
    def fault(code: FaultCode, **values: object) -> Fault:
        return Fault(line.number, code, values)

    entitlement = known.entitlements.get(line.decision_ref)
    if entitlement is None:
        return fault(FaultCode.DECISION_UNKNOWN)
    if entitlement.service != known.contract.service:
        return fault(FaultCode.FOREIGN_SERVICE)
    if entitlement.contract_id != known.contract.contract_id:
        return fault(FaultCode.FOREIGN_CONTRACT)
    stay = stay_of(entitlement, line.period_number)
    if stay is None:
        return fault(FaultCode.PERIOD_UNKNOWN if entitlement.stays else FaultCode.NOT_PINNED)
    period = stay.periods[line.period_number]
    if period.last_day > known.today:
        return fault(FaultCode.PERIOD_NOT_ENDED, last_day=period.last_day)
    if line.period_number not in stay.attended:
        return fault(FaultCode.NOT_ATTENDED)
    return _priced(line, stay, period, known)


def _priced(line: Line, stay: Stay, period: ServicePeriod, known: Known) -> BilledLine | Fault:
    day, contract = period.first_day, known.contract
    if not contract.valid_on(day):
        values = {"day": day, "valid_from": contract.valid_from, "valid_to": contract.valid_to}
        return Fault(line.number, FaultCode.CONTRACT_NOT_IN_FORCE, values)
    if line.period in known.billed:
        return Fault(line.number, FaultCode.ALREADY_BILLED)
    if line.period in known.paid:
        return Fault(line.number, FaultCode.ALREADY_PAID)
    annex = annex_in_force(known.annexes, day)
    price = None if annex is None else annex.price_of(period)
    if annex is None or price is None:
        return Fault(line.number, FaultCode.PRICE_UNKNOWN, {"day": day})
    return BilledLine(
        number=line.number,
        decision_ref=line.decision_ref,
        period_number=line.period_number,
        course_id=stay.course_id,
        office_id=stay.office_id,
        first_day=period.first_day,
        last_day=period.last_day,
        price=price,
        quantity=price.quantity_of(period),
        annex_version=annex.annex_version,
    )


def stay_of(entitlement: Entitlement, number: int) -> Stay | None:
    """The stay a period belongs to: where it was attended, else the newest whose course has it (E-20)."""
    with_period = [stay for stay in entitlement.stays if number in stay.periods]
    attended = [stay for stay in with_period if number in stay.attended]
    return next(reversed(attended or with_period), None)


def ends_path(state: PinState, planned: Collection[int] | None, periods: Collection[int], number: int) -> bool:
    """Whether a stay's period is the last one planned of the client's path, moved or not (E-29)."""
    return state is not PinState.MOVED and number == max(planned or periods, default=0)


def decide(settlement: Settlement, state: SettlementState, on: date, reasons: Sequence[str] = ()) -> Settlement:
    """What Kela makes of a submitted settlement (R-BIL-1); only an accepted ordinary one still holds its periods.

    Raises:
        Refusal: SETTLEMENT_DECIDED.
    """
    if settlement.state is not SettlementState.SUBMITTED:
        raise Refusal("SETTLEMENT_DECIDED", state=settlement.state)
    holds = state is SettlementState.ACCEPTED and settlement.original_id is None
    lines = tuple(replace(line, standing=holds) for line in settlement.lines)
    return replace(
        settlement, state=state, decided_on=on, reasons=tuple(reasons), lines=lines, version=settlement.version + 1
    )


def amount_of(text: str) -> Decimal | None:
    """Euros with at most two decimals, None where it is no such amount (E-60)."""
    return Decimal(text).quantize(_CENT) if _AMOUNT.fullmatch(text) else None
