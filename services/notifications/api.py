"""HTTP: surveys for everybody who has a link, previews for everybody, the inbox for providers."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from chassis.acts import shows
from chassis.auth import LINK_HOLDER, Role
from chassis.db import Transaction
from chassis.fields import Limit
from chassis.http import Answer, Caller, Command, caller, problems, public_caller
from chassis.texts import Texts, preferred_language
from contracts.identity_codes import TextKind
from contracts.notifications import Channel
from contracts.values import Language, Provenance
from services.notifications import domain, feedback, store
from services.notifications.acts import Read
from services.notifications.domain import CLIENT_TEMPLATES, MessageState, Template
from services.notifications.links import EXAMPLE_TOKEN, survey_address
from services.notifications.sms_gateway import SENDER
from services.notifications.sms_text import Encoding, size_of
from services.notifications.writing import text_of

router = APIRouter()

_STATEMENTS = Texts(Path(__file__).parent / "statements")
_MOST_ANSWERS = 40


async def link_caller(request: Request) -> Caller:
    """A dependency: whoever has a link. What it opens belongs to no provider (record 0033)."""
    return replace(await public_caller(request), principal=LINK_HOLDER)


Anybody = Annotated[Caller, Depends(link_caller)]
Token = Annotated[str, TextKind.MACHINE, Path()]


class StatementView(BaseModel):
    """One statement; the area is None for the four that stand alone."""

    number: int
    text: str
    area: str | None
    area_name: str | None


class SurveyView(BaseModel):
    """A survey as the client sees it; nothing in it says who the client is or where they have been."""

    title: str
    language: str
    service: str
    service_name: str
    best: int
    best_means: str
    worst: int
    worst_means: str
    answers_needed: int
    source: Provenance
    statements: list[StatementView]


@router.get("/surveys/{token}", response_model=SurveyView, responses=problems("SURVEY_NOT_FOUND", "SURVEY_CLOSED"))
async def show_survey(token: Token, request: Request, here: Anybody) -> Response:
    """The survey behind a link, in the language asked for; needs nothing but the link."""
    language = preferred_language(request.headers.get("accept-language"))

    async def read(tx: Transaction) -> Answer:
        service, names = await feedback.open_survey(tx, token)
        name = (names or {}).get(language, service)
        return Answer(200, _survey(language, service, name), headers={"Cache-Control": "no-store"})

    return await here.query(read)


def _survey(language: str, service: str, service_name: str) -> SurveyView:
    def said(message_id: str) -> str:
        return _STATEMENTS.text(language, message_id)

    statements = []
    for number in range(1, domain.STATEMENTS + 1):
        area = domain.area_of(number)
        text = said(f"statement-{number}")
        statements.append(
            StatementView(number=number, text=text, area=area, area_name=None if area is None else said(area))
        )
    return SurveyView(
        title=said("title"),
        language=language,
        service=service,
        service_name=service_name,
        best=domain.BEST,
        best_means=said("best"),
        worst=domain.WORST,
        worst_means=said("worst"),
        answers_needed=domain.ANSWERS_NEEDED,
        source=Provenance.DEMO,
        statements=statements,
    )


class SurveyAnswers(Command):
    """Scores 1 (fully agree) to 5 (fully disagree) by statement "1" to "19", at least 15 of them."""

    answers: Annotated[
        dict[str, Any],
        TextKind.MACHINE,
        Field(
            max_length=_MOST_ANSWERS,
            json_schema_extra={"additionalProperties": {"type": "integer", "minimum": 1, "maximum": 5}},
            examples=[{str(number): 1 for number in range(1, domain.STATEMENTS + 1)}],
        ),
    ]


class Thanks(BaseModel):
    """The answers are stored; how many statements they cover."""

    answered: int


@router.post(
    "/surveys/{token}/answers",
    status_code=201,
    response_model=Thanks,
    responses=problems(
        "SURVEY_NOT_FOUND", "SURVEY_CLOSED", "TOO_FEW_ANSWERS", "WRONG_STATEMENT", "WRONG_SCORE", "VALIDATION"
    ),
)
async def answer_survey(token: Token, body: SurveyAnswers, here: Anybody) -> Response:
    """Answer a survey, once. The answer is sealed, and the link to the client deleted with the same commit (E-30)."""

    async def act(tx: Transaction) -> Answer:
        await feedback.answer_survey(tx, token, body.answers)
        return Answer(201, Thanks(answered=len(body.answers)))

    return await here.command(act)


class SmsPreview(BaseModel):
    """A text clients get, as providers can show it to them; `link` stands where the personal link is."""

    template: Template
    language: Language
    sender: str
    text: str
    encoding: Encoding
    units: int
    segments: int
    source: Provenance


class SmsPreviews(BaseModel):
    """Every SMS, in Finnish and Swedish."""

    items: list[SmsPreview]


@router.get("/sms-previews", response_model=SmsPreviews)
async def list_sms_previews(here: Anybody) -> SmsPreviews:
    """What Kela's text messages look like, so that clients can trust them (R-FBK-8, E-31)."""
    link = survey_address(here.runtime.settings.public_url, EXAMPLE_TOKEN)
    return SmsPreviews(
        items=[_preview(template, language, link) for template in CLIENT_TEMPLATES for language in Language]
    )


def _preview(template: Template, language: Language, link: str) -> SmsPreview:
    text = text_of(template, language, {"link": link})
    size = size_of(text)
    return SmsPreview(
        template=template,
        language=language,
        sender=SENDER,
        text=text,
        encoding=size.encoding,
        units=size.units,
        segments=size.segments,
        source=Provenance.DEMO,
    )


class MessageView(BaseModel):
    """One message. An SMS shows its text without the personal link; `figures` are what fills the text in."""

    message_id: str
    template: Template
    channel: Channel
    state: MessageState
    language: Language
    text: str
    figures: dict[str, str]
    decision_ref: str | None
    provider_id: str | None
    created_at: datetime
    sent_at: datetime | None


class MessageList(BaseModel):
    """Newest first; `next` continues with older ones."""

    items: list[MessageView]
    next: str | None


@router.get(
    "/messages",
    response_model=MessageList,
    responses=problems(),
    openapi_extra=shows(Read.READ_MESSAGES),
)
async def list_messages(
    here: Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER, Role.SYSTEM))],
    limit: Limit = 100,
    after: Annotated[str | None, TextKind.MACHINE, Query(max_length=64)] = None,
) -> Response:
    """A provider's own inbox; for officers every message, those to clients as well."""

    async def read(tx: Transaction) -> Answer:
        rows = await store.find_messages(tx, before=after, limit=limit + 1)
        items = [_message(dict(row)) for row in rows[:limit]]
        return Answer(200, MessageList(items=items, next=items[-1].message_id if len(rows) > limit else None))

    return await here.query(read)


def _message(row: dict[str, Any]) -> MessageView:
    names = row.pop("service_names") or {}
    figures: dict[str, str] = row["figures"]
    shown = figures | {"link": "…"}
    if "service" in figures:
        shown["service_name"] = names.get(row["language"], figures["service"])
    return MessageView(**row, text=text_of(Template(row["template"]), row["language"], shown))


class MessageCount(BaseModel):
    """How many messages of one template, channel and state there are."""

    template: Template
    channel: Channel
    state: MessageState
    messages: int


class Statistics(BaseModel):
    """What has been sent, asked and answered; `waiting` messages have not left yet."""

    messages: list[MessageCount]
    waiting: int
    invitations: int
    surveys: dict[str, int]
    answers: int
    published_averages: int


@router.get("/statistics", response_model=Statistics, responses=problems())
async def show_statistics(here: Annotated[Caller, Depends(caller(Role.OFFICER, Role.SYSTEM))]) -> Response:
    """Counts of messages, invitations and answers."""

    async def read(tx: Transaction) -> Answer:
        messages = [MessageCount(**row) for row in await store.count_messages(tx)]
        row = await store.count_feedback(tx)
        return Answer(
            200,
            Statistics(
                messages=messages,
                waiting=sum(count.messages for count in messages if count.state is MessageState.WAITING),
                invitations=row["invitations"],
                surveys={state: row[state] for state in ("open", "answered", "cancelled")},
                answers=row["answers"],
                published_averages=row["published_averages"],
            ),
        )

    return await here.query(read)
