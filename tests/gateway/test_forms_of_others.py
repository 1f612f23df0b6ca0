"""No form and no call of another site does anything in a signed-in person's name: every unsafe route is asked."""

import re

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.auth import Role
from services.gateway import forms
from services.gateway.app import SERVICE as GATEWAY

SAFE = {"GET", "HEAD", "OPTIONS"}
BY_OTHER_MEANS = {
    "/s/{token}": "whoever has the link answers; nobody's session is used",
    "/survey/{token}": "as /s/{token}",
}
"""Routes that need no form token of a session, and why."""


def unsafe_routes():
    return sorted(
        (method, context.path)
        for context in iter_route_contexts(GATEWAY.router.routes)
        if isinstance(context.original_route, APIRoute)
        for method in (context.methods or set()) - SAFE
        if context.path not in BY_OTHER_MEANS
    )


def ask(browser, method, path, **how):
    return browser.request(method, re.sub("{[a-z_:]+}", "confirmation", path), **how)


def test_the_routes_are_found():
    found = {path for _, path in unsafe_routes()}
    assert {"/sign-in", "/sign-out", "/sessions/end", "/sessions/end-others", "/api/{service}/{path:path}"} < found


@pytest.mark.parametrize(("method", "path"), unsafe_routes())
async def test_a_request_without_the_form_token_is_refused(gateway, courses, method, path):
    path = path.replace("{service}", "courses")
    for token in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
        browser = await gateway.provider()
        for accept in ("text/html", "application/json"):
            answer = await ask(browser, method, path, data=token, headers={"accept": accept})
            assert answer.status_code == 403, answer.text
        assert (await browser.get("/session")).json()["role"] == Role.PROVIDER


@pytest.mark.parametrize("path", sorted(BY_OTHER_MEANS))
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_survey_is_not_answered_by_another_site(gateway, notifications, token, path, site):
    answer = await gateway.browser().post(
        path.replace("{token}", token), data={"statement-1": "1"}, headers={"sec-fetch-site": site}
    )
    assert answer.status_code == 403


async def test_control_without_the_check_such_a_request_would_do_something(gateway, monkeypatch):
    monkeypatch.setattr(forms, "require_form_token", lambda *_: None)
    browser = await gateway.provider()
    assert (await browser.post("/sign-out")).status_code == 303
    assert (await browser.get("/session")).json()["role"] == Role.PUBLIC
