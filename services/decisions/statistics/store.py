"""The SQL of the figures."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import asyncpg

from chassis.db import Transaction
from contracts.values import Language, PinState
from services.decisions.statistics.domain import MONTHS, Period, Stay


@dataclass(frozen=True, slots=True)
class DecisionCount:
    """Decisions of one month and service language (R-STA-1, R-DEC-22)."""

    month: int
    language: Language
    granted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class PaidHalf:
    """Persons paid for in one half of a year, and what that cost; None where no settlement was accepted (R-BIL-10)."""

    year: int
    half: int
    persons: int
    periods: int
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ContractCount:
    """Contracts of one service that are in force, and how many of them are Swedish (R-REG-2)."""

    service: str
    contracts: int
    swedish: int


async def find_names(tx: Transaction) -> dict[str, dict[str, str]]:
    """What services are called, in three languages."""
    rows = await tx.fetch("SELECT service, names FROM services WHERE names IS NOT NULL")
    return {row["service"]: row["names"] for row in rows}


async def count_new_clients(tx: Transaction, service: str, to_year: int) -> dict[int, list[int]]:
    """New clients of each month, by the day of their first grant (E-8): `to_year` and the earlier whole years.

    A year is whole where the record of the service's clients began in its January or before it.
    """
    rows = await tx.fetch(
        "SELECT extract(year FROM granted_on)::integer AS year, extract(month FROM granted_on)::integer AS month,"
        " count(*) AS clients FROM first_grants WHERE service = $1 AND granted_on <= $2 GROUP BY 1, 2 ORDER BY 1, 2",
        service,
        date(to_year, 12, 31),
    )
    by_month = {(row["year"], row["month"]): row["clients"] for row in rows}
    began_year, began_month = min(by_month, default=(to_year, 1))
    first_whole = began_year if began_month == 1 else began_year + 1
    years = {*range(first_whole, to_year), to_year}
    return {year: [by_month.get((year, month), 0) for month in MONTHS] for year in sorted(years)}


async def count_decisions(tx: Transaction, service: str, year: int) -> list[DecisionCount]:
    """Grants and rejections of each month and language.

    A grant stays counted when it is revoked; one that was annulled counts nowhere (E-7).
    """
    rows = await tx.fetch(
        "SELECT extract(month FROM decided_on)::integer AS month, language,"
        " count(*) FILTER (WHERE state <> 'rejected') AS granted,"
        " count(*) FILTER (WHERE state = 'rejected') AS rejected"
        " FROM decisions WHERE service = $1 AND decided_on BETWEEN $2 AND $3 AND state <> 'annulled'"
        " GROUP BY month, language ORDER BY month, language",
        service,
        date(year, 1, 1),
        date(year, 12, 31),
    )
    return [DecisionCount(row["month"], Language(row["language"]), row["granted"], row["rejected"]) for row in rows]


async def count_paid(tx: Transaction, service: str, years: Collection[int]) -> list[PaidHalf]:
    """Different clients and periods paid for in each half of the years, without refunds, and accepted settlements.

    `cost` is None where no settlement was accepted: what was paid without one has no amount here.
    """
    rows = await tx.fetch(
        "WITH paid AS (SELECT paid_on AS day, client_ref, 1 AS periods, NULL::numeric AS total"
        "   FROM payments JOIN decisions USING (decision_ref) WHERE service = $1 AND refunded_on IS NULL"
        "   UNION ALL SELECT decided_on, NULL, 0, total FROM settlements WHERE service = $1 AND state = 'accepted')"
        " SELECT extract(year FROM day)::integer AS year, (extract(quarter FROM day)::integer + 1) / 2 AS half,"
        " count(DISTINCT client_ref) AS persons, sum(periods) AS periods, sum(total) AS cost"
        " FROM paid WHERE day BETWEEN $2 AND $3 GROUP BY 1, 2",
        service,
        date(min(years), 1, 1),
        date(max(years), 12, 31),
    )
    found = {(row["year"], row["half"]): (row["persons"], row["periods"], row["cost"]) for row in rows}
    return [PaidHalf(year, half, *found.get((year, half), (0, 0, None))) for year in sorted(years) for half in (1, 2)]


async def count_contracts(tx: Transaction, on: date) -> list[ContractCount]:
    """Contracts in force on the day, by service."""
    rows = await tx.fetch(
        "SELECT service, count(*) AS contracts, count(*) FILTER (WHERE language = 'sv') AS swedish FROM contracts"
        " WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to >= $1) GROUP BY service ORDER BY service",
        on,
    )
    return [ContractCount(row["service"], row["contracts"], row["swedish"]) for row in rows]


_STAYS = """
SELECT d.client_ref, p.decision_ref, p.course_id, p.state, p.planned, p.attended, c.periods
FROM pins p JOIN decisions d USING (decision_ref) JOIN courses c USING (course_id)
WHERE c.service = $1 AND (c.state IN ('running', 'completed') OR p.attended <> '{}')
    AND (p.state IN ('active', 'fulfilled') OR p.occupies_place OR p.attended <> '{}')
"""


async def find_stays(tx: Transaction, service: str) -> list[Stay]:
    """Every client's time on the courses of a service that have been carried out at least in part."""
    return [
        Stay(
            client_ref=row["client_ref"],
            decision_ref=row["decision_ref"],
            course_id=row["course_id"],
            state=PinState(row["state"]),
            planned=None if row["planned"] is None else tuple(row["planned"]),
            attended=tuple(row["attended"]),
            periods=_periods(row),
        )
        for row in await tx.fetch(_STAYS, service)
    ]


async def find_courses_begun(tx: Transaction, service: str) -> dict[str, date]:
    """First days of the courses that were carried out, by course."""
    rows = await tx.fetch(
        "SELECT course_id, periods FROM courses WHERE service = $1 AND state IN ('running', 'completed')", service
    )
    return {row["course_id"]: min(p.first_day for p in _periods(row)) for row in rows if _periods(row)}


async def count_moves(tx: Transaction, service: str, year: int) -> tuple[int, int]:
    """Clients' moves away from courses planned for `year`: before they attended anything there, and after (E-20)."""
    row = await tx.fetchrow(
        "SELECT count(*) FILTER (WHERE attended = '{}') AS before, count(*) FILTER (WHERE attended <> '{}') AS after"
        " FROM pins JOIN courses c USING (course_id) WHERE c.service = $1 AND pins.state = 'moved'"
        " AND extract(year FROM (SELECT min((p ->> 'first_day')::date) FROM jsonb_array_elements(periods) p)) = $2",
        service,
        year,
    )
    return (0, 0) if row is None else (row["before"], row["after"])


async def find_sealed_eligibility(tx: Transaction, client_refs: Collection[str]) -> dict[str, str]:
    """The sealed eligibility data of these clients; nothing here can read them."""
    rows = await tx.fetch(
        "SELECT client_ref, sealed FROM client_eligibility WHERE client_ref = ANY ($1) AND sealed IS NOT NULL",
        list(client_refs),
    )
    return {row["client_ref"]: row["sealed"] for row in rows}


async def find_quotas(tx: Transaction, year: int) -> list[asyncpg.Record]:
    """What Kela has published for a year: estimates and quotas, with the new clients granted."""
    return await tx.fetch(
        "SELECT service, estimate, quota_limit, used FROM quotas"
        " WHERE year = $1 AND (estimate IS NOT NULL OR quota_limit IS NOT NULL) ORDER BY service",
        year,
    )


def _periods(row: asyncpg.Record) -> tuple[Period, ...]:
    """Periods whose first day is known: copies made before it was copied have none until they are rebuilt."""
    return tuple(
        Period(each["number"], date.fromisoformat(each["first_day"]), date.fromisoformat(each["last_day"]))
        for each in row["periods"]
        if "first_day" in each
    )
