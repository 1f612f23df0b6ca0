"""Who meets the end of a sign-in reads why, signs in, and is where they were, with what they had written."""

import re
from html import unescape
from pathlib import Path

import pytest

from chassis.auth import Role
from chassis.texts import LANGUAGES
from contracts.identity_codes import TextKind
from services.gateway import domain, kept_forms, sign_in
from services.gateway.forms import WRITTEN
from services.gateway.kept_forms import ACTS
from services.gateway.wording import wording
from tests.decision_refs import a_decision_ref
from tests.gateway.builders import PROVIDER, create_course, csrf_of, hidden, sign_in_form, who

OWN = {"sec-fetch-site": "same-origin"}
REASON = "Muutti <toiselle> paikkakunnalle & jatkaa siellä."
LEAD = "The form has not been sent yet"


async def end_all(gateway):
    """No session is there any more; browsers keep their cookies."""
    async with gateway.service.transaction() as tx:
        await tx.execute("DELETE FROM sessions")


def fields_of(page):
    """The fields of the page's own form, as a browser would send them."""
    form = page.text.split("<main", 1)[1].split("<form", 1)[1].split("</form>", 1)[0]
    inputs = re.findall(r'<input (?!type="radio")[^>]*?name="([^"]+)" value="([^"]*)"', form)
    areas = re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>([^<]*)</textarea>', form)
    return {name: unescape(value) for name, value in [*inputs, *areas]}


async def a_full_form(gateway, courses):
    """A provider about to take a client off a course that has had to be run; the form, and where it goes."""
    course_id = await create_course(courses)
    browser, here = await gateway.provider(), f"/provider/courses/{course_id}"

    async def form():
        page = await browser.get(here)
        return {"csrf": hidden(page, "csrf"), "key": hidden(page, "key"), "decision_ref": a_decision_ref(1)}

    await browser.post(f"{here}/publication", data=await form())
    await browser.post(f"{here}/pins", data=await form())
    async with courses.transaction() as tx:
        await tx.execute("UPDATE courses SET must_run_since = '2024-01-15'")
    return browser, f"{here}/released-pins", {**await form(), "reason": REASON, "act": "provider-unpin"}


@pytest.mark.parametrize(
    "address",
    ["/", "/provider", "/provider/", "/officer?year=2024", "/provider/courses/0198-a.b_c~d", "/fi?lang=sv&x=%20+"],
)
def test_an_address_of_ours_is_led_back_to(address):
    assert domain.own_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "provider",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/provider//evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\tevil.example",
        "/provider\r\nset-cookie: a=b",
        "/provider\n",
        " /provider",
        "/@evil.example",
        "/provider#x",
        "/%2F/evil.example",
        "/ä",
        "/?next=//evil.example",
        "/" + "a" * 2000,
    ],
)
def test_what_could_lead_elsewhere_is_not(address):
    assert domain.own_address(address) is None


async def test_somebody_whose_sign_in_has_ended_reads_why_and_is_led_back(gateway):
    browser = await gateway.signed_in(Role.OFFICER)
    await end_all(gateway)
    page = await browser.get("/officer?year=2024", follow_redirects=True)
    assert page.url.path == "/sign-in"
    assert "Your sign-in has ended. A sign-in ends once 30 minutes" in page.text
    back = await browser.post("/sign-in", data={**fields_of(page), **who(Role.OFFICER)})
    assert back.headers["location"] == "/officer?year=2024"


async def test_control_who_was_not_signed_in_reads_nothing_of_an_end(gateway):
    page = await gateway.browser().get("/officer", follow_redirects=True)
    assert "has ended" not in page.text


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example/", "/\\evil.example"])
async def test_nobody_is_led_elsewhere(gateway, address):
    """Neither from the link nor from the form."""
    browser = gateway.browser()
    page = await browser.get("/sign-in", params={"next": address})
    assert "evil" not in page.text.partition("<main")[2]
    form = {**fields_of(page), **who(Role.OFFICER), "next": address}
    assert (await browser.post("/sign-in", data=form)).headers["location"] == "/officer"
    form = {**await sign_in_form(browser), **who(Role.OFFICER), "send-to": address, "kept-reason": REASON}
    assert (await browser.post("/sign-in", data=form)).headers["location"] == "/officer"


async def test_control_without_the_check_they_would_be(gateway, monkeypatch):
    monkeypatch.setattr(sign_in.domain, "own_address", lambda address: address)
    form = {**await sign_in_form(browser := gateway.browser()), **who(Role.OFFICER), "next": "//evil.example"}
    assert (await browser.post("/sign-in", data=form)).headers["location"] == "//evil.example"


async def test_what_was_written_while_the_sign_in_ended_is_shown_again_and_sent(gateway, courses):
    browser, address, form = await a_full_form(gateway, courses)
    await end_all(gateway)
    page = await browser.post(address, data=form, headers=OWN)
    assert page.status_code == 403
    assert "Your sign-in has ended." in page.text
    assert "What you wrote is kept." in page.text

    again = await browser.post("/sign-in", data={**fields_of(page), **who(Role.PROVIDER, "1")}, headers=OWN)
    assert again.status_code == 422
    shown = await browser.post("/sign-in", data={**fields_of(again), **who(Role.PROVIDER, PROVIDER)}, headers=OWN)
    assert shown.status_code == 200
    assert LEAD in shown.text
    assert "<toiselle>" not in shown.text
    assert "Remove from the course" in shown.text
    fields = fields_of(shown)
    assert fields == {**form, "csrf": await csrf_of(browser)}
    assert f'action="{address}"' in shown.text

    done = await browser.post(address, data=fields, headers=OWN)
    assert done.headers["location"].endswith("?done=unpinned")


async def test_a_form_of_a_tab_from_before_a_new_sign_in_is_shown_again(gateway, courses):
    browser, address, form = await a_full_form(gateway, courses)
    await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.PROVIDER, PROVIDER)})
    page = await browser.post(address, data=form, headers=OWN)
    assert page.status_code == 403
    fields = fields_of(page)
    assert fields["reason"] == REASON
    assert (await browser.post(address, data=fields, headers=OWN)).headers["location"].endswith("?done=unpinned")


async def test_a_form_of_another_role_is_kept_until_somebody_signs_in_with_it(gateway, courses):
    browser, address, form = await a_full_form(gateway, courses)
    await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.OFFICER)})
    page = await browser.post(address, data=form, headers=OWN)
    assert "This belongs to another role" in page.text
    shown = await browser.post("/sign-in", data={**fields_of(page), **who(Role.PROVIDER, PROVIDER)}, headers=OWN)
    assert fields_of(shown)["reason"] == REASON


@pytest.mark.parametrize("site", [{}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}])
async def test_control_what_is_not_surely_a_form_of_ours_is_not_shown(gateway, courses, site):
    browser, address, form = await a_full_form(gateway, courses)
    form["csrf"] = "0" * 64
    page = await browser.post(address, data=form, headers=site)
    assert page.status_code == 403
    assert REASON.partition(" ")[0] not in page.text
    assert "Nothing was stored." in page.text
    await end_all(gateway)
    page = await browser.post(address, data=form, headers=site, follow_redirects=True)
    assert REASON.partition(" ")[0] not in page.text


async def test_a_form_without_words_leads_to_its_page(gateway, courses):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    await end_all(gateway)
    answer = await browser.post(
        f"/provider/courses/{course_id}/publication", data={"csrf": "x", "key": "k"}, headers=OWN
    )
    assert answer.headers["location"] == f"/sign-in?next=%2Fprovider%2Fcourses%2F{course_id}"


async def test_signing_in_gives_a_cookie_of_its_own(gateway):
    """Whatever cookie somebody planted: it is neither taken over nor worth anything."""
    browser = gateway.browser()
    browser.cookies.set("rekku-session", planted := "p" * 43, domain="gateway.test")
    await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.OFFICER)})
    async with gateway.service.transaction() as tx:
        kept = await tx.fetchval("SELECT array_agg(session_hash) FROM sessions")
    mine = {cookie.value for cookie in browser.cookies.jar if cookie.name == "rekku-session"} - {planted}
    assert [domain.session_hash(value) for value in mine] == kept
    assert domain.session_hash(planted) not in kept


def test_every_field_and_button_of_such_forms_has_its_words():
    for language in LANGUAGES:
        t = wording(language)
        for name, kind in WRITTEN.items():
            assert kind is TextKind.MACHINE or t.has(f"kept-form-{name}")
        assert all(t(act) for act in ACTS)


def test_every_button_that_does_something_says_so():
    """What stands in the templates is what is known, no less and no more."""
    pages = (path.read_text() for path in (Path(kept_forms.__file__).parent / "templates").glob("*.html"))
    assert {act for page in pages for act in re.findall(r'name="act" value="([^"]+)"', page)} == ACTS
