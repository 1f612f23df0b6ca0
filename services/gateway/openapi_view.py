"""An OpenAPI document turned into what a reader wants to see. Pure: a document in, a view out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_OPERATORS_TAG = "operations"
_BOUNDS = (
    ("minimum", "≥ {}"),
    ("maximum", "≤ {}"),
    ("minLength", "≥ {} chars"),
    ("maxLength", "≤ {} chars"),
    ("minItems", "≥ {} items"),
    ("maxItems", "≤ {} items"),
    ("pattern", "{}"),
    ("default", "= {}"),
)


@dataclass(frozen=True)
class TypeText:
    """A type in words; `schema` names the data structure it leads to."""

    text: str
    schema: str | None = None
    bounds: str = ""


@dataclass(frozen=True)
class Field:
    """A parameter of an operation, or a field of a data structure."""

    name: str
    type: TypeText
    required: bool
    description: str = ""
    place: str = ""


@dataclass(frozen=True)
class Answer:
    """One answer of an operation."""

    status: str
    description: str
    type: TypeText | None


@dataclass(frozen=True)
class Operation:
    """One method on one path."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: TypeText | None
    answers: tuple[Answer, ...]
    refusals: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """One data structure: fields, or the values of an enumeration."""

    name: str
    description: str
    fields: tuple[Field, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Api:
    """A whole document."""

    title: str
    version: str
    operations: tuple[Operation, ...]
    schemas: tuple[Schema, ...]


def read_api(document: Document) -> Api:
    """The view of an OpenAPI 3 document; what it leaves out is left out, never invented.

    What operators ask of every service comes last.
    """
    schemas: Mapping[str, Document] = document.get("components", {}).get("schemas", {})
    return Api(
        title=str(document["info"]["title"]),
        version=str(document["info"]["version"]),
        operations=tuple(_operations(document.get("paths", {}))),
        schemas=tuple(read_schema(name, schema) for name, schema in sorted(schemas.items())),
    )


def _operations(paths: Mapping[str, Document]) -> Iterator[Operation]:
    found = [(method, path, item) for path, item in paths.items() for method in _METHODS if method in item]
    for method, path, item in sorted(found, key=lambda entry: _OPERATORS_TAG in entry[2][entry[0]].get("tags", ())):
        yield _operation(method, path, item[method], item.get("parameters", ()))


def _operation(method: str, path: str, operation: Document, shared: Iterable[Document]) -> Operation:
    responses: Mapping[str, Document] = operation.get("responses", {})
    return Operation(
        anchor="-".join(filter(None, [method, *path.replace("{", "").replace("}", "").split("/")])),
        method=method.upper(),
        path=path,
        summary=str(operation.get("summary", "")),
        description=str(operation.get("description", "")),
        parameters=tuple(_parameter(parameter) for parameter in [*shared, *operation.get("parameters", ())]),
        body=_content_type(operation.get("requestBody", {})),
        answers=tuple(
            Answer(status, str(response.get("description", "")), _content_type(response))
            for status, response in responses.items()
        ),
        refusals=tuple(sorted({code for response in responses.values() for code in response.get("x-refusals", ())})),
    )


def _parameter(parameter: Document) -> Field:
    schema = parameter.get("schema", {})
    description = str(parameter.get("description") or schema.get("description", ""))
    return Field(parameter["name"], _type(schema), bool(parameter.get("required")), description, str(parameter["in"]))


def _content_type(holder: Document) -> TypeText | None:
    """The type of a body; of several media types the one that says most."""
    types = [_type(content["schema"]) for content in holder.get("content", {}).values() if content.get("schema")]
    return max(types, key=lambda found: found.schema is not None, default=None)


def read_schema(name: str, schema: Document) -> Schema:
    """One data structure with its fields, or its values."""
    required = frozenset(schema.get("required", ()))
    return Schema(
        name=name,
        description=str(schema.get("description", "")),
        fields=tuple(
            Field(field, _type(inner), field in required, str(inner.get("description", "")))
            for field, inner in schema.get("properties", {}).items()
        ),
        values=tuple(map(str, schema.get("enum", ()))),
    )


def _type(schema: Document) -> TypeText:
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return TypeText(name, name)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _either([_type(inner) for inner in schema[several]], schema)
    if schema.get("type") == "array":
        inner = _type(schema.get("items", {}))
        return TypeText(f"[{inner.text}]", inner.schema, _bounds(schema) or inner.bounds)
    if "enum" in schema:
        return TypeText(" | ".join(map(str, schema["enum"])))
    if "const" in schema:
        return TypeText(str(schema["const"]))
    kind, form = str(schema.get("type", "any")), schema.get("format")
    return TypeText(f"{kind} ({form})" if form else kind, None, _bounds(schema))


def _either(types: list[TypeText], schema: Document) -> TypeText:
    linked = next((found.schema for found in types if found.schema), None)
    bounds = [found.bounds for found in types if found.bounds]
    return TypeText(
        " | ".join(found.text for found in types), linked, ", ".join([*bounds, _bounds(schema)]).strip(", ")
    )


def _bounds(schema: Document) -> str:
    return ", ".join(text.format(schema[name]) for name, text in _BOUNDS if schema.get(name) not in (None, ""))
