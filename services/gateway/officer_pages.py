"""Kela's view of estimates and quotas (R-DEC-11 … R-DEC-15)."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from services.gateway import results
from services.gateway.limited import limited
from services.gateway.visitor import Visitor, officer_visitor

router = APIRouter(tags=["pages"], include_in_schema=False, dependencies=[Depends(limited("page"))])


@router.get("/officer")
async def quotas_page(
    visitor: Annotated[Visitor, Depends(officer_visitor)],
    year: Annotated[int | None, Query(ge=2000, le=2199)] = None,
) -> Response:
    """Each service's new clients against its estimate and its quota, this year or another."""
    if year is None:
        async with visitor.gateway.db.transaction(readonly=True) as tx:
            year = tx.today.year
    services = await visitor.ask("search", "/services")
    found = list(services.document["items"]) if services.ok else []
    quotas = await asyncio.gather(*(_quota(visitor, service, year) for service in found))
    return visitor.page(
        "officer.html",
        title=visitor.t("officer-title"),
        year=year,
        quotas=sorted(filter(None, quotas), key=lambda quota: results.in_finnish_order(quota["name"])),
    )


async def _quota(visitor: Visitor, service: dict[str, Any], year: int) -> dict[str, Any] | None:
    reply = await visitor.ask("decisions", f"/quotas/{service['service']}/{year}")
    if not reply.ok:
        return None
    return {**reply.document, "name": results.name_in(service["names"], visitor.t)}
