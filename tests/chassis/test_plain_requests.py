"""HEAD wherever there is a GET, in every service; a slash at the end leads nowhere else."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from chassis.service import Service
from chassis.testing import ServiceUnderTest
from tests.chassis.test_layers import ALL, layers_of
from tests.conftest import NewService

PROBES = ("/livez", "/readyz", "/version", "/progress", "/openapi.json")
STATIC = {"courses": (), "gateway": ("/", "/fi", "/sign-in", "/static/app.css", "/api/search/version", "/healthz")}
EVIL = "evil.example"


async def ask(app: ASGIApp, method: str, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body exactly as the application sends them: a client would leave a HEAD's body out."""
    sent: list[Message] = []
    told = {"host": EVIL, "accept": "application/json", **headers}
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
        "client": ("192.0.2.1", 50000),
        "server": ("service", 80),
        "root_path": "",
        "http_version": "1.1",
    }

    said = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        return next(said, None) or await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    answered = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


def addresses(service: ServiceUnderTest) -> list[str]:
    """Every address that can be read, with something in the place of its parameters."""
    document = service.runtime.app.openapi()
    described = [path for path, operations in document["paths"].items() if "get" in operations]
    paths = dict.fromkeys((*PROBES, *described, *STATIC.get(service.service.name, ())))
    return [re.sub(r"\{[^}]*\}", "7", path) for path in paths]


def alike(headers: Mapping[str, str]) -> dict[str, str]:
    """Without what differs from time to time: a new cookie, the length of a problem with its trace."""
    return {name: value for name, value in headers.items() if name not in ("set-cookie", "content-length")}


@pytest.mark.parametrize("service", ALL, ids=lambda service: service.name)
async def test_whatever_has_a_get_has_a_head(new_service: NewService, service: Service):
    under_test = await new_service(service)
    app = under_test.runtime.app
    bearer = {"authorization": f"Bearer {under_test.token('officer')}"}  # type: ignore[arg-type]
    for path in addresses(under_test):
        status, said, body = await ask(app, "GET", path, **bearer)
        head = await ask(app, "HEAD", path, **bearer)
        assert (head[0], head[2]) == (status, b""), path
        assert alike(head[1]) == alike(said), path
        assert ("content-length" in head[1]) == ("content-length" in said)
        assert status != 405, path
        assert body or status in (204, 304), path


async def test_control_without_the_layer_a_head_is_refused(toy: ServiceUnderTest):
    inner = next(each for each in layers_of(toy.runtime.app) if type(each).__name__ == "RequestGuard")
    assert (await ask(inner, "HEAD", "/livez", host="service"))[0] == 405
    assert (await ask(toy.runtime.app, "HEAD", "/livez"))[0] == 200


async def test_a_head_of_what_only_takes_commands_is_not_allowed(toy: ServiceUnderTest):
    status, headers, body = await ask(toy.runtime.app, "HEAD", "/write")
    assert (status, headers["allow"], body) == (405, "POST", b"")
    status, headers, _ = await ask(toy.runtime.app, "DELETE", "/my-notes")
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("service", ALL, ids=lambda service: service.name)
async def test_a_slash_at_the_end_is_nothing(new_service: NewService, service: Service):
    """The same answer, without a redirect that would need a host."""
    under_test = await new_service(service)
    app = under_test.runtime.app
    for path in addresses(under_test):
        status, _, _ = await ask(app, "GET", path)
        for more in ("/", "//", "/%2f") if path != "/" else ("/",):
            for method in ("GET", "HEAD", "POST"):
                answer = await ask(app, method, path + more)
                assert "location" not in answer[1], (method, path + more)
                assert EVIL not in str(answer[1]), (method, path + more)
                if (method, more) == ("GET", "/"):
                    assert answer[0] == status, path


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/notes/", "/\\evil.example/", "/notes/..//"])
async def test_nothing_in_an_address_leads_elsewhere(toy: ServiceUnderTest, path: str):
    status, headers, _ = await ask(toy.runtime.app, "GET", path)
    assert (status, "location" in headers) == (404, False)


async def test_control_with_redirects_the_host_is_whatever_was_sent(toy: ServiceUnderTest):
    toy.runtime.app.router.redirect_slashes = True
    _, headers, _ = await ask(toy.runtime.app, "GET", "/notes//")
    assert headers["location"].startswith(f"https://{EVIL}/")
