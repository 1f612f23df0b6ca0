"""Nothing comes in whose text is not declared, and so examined as surely as it must be (E-59)."""

import ast
import re
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import APIRouter, Header, Query
from pydantic import BaseModel

from chassis.entry_points import HEADERS, IncomingText
from chassis.http import Command
from chassis.service import Service
from contracts.decisions import DecisionsSuspended
from contracts.identity_codes import TextKind
from contracts.texts import texts_in
from contracts.topics import EXTERNAL
from rekku.entry_points import EntryPoint, consumed_by, entry_points, print_entry_points, read_by_themselves
from rekku.services import SERVICES, load

ROOT = Path(__file__).parents[2]
NAMES_SOMEBODY = re.compile(r"(^|_)(decision|client|application)(_ref)?s?$|^(consents|transfers)$|^sub$")
"""Names of what names a client, a decision, an application, or the subject of a token."""
UNREAD = {"host", "content-encoding", "x-forwarded-for", "x-forwarded-proto"}
"""Headers that the server, or the layer around it, reads by itself."""

loaded = pytest.mark.parametrize("service", [load(name) for name in SERVICES], ids=SERVICES)


def undeclared(points: list[EntryPoint]) -> list[str]:
    return [str(point) for point in points if point.text.kind is None]


def too_weak(points: list[EntryPoint]) -> list[str]:
    """What names somebody, and is not examined as such; a kind of reason or state is no name."""
    return [
        str(point)
        for point in points
        if point.text.names and NAMES_SOMEBODY.search(point.text.names[-1])
        if point.text.kind is not TextKind.IDENTIFIER
    ]


@loaded
def test_every_text_of_every_route_is_declared(service):
    """E-59: path, query, header and body; and what names somebody is examined by its shape."""
    points = list(entry_points(service))
    assert undeclared(points) == []
    assert too_weak(points) == []


@loaded
def test_every_consumed_event_is_examined_where_it_comes_in(service):
    """E-59: what comes from outside declares each of its texts; the rest was examined at its owner's doors."""
    for consumed in consumed_by(service):
        if consumed.owner == EXTERNAL:
            texts = list(texts_in(consumed.event))
            assert texts
            assert all(kind is not None and len(names) == 1 for names, kind in texts)
        else:
            assert consumed.owner in SERVICES


def test_only_finvoice_is_read_by_its_route():
    """Its own tests hold that the document is examined (E-59, P11)."""
    found = {(name, address) for name in SERVICES for address in read_by_themselves(load(name))}
    assert found == {("decisions", "POST /settlements/finvoice")}


class Loose(Command):
    client_refs: list[Annotated[str, TextKind.PROSE]]
    words: str | None = None
    inner: dict[str, list[BaseModel]] | None = None


async def loose(body: Loose, q: Annotated[str, Query()], x_note: Annotated[str, Header()] = "") -> None:
    """Takes text that nobody has declared."""


def test_a_text_that_nobody_declared_is_noticed():
    """Negative control."""
    router = APIRouter()
    router.post("/loose")(loose)
    outer = APIRouter(prefix="/deep")
    outer.include_router(router)
    points = list(entry_points(Service(name="courses", root=ROOT, router=outer)))
    assert undeclared(points) == [
        "courses: POST /deep/loose: query.q (not declared)",
        "courses: POST /deep/loose: header.x-note (not declared)",
        "courses: POST /deep/loose: body.words (not declared)",
        "courses: POST /deep/loose: body.inner (not declared)",
    ]
    assert too_weak(points) == ["courses: POST /deep/loose: body.client_refs (prose)"]


def test_an_event_from_outside_with_an_undeclared_text_is_noticed():
    """Negative control."""

    class WithWords(DecisionsSuspended):
        words: str

    assert [names for names, kind in texts_in(WithWords) if kind is None] == [("words",)]


def headers_read(source: str) -> set[str]:
    """The names of headers that a module asks for."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        asked = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "getlist"):
            asked = (node.func.value, node.args[0] if node.args else None)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            asked = (node.value, node.slice)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
            asked = (node.comparators[0], node.left)
        if asked and ast.unparse(asked[0]).rpartition(".")[2] == "headers" and isinstance(asked[1], ast.Constant):
            found.add(str(asked[1].value).lower())
    return found


def test_every_header_that_is_read_is_declared():
    """E-59: by its name in the code; what is passed on as well."""
    from services.gateway.proxy import _PASSED_ON, CSRF_HEADER

    sources = [path.read_text() for folder in ("chassis", "services") for path in (ROOT / folder).rglob("*.py")]
    of_requests = set().union(*map(headers_read, sources))
    assert of_requests | {*_PASSED_ON, CSRF_HEADER} <= set(HEADERS)
    assert set(HEADERS) - of_requests - {*_PASSED_ON, CSRF_HEADER} <= UNREAD


def test_a_header_that_is_read_is_found_in_the_code():
    """Negative control."""
    source = 'a = request.headers.get("X-One")\nb = self.request.headers["x-two"]\nc = "x-three" in request.headers\n'
    assert headers_read(source) == {"x-one", "x-two", "x-three"}


def test_a_type_of_which_nobody_knows_whether_it_holds_text_is_noticed():
    with pytest.raises(TypeError):
        list(texts_in(bytes))


def test_the_list_names_every_door(capsys):
    print_entry_points()
    lines = capsys.readouterr().out.splitlines()
    assert "decisions: PUT /client-contacts/{client_ref}: path.client_ref (identifier)" in lines
    assert "decisions: fi.kela.rekku.quota-signals.suspend.v1: event.signal_id (machine)" in lines
    assert "gateway: every page: form.reason (prose)" in lines
    assert "courses: every token: token.sub (identifier)" in lines
    assert (
        str(EntryPoint("search", "every request", IncomingText("header", ("idempotency-key",), TextKind.MACHINE)))
        in lines
    )
    assert len(lines) == len(set(lines)) > 250
