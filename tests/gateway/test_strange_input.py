"""What people and machines send to the gateway that is no ordinary request: refused or read, never a failure."""

import pytest

from chassis.auth import Role
from tests.gateway.builders import HTML, PROVIDER, create_course, sign_in_form, who
from tests.gateway.test_provider_pages import form_of
from tests.raw_http import request, served

CODE = "131052–308T"
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def test_a_page_names_the_field_that_holds_a_code(gateway, search):
    """E-59: in the visitor's words; the value is not repeated."""
    for language, text in (("en", "municipality of residence"), ("fi", "asuinkunta"), ("sv", "boendekommun")):
        page = await gateway.browser(language).get("/", params={"municipality": CODE, "age": "60"})
        assert page.status_code == 422
        assert text in page.text
        assert "308T" not in page.text


async def test_a_field_of_a_form_is_examined_by_its_kind(gateway, courses):
    """E-59: the shape is enough for a decision; an invoice number may stand in a reason."""
    course_id = await create_course(courses)
    browser = await gateway.provider()
    here = f"/provider/courses/{course_id}"
    form = await form_of(browser, course_id)
    page = await browser.post(f"{here}/pins", data={**form, "decision_ref": "250103-0012"})
    assert page.status_code == 422
    assert "decision identifier" in page.text
    page = await browser.post(f"{here}/released-pins", data={**form, "decision_ref": "D1-AAAA7", "reason": CODE})
    assert page.status_code == 422
    assert "308T" not in page.text
    page = await browser.post(
        f"{here}/released-pins", data={**form, "decision_ref": "D1-AAAA7", "reason": "lasku 250103-0012"}
    )
    assert (page.status_code, "it has thirteen letters and digits" in page.text) == (422, True)


@pytest.mark.parametrize("field", ["provider_id", "role", "csrf", "key", "nobody"])
@pytest.mark.parametrize("sent", [b"\xff", b"%ff", b"%ED%A0%80"])
async def test_bytes_that_are_no_text_in_a_form_are_refused(gateway, field, sent):
    browser = gateway.browser()
    csrf = (await sign_in_form(browser))["csrf"].encode()
    body = b"csrf=%b&role=officer&%b=%b" % (csrf, field.encode(), sent)
    answer = await browser.post("/sign-in", content=body, headers={**FORM, "accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_BODY")
    page = await browser.post("/sign-in", content=body, headers=FORM)
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")


async def test_letters_of_any_language_in_any_field_are_no_failure(gateway, courses):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    here = f"/provider/courses/{course_id}"
    form = await form_of(browser, course_id)
    for field in (*form, "decision_ref", "reason"):
        for command in ("publication", "pins", "released-pins", "ääkköset"):
            answer = await browser.post(f"{here}/{command}", data={"decision_ref": "D1", **form, field: "ä–日\u202e"})
            assert answer.status_code < 500, (field, command)
    for provider_id in ("日本", "2828286–3\u0301"):
        data = {**await sign_in_form(browser), **who(Role.PROVIDER, provider_id)}
        assert (await browser.post("/sign-in", data=data)).status_code == 422


async def test_a_form_that_is_no_form_is_refused(gateway):
    browser = await gateway.provider()
    for content, content_type, status in (
        (b'{"csrf": "x"}', "application/json", 403),
        (b"x", "text/plain", 415),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--',
            "multipart/form-data; boundary=x",
            415,
        ),
    ):
        answer = await browser.post("/sign-out", content=content, headers={"content-type": content_type})
        assert answer.status_code == status, content_type
    assert (await browser.get("/session")).json()["provider_id"] == PROVIDER


async def test_pages_take_any_parameter_and_operations_do_not(gateway, search):
    browser = gateway.browser()
    for path in ("/", "/courses/993", "/sign-in", "/statistics", "/docs", "/sms"):
        assert (await browser.get(path, params={"utm_source": "x", "fbclid": "y"})).status_code != 422
    for path in ("/session", "/healthz", "/version", "/.well-known/openid-configuration"):
        answer = await browser.get(path, params={"utm_source": "x"}, headers={"accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (422, "UNKNOWN_PARAMETER")
    answer = await browser.get("/api/search/offices", params={"munisipality": "Kuopio"})
    assert (answer.status_code, answer.json()["values"]) == (422, {"nearest": "municipality"})


async def test_a_body_in_another_encoding_goes_no_further(gateway, courses):
    """E-59: what is passed on is what was read."""
    browser = gateway.browser()
    token = gateway.service.token(Role.PROVIDER, PROVIDER)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    text = '{"office_id": "131052-308T"}'
    for encoding, code in (("utf-16", "MALFORMED_BODY"), ("utf-8-sig", "PERSONAL_IDENTITY_CODE")):
        answer = await browser.post("/api/courses/courses", content=text.encode(encoding), headers=headers)
        assert answer.json()["code"] == code


async def test_raw_bytes_in_headers_and_half_requests_go_no_further(gateway, courses):
    token = {"authorization": f"Bearer {gateway.service.token(Role.PROVIDER, PROVIDER)}"}
    course_id = await create_course(courses)
    publication = f"/api/courses/courses/{course_id}/publication"
    async with served(gateway.app) as server:
        for name in ("authorization", "idempotency_key", "if_match", "accept", "x_csrf_token", "tracestate"):
            answer = await server.send(request("POST", publication, **{**token, name: "\xff"}))
            assert answer.startswith(b"HTTP/1.1 400 "), name
        page = await server.send(request("GET", "/sign-in", accept=HTML["accept"], cookie="rekku-session=\xff; a=\xe4"))
        assert page.startswith(b"HTTP/1.1 200 ")
        await server.send_and_leave(request("POST", publication, announced=2, **token))
        json = {"content_type": "application/json", **token}
        await server.send_and_leave(request("POST", publication, b"{}", chunks=True, **json))
        state = await courses.http(Role.PROVIDER, PROVIDER).get(f"/courses/{course_id}")
        assert state.json()["state"] == "created"
        answer = await server.send(request("POST", publication, **token))
    assert answer.startswith(b"HTTP/1.1 200 ")
