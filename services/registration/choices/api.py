"""HTTP of choice-supporting information."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.history import HistoryList, history_page, read_history
from chassis.http import Answer, Command, problems
from contracts.identity_codes import TextKind
from contracts.registration import ChoiceQuestion
from services.registration import store as registered
from services.registration.acts import Act
from services.registration.choices import domain, handlers, store
from services.registration.choices.questions import as_rule
from services.registration.fields import Anybody, IdInPath, Limit, Place, Reader, ServiceCode, Writer

router = APIRouter(tags=["choice information"])

ServiceInPath = Annotated[ServiceCode, Path()]

Code = Annotated[str, TextKind.MACHINE, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Number = Annotated[int, Field(ge=0, le=1_000_000)]
Chosen = Annotated[list[Code], Field(max_length=50)]


class SetAnswers(Command):
    """All answers to the questions that are open: an option's code, several of them, or a number, by question."""

    answers: Annotated[
        dict[Code, Code | Number | Chosen],
        Field(max_length=50, examples=[{"experience": "ge2", "pool": "at_office", "queue_time": 6}]),
    ]


class QuestionView(ChoiceQuestion):
    """A question; `open` says whether it is asked today."""

    open: bool


class QuestionList(BaseModel):
    """The questions of a service, those of other days included."""

    items: list[QuestionView]
    next: None = None


class AnswerView(BaseModel):
    """An answer: options' codes, or a number."""

    options: tuple[str, ...]
    number: int | None


class InformationView(BaseModel):
    """What an office answers about a service; `unanswered` are the questions open today that wait for an answer."""

    office_id: str
    provider_id: str
    service: str
    answers: dict[str, AnswerView]
    unanswered: list[str]
    version: int


@router.get(
    "/service-descriptions/{service}/choice-questions",
    response_model=QuestionList,
    responses=problems("SERVICE_UNKNOWN"),
)
async def list_questions(service: ServiceInPath, caller: Anybody) -> Response:
    """The questions that help clients choose, each with its options, texts and the days it is asked on (R-SRCH-5)."""

    async def read(tx: Transaction) -> Answer:
        version = await registered.get_service_version(tx, service)
        found = await store.find_questions(tx, service)
        items = [QuestionView(**dict(each), open=as_rule(each).asked_on(tx.today)) for each in found]
        return Answer(200, QuestionList(items=items), version=version, subject=("service", service))

    return await caller.query(read)


@router.get(
    "/offices/{office_id}/choice-information/{service}",
    response_model=InformationView,
    responses=problems("OFFICE_UNKNOWN"),
)
async def show_answers(office_id: IdInPath, service: ServiceInPath, caller: Reader) -> Response:
    """What an office answers about a service, and what it has not answered yet."""

    async def read(tx: Transaction) -> Answer:
        information, questions = await handlers.get_answers(tx, office_id, service)
        return _answer(tx, information, [as_rule(each) for each in questions])

    return await caller.query(read)


@router.put(
    "/offices/{office_id}/choice-information/{service}",
    response_model=InformationView,
    responses=problems(
        "CHOICE_ANSWER_KIND",
        "CHOICE_NUMBER_OUT_OF_RANGE",
        "CHOICE_OPTION_UNKNOWN",
        "CHOICE_QUESTIONS_NONE",
        "CHOICE_QUESTION_NOT_OPEN",
        "CHOICE_QUESTION_UNKNOWN",
        "OFFICE_UNKNOWN",
        "SERVICE_NOT_PROVIDED",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.SET_CHOICE_INFORMATION),
)
async def set_answers(office_id: IdInPath, service: ServiceInPath, body: SetAnswers, caller: Writer) -> Response:
    """Enter an office's answers, in force at once; one that is left out is withdrawn (R-SRCH-9)."""

    async def act(tx: Transaction) -> Answer:
        information = await handlers.set_answers(tx, office_id, service, body.answers, if_match=caller.if_match)
        return _answer(tx, information, await handlers.find_rules(tx, service))

    return await caller.command(act)


@router.get(
    "/offices/{office_id}/choice-information/{service}/history",
    response_model=HistoryList,
    responses=problems("OFFICE_UNKNOWN"),
)
async def list_history(
    office_id: IdInPath, service: ServiceInPath, caller: Reader, limit: Limit = 100, after: Place = 0
) -> Response:
    """Who answered what and when (R-SRCH-9)."""

    async def read(tx: Transaction) -> Answer:
        await registered.get_office(tx, office_id)
        found = await read_history(
            tx,
            caller.acts,
            f"choice-information:{office_id}/{service}",
            after=after,
            limit=limit + 1,
        )
        return Answer(200, history_page(caller, found, limit))

    return await caller.query(read)


def _answer(tx: Transaction, information: domain.ChoiceInformation, questions: list[domain.Question]) -> Answer:
    asked = domain.asked_on(questions, tx.today)
    view = InformationView(
        office_id=information.office_id,
        provider_id=information.provider_id,
        service=information.service,
        answers={
            code: AnswerView(options=answer.options, number=answer.number)
            for code, answer in sorted(information.answers.items())
        },
        unanswered=[code for code in asked if code not in information.answers],
        version=information.version,
    )
    subject = ("choice-information", f"{information.office_id}/{information.service}")
    return Answer(200, view, version=information.version, subject=subject)
