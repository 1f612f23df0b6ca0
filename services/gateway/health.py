"""`/healthz`: whether everything behind the gateway is ready and alive."""

import asyncio
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from chassis.runtime import Runtime
from services.gateway.visitor import Gateway, gateway_of

_PATIENCE_S = 2.0

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """Ready as a whole, and service by service."""

    ready: bool
    services: dict[str, bool]


@router.get("/healthz", response_model=Health, responses={503: {"model": Health, "description": "Something is not"}})
async def show_health(request: Request, gateway: Annotated[Gateway, Depends(gateway_of)]) -> Response:
    """200 when the gateway's database and every service answer that they are ready and alive, else 503."""
    names = gateway.upstreams.names
    runtime: Runtime = request.app.state.runtime
    ready, *others = await asyncio.gather(gateway.db.answers(), *(_upstream_well(gateway, name) for name in names))
    answers = (ready and runtime.alive, *others)
    health = Health(ready=all(answers), services=dict(zip(("gateway", *names), answers, strict=True)))
    return JSONResponse(health.model_dump(), 200 if health.ready else 503)


async def _upstream_well(gateway: Gateway, service: str) -> bool:
    """Whether a service is ready, and has no dead task."""
    client = gateway.upstreams.client(service)
    try:
        answers = await asyncio.gather(*(client.get(look, timeout=_PATIENCE_S) for look in ("/livez", "/readyz")))
    except httpx.TransportError:
        return False
    return all(answer.is_success for answer in answers)
