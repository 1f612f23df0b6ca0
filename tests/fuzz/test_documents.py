"""The documents of registration and courses are complete: examples, refusal codes, headers."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chassis.service import Service
from services.courses.app import SERVICE as COURSES
from services.registration.app import SERVICE as REGISTRATION
from tests.openapi import document_of, example_of

_RAISED = re.compile(r'(?:Refusal|NotFound|Invalid|Forbidden)\(\s*"([A-Z_]+)"')

both = pytest.mark.parametrize("service", [COURSES, REGISTRATION], ids=lambda service: service.name)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def refusals(operation: dict[str, Any]) -> list[str]:
    return operation["responses"]["4XX"]["x-refusals"]


@both
def test_every_body_can_be_shown_as_an_example_that_fits(service: Service):
    document = document_of(service)
    for name, operation in operations(document):
        if "requestBody" not in operation:
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        example = example_of(schema, document)
        validator = Draft202012Validator({**schema, "components": document["components"]})
        assert list(validator.iter_errors(example)) == [], name


@both
def test_every_answer_can_be_shown_as_an_example_that_fits(service: Service):
    document = document_of(service)
    shown = 0
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            schema = answer.get("content", {}).get("application/json", {}).get("schema")
            if not schema or not status.startswith("2"):
                continue
            validator = Draft202012Validator({**schema, "components": document["components"]})
            assert list(validator.iter_errors(example_of(schema, document))) == [], name
            shown += 1
    assert shown > 30


@both
def test_every_refusal_that_the_service_raises_is_documented_on_some_route(service: Service):
    """Which route answers it is compared in every test of the service, by `tests/openapi.py`."""
    sources = "\n".join(path.read_text() for path in service.root.rglob("*.py"))
    documented = {code for _, operation in operations(document_of(service)) for code in refusals(operation)}
    assert set(_RAISED.findall(sources)) - documented == set()


@both
def test_every_refusal_on_a_route_is_one_that_the_service_can_raise(service: Service):
    sources = "\n".join(path.read_text() for path in service.root.rglob("*.py"))
    words = {node.value for node in ast.walk(ast.parse(sources)) if isinstance(node, ast.Constant)}
    documented = {code for _, operation in operations(document_of(service)) for code in refusals(operation)}
    assert documented <= words


@both
def test_a_route_documents_stale_version_exactly_where_it_looks_at_if_match(service: Service):
    """A command on a stale version is answered 412 with the current one; the document says so, and names the header."""
    looks = {}
    for path in service.root.rglob("*api.py"):
        source = path.read_text()
        for node in ast.parse(source).body:
            if isinstance(node, ast.AsyncFunctionDef) and node.decorator_list:
                looks[node.name] = "caller.if_match" in (ast.get_source_segment(source, node) or "")
    for name, operation in operations(document_of(service)):
        handler = next(each for each in looks if operation["operationId"].startswith(f"{each}_"))
        headers = [parameter["name"] for parameter in operation.get("parameters", ())]
        assert looks[handler] == ("STALE_VERSION" in refusals(operation)) == ("If-Match" in headers), name


@both
def test_a_problem_has_one_media_type_and_names_its_language(service: Service):
    for name, operation in operations(document_of(service)):
        for status in ("4XX", "503"):
            answer = operation["responses"][status]
            assert list(answer["content"]) == ["application/problem+json"], name
            assert answer["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert answer["headers"]["Content-Language"]["required"], name
