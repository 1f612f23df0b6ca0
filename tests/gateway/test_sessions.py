"""Signing in and out: cookies, form tokens, what the database keeps, and nothing of it in production."""

import asyncio
import time

import pytest
from pydantic import ValidationError

from chassis.auth import Role
from chassis.knowing import merge_marks
from chassis.limits import SessionLimits
from chassis.settings import Settings
from services.gateway import attempts, domain, handlers, store
from tests.gateway.builders import PROVIDER, csrf_of, hidden, sign_in_form, who


async def stored(gateway):
    async with gateway.service.transaction() as tx:
        return await tx.fetch("SELECT * FROM sessions")


async def test_a_provider_signs_in_and_is_led_to_its_courses(gateway):
    browser = gateway.browser()
    answer = await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.PROVIDER, PROVIDER)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/provider")
    assert (await browser.get("/session")).json()["provider_id"] == PROVIDER


async def test_a_business_id_is_understood_as_it_is_pasted(gateway):
    """R-REG-4: with spaces, a prefix, another dash, or none."""
    digits = PROVIDER.replace("-", "")
    for pasted in (f" FI{PROVIDER.replace('-', ' – ')}\u200b", digits, f"fi {digits}", PROVIDER.replace("-", "\u2011")):
        browser = gateway.browser()
        answer = await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.PROVIDER, pasted)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/provider")
        assert (await browser.get("/session")).json()["provider_id"] == PROVIDER


async def test_the_sessions_cookie_is_for_http_only_and_same_site(gateway):
    browser = gateway.browser()
    answer = await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.OFFICER)})
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("rekku-session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


async def test_with_https_the_cookie_is_secure_and_bound_to_the_host(gateway):
    settings = gateway.state.settings.model_copy(update={"public_url": "https://rekku.example"})
    gateway.change(settings=settings)
    browser = gateway.browser()
    browser.base_url = "https://gateway.test"
    answer = await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.OFFICER)})
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-rekku-session="))
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_the_database_keeps_neither_cookie_nor_token(gateway):
    browser = await gateway.provider()
    row = (await stored(gateway))[0]
    cookie = browser.cookies["rekku-session"]
    async with gateway.service.transaction() as tx:
        session = await handlers.find_session(tx, cookie, SessionLimits())
    assert session.token.encode() not in row["sealed_token"]
    assert cookie not in str(dict(row))


async def test_a_token_sealed_for_another_cookie_does_not_open(gateway):
    first, second = await gateway.provider(), await gateway.provider()
    a, b = (domain.session_hash(browser.cookies["rekku-session"]) for browser in (first, second))
    async with gateway.service.transaction() as tx:
        await tx.execute(
            "UPDATE sessions SET sealed_token = (SELECT sealed_token FROM sessions WHERE session_hash = $1)"
            " WHERE session_hash = $2",
            a,
            b,
        )
    assert (await second.get("/session")).json()["role"] == "public"


async def test_signing_out_ends_the_session_in_the_database(gateway):
    browser = await gateway.provider()
    cookie = browser.cookies["rekku-session"]
    answer = await browser.post("/sign-out", data={"csrf": await csrf_of(browser)})
    assert answer.status_code == 303
    assert await stored(gateway) == []
    browser.cookies.set("rekku-session", cookie, domain="gateway.test")
    assert (await browser.get("/session")).json()["role"] == "public"


async def test_signing_in_again_ends_the_session_before(gateway):
    browser = await gateway.provider()
    await browser.post("/sign-in", data={**await sign_in_form(browser), **who(Role.OFFICER)})
    assert [row["role"] for row in await stored(gateway)] == ["officer"]


async def test_sign_in_and_out_need_their_pages_token(gateway):
    browser = await gateway.provider()
    for form in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
        assert (await browser.post("/sign-out", data=form)).status_code == 403
        assert (await browser.post("/sign-in", data={**form, **who(Role.OFFICER)})).status_code == 403
    assert [row["role"] for row in await stored(gateway)] == ["provider"]


async def test_two_tabs_do_not_spoil_each_others_sign_in(gateway):
    browser = gateway.browser()
    first, second = await sign_in_form(browser), await sign_in_form(browser)
    assert first != second
    for form, role in ((first, Role.OFFICER), (second, Role.SYSTEM)):
        assert (await browser.post("/sign-in", data={**form, **who(role)})).status_code == 303
        assert [row["role"] for row in await stored(gateway)] == [role]
    for form in (first, second):
        assert (await browser.post("/sign-in", data={**form, **who(Role.OFFICER)})).status_code == 403


async def test_one_tabs_mistake_leaves_both_forms_usable(gateway):
    browser = gateway.browser()
    first, second = await sign_in_form(browser), await sign_in_form(browser)
    page = await browser.post("/sign-in", data={**first, "role": "root"})
    assert (page.status_code, hidden(page, "csrf")) == (422, first["csrf"])
    for form in (second, first):
        assert (await browser.post("/sign-in", data={**form, **who(Role.OFFICER)})).status_code == 303


async def test_control_with_one_cookie_for_all_the_first_tab_is_refused(gateway):
    """What one attempt's cookie holds opens no other attempt's form."""
    browser = gateway.browser()
    first, second = await sign_in_form(browser), await sign_in_form(browser)
    names = [f"rekku-visit-{form['csrf'].partition('.')[0]}" for form in (first, second)]
    held = {name: browser.cookies[name] for name in names}
    browser.cookies.set(names[0], held[names[1]], domain="gateway.test", path="/sign-in")
    assert (await browser.post("/sign-in", data={**first, **who(Role.OFFICER)})).status_code == 403
    assert (await browser.post("/sign-in", data={**second, **who(Role.OFFICER)})).status_code == 303


async def test_another_browsers_form_is_refused(gateway):
    form = await sign_in_form(gateway.browser())
    browser = gateway.browser()
    await sign_in_form(browser)
    assert (await browser.post("/sign-in", data={**form, **who(Role.OFFICER)})).status_code == 403


async def test_a_browser_keeps_so_many_attempts_and_the_oldest_goes(gateway, monkeypatch):
    now = time.time()
    monkeypatch.setattr(attempts.time, "time", lambda: now)
    browser, forms = gateway.browser(), []
    for _ in range(attempts.MOST + 3):
        now += 1
        forms.append(await sign_in_form(browser))
    assert len([name for name in browser.cookies if name.startswith("rekku-visit-")]) == attempts.MOST
    statuses = [(await browser.post("/sign-in", data={**form, "role": "root"})).status_code for form in forms]
    assert statuses == [403] * 3 + [422] * attempts.MOST


async def test_an_attempt_ends_after_an_hour_also_for_a_browser_that_keeps_it(gateway, monkeypatch):
    begun = time.time()
    browser = gateway.browser()
    form = await sign_in_form(browser)
    data = {**form, **who(Role.OFFICER)}
    for age_s, status in ((attempts.LIFETIME_S + 1, 403), (-120, 403), (attempts.LIFETIME_S - 5, 303)):
        monkeypatch.setattr(attempts.time, "time", lambda age_s=age_s: begun + age_s)
        assert (await browser.post("/sign-in", data=data)).status_code == status


async def test_cookies_that_are_no_attempts_are_dropped_and_open_nothing(gateway):
    browser = gateway.browser()
    for value in ("", "x", "1.x", f"{10**13}.{'a' * 43}", f"{int(time.time())}.a b"):
        name = "rekku-visit-" + "0" * 12
        csrf = f"{'0' * 12}.{domain.csrf_token(value)}"
        browser.cookies.set(name, value, domain="gateway.test", path="/sign-in")
        assert (await browser.post("/sign-in", data={"csrf": csrf, **who(Role.OFFICER)})).status_code == 403
        await browser.get("/sign-in")
        assert name not in browser.cookies


async def test_a_form_from_another_site_is_refused_even_with_the_token(gateway):
    browser = gateway.browser()
    form = {**await sign_in_form(browser), **who(Role.OFFICER)}
    answer = await browser.post("/sign-in", data=form, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "The form is out of date" in answer.text


async def test_a_wrong_choice_is_explained_and_the_form_stays(gateway):
    browser = gateway.browser()
    for data, said in (
        (who(Role.PROVIDER, "1234567"), "Write the provider&#39;s business ID"),
        (who(Role.PROVIDER, "1234567-8"), "The check digit of the business ID does not fit."),
        (who(Role.PROVIDER), "Write the provider&#39;s business ID"),
        ({"role": "root"}, "Choose a role."),
    ):
        page = await browser.post("/sign-in", data={**await sign_in_form(browser), **data})
        assert page.status_code == 422
        assert said in page.text
        assert hidden(page, "csrf")
    assert await stored(gateway) == []


async def test_without_the_development_issuer_there_is_no_sign_in(gateway):
    gateway.change(issuer=None)
    browser = gateway.browser()
    for answer in (
        await browser.get("/sign-in"),
        await browser.post("/sign-in", data=who(Role.OFFICER)),
        await browser.get("/dev-issuer/jwks.json"),
        await browser.get("/.well-known/openid-configuration"),
    ):
        assert answer.status_code == 404
    assert await stored(gateway) == []


def test_production_does_not_start_with_the_development_issuer():
    with pytest.raises(ValidationError, match="REKKU_DEV_ISSUER"):
        Settings(environment="production", dev_issuer=True)


async def test_the_development_issuer_publishes_its_keys(gateway):
    browser = gateway.browser()
    keys = (await browser.get("/dev-issuer/jwks.json")).json()["keys"]
    assert [("d" in key, key["kty"]) for key in keys] == [(False, "RSA")]
    configuration = (await browser.get("/.well-known/openid-configuration")).json()
    assert configuration["jwks_uri"].endswith("/dev-issuer/jwks.json")


async def test_of_many_answers_at_once_none_is_forgotten(gateway):
    cookie = (await gateway.provider()).cookies["rekku-session"]
    run = gateway.service.db.run

    async def remember(number):
        await run(lambda tx: handlers.remember_known(tx, cookie, [f"course:{number}@1"], SessionLimits()))

    await asyncio.gather(*(remember(number) for number in range(15)))
    async with gateway.service.transaction() as tx:
        known = (await handlers.find_session(tx, cookie, SessionLimits())).known
    assert sorted(known) == sorted(f"course:{number}@1" for number in range(15))


async def test_without_the_rows_lock_answers_would_be_forgotten(gateway, monkeypatch):
    """The negative control: reading without a lock loses what was written in between."""
    cookie = (await gateway.provider()).cookies["rekku-session"]
    monkeypatch.setattr(store, "lock_session", store.find_session)
    read, both_read = 0, asyncio.Event()

    async def remember(tx, number):
        nonlocal read
        held = await store.lock_session(tx, domain.session_hash(cookie), handlers.living(SessionLimits()))
        read += 1
        if read == 2:
            both_read.set()
        await asyncio.wait_for(both_read.wait(), 5)
        await store.set_known(tx, held.session_hash, merge_marks(held.known, [f"course:{number}@1"]))

    run = gateway.service.db.run
    await asyncio.gather(*(run(lambda tx, n=n: remember(tx, n)) for n in range(2)))
    async with gateway.service.transaction() as tx:
        assert len((await handlers.find_session(tx, cookie, SessionLimits())).known) == 1
