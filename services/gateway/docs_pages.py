"""`/docs`: the services' OpenAPI documents as pages people can read, without scripts."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import JSONResponse, Response

from contracts.identity_codes import TextKind
from services.gateway.openapi_view import read_api
from services.gateway.upstreams import Reply, UpstreamUnavailable
from services.gateway.visitor import Visitor, visitor

router = APIRouter(prefix="/docs", tags=["docs"], include_in_schema=False)

Reader = Annotated[Visitor, Depends(visitor)]
ServiceName = Annotated[str, TextKind.MACHINE, Path()]


@router.get("")
async def docs_index(visitor: Reader) -> Response:
    """Every service with what its document says of it."""
    names = visitor.gateway.upstreams.names
    replies = await asyncio.gather(*(_document(visitor, name) for name in names), return_exceptions=True)
    services = [
        (name, read_api(reply.document) if isinstance(reply, Reply) else None)
        for name, reply in zip(names, replies, strict=True)
    ]
    return visitor.page("docs_index.html", title=visitor.t("docs-title"), services=services)


@router.get("/{service}/openapi.json", response_class=JSONResponse)
async def raw_document(service: ServiceName, visitor: Reader) -> Response:
    """A service's document as it is."""
    return JSONResponse((await _document(visitor, service)).document)


@router.get("/{service}")
async def docs_page(service: ServiceName, visitor: Reader) -> Response:
    """A service's operations with parameters, bodies, answers and refusal codes, and its data structures."""
    api = read_api((await _document(visitor, service)).document)
    return visitor.page("docs_service.html", title=api.title, service=service, api=api)


async def _document(visitor: Visitor, service: str) -> Reply:
    reply = await visitor.ask(service, "/openapi.json")
    if not reply.ok:
        raise UpstreamUnavailable(service)
    return reply
