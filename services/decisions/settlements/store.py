"""The SQL of settlements and payments.

Lock order within 7 to 9 of `services/decisions/store.py`: an original comes before what credits it; lines and payments
by decision and period.
"""

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg

from chassis.db import Transaction
from contracts.decisions import PeriodPaid
from contracts.refusals import NotFound, Refusal
from contracts.values import DeliveryMode
from services.decisions.settlements.domain import BilledLine, Invoice, Settlement, SettlementState
from services.decisions.settlements.prices import Price, Unit

Periods = frozenset[tuple[str, int]]
"""Decisions, each with the number of a period."""


async def find_decisions(tx: Transaction, decision_refs: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Client, contract and service of each decision."""
    rows = await tx.fetch(
        "SELECT decision_ref, client_ref, contract_id, service FROM decisions WHERE decision_ref = ANY ($1)",
        list(decision_refs),
    )
    return {row["decision_ref"]: (row["client_ref"], row["contract_id"], row["service"]) for row in rows}


async def add_payments(
    tx: Transaction, payments: Sequence[PeriodPaid], settlement_id: str | None
) -> tuple[Periods, Periods]:
    """Pay what is not paid: which periods are paid now, and which of them for the first time (E-29, E-60).

    A period that was refunded is paid again; one that is paid otherwise is not.
    """
    ordered = sorted(payments, key=lambda payment: (payment.decision_ref, payment.period_number))
    rows = await tx.fetch(
        "INSERT INTO payments AS ours"
        " (decision_ref, period_number, course_id, provider_id, paid_on, last, settlement_id)"
        " SELECT p.*, $7 FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::date[], $6::boolean[]) AS p"
        " ON CONFLICT (decision_ref, period_number) DO UPDATE SET settlement_id = $7, refunded_on = NULL"
        " WHERE ours.refunded_on IS NOT NULL"
        " RETURNING decision_ref, period_number, xmax = 0 AS added",
        [payment.decision_ref for payment in ordered],
        [payment.period_number for payment in ordered],
        [payment.course_id for payment in ordered],
        [payment.provider_id for payment in ordered],
        [payment.paid_on for payment in ordered],
        [payment.last for payment in ordered],
        settlement_id,
    )
    paid = [(row["decision_ref"], row["period_number"], row["added"]) for row in rows]
    return frozenset((ref, n) for ref, n, _ in paid), frozenset((ref, n) for ref, n, added in paid if added)


async def set_refunded(tx: Transaction, credit: Settlement, on: date) -> None:
    """The periods of a credit were paid by its original and are refunded; neither holds them any longer (E-29)."""
    refs, numbers = [line.decision_ref for line in credit.lines], [line.period_number for line in credit.lines]
    await tx.execute(
        "UPDATE settlement_lines SET standing = false WHERE (settlement_id = $3 OR settlement_id = $4)"
        " AND (decision_ref, period_number) IN (SELECT * FROM unnest($1::text[], $2::integer[]))",
        refs,
        numbers,
        credit.original_id,
        credit.settlement_id,
    )
    await tx.execute(
        "UPDATE payments SET refunded_on = $4 WHERE settlement_id = $3"
        " AND (decision_ref, period_number) IN (SELECT * FROM unnest($1::text[], $2::integer[]))",
        refs,
        numbers,
        credit.original_id,
        on,
    )


async def find_standing(tx: Transaction, decision_refs: Sequence[str], *, credit: bool, besides: str = "") -> Periods:
    """The periods that some settlement other than `besides` bills, or gives back."""
    rows = await tx.fetch(
        "SELECT decision_ref, period_number FROM settlement_lines"
        " WHERE standing AND decision_ref = ANY ($1) AND credit = $2 AND settlement_id <> $3",
        list(decision_refs),
        credit,
        besides,
    )
    return frozenset((row["decision_ref"], row["period_number"]) for row in rows)


async def find_paid(tx: Transaction, decision_refs: Sequence[str]) -> Periods:
    """The periods that are paid and not refunded, by a settlement or without one."""
    rows = await tx.fetch(
        "SELECT decision_ref, period_number FROM payments WHERE decision_ref = ANY ($1) AND refunded_on IS NULL",
        list(decision_refs),
    )
    return frozenset((row["decision_ref"], row["period_number"]) for row in rows)


async def add_settlement(tx: Transaction, settlement: Settlement, at: datetime) -> None:
    """Add a submitted settlement, without its lines.

    Raises:
        Refusal: INVOICE_NUMBER_USED by this biller, for this provider.
    """
    invoice = settlement.invoice
    added = await tx.fetchval(
        "INSERT INTO settlements (settlement_id, provider_id, contract_id, service, form_version, invoice_number,"
        " reference_number, biller_id, biller_name, biller_reference, email, iban, invoiced_on, due_on, total,"
        " original_id, original_invoice_number, submitted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        " ON CONFLICT (provider_id, biller_id, invoice_number) WHERE state <> 'rejected' DO NOTHING RETURNING true",
        settlement.settlement_id,
        invoice.provider_id,
        invoice.contract_id,
        invoice.service,
        invoice.form_version,
        invoice.invoice_number,
        invoice.reference_number,
        invoice.biller_id,
        invoice.biller_name,
        invoice.biller_reference,
        invoice.email,
        invoice.iban,
        invoice.invoiced_on,
        invoice.due_on,
        settlement.total,
        settlement.original_id,
        invoice.original_invoice_number,
        at,
    )
    if not added:
        raise Refusal("INVOICE_NUMBER_USED")


async def add_lines(tx: Transaction, settlement: Settlement) -> Periods:
    """Add the lines; the periods of those that were added, less where another settlement was quicker (E-60)."""
    lines = sorted(settlement.lines, key=lambda line: line.period)
    invoice = settlement.invoice
    rows = await tx.fetch(
        "INSERT INTO settlement_lines (settlement_id, provider_id, contract_id, service, credit, line, decision_ref,"
        " period_number, course_id, office_id, first_day, last_day, mode, unit, quantity, unit_price, amount,"
        " annex_version)"
        " SELECT $1, $2, $3, $4, $5, l.* FROM unnest($6::integer[], $7::text[], $8::integer[], $9::text[],"
        " $10::text[], $11::date[], $12::date[], $13::text[], $14::text[], $15::integer[], $16::numeric[],"
        " $17::numeric[], $18::integer[]) AS l"
        " ON CONFLICT DO NOTHING RETURNING decision_ref, period_number",
        settlement.settlement_id,
        invoice.provider_id,
        invoice.contract_id,
        invoice.service,
        settlement.original_id is not None,
        [line.number for line in lines],
        [line.decision_ref for line in lines],
        [line.period_number for line in lines],
        [line.course_id for line in lines],
        [line.office_id for line in lines],
        [line.first_day for line in lines],
        [line.last_day for line in lines],
        [line.price.mode for line in lines],
        [line.price.unit for line in lines],
        [line.quantity for line in lines],
        [line.price.amount for line in lines],
        [line.amount for line in lines],
        [line.annex_version for line in lines],
    )
    return frozenset((row["decision_ref"], row["period_number"]) for row in rows)


async def set_decided(tx: Transaction, settlement: Settlement) -> None:
    """Store what Kela decided on a locked settlement; the lines of a rejected one hold nothing any longer."""
    await tx.execute(
        "UPDATE settlements SET state = $2, decided_on = $3, reasons = $4, version = $5 WHERE settlement_id = $1",
        settlement.settlement_id,
        settlement.state,
        settlement.decided_on,
        list(settlement.reasons),
        settlement.version,
    )
    if settlement.state is SettlementState.REJECTED:
        await tx.execute(
            "UPDATE settlement_lines SET standing = false WHERE settlement_id = $1", settlement.settlement_id
        )


async def get_settlement(tx: Transaction, settlement_id: str) -> Settlement:
    """A settlement.

    Raises:
        NotFound: SETTLEMENT_UNKNOWN, also where it is another provider's.
    """
    row = await tx.fetchrow("SELECT * FROM settlements WHERE settlement_id = $1", settlement_id)
    if row is None:
        raise NotFound("SETTLEMENT_UNKNOWN")
    return (await _with_lines(tx, [row]))[0]


async def lock_settlement(tx: Transaction, settlement_id: str) -> Settlement:
    """A settlement and the one it credits, their rows locked.

    Raises:
        NotFound: SETTLEMENT_UNKNOWN.
    """
    await tx.execute(
        "SELECT FROM settlements WHERE settlement_id IN"
        " ($1, (SELECT original_id FROM settlements WHERE settlement_id = $1)) ORDER BY number FOR NO KEY UPDATE",
        settlement_id,
    )
    return await get_settlement(tx, settlement_id)


async def lock_original(tx: Transaction, provider_id: str, biller_id: str, invoice_number: str) -> Settlement | None:
    """The settlement with this invoice number, its row locked; a rejected one does not count."""
    settlement_id = await tx.fetchval(
        "SELECT settlement_id FROM settlements WHERE provider_id = $1 AND biller_id = $2 AND invoice_number = $3"
        " AND state <> 'rejected' FOR NO KEY UPDATE",
        provider_id,
        biller_id,
        invoice_number,
    )
    return None if settlement_id is None else await get_settlement(tx, settlement_id)


async def find_settlements(
    tx: Transaction,
    *,
    contract_id: str | None,
    state: SettlementState | None,
    after: str | None,
    limit: int,
) -> list[tuple[int, Settlement]]:
    """Settlements with their numbers, which are the order of arrival, behind the settlement `after`.

    The caller gets what it may see of them.

    Raises:
        NotFound: SETTLEMENT_UNKNOWN, there is no settlement `after`: behind it there would never be anything.
    """
    rows = await tx.fetch(
        "SELECT * FROM settlements"
        " WHERE ($1::text IS NULL OR number > (SELECT number FROM settlements WHERE settlement_id = $1))"
        " AND ($2::text IS NULL OR contract_id = $2) AND ($3::text IS NULL OR state = $3) ORDER BY number LIMIT $4",
        after,
        contract_id,
        state,
        limit,
    )
    if after is not None and not rows:
        await get_settlement(tx, after)
    return list(zip((row["number"] for row in rows), await _with_lines(tx, rows), strict=True))


async def _with_lines(tx: Transaction, rows: Sequence[asyncpg.Record]) -> list[Settlement]:
    lines: dict[str, list[BilledLine]] = {row["settlement_id"]: [] for row in rows}
    for row in await tx.fetch(
        "SELECT * FROM settlement_lines WHERE settlement_id = ANY ($1) ORDER BY settlement_id, line", list(lines)
    ):
        lines[row["settlement_id"]].append(_as_line(row))
    return [_as_settlement(row, lines[row["settlement_id"]]) for row in rows]


def _as_line(row: asyncpg.Record) -> BilledLine:
    return BilledLine(
        number=row["line"],
        decision_ref=row["decision_ref"],
        period_number=row["period_number"],
        course_id=row["course_id"],
        office_id=row["office_id"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        price=Price(DeliveryMode(row["mode"]), Unit(row["unit"]), row["unit_price"]),
        quantity=row["quantity"],
        annex_version=row["annex_version"],
        standing=row["standing"],
    )


def _as_settlement(row: asyncpg.Record, lines: Sequence[BilledLine]) -> Settlement:
    return Settlement(
        settlement_id=row["settlement_id"],
        invoice=Invoice(
            form_version=row["form_version"],
            contract_id=row["contract_id"],
            service=row["service"],
            provider_id=row["provider_id"],
            biller_id=row["biller_id"],
            biller_name=row["biller_name"],
            biller_reference=row["biller_reference"],
            email=row["email"],
            iban=row["iban"],
            invoice_number=row["invoice_number"],
            reference_number=row["reference_number"],
            invoiced_on=row["invoiced_on"],
            due_on=row["due_on"],
            total=str(row["total"]),
            original_invoice_number=row["original_invoice_number"],
        ),
        lines=tuple(lines),
        original_id=row["original_id"],
        state=SettlementState(row["state"]),
        decided_on=row["decided_on"],
        reasons=tuple(row["reasons"]),
        version=row["version"],
    )
