"""Services that serve TLS behind the gateway: with the right authority, a wrong one, and one that changes."""

import httpx
import pytest

from chassis.certificates import Authorities
from services.gateway.upstreams import Upstreams
from tests.authority import Authority
from tests.chassis.test_server import Wire, serving

JSON = {"accept": "application/json"}


class Answering:
    """Answers every request with its scheme, as JSON."""

    async def __call__(self, scope, receive, send):
        body = f'{{"scheme": "{scope["scheme"]}"}}'.encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def behind(gateway, tmp_path, monkeypatch):
    """A search that serves TLS behind the gateway, and the file of who is trusted: at first who signed for it."""
    authority = Authority(tmp_path / "authority")
    monkeypatch.setattr(Wire, "authority", authority)
    file = tmp_path / "trusted.crt"
    file.write_bytes(authority.ca_file.read_bytes())
    async with serving(Answering()) as here:
        trust = Authorities(file, "REKKU_UPSTREAM_CA_FILE")
        gateway.change(upstreams=Upstreams({"search": f"https://127.0.0.1:{here.port}"}, trust=trust))
        yield file, authority, here
        await gateway.state.upstreams.client("search").aclose()


async def asked(gateway):
    browser = gateway.browser()
    answer = await browser.get("/api/search/services", headers=JSON)
    health = await browser.get("/healthz")
    ready = await browser.get("/readyz")
    return answer, health, ready


async def test_a_service_whose_certificate_verifies_is_asked_over_tls(gateway, behind):
    answer, health, ready = await asked(gateway)
    assert (answer.status_code, answer.json()) == (200, {"scheme": "https"})
    assert health.json()["services"]["search"]
    assert ready.status_code == 200


async def test_of_another_authority_it_is_a_neighbour_that_does_not_answer(gateway, behind, tmp_path):
    file, authority, _ = behind
    file.write_bytes(Authority(tmp_path / "stranger").ca_file.read_bytes())
    answer, health, ready = await asked(gateway)
    assert (answer.status_code, answer.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert "retry-after" in answer.headers
    assert (health.status_code, health.json()["services"]["search"]) == (503, False)
    assert ready.status_code == 200, "its own work goes on"
    file.write_bytes(authority.ca_file.read_bytes())
    answer, health, _ = await asked(gateway)
    assert (answer.status_code, health.json()["services"]["search"]) == (200, True)


async def test_by_another_name_it_does_not_answer_either(gateway, behind):
    _, _, here = behind
    trust = gateway.state.upstreams.trust
    gateway.change(upstreams=Upstreams({"search": f"https://localhost:{here.port}"}, trust=trust))
    answer, *_ = await asked(gateway)
    assert (answer.status_code, answer.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")


async def test_without_a_file_the_usual_authorities_verify(gateway, behind):
    """Which ours is none of."""
    _, _, here = behind
    gateway.change(upstreams=Upstreams({"search": f"https://127.0.0.1:{here.port}"}))
    answer, *_ = await asked(gateway)
    assert answer.status_code == 503
    async with httpx.AsyncClient(verify=Wire.trust()) as client:
        assert (await client.get(f"https://127.0.0.1:{here.port}/")).status_code == 200, "the control"
