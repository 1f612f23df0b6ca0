"""Whether what a service answers stands in its OpenAPI document: status, media type, headers, body, refusal code."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.openapi import complete
from chassis.problems import problems
from chassis.service import Service
from chassis.testing import ServiceUnderTest

Document = Mapping[str, Any]

_EXAMPLES: Mapping[str, Callable[[Any], Any]] = {
    "examples": lambda examples: examples[0],
    "const": lambda only: only,
    "default": lambda otherwise: otherwise,
    "enum": lambda values: values[0],
}


class Outside:
    """Finds what is outside a document; keeps one validator for each body that the document describes."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._validator = cache(self._new_validator)

    def find(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
        """What the document does not say of this answer to `method` on the route `path`, in words."""
        answers = self.document["paths"][path][method.lower()]["responses"]
        key = next((each for each in (str(status), f"{status // 100}XX") if each in answers), None)
        if status == 500 or key is None:
            yield f"status {status}"
            return
        answer = answers[key]
        yield from _wrong_headers(answer, headers)
        media_type = headers.get("content-type", "").split(";")[0]
        described = answer.get("content")
        if not described:
            if body:
                yield "a body"
            return
        if media_type not in {each.split(";")[0] for each in described}:
            yield f"media type {media_type}"
            return
        if not media_type.endswith("json"):
            return
        said = json.loads(body)
        for error in self._validator(method.lower(), path, key, media_type).iter_errors(said):
            yield f"body: {'.'.join(map(str, ('$', *error.instance_path)))} {error.message}"
        if status >= 400 and key.endswith("XX"):
            listed = (*answer.get("x-refusals", ()), *answer.get("x-general-refusals", ()))
            if said.get("code") not in listed:
                yield f"refusal {said.get('code')}"

    def _new_validator(self, method: str, path: str, status: str, media_type: str) -> Draft202012Validator:
        schema = self.document["paths"][path][method]["responses"][status]["content"][media_type].get("schema", {})
        return Draft202012Validator({**schema, "components": self.document["components"]})


def _wrong_headers(answer: Document, headers: Mapping[str, str]) -> Iterator[str]:
    for name, header in answer.get("headers", {}).items():
        said = headers.get(name.lower())
        if said is None:
            if header.get("required"):
                yield f"no {name}"
            continue
        pattern, allowed = header["schema"].get("pattern"), header["schema"].get("enum")
        if (pattern and not re.search(pattern, said)) or (allowed and said not in allowed):
            yield f"header {name}"


class Watch:
    """Middleware that compares every answer of an application with its document, and keeps what is outside."""

    def __init__(self, app: ASGIApp, document: Document, found: list[str]) -> None:
        self._app = app
        self._outside = _outside_of(document)
        self._found = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        messages: list[Message] = []

        async def kept(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self._app(scope, receive, kept)
        path = getattr(scope.get("route"), "path", None)
        described = self._outside.document["paths"].get(path, {})
        if scope["type"] != "http" or scope["method"].lower() not in described or len(messages) < 2:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in messages[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in messages[1:])
        status = messages[0]["status"]
        for each in self._outside.find(scope["method"], path, status, headers, body):
            self._found.append(f"{scope['method']} {path} answered {status}: {each}")


_known: dict[int, Outside] = {}


def _outside_of(document: Document) -> Outside:
    """One for all applications with this document: what was found out about it holds for every test."""
    found = _known.get(id(document))
    if found is None or found.document is not document:
        found = _known[id(document)] = Outside(document)
    return found


@contextmanager
def watched(service: ServiceUnderTest) -> Iterator[None]:
    """Compare every answer of a service that has not answered anything yet with its document.

    Raises:
        AssertionError: at the end, with everything that was outside of it.
    """
    found: list[str] = []
    app = service.runtime.app
    app.add_middleware(Watch, document=app.openapi(), found=found)
    yield
    assert not found, "outside the document: " + "; ".join(sorted(set(found)))


def document_of(service: Service) -> dict[str, Any]:
    """The document of a service, without starting it."""
    app = FastAPI(title=service.name, responses=problems())
    app.include_router(service.router)
    complete(app.openapi(), service.examples)
    return app.openapi()


def example_of(schema: Document, document: Document) -> Any:
    """What a reader would send for a schema: its example, or one put together from those of its fields.

    Raises:
        LookupError: a field has neither example nor default nor listed values.
    """
    if "$ref" in schema:
        return example_of(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    for word, take in _EXAMPLES.items():
        if word in schema:
            return take(schema[word])
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return example_of(schema[word][0], document)
    if "properties" in schema:
        return {name: example_of(inner, document) for name, inner in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], document)]
    if schema.get("type") == "boolean":
        return True
    if schema.get("type") == "object":
        return {}
    raise LookupError(f"no example: {dict(schema)}")
