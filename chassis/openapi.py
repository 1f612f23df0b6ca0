"""What FastAPI cannot see of a service's HTTP: headers, refusals of any request, the media type of problems."""

from collections.abc import Iterator, Mapping
from typing import Any

from chassis.fields import KINDS
from chassis.problems import MEDIA_TYPE
from chassis.texts import LANGUAGES

_JSON = "application/json"
_METHODS = frozenset({"get", "put", "post", "delete", "patch"})

ANY_REQUEST = (
    "BODY_TOO_LARGE",
    "MALFORMED_BODY",
    "MALFORMED_HEADER",
    "METHOD_NOT_ALLOWED",
    "NOT_FOUND",
    "PERSONAL_IDENTITY_CODE",
    "REKKU_KNOWN_INVALID",
    "REPEATED_PARAMETER",
    "TEXT_CONTROL_CHARACTER",
    "UNKNOWN_PARAMETER",
    "UNSUPPORTED_MEDIA_TYPE",
    "VALIDATION",
)
"""What a request may be refused for before anything knows what it is about."""
WITH_TOKEN = ("NOT_ALLOWED", "UNAUTHENTICATED")
"""And one that needs a token."""
COMMANDS = ("IDEMPOTENCY_KEY_INVALID", "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_SPENT")
"""And one that changes something."""
VERSIONED = ("IF_MATCH_INVALID",)
"""And one that takes If-Match."""

_TAG = r'(W/)?"[!#-~]*"'
_IF_MATCH = rf"^(\*|{_TAG}( *, *{_TAG})*)$"
_ITEM = r"[a-z-]{1,40}:[!-+\--~]{1,100}@[0-9]{1,18}"
_SENT_KNOWN = rf"^\s*({_ITEM})?\s*(,\s*({_ITEM})?\s*)*$"
_KNOWN = f"^{_ITEM}(, {_ITEM})*$"


_BY_FORMAT = {"date": "2025-03-03", "date-time": "2025-03-03T08:00:00Z"}
_IDENTIFIER = "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77"
_BY_NAME = {
    "action": "confirm_course",
    "actor": "officer-7",
    "detail": {"pinned": 6},
    "name": "Course confirmed",
    "email": "kurssit@sydankunto.example",
    "en": "Independence Day",
    "entry_id": 1204,
    "fi": "Itsenäisyyspäivä",
    "phone": "+358 20 123 4567",
    "reason": "Kouluttaja sairastui.",
    "role": "officer",
    "service": "CARDIAC_ADULT",
    "sv": "Självständighetsdagen",
    "version": 3,
    "web": "https://sydankunto.example/kurssit",
    "year": 2025,
}


_FOLLOWED = (
    "Where to go on: `next` of the page before, or `resume` of an earlier page. Behind `resume` stands everything"
    " added since, in whatever order it was stored; some of it may be shown again."
)
_NOT_FOLLOWED = (
    "Where to go on: `next` of the page before. The list is as it stands now: what is added later may stand before"
    " this place, so a place that is kept does not lead to what is new."
)


def complete(document: dict[str, Any], examples: Mapping[str, Any]) -> None:
    """Add to the document of a service what every request takes and every answer has, in place.

    Args:
        document: as FastAPI makes it.
        examples: field name to example, for fields whose type has none.
    """
    named = {**_BY_NAME, **examples}
    for schema in document["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            _exemplify(name, field, named)
    for method, operation in _operations(document):
        secured = bool(operation.get("security"))
        answers: dict[str, Any] = operation["responses"]
        command = secured and method != "get"
        versioned = command and "STALE_VERSION" in answers.get("4XX", {}).get("x-refusals", ())
        parameters = list(_request_headers(secured=secured, command=command, versioned=versioned))
        if "304" in answers:
            parameters.append(_parameter("If-None-Match", "ETag of an earlier answer", {"type": "string"}))
            answers["304"]["headers"] = _headers(ETag=_etag())
        _describe_place(operation, document)
        if parameters:
            operation["parameters"] = [*operation.get("parameters", ()), *parameters]
        for status, answer in answers.items():
            if MEDIA_TYPE in answer.get("content", {}):
                _complete_problem(status, answer)
            elif status.startswith("2") and secured:
                answer["headers"] = _headers(**{"ETag": _etag(), "Rekku-Known": _known()})
        if "4XX" in answers:
            general = sorted(
                {
                    *ANY_REQUEST,
                    *(WITH_TOKEN if secured else ()),
                    *(COMMANDS if command else ()),
                    *(VERSIONED if versioned else ()),
                    *_codes_of_kinds(operation, document),
                }
            )
            answers["4XX"]["x-general-refusals"] = general
            answers["4XX"]["description"] += "; as any such request, " + ", ".join(f"`{code}`" for code in general)


def kinds_in(schema: Any, document: Mapping[str, Any], seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """The kinds of value (`x-kind`) in a part of the document, and in the schemas it refers to."""
    if isinstance(schema, list):
        return frozenset[str]().union(*(kinds_in(inner, document, seen) for inner in schema))
    if not isinstance(schema, Mapping):
        return frozenset()
    found = frozenset({schema["x-kind"]} if isinstance(schema.get("x-kind"), str) else ())
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref not in seen:
        target = document["components"]["schemas"][ref.rpartition("/")[2]]
        found |= kinds_in(target, document, seen | {ref})
    return found.union(*(kinds_in(inner, document, seen) for inner in schema.values()))


def _describe_place(operation: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Say of a list's `after` whether it leads to what is new: where the answer says where to `resume`."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query" and parameter["name"] == "after":
            answered = operation["responses"]["200"]["content"][_JSON]["schema"].get("$ref", "").rpartition("/")[2]
            followed = "resume" in document["components"]["schemas"].get(answered, {}).get("properties", ())
            parameter["description"] = _FOLLOWED if followed else _NOT_FOLLOWED


def _codes_of_kinds(operation: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    sent = [operation.get("parameters", []), operation.get("requestBody", {})]
    return sorted({code for kind in kinds_in(sent, document) for code in KINDS[kind]})


def _exemplify(name: str, field: dict[str, Any], named: Mapping[str, Any]) -> None:
    """Give a plain field its example; one that refers to another schema, or lists such, has theirs."""
    kind = next(iter(field.get("anyOf", ())), field)
    if "$ref" in str(kind) or {"const", "enum", "examples"} & {*kind, *field}:
        return
    if name in named and isinstance(named[name], bool) == (kind.get("type") == "boolean"):
        field["examples"] = [named[name]]
    elif kind.get("format") in _BY_FORMAT:
        field["examples"] = [_BY_FORMAT[kind["format"]]]
    elif name.endswith(("_id", "_ref")):
        field["examples"] = [_IDENTIFIER]
    elif name.endswith("_by"):
        field["examples"] = ["officer-7"]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                yield method, operation


def _request_headers(*, secured: bool, command: bool, versioned: bool) -> Iterator[dict[str, Any]]:
    if command:
        key = {"type": "string", "pattern": "^[!-~]{1,128}$"}
        yield _parameter("Idempotency-Key", "The same key and request again gets the first answer again", key)
    if versioned:
        versions = {"type": "string", "pattern": _IF_MATCH, "examples": ['"3"']}
        yield _parameter("If-Match", "The versions the caller will have changed, as ETags said; or `*`", versions)
    if secured:
        known = {"type": "string", "pattern": _SENT_KNOWN, "examples": ["course:0197a3@2"]}
        seen = "What the caller has seen, at most 20 subjects; the answer is not older than that"
        yield _parameter("Rekku-Known", seen, known)


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _complete_problem(status: str, answer: dict[str, Any]) -> None:
    """A problem answer has one media type and says in which language it speaks."""
    answer["content"] = {MEDIA_TYPE: answer["content"].pop(_JSON)}
    language = {"required": True, "schema": {"type": "string", "enum": list(LANGUAGES)}}
    answer["headers"] = _headers(**{"Content-Language": language})
    if status == "503":
        answer["headers"]["Retry-After"] = {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}
    else:
        answer["headers"]["WWW-Authenticate"] = {"description": "With 401", "schema": {"type": "string"}}


def _headers(**headers: dict[str, Any]) -> dict[str, Any]:
    return dict(headers)


def _etag() -> dict[str, Any]:
    return {
        "description": "The version of what is answered, where it has one",
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{1,32}"$'},
    }


def _known() -> dict[str, Any]:
    return {
        "description": "What the caller knows now, to be sent along to services that copy it",
        "schema": {"type": "string", "pattern": _KNOWN},
    }
