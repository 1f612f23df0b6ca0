"""The public HTTP interface: no token, nothing about the caller kept, nothing cached on the way.

Age and municipality hint at health (E-49): they are never logged, and answers say `no-store`.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from chassis.db import Transaction
from chassis.fields import Age, Between, MunicipalityText
from chassis.http import Answer, Caller, problems, public_caller
from contracts.identity_codes import TextKind
from contracts.municipalities import ATTRIBUTION, Municipality, areas
from contracts.values import CourseState, Language
from services.search import choices, domain, handlers, views
from services.search.handlers import OfficeSearch
from services.search.municipalities import municipality_register

router = APIRouter(tags=["search"])

_PRIVATE = {"Cache-Control": "no-store"}
_PUBLIC = {"Cache-Control": "public, max-age=3600"}

Services = Mapping[str, asyncpg.Record]
GroupNames = Mapping[tuple[str, str, str], dict[str, str]]

Anybody = Annotated[Caller, Depends(public_caller)]
Residence = Annotated[MunicipalityText | None, Query(description="Municipality of residence: three-digit code or name")]
ClientsAge = Annotated[Age | None, Query(description="The client's age in whole years")]
ServiceLanguage = Annotated[Language | None, Query(description="Service language")]
ServiceCode = Annotated[
    str | None, TextKind.MACHINE, Query(pattern=r"^[A-Z0-9_]{1,40}$", description="Code of a service")
]
Limit = Annotated[int, Between(1, 100)]
After = Annotated[
    str | None, TextKind.MACHINE, Query(min_length=1, max_length=1000, description="`next` of the page before")
]


@router.get(
    "/offices",
    response_model=views.OfferingsView,
    responses=problems("MUNICIPALITY_UNKNOWN", "SERVICE_UNKNOWN", "CURSOR_INVALID"),
)
async def find_offices(
    anybody: Anybody,
    municipality: Residence = None,
    age: ClientsAge = None,
    language: ServiceLanguage = None,
    service: ServiceCode = None,
    only_free: Annotated[bool, Query(description="Only offices with a free place on a fitting course")] = False,
    limit: Limit = 20,
    after: After = None,
) -> Response:
    """Offices that offer what fits the client, nearest first, with open courses and free places (R-SRCH-2, -13)."""
    origin = _origin(municipality)
    search = OfficeSearch(origin, age, language, service, only_free)

    async def read(tx: Transaction) -> Answer:
        page = await handlers.find_offices(tx, search, after=after, limit=limit)
        groups = _group_names(page.services)
        body = {
            "municipality": origin and _municipality(origin),
            "items": [_offering(row, page.services, groups, tx.today) for row in page.offerings],
            "next": page.next,
            "attribution": ATTRIBUTION,
        }
        return Answer(200, body, headers=_PRIVATE)

    return await anybody.query(read)


@router.get("/courses/{course_number}", response_model=views.CoursePageView, responses=problems("COURSE_UNKNOWN"))
async def get_course(anybody: Anybody, course_number: Annotated[int, Between(1, 2_147_483_647)]) -> Response:
    """One course by its number, from its publishing on, also while it runs and after it (R-CRS-7)."""

    async def read(tx: Transaction) -> Answer:
        row, services = await handlers.get_course(tx, course_number)
        course = _course(json.loads(row["course"]), row["service"], _group_names(services))
        body = {
            "course": course,
            "offered": domain.is_offered(CourseState(course["state"]), row["first_day"], tx.today),
            **_parties(row, services),
        }
        return Answer(200, body, headers=_PRIVATE)

    return await anybody.query(read)


@router.get("/services", response_model=views.ServicesView, responses=problems("MUNICIPALITY_UNKNOWN"))
async def find_services(
    anybody: Anybody, municipality: Residence = None, age: ClientsAge = None, language: ServiceLanguage = None
) -> Response:
    """Services that fit the client (R-SRCH-2)."""
    origin = _origin(municipality)

    async def read(tx: Transaction) -> Answer:
        rows = await handlers.find_fitting_services(tx, municipality=origin, age=age, language=language)
        items = [{name: value for name, value in row.items() if name != "choice_questions"} for row in rows]
        return Answer(200, {"items": items, "next": None}, headers=_PRIVATE)

    return await anybody.query(read)


@router.get("/quotas", response_model=views.QuotasView, responses=problems())
async def find_quotas(anybody: Anybody) -> Response:
    """Kela's estimates and quotas of this year and the next, also of areas and languages; which are full (R-DEC-14)."""

    async def read(tx: Transaction) -> Answer:
        rows, services = await handlers.find_quotas(tx)
        return Answer(200, {"items": [_quota(row, services) for row in rows], "next": None}, headers=_PRIVATE)

    return await anybody.query(read)


@router.get("/municipalities", response_model=views.MunicipalitiesView, responses=problems())
async def find_municipalities(
    q: Annotated[MunicipalityText, Query(description="Beginning of a name, or a code")],
    limit: Limit = 10,
) -> Response:
    """Municipalities for a text as it is being typed, in any of their languages, dots or no dots (E-48)."""
    found = municipality_register().find_by_prefix(q, limit)
    body = {"items": [_municipality(m) for m in found], "next": None, "attribution": ATTRIBUTION}
    return Answer(200, body, headers=_PUBLIC).response()


def _origin(text: str | None) -> Municipality | None:
    return None if text is None else municipality_register().get_by_code_or_name(text)


def _municipality(m: Municipality) -> dict[str, Any]:
    return {"code": m.code, "names": {"fi": m.name_fi, "sv": m.name_sv, "en": m.name_en}}


def _offering(row: asyncpg.Record, services: Services, groups: GroupNames, today: date) -> dict[str, Any]:
    published = row["average"] is not None
    questions = services[row["service"]]["choice_questions"]
    return {
        **_parties(row, services),
        "distance_km": row["km"],
        "feedback": {
            "average": float(row["average"]) if published else None,
            "answers": row["answers"],
            "reason": None if published else "too_few_answers",
        },
        "choice_information": choices.shown(questions, row["choices"] or (), today),
        "courses": [_course(course, row["service"], groups) for course in json.loads(row["courses"])],
    }


def _parties(row: asyncpg.Record, services: Services) -> dict[str, Any]:
    """What an offering and a course page share: where, by whom, what, and how to reach them."""
    register = municipality_register()
    code, service = row["municipality_code"], services.get(row["service"])
    has_contact = row["email"] is not None
    return {
        "office": {
            "office_id": row["office_id"],
            "name": row["office_name"],
            "street_address": row["street_address"],
            "postal_address": row["postal_address"],
            "phone": row["office_phone"],
        },
        "municipality": _municipality(register[code]) if code in register else None,
        "provider": {"provider_id": row["provider_id"], "name": row["provider_name"]},
        "service": row["service"],
        "service_names": service and service["names"],
        "language": row["language"],
        "contact": {"email": row["email"], "phone": row["phone"], "web": row["web"]} if has_contact else None,
    }


def _group_names(services: Services) -> GroupNames:
    """Names of the target and age groups of all services, as their descriptions in force name them."""
    return {
        (service, kind, group["code"]): group["names"]
        for service, row in services.items()
        for kind in ("target_groups", "age_groups")
        for group in row[kind]
    }


def _course(course: dict[str, Any], service: str, groups: GroupNames) -> dict[str, Any]:
    """A course with its groups named; one that no description in force names keeps its code alone."""
    age_group, min_age, max_age = course["age_group"], course.pop("min_age"), course.pop("max_age")
    course["target_groups"] = [
        {"code": code, "names": groups.get((service, "target_groups", code))} for code in course["target_groups"]
    ]
    if age_group is not None:
        names = groups.get((service, "age_groups", age_group))
        course["age_group"] = {"code": age_group, "names": names, "min_age": min_age, "max_age": max_age}
    return course


def _quota(row: asyncpg.Record, services: Services) -> dict[str, Any]:
    service = services.get(row["service"])
    status = "suspended" if row["suspended"] else "full" if row["filled"] else "open"
    return {
        "service": row["service"],
        "service_names": service and service["names"],
        "year": row["year"],
        "estimate": row["estimate"],
        "limit": row["quota_limit"],
        "status": status,
        "scopes": [_scope(scope) for scope in row["scopes"]],
    }


def _scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    area, limit = scope["area"], scope["limit"]
    full = limit is not None and scope["used"] >= limit
    # Absent in what was published before signals could stop a scope.
    stopped = scope.get("suspended", False)
    return {
        "area": area,
        "area_names": None if area is None else areas().get(area),
        "language": scope["language"],
        "estimate": scope["estimate"],
        "limit": limit,
        "status": "suspended" if stopped else "full" if full else "open",
    }
