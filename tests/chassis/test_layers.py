"""The layers around every application: their order, and that a problem is answered wherever something fails."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis import openapi, problems
from chassis.auth import DevIssuer, Role
from chassis.issuer_keys import IssuerUnreachable
from chassis.layers import LastResort
from chassis.peers import BehindProxies, read_network
from chassis.plain_requests import PlainRequests
from chassis.request_body import Malformed, TooLarge, UnsupportedMediaType
from chassis.request_guard import MalformedHeader
from chassis.service import Service
from chassis.testing import ServiceUnderTest
from chassis.texts import LANGUAGES, Texts, text_id
from contracts.identity_codes import HoldsIdentityCode
from contracts.refusals import Invalid, NotYetKnown
from services.courses.app import SERVICE as COURSES
from services.decisions.app import SERVICE as DECISIONS
from services.gateway.app import SERVICE as GATEWAY
from services.gateway.browser import BrowserManners
from services.gateway.limited import RateLimits
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.registration.app import SERVICE as REGISTRATION
from services.search.app import SERVICE as SEARCH
from tests.conftest import NewService

ALL = [COURSES, DECISIONS, GATEWAY, NOTIFICATIONS, REGISTRATION, SEARCH]
OURS = ("PlainRequests", "Traced", "LastResort", "RefusalLines", "RequestGuard")
PROBLEM = "application/problem+json"


def layers_of(app: Any) -> list[Any]:
    """The layers of an application from the outside inwards."""
    layer, found = app.build_middleware_stack(), []
    while layer is not None:
        found.append(layer)
        layer = getattr(layer, "_app", None) or getattr(layer, "app", None)
    return found


def ours_of(app: Any) -> list[type]:
    """Those that are ours: the framework has its own around and within them."""
    return [type(layer) for layer in layers_of(app) if type(layer).__module__.startswith(("chassis.", "services."))]


@pytest.mark.parametrize("service", ALL, ids=lambda service: service.name)
@pytest.mark.parametrize("proxied", [True, False])
async def test_the_order_is_the_one_that_is_stated(new_service: NewService, service: Service, *, proxied: bool):
    trusted = (read_network("10.0.0.0/8"),) if proxied else ()
    app = (await new_service(service, trusted_proxies=trusted)).runtime.app
    gateways = ("BrowserManners", "LastResort", "RateLimits") if service is GATEWAY else ()
    wanted = [*(["BehindProxies"] if proxied else []), *OURS[:3], *gateways, *OURS[3:]]
    assert [layer.__name__ for layer in ours_of(app)] == wanted


def failing(monkeypatch: pytest.MonkeyPatch, layer: type) -> None:
    async def fail(self: object, scope: object, receive: object, send: object) -> None:
        raise ZeroDivisionError("a secret value")

    monkeypatch.setattr(layer, "__call__", fail)


def client_of(service: ServiceUnderTest, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(service.runtime.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)


@pytest.mark.parametrize("at", range(9))
async def test_whichever_layer_fails_a_problem_is_answered(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch, at: int
):
    gateway = await new_service(GATEWAY, trusted_proxies=(read_network("10.0.0.0/8"),))
    layers = ours_of(gateway.runtime.app)
    assert len(layers) == 9
    failing(monkeypatch, layers[at])
    answer = await client_of(gateway, accept="application/json").get("/nowhere")
    assert (answer.status_code, answer.headers["content-type"], answer.json()["code"]) == (500, PROBLEM, "INTERNAL")
    assert "secret" not in answer.text


async def test_control_without_those_that_answer_there_is_no_problem(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    async def pass_on(self: Any, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    monkeypatch.setattr(LastResort, "__call__", pass_on)
    failing(monkeypatch, PlainRequests)
    del toy.runtime.app.exception_handlers[Exception]
    answer = await client_of(toy).get("/nowhere")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/plain; charset=utf-8")


async def test_a_browser_gets_a_page_also_where_a_layer_fails(new_service: NewService, monkeypatch: pytest.MonkeyPatch):
    gateway = await new_service(GATEWAY)
    failing(monkeypatch, RateLimits)
    answer = await client_of(gateway, accept="text/html").get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    failing(monkeypatch, BrowserManners)
    assert (await client_of(gateway, accept="text/html").get("/")).headers["content-type"] == PROBLEM


async def test_a_failure_within_the_trace_names_it(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    trace = "0af7651916cd43dd8448eb211c80319c"
    client = client_of(toy, traceparent=f"00-{trace}-b7ad6b7169203331-01")
    assert (await client.get("/broken")).json()["trace_id"] == trace
    failing(monkeypatch, BehindProxies)
    failing(monkeypatch, LastResort)
    assert "trace_id" not in (await client.get("/broken")).json()


# What no operation takes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ALL, ids=lambda service: service.name)
async def test_operations_outside_the_document_refuse_unknown_parameters_too(new_service: NewService, service: Service):
    client = (await new_service(service)).http(None)
    for path in ("/openapi.json", "/version"):
        assert (await client.get(path)).status_code == 200
        answer = await client.get(path, params={"verbose": "1"})
        assert (answer.status_code, answer.json()["code"]) == (422, "UNKNOWN_PARAMETER"), path


@pytest.mark.parametrize("service", ALL, ids=lambda service: service.name)
async def test_a_probe_is_answered_whatever_it_adds_to_the_address(new_service: NewService, service: Service):
    """A refusal would end the process that it asks about."""
    client = (await new_service(service)).http(None)
    for path in ("/livez", "/livez?x=1", "/livez?1733060000", "/readyz?x", "/readyz?verbose=1&verbose=2"):
        assert (await client.get(path)).status_code == 200, path


async def test_nul_in_the_address_of_a_file_is_no_failure(new_service: NewService):
    assert (await client_of(await new_service(GATEWAY)).get("/static/%00.css")).status_code == 404


async def test_so_does_a_document_at_the_gateway_and_its_pages_do_not(new_service: NewService):
    client = (await new_service(GATEWAY)).http(None)
    answer = await client.get("/docs/courses/openapi.json", params={"a": "1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "UNKNOWN_PARAMETER")
    assert (await client.get("/docs/courses", params={"a": "1"})).json()["code"] == "UNKNOWN_SERVICE"


async def test_the_nearest_parameter_is_one_of_the_methods_own(toy: ServiceUnderTest):
    """The same address takes some to be read, and none to be written."""
    client = toy.http()
    for _ in range(2):
        for method, nearest in (("GET", "after"), ("POST", "none")):
            answer = await client.request(method, "/both", params={"aftr": "1"})
            assert (answer.status_code, answer.json()["values"]) == (422, {"nearest": nearest}), method


async def test_a_public_caller_with_an_identity_code_in_its_token_is_nobody(toy: ServiceUnderTest):
    """As with any token that is not good; where a token is needed it is refused (E-59)."""
    token = DevIssuer(toy.settings).token(Role.OFFICER, subject="131052-308T")
    headers = {"authorization": f"Bearer {token}", "rekku-known": "note:N-1@7"}
    assert (await toy.http(None).get("/notes", headers=headers)).status_code == 200
    assert (await toy.http(None).get("/my-notes", headers=headers)).json()["code"] == "PERSONAL_IDENTITY_CODE"


# The codes of any service ----------------------------------------------------------------------------------


def test_the_page_of_http_lists_every_code_of_any_service_with_its_status():
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d+|as it is) \|", Path("docs/http.md").read_text(), re.MULTILINE)
    listed = dict(rows)
    assert len(listed) == len(rows)
    general = {*openapi.ANY_REQUEST, *openapi.WITH_TOKEN, *openapi.COMMANDS, *openapi.VERSIONED}
    assert general | set(problems._HTTP_CODES.values()) | {problems._ANY_OTHER} <= listed.keys()
    for status, code in problems._HTTP_CODES.items():
        assert listed[code] == str(status)
    refusals = [
        TooLarge(),
        Malformed("not_json"),
        UnsupportedMediaType(),
        MalformedHeader("host"),
        IssuerUnreachable(1),
    ]
    refusals += [HoldsIdentityCode("body"), NotYetKnown("NOT_YET_KNOWN"), Invalid("UNKNOWN_PARAMETER")]
    assert {refusal.code: str(refusal.status) for refusal in refusals}.items() <= listed.items()
    for code in listed:
        assert all(Texts().has(language, text_id(code)) for language in LANGUAGES), code
