"""Everything the gateway answers: pages for people, and the services' APIs behind one address."""

from fastapi import APIRouter

from chassis.http import problems
from services.gateway import (
    docs_pages,
    events_pages,
    health,
    officer_pages,
    provider_pages,
    proxy,
    search_pages,
    sessions_pages,
    sign_in,
    statistics_pages,
    survey_pages,
)

router = APIRouter(responses=problems("TOO_MANY_REQUESTS"))
for part in (
    health.router,
    proxy.router,
    sign_in.router,
    sign_in.issuer_router,
    docs_pages.router,
    events_pages.router,
    sessions_pages.router,
    survey_pages.router,
    provider_pages.router,
    officer_pages.router,
    search_pages.router,
    statistics_pages.router,
):
    router.include_router(part)
