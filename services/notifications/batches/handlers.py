"""Answers are sealed one by one, and opened, shuffled and published five at a time (E-30, decision record 0030)."""

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis import batch_keys
from chassis.db import Transaction
from chassis.vault import BrokenSeal
from contracts.notifications import FeedbackAverage, FeedbackAveragePublished
from services.notifications import domain
from services.notifications.batches import store
from services.notifications.batches.domain import BATCH, SurveyAnswer, as_form, read_form

OPEN = "open-answers"
ERASE = "erase-answers-key"
ANEW = "seal-answers-anew"
FEW = "seal-few-answers"


async def seal_answer(tx: Transaction, office_id: str, service: str, answer: SurveyAnswer) -> None:
    """Let an answer wait, sealed; the fifth of a batch has the batch opened, in a transaction of its own.

    Where the others of the batch cannot be opened, for its key is gone or the secret is another one, they stay
    behind until they can (`seal_anew`): another batch takes this answer and later ones.

    Raises:
        TimeoutError, asyncpg.PostgresError, OSError: the key store does not answer; a failure of the moment.
    """
    batch_id = await store.lock_open_batch(tx, office_id, service)
    form, beside = as_form(answer), await store.find_sealed_answer(tx, batch_id)
    try:
        sealed = await batch_keys.seal(tx.vault, batch_id, form, beside=beside)
    except BrokenSeal:
        await tx.schedule(ANEW, str(batch_id), tx.now)
        batch_id = await store.begin_batch(tx, office_id, service)
        sealed = await batch_keys.seal(tx.vault, batch_id, form)
    if await store.add_sealed_answer(tx, batch_id, office_id, service, sealed) == BATCH:
        await store.begin_batch(tx, office_id, service)
        await tx.schedule(OPEN, str(batch_id), tx.now)


async def open_batch(tx: Transaction, batch: str, _payload: Mapping[str, Any]) -> None:
    """Open a full batch, add it to the sums and publish the average; its key is erased after the commit.

    What is readable is in no transaction, order or month that one of the answers came in.

    Raises:
        BrokenSeal: the batch's key is gone, or the service's secret is another one; the answers go on waiting.
        TimeoutError, asyncpg.PostgresError, OSError: as `seal_answer`.
    """
    batch_id = UUID(batch)
    full = await store.take_batch(tx, batch_id)
    if full is None or len(full.sealed) != BATCH:
        raise AssertionError("a batch is opened once, when it is full")
    answers = [read_form(form) for form in await batch_keys.unseal(tx.vault, batch_id, full.sealed)]
    secrets.SystemRandom().shuffle(answers)
    await store.add_answers(tx, full.office_id, full.service, tx.today.replace(day=1), answers)
    await _publish(tx, full.office_id, full.service, answers)
    await tx.schedule(ERASE, batch, tx.now)


async def seal_anew(tx: Transaction, batch: str, _payload: Mapping[str, Any]) -> None:
    """Let the answers of a batch that was left behind wait with those that came later, now that they can be opened.

    Raises:
        BrokenSeal, TimeoutError, asyncpg.PostgresError, OSError: as `open_batch`.
    """
    batch_id = UUID(batch)
    left = await store.take_batch(tx, batch_id)
    if left is None:
        raise AssertionError("a batch that was left behind has answers")
    for form in await batch_keys.unseal(tx.vault, batch_id, left.sealed):
        await seal_answer(tx, left.office_id, left.service, read_form(form))
    await tx.schedule(ERASE, batch, tx.now)


async def seal_few(tx: Transaction, _key: str, payload: Mapping[str, Any]) -> None:
    """Let the readable answers of an office and service that are too few for an average wait sealed, as later ones do.

    They were stored before answers were sealed: of fewer than five, who gave them can be guessed (E-30).

    Raises:
        TimeoutError, asyncpg.PostgresError, OSError: as `seal_answer`.
    """
    office_id, service = payload["office_id"], payload["service"]
    for answer in await store.take_few(tx, office_id, service):
        await seal_answer(tx, office_id, service, answer)


async def _publish(tx: Transaction, office_id: str, service: str, answers: list[SurveyAnswer]) -> None:
    units = sum(domain.score_units(answer.scores) for answer in answers)
    total = await store.add_to_total(tx, office_id, service, answers=len(answers), units=units)
    average = domain.shown_average(total.sum_units, total.answers)
    version = total.version + 1
    await store.set_published(tx, office_id, service, average=average, answers=total.answers, version=version)
    feedback = FeedbackAverage(office_id=office_id, service=service, average=average, answers=total.answers)
    tx.emit(FeedbackAveragePublished(version=version, feedback=feedback))


async def erase_key(tx: Transaction, batch: str, _payload: Mapping[str, Any]) -> None:
    """Erase the key of a batch that has been opened; where that was interrupted, the timer fires again.

    Raises:
        TimeoutError, asyncpg.PostgresError, OSError: as `seal_answer`.
    """
    await batch_keys.erase(tx.vault, UUID(batch))
