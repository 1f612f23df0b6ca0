"""The feedback survey a client opens from an SMS, and what that SMS looks like (R-FBK-2, R-FBK-7, R-FBK-8)."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from contracts.identity_codes import TextKind
from services.gateway.domain import read_answers
from services.gateway.forms import read_form
from services.gateway.upstreams import Reply, UpstreamUnavailable
from services.gateway.visitor import Visitor, visitor

router = APIRouter(tags=["pages"], include_in_schema=False)

Token = Annotated[str, TextKind.MACHINE, Path(pattern=r"^[A-Za-z0-9._~-]{1,200}$")]


@router.get("/s/{token}")
@router.get("/survey/{token}")
async def survey_page(token: Token, visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """The statements, to be answered by keyboard or thumb."""
    reply = await visitor.ask("notifications", f"/surveys/{token}")
    return _survey(visitor, reply) if reply.ok else _no_survey(visitor, reply)


@router.post("/s/{token}")
@router.post("/survey/{token}")
async def send_answers(token: Token, visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Store the answers; what cannot be stored yet comes back with everything that was answered."""
    survey = await visitor.ask("notifications", f"/surveys/{token}")
    if not survey.ok:
        return _no_survey(visitor, survey)
    numbers = [statement["number"] for statement in survey.document["statements"]]
    answers = read_answers(await read_form(visitor.request), numbers)
    try:
        reply = await visitor.send("notifications", "POST", f"/surveys/{token}/answers", {"answers": answers})
    except UpstreamUnavailable:
        later = visitor.t("problem-unavailable")
        return _survey(visitor, survey, answers, [(f"statement-{numbers[0]}", later)], status=503)
    if reply.ok:
        return visitor.message("survey-thanks", status=200)
    if reply.code != "TOO_FEW_ANSWERS":
        return _no_survey(visitor, reply)
    missing = next((number for number in numbers if str(number) not in answers), numbers[0])
    values = reply.document["values"]
    text = visitor.t("survey-at-least", needed=values["needed"], given=values["given"])
    return _survey(visitor, survey, answers, [(f"statement-{missing}", text)], status=422)


@router.get("/sms")
async def sms_page(visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """The texts that clients get, shown in advance so that they are trusted (E-31)."""
    reply = await visitor.ask("notifications", "/sms-previews")
    items = reply.document["items"] if reply.ok else []
    return visitor.page("sms.html", title=visitor.t("sms-title"), previews=[_preview(visitor, item) for item in items])


def _survey(
    visitor: Visitor,
    survey: Reply,
    answers: Mapping[str, int] | None = None,
    errors: list[tuple[str, str]] | None = None,
    *,
    status: int = 200,
) -> Response:
    return visitor.page(
        "survey.html",
        title=visitor.t("survey-title"),
        status=status,
        service_name=survey.document["service_name"],
        statements=survey.document["statements"],
        answers=answers or {},
        errors=errors or [],
    )


def _no_survey(visitor: Visitor, reply: Reply) -> Response:
    if reply.code == "SURVEY_CLOSED":
        return visitor.message("survey-closed", status=410)
    return visitor.message("survey-unknown", status=404)


def _preview(visitor: Visitor, item: Mapping[str, Any]) -> dict[str, str]:
    language = str(item["language"])
    return {
        "caption": visitor.t(f"sms-{item['template']}", language=language),
        "language": language,
        "text": str(item["text"]),
    }
