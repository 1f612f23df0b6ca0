"""A page that answers a form can be read in another language: its links lead to pages that can be opened."""

import re
from html import unescape

import pytest

from chassis.auth import Role
from chassis.texts import LANGUAGES
from services.gateway.visitor import Visitor
from tests.gateway.builders import create_course, csrf_of, hidden, sign_in_form, who

OWN = {"sec-fetch-site": "same-origin"}


async def refused(gateway, browser, course):
    """Nobody is pinned yet."""
    page = await browser.get(course)
    form = {"csrf": hidden(page, "csrf"), "key": hidden(page, "key")}
    await browser.post(f"{course}/publication", data=form)
    return await browser.post(f"{course}/confirmation", data={**form, "key": "another"})


async def of_no_course(gateway, browser, course):
    return await browser.post("/provider/courses/unknown/confirmation", data={"csrf": await csrf_of(browser)})


async def of_a_session_that_is_gone(gateway, browser, course):
    return await browser.post("/sessions/end", data={"csrf": await csrf_of(browser), "session": "0" * 64})


async def shown_again(gateway, browser, course):
    """Its token is of a sign-in before."""
    return await browser.post(f"{course}/released-pins", data={"csrf": "x", "reason": "Muutti."}, headers=OWN)


async def kept_for_the_sign_in(gateway, browser, course):
    async with gateway.service.transaction() as tx:
        await tx.execute("DELETE FROM sessions")
    return await shown_again(gateway, browser, course)


async def not_signed_in(gateway, browser, course):
    return await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.PROVIDER, "1")})


ANSWERS = (refused, of_no_course, of_a_session_that_is_gone, shown_again, kept_for_the_sign_in, not_signed_in)


async def statuses(browser, page):
    """How each language's link of a page is answered."""
    links = re.findall(r'<a href="([^"]+)" lang="', page.text)
    assert len(links) == len(LANGUAGES), page.text
    return [(await browser.get(unescape(link), follow_redirects=True)).status_code for link in links]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_its_language_links_can_be_opened(gateway, courses, answer):
    browser, course = await gateway.provider(), f"/provider/courses/{await create_course(courses)}"
    page = await answer(gateway, browser, course)
    assert page.status_code >= 400
    assert await statuses(browser, page) == [200] * len(LANGUAGES)


async def test_control_where_the_form_was_sent_there_is_no_page(gateway, courses, monkeypatch):
    frame = Visitor.frame
    monkeypatch.setattr(Visitor, "frame", lambda visitor, _at=None: frame(visitor))
    browser, course = await gateway.provider(), f"/provider/courses/{await create_course(courses)}"
    page = await refused(gateway, browser, course)
    assert await statuses(browser, page) == [405] * len(LANGUAGES)
