"""Contracts whose provider bills Kela by settlements; of the others Kela pays without one.

The prices of the annexes are not public: the price here is a demo value.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from rekku.demo.courses import PlannedCourse, PlannedPayment
from rekku.demo.steps import AcceptSettlement, BillPeriod, NoteParticipation, SetPrices, Step, TrySettlement


class Form(StrEnum):
    """How a provider sends its settlements."""

    JSON = "JSON"
    FINVOICE = "Finvoice"


BILLED = {"rovaniemi": Form.JSON, "jakobstad": Form.FINVOICE}
"""Contracts that are billed, one of them in Swedish."""

PRICE_OF_A_DAY = Decimal("350.00")
"""Demo value."""

FAULTS = ("line 2 REPEATED", "line 3 FOREIGN_CONTRACT", "line 4 PERIOD_NOT_ENDED", "line 5 PRICE_DIFFERS")
"""What is wrong with the settlement that is sent in vain: it is refused as a whole (E-60)."""
_IN_VAIN = "rovaniemi-01-1"


@dataclass(frozen=True)
class HalfYearPaid:
    """What the payments of one half-year come to; `cost` None where none of them was billed."""

    persons: int
    periods: int
    cost: Decimal | None


def price_steps(day: date) -> Iterator[SetPrices]:
    """Kela adds the price annexes of the contracts that are billed (R-BIL-2)."""
    for contract in BILLED:
        yield SetPrices(day=day, key=f"prices-{contract}", contract=contract, price=PRICE_OF_A_DAY)


def amount_of(course: PlannedCourse, payment: PlannedPayment) -> Decimal:
    """The price of one client's period."""
    first_day, last_day = course.periods[payment.number - 1]
    return PRICE_OF_A_DAY * ((last_day - first_day).days + 1)


def billing_steps(course: PlannedCourse, payment: PlannedPayment, after: tuple[str, ...]) -> Iterator[Step]:
    """The provider notes who attended, bills the period, and Kela accepts, which pays it (R-BIL-1, R-BIL-9).

    Of clients who have gone on elsewhere it was noted when they left (E-20).
    """
    of, day = f"{course.key}-{payment.number}", payment.paid_on
    here = {stay.decision.key: stay for stay in course.present(day)}
    noted = [
        NoteParticipation(
            day=day,
            key=f"attended-{decision}-{of}",
            after=after,
            decision=decision,
            course=course.key,
            contract=course.contract,
            attended=tuple(range(here[decision].first_period, payment.number + 1)),
        )
        for decision in payment.decisions
        if decision in here
    ]
    yield from noted
    left = (f"noted-{decision}-{course.key}" for decision in payment.decisions if decision not in here)
    heard = (*after, f"prices-{course.contract}", *left, *(note.key for note in noted))
    bill = BillPeriod(
        day=day,
        key=f"billed-{of}",
        after=heard,
        contract=course.contract,
        course=course.key,
        number=payment.number,
        decisions=payment.decisions,
        amount=amount_of(course, payment),
    )
    if of == _IN_VAIN:
        tried = f"not-billed-{of}"
        yield TrySettlement(**{**vars(bill), "key": tried})
        bill = replace(bill, after=(*heard, tried))
    yield bill
    yield AcceptSettlement(day=day, key=f"paid-{of}", after=(bill.key,), settlement=bill.key)


def paid_by_half_year(courses: Iterable[PlannedCourse]) -> dict[str, HalfYearPaid]:
    """What the payments of these courses come to, by half-year, as the statistics name it (R-BIL-10)."""
    persons: dict[str, set[str]] = {}
    periods: Counter[str] = Counter()
    costs: dict[str, Decimal] = {}
    for course in courses:
        for payment in course.payments:
            half = half_year(payment.paid_on.year, 1 if payment.paid_on.month <= 6 else 2)
            clients = {stay.decision.key: stay.decision.client for stay in course.stays}
            persons.setdefault(half, set()).update(clients[decision] for decision in payment.decisions)
            periods[half] += len(payment.decisions)
            if course.contract in BILLED:
                cost = amount_of(course, payment) * len(payment.decisions)
                costs[half] = costs.get(half, Decimal(0)) + cost
    return {half: HalfYearPaid(len(persons[half]), periods[half], costs.get(half)) for half in persons}


def half_year(year: int, half: int) -> str:
    """`1–6/2024`."""
    return f"{'1–6' if half == 1 else '7–12'}/{year}"
