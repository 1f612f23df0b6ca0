"""The SQL of gauges in bulk: one row per contract and year that has a count or a use of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from chassis.db import Transaction
from contracts.values import Language
from services.registration.domain import YearGauge


class Only(StrEnum):
    """Which gauges to look at; either of the two ledgers decides."""

    OVERDRAWN = "overdrawn"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which gauges are asked for; None asks for all."""

    provider_id: str | None = None
    service: str | None = None
    language: Language | None = None
    year: int | None = None
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class ContractYear:
    """One year's gauge with whose it is."""

    contract_id: str
    provider_id: str
    provider_name: str
    service: str
    language: Language
    gauge: YearGauge


# The years of a contract are worked out beside its row, in the order of the page, so that a page
# reads no further than it has to.
_GAUGES = """
SELECT c.contract_id, c.provider_id, p.name AS provider_name, c.service, c.language, years.*
FROM contracts c JOIN providers p USING (provider_id) CROSS JOIN LATERAL (
    SELECT year, max(announced) AS announced, bool_or(defaulted) AS defaulted,
        sum(decisions)::integer AS decisions_used, sum(places)::integer AS places_used
    FROM (
        SELECT year, (array_agg(count ORDER BY revision DESC))[1] AS announced,
            bool_or(kind = 'defaulted') AS defaulted, 0 AS decisions, 0 AS places
        FROM announced_counts a WHERE a.contract_id = c.contract_id GROUP BY year
        UNION ALL
        SELECT year, NULL, false, count(*), 0
        FROM decisions d WHERE d.contract_id = c.contract_id AND uses_count GROUP BY year
        UNION ALL
        SELECT year, NULL, false, 0, sum(places)
        FROM courses k WHERE k.contract_id = c.contract_id GROUP BY year HAVING sum(places) > 0
    ) AS parts GROUP BY year
) AS years
WHERE ($1::text IS NULL OR c.provider_id = $1) AND ($2::text IS NULL OR c.service = $2)
    AND ($3::text IS NULL OR c.language = $3) AND ($4::integer IS NULL OR year = $4)
    AND ($5::text IS NULL
        OR $5 = 'overdrawn' AND greatest(decisions_used, places_used) > coalesce(announced, 0)
        OR $5 = 'full' AND greatest(decisions_used, places_used) >= announced)
    AND c.contract_id >= $6 AND (c.contract_id, year) > ($6, $7)
ORDER BY c.contract_id, year LIMIT $8
"""


async def find_gauges(
    tx: Transaction, wanted: Wanted, *, after: tuple[str, int] = ("", 0), limit: int
) -> list[ContractYear]:
    """Gauges the caller may see, by contract and year, from the one after `after`."""
    rows = await tx.fetch(
        _GAUGES,
        wanted.provider_id,
        wanted.service,
        wanted.language,
        wanted.year,
        wanted.only,
        *after,
        limit,
    )
    return [_contract_year(row) for row in rows]


async def find_service_names(tx: Transaction, services: Sequence[str], language: str) -> dict[str, str]:
    """What services are called in a language (fi, sv or en), by their newest description."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (service) service, description->'names'->>$2 AS name FROM service_descriptions"
        " WHERE service = ANY ($1) ORDER BY service, description_version DESC",
        list(services),
        language,
    )
    return {row["service"]: row["name"] for row in rows}


def _contract_year(row: asyncpg.Record) -> ContractYear:
    return ContractYear(
        contract_id=row["contract_id"],
        provider_id=row["provider_id"],
        provider_name=row["provider_name"],
        service=row["service"],
        language=Language(row["language"]),
        gauge=YearGauge(
            year=row["year"],
            announced=row["announced"],
            decisions_used=row["decisions_used"],
            places_used=row["places_used"],
            defaulted=row["defaulted"],
        ),
    )
