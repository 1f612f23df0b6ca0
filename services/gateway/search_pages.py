"""The public search: where a client finds a course (R-SRCH-2 … R-SRCH-14)."""

import asyncio
from dataclasses import replace
from string import ascii_lowercase
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from chassis import cleaning
from contracts.identity_codes import TextKind
from contracts.refusals import Invalid
from services.gateway import results
from services.gateway.results import Results
from services.gateway.search_form import Problem, SearchForm, read_search_form
from services.gateway.upstreams import UpstreamUnavailable
from services.gateway.visitor import Visitor, visitor

_PAGE_SIZE = 50
_FIELD_PROBLEMS = {
    "MUNICIPALITY_UNKNOWN": ("municipality", Problem.MUNICIPALITY_UNKNOWN),
    "SERVICE_UNKNOWN": ("service", Problem.SERVICE_UNKNOWN),
}

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/")
@router.get("/fi")
@router.get("/sv")
@router.get("/en")
async def search_page(visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """The search form and, once it is filled in, what was found. Nothing of the question is logged (E-49)."""
    query = visitor.request.query_params
    form = read_search_form(query, visitor.language)
    names = await _municipality_names(visitor)
    quotas = await _items(visitor, "/quotas")
    services, form = await _services(visitor, form)
    found: Results | None = None
    if form.asked and not form.problems:
        found, form = await _search(visitor, form, query.get("after"))
    t = visitor.t
    wrong_place = form.problems.get("municipality") is Problem.MUNICIPALITY_UNKNOWN
    suggestions = results.similar_names(form.municipality, names) if wrong_place else []
    concerned = frozenset(office.service for office in found.offices) if found else None
    return visitor.page(
        "search.html",
        title=t("search-title"),
        form=form,
        errors=[(field, t(problem)) for field, problem in form.problems.items()],
        suggestions=[(name, _address(visitor, replace(form, municipality=name))) for name in suggestions],
        municipalities=names,
        services=services,
        results=found,
        quota_notices=results.quota_notices(quotas, t, concerned),
        quota_lines=results.quota_lines(quotas, t),
    )


@router.get("/courses/{course_number}")
async def course_page(
    course_number: Annotated[str, TextKind.PROSE, Path()], visitor: Annotated[Visitor, Depends(visitor)]
) -> Response:
    """One course, by the number that clients, providers and Kela use for it (R-CRS-7)."""
    try:
        number = str(cleaning.whole_number(course_number))
    except Invalid:
        return visitor.message("course-unknown", status=404)
    reply = await visitor.ask("search", f"/courses/{number}")
    if not reply.ok:
        return visitor.message("course-unknown", status=404)
    course = results.course_card(reply.document["course"], visitor.t)
    return visitor.page(
        "course.html",
        title=visitor.t("course-page-title", number=str(course.course_number)),
        course=course,
        office=results.office_card(reply.document, visitor.t),
    )


async def _search(visitor: Visitor, form: SearchForm, after: str | None) -> tuple[Results | None, SearchForm]:
    params: dict[str, str | int] = {
        "municipality": form.municipality,
        "age": form.age,
        "language": form.language,
        "limit": _PAGE_SIZE,
    }
    if form.service:
        params["service"] = form.service
    if after:
        params["after"] = after
    reply = await visitor.ask("search", "/offices", params)
    if reply.code in _FIELD_PROBLEMS:
        field, problem = _FIELD_PROBLEMS[reply.code]
        return None, replace(form, problems={field: problem})
    if not reply.ok and after:
        return await _search(visitor, form, None)
    if not reply.ok:
        raise UpstreamUnavailable("search")
    document = reply.document
    found = Results(
        municipality=results.name_in((document["municipality"] or {}).get("names"), visitor.t, form.municipality),
        offices=tuple(results.office_card(item, visitor.t) for item in document["items"]),
        more=_address(visitor, form, after=document["next"]) if document["next"] else None,
        whole=not after and not document["next"],
    )
    return found, form


def _address(visitor: Visitor, form: SearchForm, **more: str) -> str:
    asked = {"municipality": form.municipality, "age": form.age, "language": form.language, "service": form.service}
    return f"/{visitor.language}?{urlencode({name: value for name, value in {**asked, **more}.items() if value})}"


async def _services(visitor: Visitor, form: SearchForm) -> tuple[list[dict[str, str]], SearchForm]:
    """The services that fit what the form says so far (R-SRCH-2); the form, with its municipality checked."""
    params: dict[str, str | int] = {}
    if form.asked:
        params["language"] = form.language
    if form.years is not None:
        params["age"] = form.years
    if form.municipality:
        params["municipality"] = form.municipality
    reply = await visitor.ask("search", "/services", params)
    if reply.code == "MUNICIPALITY_UNKNOWN":
        problems = {"municipality": Problem.MUNICIPALITY_UNKNOWN, **form.problems}
        services, _ = await _services(visitor, replace(form, municipality=""))
        return services, replace(form, problems=problems)
    items = list(reply.document["items"]) if reply.ok else []
    services = [{"service": item["service"], "name": results.name_in(item["names"], visitor.t)} for item in items]
    return sorted(services, key=lambda service: results.in_finnish_order(service["name"])), form


async def _municipality_names(visitor: Visitor) -> list[str]:
    """All names in the page's language. The search looks names up by their beginning, so ask letter by letter, once."""
    kept = visitor.gateway.municipality_names
    if visitor.language not in kept:
        pages = await asyncio.gather(
            *(_items(visitor, "/municipalities", {"q": letter, "limit": 100}) for letter in ascii_lowercase)
        )
        names = {results.name_in(item["names"], visitor.t) for page in pages for item in page}
        kept[visitor.language] = sorted(names, key=results.in_finnish_order)
    return kept[visitor.language]


async def _items(visitor: Visitor, path: str, params: dict[str, str | int] | None = None) -> list[dict[str, Any]]:
    reply = await visitor.ask("search", path, params)
    return list(reply.document["items"]) if reply.ok else []
