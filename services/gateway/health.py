"""`/healthz`: whether everything behind the gateway is ready."""

import asyncio
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from chassis.db import TRANSIENT_ERRORS
from services.gateway.visitor import Gateway, gateway_of

_PATIENCE_S = 2.0

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """Ready as a whole, and service by service."""

    ready: bool
    services: dict[str, bool]


@router.get("/healthz", response_model=Health, responses={503: {"model": Health, "description": "Something is not"}})
async def show_health(gateway: Annotated[Gateway, Depends(gateway_of)]) -> Response:
    """200 when the gateway's sessions and every service answer that they are ready, else 503."""
    names = gateway.upstreams.names
    answers = await asyncio.gather(_sessions_ready(gateway), *(_upstream_ready(gateway, name) for name in names))
    health = Health(ready=all(answers), services=dict(zip(("gateway", *names), answers, strict=True)))
    return JSONResponse(health.model_dump(), 200 if health.ready else 503)


async def _sessions_ready(gateway: Gateway) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_S), gateway.db.pool.acquire() as connection:
            await connection.fetchval("SELECT 1 FROM sessions LIMIT 1")
    except TRANSIENT_ERRORS:
        return False
    return True


async def _upstream_ready(gateway: Gateway, service: str) -> bool:
    try:
        answer = await gateway.upstreams.client(service).get("/readyz", timeout=_PATIENCE_S)
    except httpx.TransportError:
        return False
    return answer.is_success
