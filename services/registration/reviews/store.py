"""The SQL of reviews. A review is a row of its own, added by a conditional insert: no lock before it."""

from dataclasses import dataclass
from datetime import date, datetime

from asyncpg import Record

from chassis.calendar import helsinki_date
from chassis.db import Transaction
from contracts.refusals import NotFound
from services.registration.reviews.planning import REMIND_OF_REVIEW, REVIEW_MONTHS

_REVIEWED = (
    "SELECT o.office_id, o.provider_id, o.name, o.open, o.registered_at, o.version, r.reviewed_on FROM offices o"
    " LEFT JOIN LATERAL (SELECT max(reviewed_on) AS reviewed_on FROM data_reviews"
    " WHERE office_id = o.office_id) r ON true "
)


@dataclass(frozen=True)
class ReviewedOffice:
    """An office and the day its data were last confirmed, if they ever were."""

    office_id: str
    provider_id: str
    name: str
    open: bool
    registered_on: date
    version: int
    reviewed_on: date | None

    @property
    def since(self) -> date:
        """The day the data were last known to be right: entered or confirmed."""
        return self.reviewed_on or self.registered_on


@dataclass(frozen=True)
class Review:
    """One confirmation that an office's data are up to date."""

    reviewed_on: date
    reviewed_at: datetime
    reviewed_by: str


async def add_review(tx: Transaction, office: ReviewedOffice) -> bool:
    """Add today's review; False where there is one already."""
    added = await tx.fetchval(
        "INSERT INTO data_reviews (office_id, reviewed_on, provider_id, reviewed_at, reviewed_by)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (office_id, reviewed_on) DO NOTHING RETURNING true",
        office.office_id,
        tx.today,
        office.provider_id,
        tx.now,
        tx.principal.subject,
    )
    return added is not None


async def get_office(tx: Transaction, office_id: str) -> ReviewedOffice:
    """The office, if the caller may see it.

    Raises:
        NotFound: OFFICE_UNKNOWN.
    """
    row = await tx.fetchrow(_REVIEWED + "WHERE o.office_id = $1", office_id)
    if row is None:
        raise NotFound("OFFICE_UNKNOWN")
    return _office(row)


async def find_offices(
    tx: Transaction, provider_id: str | None, *, due_on: date | None, after: str, limit: int
) -> list[ReviewedOffice]:
    """Open offices the caller may see, by id; only those to be confirmed again by `due_on`, where it is given."""
    rows = await tx.fetch(
        _REVIEWED + "WHERE o.open AND ($1::text IS NULL OR o.provider_id = $1) AND o.office_id > $2"
        " AND ($3::date IS NULL OR (coalesce(r.reviewed_on, (o.registered_at AT TIME ZONE 'Europe/Helsinki')::date)"
        " + make_interval(months => $4))::date <= $3) ORDER BY o.office_id LIMIT $5",
        provider_id,
        after,
        due_on,
        REVIEW_MONTHS,
        limit,
    )
    return [_office(row) for row in rows]


async def find_reviews(tx: Transaction, office_id: str) -> list[Review]:
    """The confirmations of an office's data, newest first."""
    rows = await tx.fetch(
        "SELECT reviewed_on, reviewed_at, reviewed_by FROM data_reviews WHERE office_id = $1 ORDER BY reviewed_on DESC",
        office_id,
    )
    return [Review(**row) for row in rows]


async def find_unplanned(tx: Transaction) -> list[ReviewedOffice]:
    """Offices without a planned reminder."""
    rows = await tx.fetch(
        _REVIEWED + "WHERE NOT EXISTS (SELECT FROM timers t WHERE t.kind = $1 AND t.key = o.office_id)",
        REMIND_OF_REVIEW,
    )
    return [_office(row) for row in rows]


def _office(row: Record) -> ReviewedOffice:
    fields = {name: value for name, value in row.items() if name != "registered_at"}
    return ReviewedOffice(**fields, registered_on=helsinki_date(row["registered_at"]))
