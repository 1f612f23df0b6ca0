"""What every answer tells the browser, and problems as pages."""

from chassis.auth import Role
from tests.gateway.builders import PROVIDER

HETU = "131052-308T"


async def test_every_answer_has_its_security_headers(gateway, search):
    browser = gateway.browser()
    for path in ("/", "/sign-in", "/static/app.css", "/no-such-page", "/session", f"/?municipality={HETU}"):
        headers = (await browser.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["script-src"] == policy["frame-ancestors"] == policy["object-src"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in headers


async def test_pages_are_not_kept_and_static_files_are(gateway, search):
    browser = gateway.browser()
    assert (await browser.get("/")).headers["cache-control"] == "no-store"
    assert (await browser.get("/static/app.css")).headers["cache-control"] == "public, max-age=600"


async def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(gateway, search):
    browser = gateway.browser()
    for path in ("/", "/?municipality=Kuopio&age=67&language=fi", "/sign-in", "/docs", "/courses/993", "/nonsense"):
        page = (await browser.get(path)).text
        for forbidden in ("<script", "<style", "style=", "onclick", 'src="http', 'stylesheet" href="http'):
            assert forbidden not in page


async def test_heads_are_answered_like_pages(gateway, search):
    """Found or not, with all that a browser is told."""
    for path in ("/", "/fi", "/fi/", "/nonsense", "/provider/", "/api/search/quotas", "/static/app.css"):
        page, head = await gateway.browser().get(path), await gateway.browser().head(path)
        assert head.status_code == page.status_code
        for name in ("content-type", "content-security-policy", "cache-control"):
            assert head.headers.get(name) == page.headers.get(name)


async def test_a_slash_at_the_end_leads_nowhere_else(gateway, search):
    for host in ("gateway.test", "evil.example"):
        page = await gateway.browser("sv").get("/sv/", headers={"host": host})
        assert (page.status_code, page.history) == (200, [])
        assert "evil" not in page.text
    assert (await gateway.browser().get("/api/search/quotas/", headers={"accept": "*/*"})).status_code == 200


async def test_a_page_that_is_not_there_says_so_in_the_visitors_language(gateway):
    page = await gateway.browser("sv").get("/nonsense")
    assert page.status_code == 404
    assert "<h1>Sidan hittades inte</h1>" in page.text
    assert '<html lang="sv">' in page.text


async def test_who_wants_json_gets_the_problem_itself(gateway):
    answer = await gateway.browser().get("/nonsense", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_a_personal_identity_code_is_refused_and_not_repeated(gateway, search):
    browser = gateway.browser("en")
    query = f"municipality={HETU}&age=60"
    for path in (f"/?{query}", f"/courses/{HETU}", f"/survey/{HETU}", f"/{HETU}", f"/?lang=en&{query}"):
        page = await browser.get(path)
        assert page.status_code == 422
        assert "Do not write a personal identity code" in page.text
        assert "131052" not in page.text


async def test_an_identity_code_in_a_form_is_refused_as_well(gateway):
    page = await gateway.browser("en").post("/sign-in", data={"provider_id": HETU})
    assert page.status_code == 422
    assert "131052" not in page.text


async def test_pages_for_signed_in_people_ask_to_sign_in(gateway):
    for path in ("/provider", "/provider/messages", "/officer", "/sessions"):
        page = await gateway.browser().get(path, follow_redirects=True)
        assert (page.status_code, page.url.path) == (200, "/sign-in")
        assert "This page is for people who have signed in." in page.text


async def test_where_nobody_can_sign_in_such_a_page_is_refused(gateway):
    """As in production, and for whoever asks for no page."""
    asks_for_json = await gateway.browser().get("/provider", headers={"accept": "application/json"})
    assert (asks_for_json.status_code, asks_for_json.json()["code"]) == (403, "SIGN_IN_NEEDED")
    gateway.change(issuer=None)
    page = await gateway.browser().get("/provider")
    assert page.status_code == 403
    assert "Sign in first" in page.text


async def test_a_provider_does_not_see_kelas_page_nor_kela_a_providers(gateway):
    assert (await (await gateway.provider(PROVIDER)).get("/officer")).status_code == 403
    assert (await (await gateway.signed_in(Role.OFFICER)).get("/provider")).status_code == 403
