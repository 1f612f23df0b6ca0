"""Where somebody is signed in: one's own sessions alone are seen and ended."""

import re

import pytest

from chassis.auth import Role
from services.gateway import domain, store
from services.gateway.devices import UNKNOWN, Device, device_of
from tests.gateway.builders import OTHER_PROVIDER, PROVIDER, csrf_of, sign_in_form, who

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0"
    " Mobile/15E148 Safari/604.1"
)


async def signed_in(gateway, agent, role=Role.PROVIDER, provider_id=PROVIDER):
    browser = gateway.browser()
    browser.headers["user-agent"] = agent
    await browser.post("/sign-in", data={**await sign_in_form(browser), **who(role, provider_id)})
    return browser


def name_of(browser):
    """What its owner's list calls a browser's session."""
    return domain.session_hash(browser.cookies["rekku-session"])


def listed(page):
    """Device and marks, as the page lists them."""
    found = re.findall("<h2>(.*?)</h2>", page.text)
    return [re.sub("<[^>]+>", "", each).strip() for each in found]


async def role_of(browser):
    return (await browser.get("/session")).json()["role"]


async def end(browser, name, **more):
    return await browser.post("/sessions/end", data={"csrf": await csrf_of(browser), "session": name, **more})


async def test_ones_own_sessions_are_listed_and_nobody_elses(gateway):
    await signed_in(gateway, SAFARI)
    this = await signed_in(gateway, FIREFOX)
    await signed_in(gateway, CHROME, provider_id=OTHER_PROVIDER)
    await signed_in(gateway, CHROME, Role.OFFICER, "")
    page = await this.get("/sessions")
    assert listed(page) == ["Firefox, Windows This browser", "Safari, iPhone"]
    assert "30 minutes" in page.text
    assert "12 hours" in page.text


async def test_a_session_is_ended_from_another_and_no_other_with_it(gateway):
    lost, this, third = [await signed_in(gateway, agent) for agent in (SAFARI, FIREFOX, CHROME)]
    answer = await end(this, name_of(lost))
    assert answer.headers["location"] == "/sessions?done=one"
    assert "Signed out there." in (await this.get("/sessions?done=one")).text
    assert [await role_of(each) for each in (lost, this, third)] == ["public", "provider", "provider"]


async def test_a_foreign_session_is_answered_as_one_that_is_not_there(gateway):
    foreign = await signed_in(gateway, CHROME, provider_id=OTHER_PROVIDER)
    this = await signed_in(gateway, FIREFOX)
    csrf = await csrf_of(this)
    answers = [
        await this.post("/sessions/end", data={"csrf": csrf, "session": name})
        for name in (name_of(foreign), "0" * 64, "", "x")
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.text for answer in answers}) == 1
    assert "That sign-in has ended already." in answers[0].text
    assert await role_of(foreign) == "provider"


async def test_the_same_subject_of_another_issuer_is_somebody_else(gateway):
    theirs = await signed_in(gateway, CHROME)
    async with gateway.service.transaction() as tx:
        await tx.execute("UPDATE sessions SET issuer = 'https://another.example'")
    this = await signed_in(gateway, FIREFOX)
    assert len(listed(await this.get("/sessions"))) == 1
    assert (await end(this, name_of(theirs))).status_code == 404
    await this.post("/sessions/end-others", data={"csrf": await csrf_of(this)})
    assert await role_of(theirs) == "provider"


async def test_control_without_the_owner_in_the_statement_a_foreign_session_would_end(gateway, monkeypatch):
    async def careless(tx, session_hash, *_):
        return bool(await tx.fetchval("DELETE FROM sessions WHERE session_hash = $1 RETURNING true", session_hash))

    monkeypatch.setattr(store, "remove_session_of", careless)
    foreign = await signed_in(gateway, CHROME, provider_id=OTHER_PROVIDER)
    assert (await end(await signed_in(gateway, FIREFOX), name_of(foreign))).status_code == 303
    assert await role_of(foreign) == "public"


async def test_all_others_end_at_once_and_this_one_stays(gateway):
    others = [await signed_in(gateway, agent) for agent in (SAFARI, CHROME)]
    foreign = await signed_in(gateway, CHROME, provider_id=OTHER_PROVIDER)
    this = await signed_in(gateway, FIREFOX)
    assert "Sign out everywhere else" in (await this.get("/sessions")).text
    answer = await this.post("/sessions/end-others", data={"csrf": await csrf_of(this)})
    assert answer.headers["location"] == "/sessions?done=others"
    assert [await role_of(each) for each in (*others, foreign, this)] == ["public", "public", "provider", "provider"]
    assert "Sign out everywhere else" not in (await this.get("/sessions")).text


async def test_the_list_needs_a_sign_in_and_its_forms_their_token(gateway):
    lost, this = await signed_in(gateway, SAFARI), await signed_in(gateway, FIREFOX)
    for form in ({}, {"csrf": "0" * 64}, {"csrf": await csrf_of(lost)}):
        for path in ("/sessions/end", "/sessions/end-others"):
            assert (await this.post(path, data={**form, "session": name_of(lost)})).status_code == 403
    assert await role_of(lost) == "provider"
    assert (await gateway.browser().get("/sessions")).headers["location"] == "/sign-in?next=%2Fsessions"


@pytest.mark.parametrize(
    ("language", "said"),
    [("fi", "Missä olet kirjautuneena"), ("sv", "Var du är inloggad"), ("en", "Where you are signed in")],
)
async def test_the_list_is_in_the_readers_language_and_every_button_has_a_name_of_its_own(gateway, language, said):
    await signed_in(gateway, SAFARI)
    this = await signed_in(gateway, FIREFOX)
    page = await this.get(f"/sessions?lang={language}")
    assert f"<h1>{said}</h1>" in page.text
    main = page.text.partition("<main")[2]
    buttons = [re.sub(r"<[^>]+>|\s+", " ", each) for each in re.findall("<button[^>]*>(.*?)</button>", main, re.DOTALL)]
    assert len(buttons) == len(set(buttons)) == 3


async def test_of_what_a_browser_calls_itself_known_names_alone_are_kept(gateway):
    await signed_in(gateway, f"131052-308T <b>{FIREFOX}</b>")
    async with gateway.service.transaction() as tx:
        row = await tx.fetchrow("SELECT * FROM sessions")
    assert (row["browser"], row["system"]) == ("Firefox", "Windows")
    assert "131052" not in str(dict(row))


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, Device("Firefox", "Windows")),
        (CHROME, Device("Chrome", "Linux")),
        (SAFARI, Device("Safari", "iPhone")),
        (f"{CHROME} Edg/142.0", Device("Edge", "Linux")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Version/26.0 Safari/605.1.15", Device("Safari", "Mac")),
        (
            "Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28.0 Chrome/130 Mobile Safari",
            Device("Samsung Internet", "Android"),
        ),
        ("curl/8.5.0", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_device_is_known_by_what_it_calls_itself(agent, device):
    assert device_of(agent) == device
