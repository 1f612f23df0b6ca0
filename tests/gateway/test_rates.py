"""How often a caller may ask: by whom requests are counted, of which kind, and what is never counted."""

import asyncio
import re

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from chassis.auth import Role
from chassis.limits import Rates
from chassis.peers import read_network
from chassis.settings import Environment, Settings
from services.gateway import limited
from services.gateway.app import SERVICE, configure
from services.gateway.rates import UNLIMITED, Meter, kind_of, survey_of
from tests.gateway.builders import OTHER_PROVIDER, PROVIDER, GatewayUnderTest, csrf_of, open_survey

JSON = {"accept": "application/json"}
MOBILE = "192.0.2.200"
ONE_OF_EACH = dict.fromkeys(Rates.model_fields, 1)


def bearer(gateway, role, provider_id=None):
    return {**JSON, "authorization": f"Bearer {gateway.service.token(role, provider_id)}"}


async def statuses(browser, path, times, **how):
    return [(await browser.get(path, **how)).status_code for _ in range(times)]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "page"),
        ("/session", "page"),
        ("/nowhere", "page"),
        ("/apis", "page"),
        ("/livezz", "page"),
        ("/docs/courses/openapi.json", "page"),
        ("/dev-issuer/jwks.json", "page"),
        ("", "page"),
        ("/healthz", "health"),
        ("/static/app.css", "static"),
        ("/sign-in", "sign_in"),
        ("/sign-out", "sign_in"),
        ("/api/courses/livez", "api"),
    ],
)
def test_the_first_part_of_a_path_says_of_which_kind_it_is(path, kind):
    assert kind_of(path) == kind
    assert path not in UNLIMITED


def test_every_way_to_a_survey_is_that_surveys():
    ways = [f"{way}Abc23" for way in ("/s/", "/survey/", "/api/notifications/surveys/")]
    ways += ["/s/aBC23", "/api/notifications/surveys/abc23/answers"]
    assert len({survey_of(path) for path in ways}) == 1
    assert survey_of("/s/abc24") != survey_of(ways[0])
    assert [survey_of(path) for path in ("/s", "/s/", "/s/a/b", "/sms", "/surveys/abc23")] == [None] * 5


def paths_of(gateway):
    """Every path of the gateway, with something for its parameters."""
    for route in iter_route_contexts(gateway.app.routes):
        filled = re.sub(r"\{(service|path)[^}]*\}", "courses", route.path)
        yield re.sub(r"[{}]", "", filled) + ("/app.css" if isinstance(route.route, Mount) else "")


async def test_every_route_but_the_two_probes_is_limited(gateway):
    """Generated from the routes, so that a new one is not forgotten."""
    gateway.put_behind(courses="http://127.0.0.1:9", notifications="http://127.0.0.1:9", search="http://127.0.0.1:9")
    paths = set(paths_of(gateway))
    assert {"/livez", "/readyz", "/healthz", "/session", "/api/courses/courses", "/s/token"} <= paths
    unlimited = set()
    for path in paths:
        gateway.allow(**ONE_OF_EACH)
        browser = gateway.browser()
        await browser.get(path, headers=JSON)
        answer = await browser.get(path, headers=JSON)
        if answer.status_code != 429:
            unlimited.add(path)
        else:
            assert answer.json()["code"] == "TOO_MANY_REQUESTS"
    assert unlimited == UNLIMITED


async def test_control_with_its_default_rates_nobody_is_stopped_after_one(gateway, search):
    browser = gateway.browser()
    for path in ("/", "/session", "/healthz", "/nowhere", "/api/search/municipalities?q=a"):
        assert 429 not in await statuses(browser, path, 3, headers=JSON)


async def test_probes_answer_also_where_everything_else_is_used_up(gateway):
    gateway.allow(**ONE_OF_EACH)
    browser = gateway.browser()
    assert await statuses(browser, "/nowhere", 2) == [404, 429]
    assert await statuses(browser, "/livez", 5) == [200] * 5
    assert await statuses(browser, "/readyz", 5) == [200] * 5
    assert (await browser.head("/readyz")).status_code == 200


async def test_a_refusal_is_a_page_or_a_problem_and_says_for_how_long(gateway, search):
    clock = gateway.allow(page=3)
    browser = gateway.browser(address="192.0.2.9")
    assert await statuses(browser, "/", 4) == [200, 200, 200, 429]
    clock.now += 21.5
    page = await browser.get("/")
    assert (page.status_code, page.headers["retry-after"]) == (429, "39")
    assert "Too many requests" in page.text
    problem = await browser.get("/", headers=JSON)
    assert (problem.json()["code"], problem.headers["retry-after"]) == ("TOO_MANY_REQUESTS", "39")
    assert problem.headers["content-security-policy"]
    assert (await gateway.browser(address="192.0.2.10").get("/")).status_code == 200
    clock.now += 38.5
    assert (await browser.get("/")).status_code == 200


async def test_a_hospital_behind_one_address_reaches_no_page_limit(gateway, search):
    """Two hundred people who open a page every ten seconds; a bot at the same pace twice over does."""
    clock = gateway.allow()
    assert Rates().page >= 200 * 6
    meter = gateway.state.meter
    for _ in range(3):
        assert not any(meter.count("page", MOBILE) for _ in range(200 * 6))
        assert meter.count("page", MOBILE) > 0
        clock.now += 60


@pytest.mark.parametrize("sent", ["Bearer x.y.z", "Bearer ", "bearer", "Basic eDp5", "", "Bearer x.y.z, Bearer a.b.c"])
async def test_an_authorization_that_is_not_valid_switches_nothing_off(gateway, search, sent):
    gateway.allow(api=5)
    browser = gateway.browser(address="192.0.2.7")
    headers = {**JSON, "authorization": sent}
    answers = await statuses(browser, "/api/search/municipalities?q=a", 8, headers=headers)
    assert [status == 429 for status in answers] == [False] * 5 + [True] * 3
    assert (await browser.get("/api/search/municipalities?q=a", headers=JSON)).status_code == 429


async def test_who_holds_a_valid_token_is_counted_as_that_wherever_it_is(gateway, search):
    gateway.allow(api=2, caller=4)
    path, browser = "/api/search/municipalities?q=a", gateway.browser(address="192.0.2.7")
    assert await statuses(browser, path, 3, headers=JSON) == [200, 200, 429]
    one, other = (bearer(gateway, Role.PROVIDER, provider) for provider in (PROVIDER, OTHER_PROVIDER))
    assert await statuses(browser, path, 4, headers=one) == [200] * 4
    assert (await gateway.browser(address="192.0.2.8").get(path, headers=one)).status_code == 429
    assert await statuses(browser, path, 4, headers=other) == [200] * 4


async def test_a_token_is_checked_only_after_its_request_is_counted(gateway, search, monkeypatch):
    """Checking may wait for the issuer; a token that was just checked is not checked again."""
    gateway.allow(token=2, api=9)
    checked, principal_of = [], gateway.state.verifier.principal_of

    async def check(token):
        checked.append(token)
        return await principal_of(token)

    monkeypatch.setattr(gateway.state.verifier, "principal_of", check)
    path, browser = "/api/search/municipalities?q=a", gateway.browser(address="192.0.2.7")
    holder = bearer(gateway, Role.PROVIDER, PROVIDER)
    assert await statuses(browser, path, 5, headers=holder) == [200] * 5
    made_up = [{**JSON, "authorization": f"Bearer a.b.{number}"} for number in range(3)]
    assert [(await browser.get(path, headers=each)).status_code for each in made_up] == [200, 429, 429]
    assert len(checked) == 2
    assert await statuses(browser, path, 1, headers=holder) == [200]


async def test_the_sessions_requests_are_counted_too(gateway, courses):
    gateway.allow(api=2)
    browser = await gateway.provider()
    assert await csrf_of(browser)
    assert await statuses(browser, "/api/courses/courses", 3, headers=JSON) == [200, 200, 429]


async def test_a_survey_is_limited_by_its_link_and_not_by_the_mobile_networks_address(gateway, notifications):
    tokens = [await open_survey(notifications, number) for number in range(1, 6)]
    gateway.allow(survey=3, guess=2, page=1)
    for token in tokens:
        assert await statuses(gateway.browser(address=MOBILE), f"/s/{token}", 3) == [200] * 3
    assert (await gateway.browser(address=MOBILE).get(f"/s/{tokens[0]}")).status_code == 429
    assert (await gateway.browser(address="192.0.2.201").get(f"/survey/{tokens[0].upper()}")).status_code == 429


@pytest.mark.parametrize("way", ["/s/{}", "/survey/{}", "/api/notifications/surveys/{}"])
async def test_once_the_guesses_are_used_up_good_and_bad_links_are_answered_alike(gateway, token, way):
    clock = gateway.allow(guess=4)
    guesser = gateway.browser(address=MOBILE)
    answers = [await guesser.get(way.format(f"guess{number}"), headers=JSON) for number in range(4)]
    assert [answer.status_code for answer in answers] == [404] * 4
    clock.now += 20
    bad, good = [await guesser.get(way.format(link), headers=JSON) for link in ("guess", token)]
    assert (bad.status_code, bad.json()["code"], bad.headers["retry-after"]) == (429, "TOO_MANY_REQUESTS", "40")
    assert without_trace(bad) == without_trace(good)
    assert (await guesser.post(f"/s/{token}", data={})).status_code == 429
    elsewhere = gateway.browser(address="192.0.2.201")
    assert await statuses(elsewhere, "/s/guess", 1) + await statuses(elsewhere, f"/s/{token}", 1) == [404, 200]
    clock.now += 40
    assert (await guesser.get(f"/s/{token}")).status_code == 200


def without_trace(answer):
    return answer.status_code, answer.json() | {"trace_id": ""}, {**answer.headers, "content-length": ""}


async def test_guesses_at_the_same_time_are_counted_before_any_is_answered(gateway, token):
    gateway.allow(guess=4)
    guesser = gateway.browser(address=MOBILE)
    links = [f"guess{number}" for number in range(30)]
    answers = await asyncio.gather(*(guesser.get(f"/s/{link}", headers=JSON) for link in [*links, token]))
    found = [answer.status_code for answer in answers]
    assert (found.count(404), found.count(429)) == (4, 27)


async def test_control_counted_by_their_answers_alone_a_good_link_shows(gateway, token, monkeypatch):
    """As a limit that only replaces the answer 404 would let it."""
    monkeypatch.setattr(limited, "_count_survey", lambda request, survey: None)
    gateway.allow(guess=4)
    guesser = gateway.browser(address=MOBILE)
    answers = [await guesser.get(f"/s/{link}", headers=JSON) for link in [*"abcdef", token]]
    assert [answer.status_code for answer in answers] == [404] * 6 + [200]


async def test_control_a_survey_that_exists_is_no_guess(gateway, token):
    gateway.allow(guess=1)
    assert await statuses(gateway.browser(address=MOBILE), f"/s/{token}", 10) == [200] * 10


async def test_all_surveys_of_an_address_have_their_limit_too(gateway, notifications):
    gateway.allow(surveys=3)
    browser = gateway.browser(address=MOBILE)
    assert [(await browser.get(f"/s/x{number}")).status_code for number in range(4)] == [404, 404, 404, 429]


async def test_a_subscriber_of_ipv6_has_one_rate_whichever_of_its_addresses_it_uses(gateway):
    gateway.allow(page=4)
    answers = [
        (await gateway.browser(address=f"2001:db8:1:2::{number:x}").get("/nowhere")).status_code for number in range(6)
    ]
    assert answers == [404] * 4 + [429] * 2
    assert (await gateway.browser(address="2001:db8:1:3::1").get("/nowhere")).status_code == 404


async def test_behind_a_trusted_proxy_each_client_has_its_own_rate(new_service):
    gateway = GatewayUnderTest(await new_service(SERVICE, trusted_proxies=(read_network("10.0.0.0/8"),)))
    gateway.allow(page=2)
    proxy = gateway.browser(address="10.0.0.1")
    for client in ("192.0.2.1", "192.0.2.2"):
        for forged in ("198.51.100.1", "198.51.100.2"):
            told = {"x-forwarded-for": f"{forged}, {client}"}
            assert (await proxy.get("/nowhere", headers=told)).status_code == 404
        assert (await proxy.get("/nowhere", headers={"x-forwarded-for": client})).status_code == 429


@pytest.mark.parametrize(
    ("environment", "trusted", "warned"),
    [
        (Environment.PRODUCTION, "", True),
        (Environment.PRODUCTION, "10.0.0.0/8", False),
        (Environment.DEVELOPMENT, "", False),
    ],
)
async def test_production_says_so_when_it_trusts_no_proxy(gateway, caplog, environment, trusted, warned):
    runtime = gateway.service.runtime
    differences = {"environment": environment, "dev_issuer": False}
    differences |= {"trusted_proxies": Settings(trusted_proxies=trusted).trusted_proxies}
    runtime.settings = runtime.settings.model_copy(update=differences)
    configure(FastAPI(), runtime)
    assert ("REKKU_TRUSTED_PROXIES" in caplog.text) == warned


async def test_who_is_not_trusted_cannot_name_another_client(gateway):
    """Nor can it by default, from whatever address."""
    gateway.allow(page=2)
    for address in ("10.0.0.1", "127.0.0.1"):
        browser = gateway.browser(address=address)
        told = [{"x-forwarded-for": f"192.0.2.{number}"} for number in range(4)]
        assert [(await browser.get("/nowhere", headers=headers)).status_code for headers in told] == [
            404,
            404,
            429,
            429,
        ]


async def test_the_gateways_document_says_that_there_are_rates(gateway):
    document = gateway.app.openapi()
    own = [f"/{path}" for path in ("healthz", "session", "dev-issuer/jwks.json")]
    for path in own:
        assert document["paths"][path]["get"]["responses"]["4XX"]["x-refusals"] == ["TOO_MANY_REQUESTS"]


async def test_the_memory_of_a_flood_is_bounded():
    meter = Meter(Rates(), lambda: 1000.0)
    for number in range(12_000):
        meter.count("survey", str(number))
    assert len(meter._windows["survey"]) == 10_000


def test_a_rate_that_is_misspelt_is_refused():
    with pytest.raises(ValueError, match="pages"):
        Rates.model_validate({"pages": 3})


async def test_refusals_of_every_kind_leave_a_line(gateway, courses, notifications, token, caplog):
    """A 401 of a service behind the gateway, a page of others, forms of others or without their token, a rate."""
    gateway.put_behind(courses, notifications)
    stranger, signed_in = gateway.browser(address="192.0.2.7"), await gateway.provider()
    caplog.clear()
    stolen = {"authorization": "Bearer stolen.token.here"}
    await stranger.get("/api/courses/courses?after=secret", headers=JSON | stolen)
    await stranger.get("/provider", headers=JSON)
    await stranger.post(f"/s/{token}", headers={"sec-fetch-site": "cross-site"})
    await signed_in.post("/api/courses/courses/17/publication", headers=JSON)
    await signed_in.post("/sign-out", data={"csrf": "0" * 64})
    gateway.allow(page=1)
    await statuses(stranger, "/courses/17", 2)
    lines = [record.facts for record in caplog.records if record.name == "chassis.refused"]
    service, *ours = lines
    assert (service["kind"], service["route"]) == ("UNAUTHENTICATED", "/courses")
    assert [(line["kind"], line["status"], line["method"], line["route"]) for line in ours] == [
        ("UNAUTHENTICATED", 401, "GET", "/api/{service}/{path:path}"),
        ("SIGN_IN_NEEDED", 403, "GET", "/provider"),
        ("CSRF_REFUSED", 403, "POST", "/s/{token}"),
        ("CSRF_REFUSED", 403, "POST", "/api/{service}/{path:path}"),
        ("CSRF_REFUSED", 403, "POST", "/sign-out"),
        ("TOO_MANY_REQUESTS", 429, "GET", "/courses/{course_number}"),
    ]
    who = [line["who"] for line in ours]
    assert who[0] == who[1] == who[2] == who[5]
    assert who[3] == who[4] != who[0]
    for told in ("192.0.2.7", "secret", "stolen", token, "17", PROVIDER):
        assert told not in str([(line["kind"], line["route"], line["who"]) for line in lines])
