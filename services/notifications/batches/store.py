"""SQL of survey answers and their sums.

An answer is sealed under the lock of the feedback total, which names the batch that takes answers; the fifth names
another one under the same lock. So nothing is sealed for a batch that is full, and nobody but the timer of a full
batch takes its sealed answers; it does so before it locks the total.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from chassis.db import Transaction
from services.notifications.batches.domain import BATCH, SurveyAnswer
from services.notifications.copies import get_row


async def add_total(tx: Transaction, office_id: str, service: str) -> None:
    """The sums of an office and service, where there are none yet, with the batch that takes answers.

    Called when a survey is made: a batch that was named by an answer which is undone would leave its key behind.
    """
    await tx.execute(
        "INSERT INTO feedback_totals (office_id, service, answers, sum_units) VALUES ($1, $2, 0, 0)"
        " ON CONFLICT DO NOTHING",
        office_id,
        service,
    )


async def lock_open_batch(tx: Transaction, office_id: str, service: str) -> UUID:
    """The batch that takes answers about an office and service now; the total's row is locked afterwards."""
    open_batch = "SELECT batch_id FROM feedback_totals WHERE office_id = $1 AND service = $2 FOR UPDATE"
    found = await tx.fetchrow(open_batch, office_id, service)
    if found is None:  # the survey is one of before
        await add_total(tx, office_id, service)
        found = await get_row(tx, open_batch, office_id, service)
    batch_id: UUID = found["batch_id"]
    return batch_id


async def begin_batch(tx: Transaction, office_id: str, service: str) -> UUID:
    """Let another batch take the next answers; which one."""
    row = await get_row(
        tx,
        "UPDATE feedback_totals SET batch_id = gen_random_uuid() WHERE office_id = $1 AND service = $2"
        " RETURNING batch_id",
        office_id,
        service,
    )
    batch_id: UUID = row["batch_id"]
    return batch_id


async def find_sealed_answer(tx: Transaction, batch_id: UUID) -> bytes | None:
    """One of the answers that wait with a batch."""
    sealed: bytes | None = await tx.fetchval("SELECT sealed FROM sealed_answers WHERE batch_id = $1 LIMIT 1", batch_id)
    return sealed


async def add_sealed_answer(tx: Transaction, batch_id: UUID, office_id: str, service: str, sealed: bytes) -> int:
    """Let an answer wait with its batch; how many wait there now."""
    await tx.execute(
        "INSERT INTO sealed_answers (batch_id, office_id, service, sealed) VALUES ($1, $2, $3, $4)",
        batch_id,
        office_id,
        service,
        sealed,
    )
    waiting: int = await tx.fetchval("SELECT count(*) FROM sealed_answers WHERE batch_id = $1", batch_id)
    return waiting


@dataclass(frozen=True)
class SealedBatch:
    """The answers of a batch that is full, about one office and service."""

    office_id: str
    service: str
    sealed: list[bytes]


async def take_batch(tx: Transaction, batch_id: UUID) -> SealedBatch | None:
    """Remove a batch's sealed answers; None where they have been taken before."""
    rows = await tx.fetch(
        "DELETE FROM sealed_answers WHERE batch_id = $1 RETURNING office_id, service, sealed", batch_id
    )
    return SealedBatch(rows[0]["office_id"], rows[0]["service"], [row["sealed"] for row in rows]) if rows else None


async def add_answers(
    tx: Transaction, office_id: str, service: str, opened_in: date, answers: Sequence[SurveyAnswer]
) -> None:
    """Raw answers, in the order given, with the month of their opening and nothing else that leads to a client."""
    await tx.execute(
        "INSERT INTO answers (office_id, service, answered_in, scores, words)"
        " SELECT $1, $2, $3, a.scores, a.words"
        " FROM unnest($4::jsonb[], $5::text[]) WITH ORDINALITY AS a (scores, words, place) ORDER BY a.place",
        office_id,
        service,
        opened_in,
        [{str(statement): score for statement, score in sorted(answer.scores.items())} for answer in answers],
        [answer.words for answer in answers],
    )


async def take_few(tx: Transaction, office_id: str, service: str) -> list[SurveyAnswer]:
    """Remove the raw answers of an office and service, and their sums, where they are too few for an average."""
    few = await tx.fetchval(
        "UPDATE feedback_totals SET answers = 0, sum_units = 0"
        " WHERE office_id = $1 AND service = $2 AND published_at = 0 AND answers < $3 RETURNING true",
        office_id,
        service,
        BATCH,
    )
    if not few:
        return []
    rows = await tx.fetch(
        "DELETE FROM answers WHERE office_id = $1 AND service = $2 RETURNING scores, words", office_id, service
    )
    return [SurveyAnswer({int(key): score for key, score in row["scores"].items()}, row["words"]) for row in rows]


@dataclass(frozen=True)
class FeedbackTotal:
    """The sums of one office and service, of all answers that have been opened."""

    answers: int
    sum_units: int
    version: int


async def add_to_total(tx: Transaction, office_id: str, service: str, *, answers: int, units: int) -> FeedbackTotal:
    """Add a batch's scores, all at once; the total's row is locked afterwards."""
    row = await get_row(
        tx,
        "UPDATE feedback_totals SET answers = answers + $3, sum_units = sum_units + $4"
        " WHERE office_id = $1 AND service = $2 RETURNING answers, sum_units, version",
        office_id,
        service,
        answers,
        units,
    )
    return FeedbackTotal(row["answers"], row["sum_units"], row["version"])


async def set_published(
    tx: Transaction, office_id: str, service: str, *, average: Decimal, answers: int, version: int
) -> None:
    """Remember what was published, and of how many answers."""
    await tx.execute(
        "UPDATE feedback_totals SET average = $3, published_at = $4, version = $5"
        " WHERE office_id = $1 AND service = $2",
        office_id,
        service,
        average,
        answers,
        version,
    )
