"""`/asyncapi`: what the system tells others over Kafka, as a page people can read, without scripts."""

import json
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.documents import ASYNCAPI
from services.gateway.asyncapi_view import EventsView, read_events
from services.gateway.visitor import Visitor, visitor

router = APIRouter(tags=["docs"], include_in_schema=False)


@router.get("/asyncapi")
async def events_page(visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Every topic with its promises, every event with an example, and the data structures."""
    return visitor.page("events.html", title=visitor.t("events-title"), events=_events())


@router.get("/asyncapi.json")
async def raw_document() -> Response:
    """The AsyncAPI 3 document as it is committed."""
    return Response(_raw(), media_type="application/json")


@cache
def _raw() -> bytes:
    return ASYNCAPI.read_bytes()


@cache
def _events() -> EventsView:
    return read_events(json.loads(_raw()))
