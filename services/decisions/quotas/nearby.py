"""Who else has room when a provider is full: nearest to the client first (E-5, R-DEC-2)."""

from dataclasses import dataclass

import asyncpg

from chassis.db import Transaction
from contracts.municipalities import Municipality, distance_km, find_municipality
from services.decisions.domain import Application, Contract, age_on
from services.decisions.eligibility import open_eligibility

_AT_MOST = 10
_FAR_AWAY_KM = 1e6

_WITH_ROOM = """
SELECT n.contract_id, n.provider_id, n.announced - n.used AS left,
    ARRAY (
        SELECT o.municipality_code FROM offerings r JOIN offices o USING (office_id)
        WHERE r.contract_id = n.contract_id AND r.state = 'contract_registered' AND o.open
    ) AS municipalities,
    coalesce((
        SELECT bool_or($5::integer BETWEEN coalesce(a.min_age, 0) AND coalesce(a.max_age, 999)) FROM course_ages a
        WHERE a.contract_id = n.contract_id AND a.bookable
    ), true) AS fits_age
FROM announced_counts n JOIN contracts c USING (contract_id)
WHERE n.service = $1 AND n.language = $2 AND n.year = extract(year FROM $3::date)::integer AND n.used < n.announced
  AND n.contract_id <> $4 AND n.provider_id IS DISTINCT FROM $6
  AND c.valid_from <= $3 AND (c.valid_to IS NULL OR c.valid_to >= $3)
"""


@dataclass(frozen=True, slots=True)
class Other:
    """A contract with room; `distance_km` from the client's municipality to its nearest office, None: not known."""

    contract_id: str
    provider_id: str
    left: int
    distance_km: float | None


async def find_others(
    tx: Transaction, full: Contract, application: Application, *, leaving: str | None = None
) -> list[Other]:
    """Other contracts of the service and language that can take the client today, at most ten; none of `leaving`'s.

    Last come those whose open courses are all for other ages. Then the nearest is first, by
    municipal centres; where the client's municipality is not told, or none lies nearer, most room.
    """
    age = await _age_of(tx, application.client_ref)
    rows = await tx.fetch(_WITH_ROOM, full.service, full.language, tx.today, full.contract_id, age, leaving)
    home = find_municipality(application.municipality_code) if application.municipality_code else None
    return [other for _, other in sorted((_ranked(row, home) for row in rows), key=lambda ranked: ranked[0])][:_AT_MOST]


async def _age_of(tx: Transaction, client_ref: str) -> int | None:
    """The client's age today as far as it is known; by the birth year, the age reached this year (E-24)."""
    sealed = await tx.fetchval("SELECT sealed FROM client_eligibility WHERE client_ref = $1", client_ref)
    if sealed is None:
        return None
    known = await open_eligibility(tx.vault, client_ref, sealed)
    return age_on(known.birth_date, known.birth_year, tx.today)


def _ranked(row: asyncpg.Record, home: Municipality | None) -> tuple[tuple[bool, float, int, str], Other]:
    offices = [place for code in row["municipalities"] if (place := find_municipality(code))]
    distance = min((distance_km(home, office) for office in offices), default=None) if home else None
    other = Other(row["contract_id"], row["provider_id"], row["left"], distance)
    nearness = _FAR_AWAY_KM if distance is None else distance
    return (not row["fits_age"], nearness, -other.left, other.contract_id), other
