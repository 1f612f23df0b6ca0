"""SQL of moves, participation and clients without a course. Locks: courses by id, then the decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.db import Transaction
from services.courses import store as courses
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.domain import Course
from services.courses.moving.domain import Obstacle, Stay
from services.courses.pins import Pin


@dataclass(frozen=True, slots=True)
class RecordedMove:
    """What is kept of a move beside its two pins."""

    consent: Consent
    reason: str | None
    moved_by: str


@dataclass(frozen=True, slots=True)
class Unplaced:
    """That the provider cannot place a client, as Kela was told."""

    report_id: str
    decision_ref: str
    reason: Obstacle
    reported_at: datetime


async def lock_courses(tx: Transaction, *course_ids: str) -> list[Course]:
    """The courses in the order asked for, locked in the order of their ids (E-26); NotFound COURSE_UNKNOWN."""
    locked = {course_id: await courses.lock_course(tx, course_id) for course_id in sorted(set(course_ids))}
    return [locked[course_id] for course_id in course_ids]


async def find_stays(tx: Transaction, decision_ref: str) -> list[Stay]:
    """What the decision's client attended, course by course; nothing of courses where it was nothing."""
    rows = await tx.fetch(
        "SELECT periods, attended FROM pins JOIN courses USING (course_id)"
        " WHERE decision_ref = $1 AND cardinality(attended) > 0 ORDER BY pin_id",
        decision_ref,
    )
    return [Stay(courses.periods_of(row["periods"]), tuple(row["attended"])) for row in rows]


async def add_move(tx: Transaction, left: Pin, consent: Consent, reason: str | None) -> None:
    """Keep the move that ended `left`, with the client's consent (R-CRS-28, R-CRS-29)."""
    await tx.execute(
        "INSERT INTO client_moves (decision_ref, left_version, provider_id, from_course_id, to_course_id,"
        " consent_given_on, consent_by, consent_channel, reason, moved_at, moved_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        left.decision_ref,
        left.version,
        left.provider_id,
        left.course_id,
        left.moved_to,
        consent.given_on,
        consent.given_by,
        consent.channel,
        reason,
        tx.now,
        tx.principal.subject,
    )


async def find_moves(tx: Transaction, decision_ref: str, left_versions: Sequence[int]) -> dict[int, RecordedMove]:
    """The moves that ended the decision's pins, by the version of the pin that ended."""
    rows = await tx.fetch(
        "SELECT left_version, consent_given_on, consent_by, consent_channel, reason, moved_by FROM client_moves"
        " WHERE decision_ref = $1 AND left_version = ANY($2::bigint[])",
        decision_ref,
        left_versions,
    )
    return {
        row["left_version"]: RecordedMove(
            consent=Consent(
                decision_ref, row["consent_given_on"], GivenBy(row["consent_by"]), Channel(row["consent_channel"])
            ),
            reason=row["reason"],
            moved_by=row["moved_by"],
        )
        for row in rows
    }


async def set_participation(tx: Transaction, pin: Pin) -> None:
    """Store what is now known of the newest pin, whose version is the decision's, counted on by one."""
    await tx.execute(
        "WITH decision AS (UPDATE decisions SET pin_version = $2 WHERE decision_ref = $1)"
        " UPDATE pins SET version = $2, attended = $3, missed = $4 WHERE decision_ref = $1 AND version = $2 - 1",
        pin.decision_ref,
        pin.version,
        pin.attended,
        pin.missed,
    )


async def set_attended(tx: Transaction, pins: Iterable[Pin]) -> None:
    """Store what the clients of a course that was just completed attended."""
    await tx.executemany(
        "UPDATE pins SET attended = $3 WHERE decision_ref = $1 AND version = $2",
        [(pin.decision_ref, pin.version, pin.attended) for pin in pins],
    )


async def find_unplaced(tx: Transaction, decision_ref: str, pin_version: int) -> Unplaced | None:
    """The report that is open on the decision: made since its pin last changed."""
    row = await tx.fetchrow(
        "SELECT report_id, decision_ref, reason, reported_at FROM unplaced_clients"
        " WHERE decision_ref = $1 AND pin_version = $2",
        decision_ref,
        pin_version,
    )
    return Unplaced(**{**row, "reason": Obstacle(row["reason"])}) if row else None


async def add_unplaced(tx: Transaction, unplaced: Unplaced, pin_version: int, provider_id: str) -> None:
    """Keep the open report of a decision."""
    await tx.execute(
        "INSERT INTO unplaced_clients (decision_ref, pin_version, provider_id, report_id, reason, reported_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        unplaced.decision_ref,
        pin_version,
        provider_id,
        unplaced.report_id,
        unplaced.reason,
        unplaced.reported_at,
    )
