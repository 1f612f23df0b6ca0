"""What Kela has published: estimates, quotas and their fill, and figures reported earlier (R-DEC-8, R-DEC-14, E-61).

For officers the page links to all other statistics as well.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from chassis.fields import Between
from services.gateway import results
from services.gateway.upstreams import UpstreamUnavailable
from services.gateway.visitor import Visitor, visitor

_OF_SERVICE = ("new-clients", "decisions", "half-years", "ages", "group-sizes")

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/statistics")
async def statistics_page(
    visitor: Annotated[Visitor, Depends(visitor)],
    year: Annotated[int, Between(2001, 2198)] | None = None,
) -> Response:
    """Estimates and quotas of a year, this one unless another is asked for, and every reported table."""
    if year is None:
        async with visitor.gateway.db.transaction(readonly=True) as tx:
            year = tx.today.year
    quotas, reported = await _read(visitor, "/quotas", year=year), await _read(visitor, "/reported")
    officer = visitor.session is not None and visitor.session.is_officer
    return visitor.page(
        "statistics.html",
        title=visitor.t("statistics-title"),
        year=year,
        quotas=[
            {**quota, "name": results.name_in(quota["service_names"], visitor.t, quota["service"])}
            for quota in quotas["items"]
        ],
        definitions=[
            (results.name_in(each["name"], visitor.t), results.name_in(each["definition"], visitor.t))
            for each in quotas["measures"]
        ],
        reported=[_table(table, visitor) for table in reported["items"]],
        services=await _services(visitor) if officer else [],
        statistics=_OF_SERVICE,
    )


async def _read(visitor: Visitor, path: str, **params: int) -> Any:
    reply = await visitor.ask("decisions", f"/statistics{path}", dict(params))
    if not reply.ok:
        raise UpstreamUnavailable("decisions")
    return reply.document


async def _services(visitor: Visitor) -> list[tuple[str, str]]:
    """Codes and names of all services."""
    reply = await visitor.ask("search", "/services")
    found = reply.document["items"] if reply.ok else []
    named = [(service["service"], results.name_in(service["names"], visitor.t)) for service in found]
    return sorted(named, key=lambda service: results.in_finnish_order(service[1]))


def _table(table: dict[str, Any], visitor: Visitor) -> dict[str, Any]:
    """A reported table in the page's language."""

    def said(cell: Any) -> Any:
        return results.name_in(cell, visitor.t) if isinstance(cell, dict) else cell

    return {
        "id": table["table"],
        "drawn": table["statistic"] and table["rows"],
        "title": said(table["title"]),
        "source": said(table["source"]),
        "columns": [said(column["name"]) for column in table["columns"]],
        "rows": [[said(cell) for cell in row] for row in table["rows"]],
        "totals": [[said(cell) for cell in row] for row in table["totals"]],
        "notes": [said(note) for note in table["notes"]],
    }
