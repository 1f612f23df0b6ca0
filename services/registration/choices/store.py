"""The SQL of questions and answers. The row of an office's choice information is locked alone."""

from collections.abc import Iterable, Sequence

import asyncpg
from pydantic import TypeAdapter

from chassis.db import Transaction
from contracts.registration import ChoiceQuestion
from services.registration.choices.domain import Answer, ChoiceInformation

_QUESTIONS = TypeAdapter(tuple[ChoiceQuestion, ...])


async def find_questions(tx: Transaction, service: str) -> tuple[ChoiceQuestion, ...]:
    """The published questions of a service, in the order in which its file names them."""
    rows = await tx.fetch(
        "SELECT document FROM choice_questions WHERE service = $1 ORDER BY (document->>'place')::integer", service
    )
    return _QUESTIONS.validate_python([row["document"] for row in rows])


async def set_questions(tx: Transaction, service: str, questions: Sequence[ChoiceQuestion]) -> None:
    """Store a service's questions in place of those that were there."""
    await tx.execute("DELETE FROM choice_questions WHERE service = $1", service)
    await tx.executemany(
        "INSERT INTO choice_questions (service, question, question_version, valid_from, valid_to, document)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (
                service,
                each.code,
                each.question_version,
                each.valid_from,
                each.valid_to,
                {**each.model_dump(mode="json"), "place": place},
            )
            for place, each in enumerate(questions)
        ],
    )


async def get_information(tx: Transaction, office_id: str, service: str, provider_id: str) -> ChoiceInformation:
    """What an office answers about a service, as far as the caller may see it; version 0 where nothing yet."""
    version = await tx.fetchval(
        "SELECT version FROM choice_information WHERE office_id = $1 AND service = $2", office_id, service
    )
    return ChoiceInformation(office_id, provider_id, service, await _answers(tx, office_id, service), version or 0)


async def lock_information(tx: Transaction, office_id: str, service: str, provider_id: str) -> ChoiceInformation:
    """The same, held against other writers until the transaction ends; its row is added where it was missing."""
    await tx.execute(
        "INSERT INTO choice_information (office_id, service, provider_id, version) VALUES ($1, $2, $3, 0)"
        " ON CONFLICT (office_id, service) DO NOTHING",
        office_id,
        service,
        provider_id,
    )
    await tx.execute(
        "SELECT FROM choice_information WHERE office_id = $1 AND service = $2 FOR UPDATE", office_id, service
    )
    # A statement of its own: what another writer committed while we waited for the lock is seen.
    return await get_information(tx, office_id, service, provider_id)


async def set_information(tx: Transaction, information: ChoiceInformation, changed: Iterable[Answer]) -> None:
    """Append the changed answers to the history, and store the version they came with."""
    await tx.executemany(
        "INSERT INTO choice_answers"
        " (office_id, service, question, version, provider_id, options, number, entered_at, entered_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (
                information.office_id,
                information.service,
                answer.question,
                information.version,
                information.provider_id,
                list(answer.options),
                answer.number,
                tx.now,
                tx.principal.subject,
            )
            for answer in changed
        ],
    )
    await tx.execute(
        "UPDATE choice_information SET version = $3 WHERE office_id = $1 AND service = $2",
        information.office_id,
        information.service,
        information.version,
    )


async def _answers(tx: Transaction, office_id: str, service: str) -> dict[str, Answer]:
    rows = await tx.fetch(
        "SELECT DISTINCT ON (question) question, options, number FROM choice_answers"
        " WHERE office_id = $1 AND service = $2 ORDER BY question, version DESC",
        office_id,
        service,
    )
    answers = [_answer(row) for row in rows]
    return {answer.question: answer for answer in answers if not answer.withdrawn}


def _answer(row: asyncpg.Record) -> Answer:
    return Answer(row["question"], tuple(row["options"]), row["number"])
