"""What offices answer to the questions of a service: entered by the provider, in force at once (R-SRCH-9, P2)."""

from collections.abc import Mapping

from chassis.db import Transaction
from contracts import registration as contracts
from contracts.refusals import IfMatch, expect_version
from contracts.registration import ChoiceQuestion
from services.registration import domain as registration
from services.registration import store as registered
from services.registration.acts import Act
from services.registration.choices import domain, store
from services.registration.choices.domain import ChoiceInformation, Given
from services.registration.choices.questions import as_rule


async def set_answers(
    tx: Transaction, office_id: str, service: str, given: Mapping[str, Given], *, if_match: IfMatch | None
) -> ChoiceInformation:
    """Enter what an office answers about a service; the same answers again change nothing.

    Raises:
        NotFound: OFFICE_UNKNOWN or CHOICE_QUESTIONS_NONE.
        Stale: the choice information has another version.
        Invalid: CHOICE_QUESTION_UNKNOWN, CHOICE_OPTION_UNKNOWN, CHOICE_ANSWER_KIND or CHOICE_NUMBER_OUT_OF_RANGE.
        Refusal: SERVICE_NOT_PROVIDED or CHOICE_QUESTION_NOT_OPEN.
    """
    office = await registered.get_office(tx, office_id)
    provided = await registered.find_contracts(tx, office.provider_id)
    registration.require_provided(service, {each.service for each in provided if not each.ended_before(tx.today)})
    questions = await find_rules(tx, service)
    before = await store.lock_information(tx, office_id, service, office.provider_id)
    expect_version(before.version, if_match)
    after = domain.update(before, questions, given, on=tx.today)
    if after is before:
        return before
    changed = domain.changes(before, after)
    await store.set_information(tx, after, changed)
    tx.audit(
        Act.SET_CHOICE_INFORMATION,
        f"choice-information:{office_id}/{service}",
        answers={
            answer.question: list(answer.options) if answer.number is None else answer.number for answer in changed
        },
    )
    tx.emit(contracts.ChoiceInformationChanged(version=after.version, choice_information=_snapshot(after)))
    return after


async def get_answers(
    tx: Transaction, office_id: str, service: str
) -> tuple[ChoiceInformation, tuple[ChoiceQuestion, ...]]:
    """What an office answers about a service, with all its questions.

    Raises:
        NotFound: OFFICE_UNKNOWN.
    """
    office = await registered.get_office(tx, office_id)
    information = await store.get_information(tx, office_id, service, office.provider_id)
    return information, await store.find_questions(tx, service)


async def find_rules(tx: Transaction, service: str) -> list[domain.Question]:
    """The questions of a service as the rules need them."""
    return [as_rule(question) for question in await store.find_questions(tx, service)]


def _snapshot(information: ChoiceInformation) -> contracts.ChoiceInformation:
    return contracts.ChoiceInformation(
        office_id=information.office_id,
        provider_id=information.provider_id,
        service=information.service,
        answers=tuple(
            contracts.ChoiceAnswer(question=answer.question, options=answer.options, number=answer.number)
            for _, answer in sorted(information.answers.items())
        ),
    )
