"""SQL of what a changed course keeps: its new values, moved dates with consents, age notices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.db import Transaction
from services.courses.changing.dates import PinnedClient
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.domain import Contact, Course, Period
from services.courses.store import period_document, periods_of


@dataclass(frozen=True, slots=True)
class Rescheduling:
    """One move of a course's dates; `version` is the course's after it."""

    version: int
    before: tuple[Period, ...]
    after: tuple[Period, ...]
    late: bool
    moved_at: datetime
    consents: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown with a course and belongs to others: its contract and its service description."""

    contact: Contact | None
    total_duration_months: int | None


async def find_shown(tx: Transaction, course_ids: Iterable[str]) -> Mapping[str, Shown]:
    """For each course its contract's contact (E-43) and its service's total duration (E-12)."""
    rows = await tx.fetch(
        "SELECT courses.course_id, contracts.contact_email, contracts.contact_phone, contracts.contact_web, ("
        "   SELECT (described ->> 'total_duration_months')::integer"
        "   FROM service_descriptions, jsonb_array_elements(descriptions) AS described"
        "   WHERE service_descriptions.service = courses.service"
        "   AND (described ->> 'description_version')::integer = courses.description_version"
        " ) AS months FROM courses JOIN contracts USING (contract_id) WHERE courses.course_id = ANY($1::text[])",
        list(course_ids),
    )
    return {
        row["course_id"]: Shown(
            Contact.found(row["contact_email"], row["contact_phone"], row["contact_web"]),
            row["months"],
        )
        for row in rows
    }


async def set_group_size(tx: Transaction, course: Course) -> None:
    """Store the course's new group size."""
    await tx.execute(
        "UPDATE courses SET version = version + 1, group_size = $2 WHERE course_id = $1",
        course.course_id,
        course.group_size,
    )


async def set_target_groups(tx: Transaction, course: Course) -> None:
    """Store the course's new target groups."""
    await tx.execute(
        "UPDATE courses SET version = version + 1, target_groups = $2 WHERE course_id = $1",
        course.course_id,
        list(course.target_groups),
    )


async def set_ages(tx: Transaction, course: Course) -> None:
    """Store for which ages the course is."""
    await tx.execute(
        "UPDATE courses SET version = version + 1, mixed_age = $2, age_group = $3, min_age = $4, max_age = $5"
        " WHERE course_id = $1",
        course.course_id,
        course.mixed_age,
        course.age_group,
        course.min_age,
        course.max_age,
    )


async def set_contact(tx: Transaction, course: Course) -> None:
    """Store the contact details the course is shown with; none while it is linked."""
    contact = course.contact
    await tx.execute(
        "UPDATE courses SET version = version + 1, contact_email = $2, contact_phone = $3, contact_web = $4"
        " WHERE course_id = $1",
        course.course_id,
        contact and contact.email,
        contact and contact.phone,
        contact and contact.web,
    )


async def set_schedule(tx: Transaction, course: Course) -> None:
    """Store the course's new dates and year."""
    await tx.execute(
        "UPDATE courses SET version = version + 1, year = $2, first_day = $3, last_day = $4, periods = $5"
        " WHERE course_id = $1",
        course.course_id,
        course.year,
        course.first_day,
        course.last_day,
        [period_document(period) for period in course.periods],
    )


async def add_rescheduling(
    tx: Transaction, before: Course, after: Course, *, late: bool, consents: Iterable[Consent]
) -> None:
    """Keep what the dates were and became, and who agreed to it (R-CRS-34, E-58)."""
    await tx.execute(
        "INSERT INTO reschedulings"
        " (course_id, version, provider_id, periods_before, periods_after, late, moved_at, moved_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        after.course_id,
        after.version,
        after.provider_id,
        [period_document(period) for period in before.periods],
        [period_document(period) for period in after.periods],
        late,
        tx.now,
        tx.principal.subject,
    )
    await tx.executemany(
        "INSERT INTO schedule_consents (course_id, version, decision_ref, provider_id, given_on, given_by, channel)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (
                after.course_id,
                after.version,
                consent.decision_ref,
                after.provider_id,
                consent.given_on,
                consent.given_by,
                consent.channel,
            )
            for consent in consents
        ],
    )


async def find_reschedulings(tx: Transaction, course_id: str, *, after: int, limit: int) -> Sequence[Rescheduling]:
    """Every move of the course's dates, the oldest first."""
    rows = await tx.fetch(
        "SELECT version, periods_before, periods_after, late, moved_at, ("
        "   SELECT count(*) FROM schedule_consents AS agreed"
        "   WHERE agreed.course_id = reschedulings.course_id AND agreed.version = reschedulings.version"
        " ) AS consents FROM reschedulings WHERE course_id = $1 AND version > $2 ORDER BY version LIMIT $3",
        course_id,
        after,
        limit,
    )
    return [
        Rescheduling(
            version=row["version"],
            before=periods_of(row["periods_before"]),
            after=periods_of(row["periods_after"]),
            late=row["late"],
            moved_at=row["moved_at"],
            consents=row["consents"],
        )
        for row in rows
    ]


async def find_pinned(tx: Transaction, course_id: str) -> Sequence[PinnedClient]:
    """The clients with an active pin, in the order of their decisions; under the course's lock they stay so."""
    rows = await tx.fetch(
        "SELECT decision_ref, decisions.confirm_by, ("
        "   SELECT min((period ->> 'first_day')::date) FROM pins AS earlier JOIN courses USING (course_id),"
        "   jsonb_array_elements(courses.periods) AS period"
        "   WHERE earlier.decision_ref = pins.decision_ref AND earlier.course_id <> pins.course_id"
        "   AND (period ->> 'number')::integer = ANY (earlier.attended)"
        " ) AS attended_since FROM pins JOIN decisions USING (decision_ref)"
        " WHERE pins.course_id = $1 AND pins.state = 'active' ORDER BY decision_ref",
        course_id,
    )
    return [PinnedClient(**row) for row in rows]


async def set_age_notice(tx: Transaction, course: Course, notice: Consent) -> None:
    """Keep that the client knows the course mixes ages; said again, the newest word counts."""
    await tx.execute(
        "INSERT INTO age_notices"
        " (course_id, decision_ref, provider_id, given_on, given_by, channel, recorded_at, recorded_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (course_id, decision_ref) DO UPDATE"
        " SET given_on = excluded.given_on, given_by = excluded.given_by, channel = excluded.channel,"
        " recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by",
        course.course_id,
        notice.decision_ref,
        course.provider_id,
        notice.given_on,
        notice.given_by,
        notice.channel,
        tx.now,
        tx.principal.subject,
    )


async def find_age_notices(tx: Transaction, course_id: str) -> Sequence[tuple[str, Consent | None]]:
    """The decision of every pinned client, with the acknowledgement where it was given."""
    rows = await tx.fetch(
        "SELECT decision_ref, given_on, given_by, channel"
        " FROM pins LEFT JOIN age_notices USING (course_id, decision_ref)"
        " WHERE course_id = $1 AND state = 'active' ORDER BY decision_ref",
        course_id,
    )
    return [
        (
            row["decision_ref"],
            Consent(row["decision_ref"], row["given_on"], GivenBy(row["given_by"]), Channel(row["channel"]))
            if row["given_on"]
            else None,
        )
        for row in rows
    ]


async def has_acknowledged(tx: Transaction, course: Course, decision_ref: str) -> bool:
    """True where the decision's client knows that the course mixes ages."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM age_notices WHERE course_id = $1 AND decision_ref = $2)",
        course.course_id,
        decision_ref,
    )
    return found
