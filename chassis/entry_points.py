"""Where text comes in over HTTP: every field, parameter and header, with the declared kind of its text (E-59).

What a route takes is read from its signature, once; requests are examined by it, and a test holds that
nothing is left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from contracts.identity_codes import TextKind
from contracts.texts import names_in, texts_in

HEADERS: Mapping[str, TextKind | None] = {
    "accept": None,
    "accept-language": None,
    "authorization": None,
    "content-encoding": None,
    "content-type": None,
    "host": None,
    "idempotency-key": TextKind.MACHINE,
    "if-match": None,
    "if-none-match": None,
    "rekku-known": TextKind.IDENTIFIER,
    "sec-fetch-site": None,
    "traceparent": None,
    "tracestate": TextKind.MACHINE,
    "x-csrf-token": None,
    "x-forwarded-for": None,
    "x-forwarded-proto": None,
}
"""The headers that are read, all of them printable ASCII; None is parsed or compared, and never kept as text.

A cookie is read as well: by its name alone, and never kept; and in User-Agent known names of browsers are looked for.
"""


PASSED_ON: Mapping[str, Any] = {"x-passed-on": True}
"""The `openapi_extra` of a route that hands its address and body, as they came, to a service that examines them."""


@dataclass(frozen=True)
class IncomingText:
    """A text that comes in: in which place, reached by which names, and of which kind; None is not declared."""

    place: str
    names: tuple[str, ...]
    kind: TextKind | None

    def __str__(self) -> str:
        return f"{'.'.join((self.place, *self.names))} ({self.kind.value if self.kind else 'not declared'})"


@dataclass(frozen=True)
class Taken:
    """What a route takes: its texts, the names of its query parameters, every name it knows, whether JSON.

    `passed_on` is whether its `openapi_extra` is `PASSED_ON`.
    """

    texts: tuple[IncomingText, ...]
    parameters: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    json: bool = False
    passed_on: bool = False

    def kinds(self) -> dict[str, TextKind]:
        """The kind by the name of a field or parameter; of two, the stricter."""
        kinds: dict[str, TextKind] = {}
        for text in self.texts:
            known = kinds.get(text.names[-1], TextKind.PHONE)
            if text.kind is not None and (text.kind is TextKind.IDENTIFIER or known is TextKind.PHONE):
                kinds[text.names[-1]] = text.kind
        return kinds


def taken_by(route: APIRoute) -> Taken:
    """What a route takes, as its signature and those of its dependencies say."""
    fields = get_flat_params(route.dependant)
    texts = [
        IncomingText(_place(field.field_info), (field.alias, *names), kind)
        for field in fields
        for names, kind in texts_in(field.field_info.annotation, field.field_info.metadata)
    ]
    body = route.body_field.field_info if route.body_field else None
    in_body = taken_in(body.annotation, body.metadata) if body else Taken(())
    return Taken(
        (*texts, *in_body.texts),
        frozenset(field.alias for field in fields if _place(field.field_info) == "query"),
        in_body.names.union(field.alias for field in fields),
        json=body is not None,
        passed_on=route.openapi_extra == PASSED_ON,
    )


def taken_in(annotation: Any, metadata: Any = ()) -> Taken:
    """What a body of a type holds."""
    texts: Iterator[IncomingText] = (
        IncomingText("body", names, kind) for names, kind in texts_in(annotation, metadata)
    )
    return Taken(tuple(dict.fromkeys(texts)), names=frozenset(names_in(annotation)), json=True)


def _place(info: Any) -> str:
    return info.in_.value if isinstance(info, params.Param) else "body"
