"""Half a request never runs: a body that ends before its length or its last chunk is no request."""

import json

import pytest

from chassis import request_guard
from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from tests.raw_http import Parser, request, served

NOTE = json.dumps({"note_id": "N-1", "provider_id": "2828286-9", "text": "hello"}).encode()
CUT = {
    "in the middle": {"body": NOTE[:20], "announced": len(NOTE)},
    "before its first byte": {"body": b"", "announced": len(NOTE)},
    "one byte before its end": {"body": NOTE, "announced": len(NOTE) + 1},
    "before its last chunk": {"body": NOTE, "chunks": True},
    "within a chunk": {"body": NOTE[:-1], "announced": len(NOTE)},
}


def a_note(toy: ServiceUnderTest, **differences) -> bytes:
    headers = {
        "authorization": f"Bearer {toy.token(Role.OFFICER)}",
        "content_type": "application/json",
        "idempotency_key": "k-1",
    }
    return request("POST", "/notes", **{"body": NOTE, **headers, **differences})


async def counts(toy: ServiceUnderTest) -> dict[str, int]:
    async with toy.transaction() as tx:
        row = await tx.fetchrow(
            "SELECT (SELECT count(*) FROM notes) AS notes, (SELECT count(*) FROM outbox) AS events,"
            " (SELECT count(*) FROM idempotency) AS keys, (SELECT count(*) FROM audit) AS audited"
        )
    assert row is not None
    return dict(row)


@pytest.mark.parametrize("parser", ["httptools", "h11"])
@pytest.mark.parametrize("cut", CUT)
async def test_half_a_request_has_no_effect_and_claims_no_key(toy: ServiceUnderTest, parser: Parser, cut: str):
    async with served(toy.runtime.app, parser) as server:
        await server.send_and_leave(a_note(toy, **CUT[cut]))
        assert set((await counts(toy)).values()) == {0}
        answer = await server.send(a_note(toy))
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert set((await counts(toy)).values()) == {1}


async def test_if_the_end_of_the_connection_were_the_end_of_the_body_half_a_request_would_run(toy, monkeypatch):
    """Negative control."""

    async def whatever_came(receive):
        came = b""
        while (message := await receive())["type"] == "http.request":
            came += message.get("body", b"")
            if not message.get("more_body"):
                break
        return came

    monkeypatch.setattr(request_guard, "receive_whole", whatever_came)
    async with served(toy.runtime.app) as server:
        await server.send_and_leave(a_note(toy, **CUT["before its last chunk"]))
    assert set((await counts(toy)).values()) == {1}


@pytest.mark.parametrize("parser", ["httptools", "h11"])
async def test_bytes_that_are_no_text_are_refused_wherever_they_stand(toy: ServiceUnderTest, parser: Parser):
    """In headers that are read, in the address, in a body: a coded answer, never a failure."""
    token = f"Bearer {toy.token(Role.OFFICER)}"
    async with served(toy.runtime.app, parser) as server:
        for name in ("authorization", "idempotency_key", "if_match", "rekku_known", "accept_language", "traceparent"):
            headers = {"authorization": token, "content_type": "application/json"} | {name: "\xff\xe4"}
            answer = await server.send(request("POST", "/notes", NOTE, **headers))
            assert answer.startswith(b"HTTP/1.1 400 "), name
            assert b"MALFORMED_HEADER" in answer
            assert f"header.{name.replace('_', '-')}".encode() in answer
        unread = {"authorization": token, "user_agent": "\xff", "cookie": "\xff=\xe4; \xff"}
        assert (await server.send(request("GET", "/my-notes", **unread))).startswith(b"HTTP/1.1 200 ")
        for address in ("/my-notes?after=%00", "/notes/%00", "/notes/%FF", "/notes/\xe4", "/\xff?\xff"):
            status = int((await server.send(request("GET", address, authorization=token))).split(b" ")[1])
            assert 400 <= status < 500, address
        for host in ("[", "a b", "\xff", "x/../y"):
            sent = request("GET", "/my-notes", authorization=token).replace(
                b"host: service", b"host: " + host.encode("latin-1")
            )
            assert (await server.send(sent)).split(b" ")[1] == b"400", host
    assert (await counts(toy))["notes"] == 0
