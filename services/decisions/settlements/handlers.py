"""Paying the periods of clients' courses."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.db import Transaction
from contracts.decisions import PeriodPaid
from contracts.refusals import NotFound, Refusal
from services.decisions.copies.store import find_course, find_pins_on
from services.decisions.settlements import store


@dataclass(frozen=True, slots=True)
class Payment:
    """What one command paid, and what had been paid before."""

    paid: list[str]
    already_paid: list[str]


async def pay_period(tx: Transaction, course_id: str, period_number: int, decision_refs: Sequence[str]) -> Payment:
    """Pay a period of a course for the clients of `decision_refs`: all of them or none.

    `PeriodPaid` is published once per decision and period, whatever is paid again (R-BIL-9, E-29).

    Raises:
        NotFound: COURSE_UNKNOWN.
        Refusal: PERIOD_UNKNOWN, PERIOD_NOT_ENDED, or NOT_PINNED_THERE with the decisions that are not.
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
    last = period_number == max(course.periods)
    paid = await store.add_payments(tx, course, period_number, refs, tx.today, last=last)
    for ref in refs:
        if ref in paid:
            client_ref, contract_id = decisions[ref]
            tx.emit(
                PeriodPaid(
                    version=1,
                    decision_ref=ref,
                    client_ref=client_ref,
                    contract_id=contract_id,
                    provider_id=course.provider_id,
                    office_id=pins[ref].office_id,
                    service=course.service,
                    course_id=course_id,
                    period_number=period_number,
                    last=last,
                    paid_on=tx.today,
                )
            )
    return Payment([ref for ref in refs if ref in paid], [ref for ref in refs if ref not in paid])
