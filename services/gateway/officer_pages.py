"""Kela's view of estimates and quotas (R-DEC-11 … R-DEC-15)."""

import asyncio
import itertools
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from chassis.fields import Year
from services.gateway import results
from services.gateway.visitor import Visitor, officer_visitor

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/officer")
async def quotas_page(
    visitor: Annotated[Visitor, Depends(officer_visitor)],
    year: Year | None = None,
) -> Response:
    """Each service's new clients against its estimates and quotas, this year or another."""
    if year is None:
        async with visitor.gateway.db.transaction(readonly=True) as tx:
            year = tx.today.year
    services = await visitor.ask("search", "/services")
    found = list(services.document["items"]) if services.ok else []
    of_services = await asyncio.gather(*(_quotas(visitor, service, year) for service in found))
    return visitor.page(
        "officer.html",
        title=visitor.t("officer-title"),
        year=year,
        quotas=sorted(
            itertools.chain.from_iterable(of_services), key=lambda quota: results.in_finnish_order(quota["name"])
        ),
    )


async def _quotas(visitor: Visitor, service: dict[str, Any], year: int) -> list[dict[str, Any]]:
    """The service's own quota and those of areas and languages (E-55)."""
    reply = await visitor.ask("decisions", f"/quotas/{service['service']}/{year}/scopes")
    if not reply.ok:
        return []
    name = results.name_in(service["names"], visitor.t)
    return [{**quota, "name": results.name_of_scope(name, quota, visitor.t)} for quota in reply.document["items"]]
