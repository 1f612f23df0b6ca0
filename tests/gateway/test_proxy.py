"""`/api/<service>/…`: tokens, form tokens, what a session knows, and what does not pass."""

from urllib.parse import quote

import pytest

from chassis.auth import Role, TokenVerifier
from contracts.courses import CoursePublished
from services.courses.app import SERVICE as COURSES
from services.gateway.upstreams import Upstreams
from services.search.app import SERVICE as SEARCH
from tests.gateway.builders import (
    OTHER_PROVIDER,
    PROVIDER,
    a_course,
    create_course,
    csrf_of,
    tell_courses,
    tell_search,
)

JSON = {"accept": "application/json"}


def bearer(gateway, role, provider_id=None):
    return {**JSON, "authorization": f"Bearer {gateway.service.token(role, provider_id)}"}


async def test_a_token_of_ones_own_is_passed_on(gateway, courses):
    course_id = await create_course(courses)
    browser = gateway.browser()
    own = await browser.get(f"/api/courses/courses/{course_id}", headers=bearer(gateway, Role.PROVIDER, PROVIDER))
    foreign = await browser.get(
        f"/api/courses/courses/{course_id}", headers=bearer(gateway, Role.PROVIDER, OTHER_PROVIDER)
    )
    assert (own.status_code, own.json()["course_id"]) == (200, course_id)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "COURSE_UNKNOWN")


async def test_nobody_gets_what_the_service_wants_a_token_for(gateway, courses):
    answer = await gateway.browser().get("/api/courses/courses", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_session_lends_its_token(gateway, courses):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    answer = await browser.get("/api/courses/courses", headers=JSON)
    assert [course["course_id"] for course in answer.json()["items"]] == [course_id]
    stranger = await gateway.provider(OTHER_PROVIDER)
    assert (await stranger.get("/api/courses/courses", headers=JSON)).json()["items"] == []


async def test_a_session_changes_nothing_without_its_form_token(gateway, courses):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    path = f"/api/courses/courses/{course_id}/publication"
    for headers in (JSON, {**JSON, "x-csrf-token": "0" * 64}):
        answer = await browser.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "CSRF_REFUSED")
    answer = await browser.post(path, headers={**JSON, "x-csrf-token": await csrf_of(browser)})
    assert (answer.status_code, answer.json()["state"]) == (200, "published")


async def test_a_token_of_ones_own_goes_before_the_session(gateway, courses):
    browser = await gateway.provider(OTHER_PROVIDER)
    course_id = await create_course(courses)
    answer = await browser.post(
        f"/api/courses/courses/{course_id}/publication", headers=bearer(gateway, Role.PROVIDER, PROVIDER)
    )
    assert answer.status_code == 200


async def test_versions_keys_and_languages_pass_both_ways(gateway, courses):
    course_id = await create_course(courses)
    browser = gateway.browser()
    headers = bearer(gateway, Role.PROVIDER, PROVIDER)
    path = f"/api/courses/courses/{course_id}/publication"
    stale = await browser.post(path, headers={**headers, "if-match": '"7"', "accept-language": "sv"})
    assert (stale.status_code, stale.headers["content-language"]) == (412, "sv")
    first = await browser.post(path, headers={**headers, "idempotency-key": "once"})
    again = await browser.post(path, headers={**headers, "idempotency-key": "once"})
    assert first.json() == again.json()
    assert first.headers["etag"] == '"2"'
    assert first.headers["rekku-known"] == f"course:{course_id}@2"
    assert "set-cookie" not in first.headers


@pytest.mark.usefixtures("impatient")
async def test_what_a_session_wrote_is_waited_for_elsewhere(gateway, new_service):
    """The course is published in one service; until the search has it, the session's question waits, then says so."""
    courses, search = await new_service(COURSES), await new_service(SEARCH)
    await tell_courses(courses)
    await tell_search(search)
    gateway.put_behind(courses, search)
    course_id = await create_course(courses)
    browser = await gateway.provider()
    headers = {**JSON, "x-csrf-token": await csrf_of(browser)}
    await browser.post(f"/api/courses/courses/{course_id}/publication", headers=headers)

    early = await browser.get("/api/search/offices", headers=JSON)
    assert (early.status_code, early.json()["code"]) == (503, "NOT_YET_KNOWN")
    assert early.headers["retry-after"]

    published = [event.course for event in await courses.published(CoursePublished)]
    await search.deliver(*(CoursePublished(version=2, course=course) for course in published))
    assert (await browser.get("/api/search/offices", headers=JSON)).status_code == 200
    assert (await gateway.browser().get("/api/search/offices", headers=JSON)).status_code == 200


@pytest.mark.usefixtures("impatient")
async def test_the_callers_own_marks_are_passed_on(gateway, search):
    """Those of somebody who is known, that is; an anonymous caller's are nobody's."""
    marks = {"rekku-known": "course:course-1@2"}
    ahead = {**bearer(gateway, Role.PROVIDER, PROVIDER), **marks}
    assert (await gateway.browser().get("/api/search/offices", headers={**JSON, **marks})).status_code == 200
    assert (await gateway.browser().get("/api/search/offices", headers=ahead)).status_code == 503
    await search.deliver(CoursePublished(version=2, course=a_course()))
    assert (await gateway.browser().get("/api/search/offices", headers=ahead)).status_code == 200


async def test_queries_arrive_as_they_were_sent(gateway, search):
    answer = await gateway.browser().get("/api/search/municipalities?q=peders%C3%B6re&limit=1", headers=JSON)
    assert [item["code"] for item in answer.json()["items"]] == ["599"]
    assert answer.headers["cache-control"] == "public, max-age=3600"


async def test_what_is_not_a_services_path_is_not_found(gateway, courses):
    browser = gateway.browser()
    for path in ("/api/nothing/x", "/api/courses/", "/api/courses/a//b", "/api/courses/%2e%2e/livez"):
        answer = await browser.get(path, headers=JSON)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_probes_are_for_officers(gateway, courses):
    browser, officer = gateway.browser(), await gateway.signed_in(Role.OFFICER)
    for probe in ("livez", "readyz", "progress", "openapi.json"):
        path = f"/api/courses/{probe}"
        assert (await browser.get(path, headers=JSON)).status_code == 404
        assert (await browser.get(path, headers=bearer(gateway, Role.PROVIDER, PROVIDER))).status_code == 404
        assert (await browser.get(path, headers={**JSON, "authorization": "Bearer x.y.z"})).status_code == 404
        assert (await browser.get(path, headers=bearer(gateway, Role.SYSTEM))).status_code == 200
        assert (await officer.get(path, headers=JSON)).status_code == 200


async def test_whether_somebody_is_an_officer_is_not_known_while_the_issuer_is_away(gateway, courses):
    """503 and not the 404 of strangers, nor a 401: the token may be as good as any. A page says so in words."""
    away = gateway.service.settings.model_copy(update={"jwks_url": "http://127.0.0.1:9/jwks.json"})
    gateway.change(verifier=TokenVerifier(away))
    for headers in (bearer(gateway, Role.OFFICER), bearer(gateway, Role.PROVIDER, PROVIDER)):
        answer = await gateway.browser().get("/api/courses/readyz", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "ISSUER_UNREACHABLE")
        assert answer.headers["retry-after"] == "1"
    officer = await gateway.signed_in(Role.OFFICER)
    assert (await officer.get("/api/courses/readyz", headers=JSON)).status_code == 200


async def test_a_header_in_two_lines_arrives_as_its_list(gateway, courses):
    course_id = await create_course(courses)
    token = bearer(gateway, Role.PROVIDER, PROVIDER)
    path = f"/api/courses/courses/{course_id}/publication"
    stale = [*token.items(), ("if-match", '"7"'), ("if-match", 'W/"1"')]
    assert (await gateway.browser().post(path, headers=stale)).status_code == 412
    fresh = [*token.items(), ("if-match", '"7"'), ("if-match", '"1"')]
    assert (await gateway.browser().post(path, headers=fresh)).status_code == 200


async def test_headers_of_any_bytes_arrive_or_are_refused(gateway, courses):
    for name in ("accept-language", "if-match", "idempotency-key", "rekku-known", "tracestate", "content-type"):
        headers = {**bearer(gateway, Role.OFFICER), name: b"\xe4\xff"}
        answer = await gateway.browser().post("/api/courses/courses", headers=headers, content=b"{}")
        assert answer.status_code < 500, name


async def test_a_service_that_cannot_be_reached_is_told_as_such(gateway):
    gateway.put_behind(courses="http://127.0.0.1:9")
    answer = await gateway.browser().get("/api/courses/courses", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert answer.headers["retry-after"]


async def test_oversized_bodies_and_identity_codes_go_no_further(gateway, courses):
    browser = gateway.browser()
    headers = bearer(gateway, Role.PROVIDER, PROVIDER)
    large = await browser.post("/api/courses/courses", headers=headers, content=b"x" * 70_000)
    assert (large.status_code, large.json()["code"]) == (413, "BODY_TOO_LARGE")
    answer = await browser.post("/api/courses/courses", headers=headers, json={"office_id": "131052-308T"})
    assert (answer.status_code, answer.json()["code"]) == (422, "PERSONAL_IDENTITY_CODE")
    assert "131052" not in answer.text


@pytest.mark.parametrize(
    ("method", "address", "body", "field"),
    [
        ("POST", "/courses", {"office_id": "{}"}, "body.office_id"),
        ("POST", "/courses", {"unknown": "{}"}, "body.?"),
        ("POST", "/courses/{}/publication", None, "path.course_id"),
        ("GET", "/courses/{}", None, "path.course_id"),
        ("GET", "/courses?after={}", None, "query.after"),
        ("GET", "/courses?{}=1", None, "query"),
    ],
)
@pytest.mark.parametrize(
    ("text", "code"), [("131052-308T", "PERSONAL_IDENTITY_CODE"), ("a\0b", "TEXT_CONTROL_CHARACTER")]
)
async def test_a_refusal_names_the_field_as_the_service_does(
    gateway, courses, method, address, body, field, text, code
):
    """E-59: through the gateway as without it, with a token of one's own and with the session's."""
    sent = body and {name: value.format(text) for name, value in body.items()}
    path = address.format(quote(text))
    browser = await gateway.provider()
    in_session = {**JSON, "x-csrf-token": await csrf_of(browser)}
    own = bearer(gateway, Role.PROVIDER, PROVIDER)
    answers = [
        await courses.http().request(method, path, json=sent, headers=own),
        await gateway.browser().request(method, f"/api/courses{path}", json=sent, headers=own),
        await browser.request(method, f"/api/courses{path}", json=sent, headers=in_session),
    ]
    problems = [answer.json() for answer in answers]
    assert {(answer.status_code, problem["code"]) for answer, problem in zip(answers, problems, strict=True)} == {
        (422, code)
    }
    named = [problem["values"]["field"] if "131" in text else problem["errors"][0]["field"] for problem in problems]
    assert named == [field] * 3
    assert not any("308T" in answer.text for answer in answers)


async def test_a_code_in_a_header_or_for_no_service_goes_nowhere(gateway, courses, monkeypatch):
    """What the gateway reads itself, it examines itself."""
    monkeypatch.delattr(Upstreams, "open")
    headers = {**bearer(gateway, Role.PROVIDER, PROVIDER), "idempotency-key": "131052-308T"}
    answer = await gateway.browser().post("/api/courses/courses", headers=headers, json={})
    assert (answer.status_code, answer.json()["values"]) == (422, {"field": "header.idempotency-key"})
    answer = await gateway.browser().get("/api/nothing/131052-308T", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_SERVICE")
    assert "131052" not in answer.text
