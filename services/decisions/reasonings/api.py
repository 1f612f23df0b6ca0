"""HTTP of reasonings: the templates to choose from, and the words of one decision."""

from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from chassis.acts import shows
from chassis.db import Transaction
from chassis.http import Answer, problems
from services.decisions import fields, store
from services.decisions.acts import Read
from services.decisions.domain import Reasoning
from services.decisions.reasonings.catalogue import CATALOGUE, ReasoningKind, words

router = APIRouter(tags=["reasonings"])


class WordsView(BaseModel):
    """A reasoning in both languages a decision is given in."""

    kind: ReasoningKind
    code: str = Field(examples=["GRANT_CONDITIONS_MET"])
    reasoning_version: int = Field(examples=[1])
    fi: str = Field(examples=["Kela myöntää sinulle kuntoutuksen."])
    sv: str = Field(examples=["FPA beviljar dig rehabilitering."])

    @classmethod
    def of(cls, reasoning: Reasoning) -> Self:
        """The words of a reasoning as they were when it was given."""
        texts = words(reasoning)
        return cls(
            kind=CATALOGUE[reasoning.code].kind,
            code=reasoning.code,
            reasoning_version=reasoning.version,
            fi=texts.fi,
            sv=texts.sv,
        )


class TemplateView(WordsView):
    """A template in the version in force; `usual` is meant where none is named. `source` demo: our own words."""

    usual: bool
    source: str = Field(examples=["demo"])
    valid_from: date


class TemplateList(BaseModel):
    """The templates in force, by code."""

    items: list[TemplateView]


class DecisionReasonings(BaseModel):
    """Why a decision was given, and why it was ended; empty where neither has been said."""

    decision_ref: str
    items: list[WordsView]


@router.get("/reasonings", response_model=TemplateList, responses=problems())
async def list_reasonings(
    caller: fields.Kela, kind: Annotated[ReasoningKind | None, Query()] = None, on: fields.Day | None = None
) -> Response:
    """The templates to choose from, as they are on a day; today's where none is named."""

    async def read(tx: Transaction) -> Answer:
        day = on or tx.today
        items = [
            TemplateView(
                **WordsView.of(Reasoning(template.code, version.reasoning_version)).model_dump(),
                usual=template.usual,
                source=template.source,
                valid_from=version.valid_from,
            )
            for template in CATALOGUE.values()
            for version in template.versions
            if version.in_force(day) and kind in (None, template.kind)
        ]
        return Answer(200, TemplateList(items=items))

    return await caller.query(read)


@router.get(
    "/decisions/{decision_ref}/reasonings",
    response_model=DecisionReasonings,
    responses=problems("DECISION_UNKNOWN"),
    openapi_extra=shows(Read.READ_REASONINGS),
)
async def show_reasonings(decision_ref: fields.PathRef, caller: fields.Kela) -> Response:
    """The words of a decision, and of its end, in the versions it was given with; Kela's and the client's only."""

    async def read(tx: Transaction) -> Answer:
        decision = await store.get_decision(tx, decision_ref)
        given = decision.reasoning if decision.decided_on is not None else None
        said = [WordsView.of(each) for each in (given, decision.revocation_reasoning) if each is not None]
        return Answer(200, DecisionReasonings(decision_ref=decision_ref, items=said))

    return await caller.query(read)
