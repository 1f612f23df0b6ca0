"""Feedback surveys: whom a payment invites, and what becomes of the answers."""

import secrets
from collections.abc import Mapping

from chassis.db import Transaction
from contracts.decisions import PeriodPaid
from contracts.refusals import NotFound
from services.notifications import copies, domain, store
from services.notifications.batches.domain import SurveyAnswer
from services.notifications.batches.handlers import seal_answer
from services.notifications.batches.store import add_total
from services.notifications.domain import Template
from services.notifications.links import token_hash
from services.notifications.writing import tell_client


async def on_period_paid(tx: Transaction, event: PeriodPaid) -> None:
    """The second and the last paid period each invite the client once (R-FBK-2, E-28, E-29).

    Counted once: the decision is locked, and stage and period are unique in the database. A
    decision that is known to be revoked uses its stage up without a survey. The survey belongs
    to the office of the period's course.
    """
    decision = await copies.lock_decision(tx, event.decision_ref)
    earlier = await store.find_invited(tx, event.decision_ref)
    paid = domain.feedback_round(earlier, event.period_number, last=event.last)
    if paid.invite:
        is_open = decision.state is None or domain.may_be_surveyed(decision.state)
        occasion = f"{Template.FEEDBACK}/{event.decision_ref}/{event.period_number}"
        message_id = await tell_client(tx, Template.FEEDBACK, occasion, event.decision_ref, cancelled=not is_open)
        if message_id is None:
            raise AssertionError("a period without an invitation has a feedback message")
        # Random, not time-ordered like our other ids: its time would point at the invitation (E-30).
        survey_id = secrets.token_hex(16)
        await store.add_survey(tx, survey_id, event.office_id, event.service, is_open=is_open)
        await add_total(tx, event.office_id, event.service)
        await store.add_invitation(tx, event.decision_ref, event.period_number, survey_id, message_id)
    await store.add_invitation_stages(tx, event.decision_ref, event.period_number, paid.stages)


async def open_survey(tx: Transaction, token: str) -> tuple[str, Mapping[str, str] | None]:
    """The service the survey asks about, and its names; nothing about the client or the office.

    Raises:
        NotFound: SURVEY_NOT_FOUND.
        SurveyClosed: it was answered or cancelled.
    """
    service = _open(await store.find_survey(tx, token_hash(token)))[2]
    return service, await copies.find_service_names(tx, service)


async def answer_survey(tx: Transaction, token: str, raw: Mapping[str, object]) -> None:
    """Close the survey, and let the answer wait sealed until it can be opened with four others (E-30).

    Raises:
        NotFound: SURVEY_NOT_FOUND.
        SurveyClosed: it was answered or cancelled.
        Invalid: WRONG_STATEMENT, WRONG_SCORE, TOO_FEW_ANSWERS.
        TimeoutError, asyncpg.PostgresError, OSError: the key store does not answer; a failure of the moment.
    """
    survey_id, office_id, service = _open(await store.lock_survey(tx, token_hash(token)))
    scores = domain.read_answers(raw)
    await store.close_answered_survey(tx, survey_id)
    await seal_answer(tx, office_id, service, SurveyAnswer(scores))


def _open(survey: store.Survey | None) -> tuple[str, str, str]:
    if survey is None:
        raise NotFound("SURVEY_NOT_FOUND")
    if survey.state != "open" or survey.office_id is None or survey.service is None:
        raise domain.SurveyClosed
    return survey.survey_id, survey.office_id, survey.service
