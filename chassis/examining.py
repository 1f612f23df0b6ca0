"""Every request is examined before anything looks at it: text that must not come in, parameters nobody takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse

from chassis import cleaning
from chassis.entry_points import HEADERS, Taken, taken_by
from chassis.request_body import BODY, Body, BodyKind, UnsupportedMediaType
from contracts.identity_codes import HoldsIdentityCode, TextKind, holds_identity_code
from contracts.refusals import Invalid

Place = tuple[str | int, ...]

if TYPE_CHECKING:
    from chassis.service import Service

_HEADERS = {name.encode(): kind for name, kind in HEADERS.items() if kind is not None}


async def examine(request: Request) -> None:
    """A dependency of all routes, before all others; pages and probes take any parameter, operations those they know.

    An operation is a route that is in the document, or declares that it answers JSON. Of a request that is passed on
    the headers alone are examined here, and all of it where it arrives.

    Raises:
        HoldsIdentityCode: a text holds a personal identity code (E-59).
        RequestValidationError: TEXT_CONTROL_CHARACTER, a text holds the character NUL.
        Invalid: UNKNOWN_PARAMETER, with the `nearest` of those that the operation takes, or all it has `known`;
            REPEATED_PARAMETER, with its `name`: which of two values is meant, nobody can say.
        UnsupportedMediaType: the operation takes JSON, and the body is something else.
    """
    route: APIRoute = request.scope["route"]
    service: Service = request.app.state.runtime.service
    known = (id(route), request.method, service.name)
    if known not in _known:
        taken = taken_by(route)
        kinds = {**service.form_fields, **taken.kinds()}
        _known[known] = (route, taken, _Examination(kinds, taken.names | kinds.keys()))
    _, taken, examination = _known[known]
    body: Body = request.scope[BODY]
    if taken.json and body.kind not in (BodyKind.NONE, BodyKind.JSON):
        raise UnsupportedMediaType
    examination.headers(request.scope["headers"])
    if taken.passed_on:
        # Who knows the fields refuses with their names; here all of them are strange ones.
        return
    examination.pairs("path", request.path_params.items())
    if request.scope["query_string"]:
        examination.pairs("query", request.query_params.multi_items())
    if body.kind is BodyKind.JSON:
        examination.value(body.value, TextKind.PROSE, ("body",))
    elif body.kind is BodyKind.FORM:
        examination.pairs("body", body.value)
    if request.scope["query_string"] and (route.include_in_schema or route.response_class is JSONResponse):
        _require_known_once(request.query_params, taken.parameters)


def examine_address(path: str, query: str) -> None:
    """Examine the address of a request that no route takes.

    Raises:
        HoldsIdentityCode: it holds a personal identity code.
    """
    if holds_identity_code(path):
        raise HoldsIdentityCode("path")
    if any(holds_identity_code(text) for pair in QueryParams(query).multi_items() for text in pair):
        raise HoldsIdentityCode("query")


def examine_value(value: Any, taken: Taken) -> None:
    """Examine a value that came in otherwise than as the JSON of a route.

    Raises:
        HoldsIdentityCode: a text in it holds a personal identity code.
    """
    _Examination(taken.kinds(), taken.names).value(value, TextKind.PROSE, ("body",))


@dataclass(frozen=True)
class _Examination:
    """Looks through the texts of a request: `kinds` by name, and all `names` that are declared."""

    kinds: Mapping[str, TextKind]
    names: frozenset[str]

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            kind = _HEADERS.get(name)
            if kind is not None:
                self._text(value.decode("latin-1"), kind, ("header",), name.decode())

    def pairs(self, place: str, pairs: Iterable[tuple[str, Any]]) -> None:
        for name, value in pairs:
            if name not in self.names:
                self._text(name, TextKind.PROSE, (place,))
            self._text(str(value), self.kinds.get(name, TextKind.PROSE), (place,), name)

    def value(self, value: Any, kind: TextKind, place: Place) -> None:
        """A JSON value; what a name that is not declared holds is of the kind around it."""
        if isinstance(value, str):
            self._text(value, kind, place)
        elif isinstance(value, dict):
            for name, inner in value.items():
                if name not in self.names:
                    self._text(name, kind, place)
                of_name = self.kinds.get(name, kind)
                if isinstance(inner, str):
                    self._text(inner, of_name, place, name)
                else:
                    self.value(inner, of_name, (*place, name))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self.value(inner, kind, (*place, index))

    def _text(self, text: str, kind: TextKind, place: Place, *names: str) -> None:
        if holds_identity_code(text, kind) and not (kind is TextKind.PHONE and cleaning.is_phone(text)):
            raise HoldsIdentityCode(self._shown((*place, *names)))
        if "\0" in text:
            # As the fields of texts refuse it, whatever else this one takes: PostgreSQL has no such character.
            raise RequestValidationError([{"type": "TEXT_CONTROL_CHARACTER", "loc": (*place, *names)}])

    def _shown(self, place: Place) -> str:
        """The place in declared names: others are input, and not repeated."""
        known = self.names | HEADERS.keys() | {place[0]}
        return ".".join(str(each) if isinstance(each, int) or each in known else "?" for each in place)


def _require_known_once(sent: QueryParams, known: frozenset[str]) -> None:
    for name in sent:
        if name not in known:
            raise Invalid("UNKNOWN_PARAMETER", **_meant(name, known))
        if len(sent.getlist(name)) > 1:
            raise Invalid("REPEATED_PARAMETER", name=name)


_known: dict[tuple[int, str, str], tuple[APIRoute, Taken, _Examination]] = {}


def _meant(name: str, known: frozenset[str]) -> dict[str, Any]:
    """The `nearest` known name: `none` where none is known, `unlike` with all `known` where none is like this one."""
    if not known:
        return {"nearest": "none"}
    folded = {each.casefold(): each for each in sorted(known)}
    near = get_close_matches(name[:100].casefold(), folded, n=1)
    return {"nearest": folded[near[0]]} if near else {"nearest": "unlike", "known": sorted(known)}
