"""The one AsyncAPI 3 document of the whole system, made from `topics.py`, the events and their examples.

It says what travels and what is promised about it: keys, order, retention, CloudEvents headers,
personal data and its legal basis. Made from the contracts and not from subscribers' code
(docs/decisions/0012).
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from contracts import topics
from contracts.compatibility import HISTORY, kept_revisions
from contracts.documents import ASYNCAPI, Schema, model_schema, rendered, short_name
from contracts.envelope import CONTENT_TYPE, SPEC_VERSION, Event
from contracts.kept import kept_files
from contracts.topics import TOPICS, Topic

_EXAMPLES = Path(__file__).parent / "examples"
_BINDING = "0.5.0"
_SCHEMAS = "#/components/schemas/"
_DEAD_LETTER = "dead-letter"
_FOR_EVER = -1

_ABOUT = """\
What Kela's registration procedure for rehabilitation courses tells other systems, over Apache Kafka.

Every record is a CloudEvent 1.0 in Kafka binary mode: the attributes are headers, the value is JSON. It is \
delivered at least once: keep the `ce_id` of what you have applied. Order is kept within one key. Ignore fields \
and types you do not know; additions are always optional, and anything else is a new type (`.v2`) beside the old \
one.

A *state* carries its aggregate's `version` and whole public snapshot: the newest version wins. A *fact* counts \
once, by its `ce_id` and its natural key."""

_HEADERS: dict[str, tuple[str, Schema]] = {
    "ce_specversion": ("Version of CloudEvents.", {"const": SPEC_VERSION}),
    "ce_id": ("UUIDv7, unique to the event: a record with a known id is a repetition.", {"format": "uuid"}),
    "ce_source": ("Who says so, `/rekku/<service>`.", {"format": "uri-reference"}),
    "ce_type": ("The type with its version.", {}),
    "ce_subject": ("The aggregate's id, the same as the record's key.", {}),
    "ce_time": ("When it was recorded, in UTC.", {"format": "date-time"}),
    "content-type": ("What the value is.", {"const": CONTENT_TYPE}),
    "traceparent": ("W3C trace context of the command that caused the event.", {}),
}
_OPTIONAL_HEADERS = {"traceparent"}
_HEADERS_FROM_OUTSIDE: dict[str, tuple[str, Schema]] = _HEADERS | {
    "ce_id": ("Any text, unique within its source: a record with a known pair is a repetition.", {"minLength": 1}),
    "ce_source": ("Who says so: a source that has been agreed.", {"format": "uri-reference"}),
}
"""Of what other systems write."""


def asyncapi_document() -> Schema:
    """The document as it has to be."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:fi:kela:rekku",
        "info": {
            "title": "Rekku",
            "version": version("rekku"),
            "description": _ABOUT,
            "license": {"name": "MIT"},
            "tags": [{"name": service} for service in topics.SERVICES],
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": dict(_operations()),
        "components": {
            "securitySchemes": {"user": {"type": "scramSha512", "description": "One user for each system."}},
            "messages": dict(_messages()),
            "schemas": _schemas(),
        },
    }


def document_problems(path: Path = ASYNCAPI) -> Iterator[str]:
    """The document is missing, or is not what the contracts say, or cannot be made from them."""
    try:
        expected = rendered(asyncapi_document())
    except ValueError as error:
        yield f"{path.name} cannot be made: {error}"
        return
    if not path.exists() or path.read_text() != expected:
        yield f"{path.name} is stale (make schemas)"


def write_document(path: Path = ASYNCAPI) -> None:
    """Write the document."""
    path.write_text(rendered(asyncapi_document()))


def _server() -> Schema:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "protocolVersion": "4",
        "description": "The Kafka cluster; topics are never created by asking for them.",
        "variables": {"bootstrap": {"description": "host:port of the brokers, as the operator gives them."}},
        "security": [{"$ref": "#/components/securitySchemes/user"}],
    }


def _channel(topic: Topic) -> Schema:
    retention = _FOR_EVER if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    return {
        "address": topic.name,
        "title": topic.name,
        "description": topic.meaning,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _message_names(topic)},
        "tags": [{"name": topic.owner}],
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compacted else "delete"],
                    "retention.ms": retention,
                },
                "bindingVersion": _BINDING,
            }
        },
        "x-owner": topic.owner,
        "x-consumers": sorted(topic.consumers),
        "x-for-subscribers": topic.for_subscribers,
        "x-key": topic.key,
        "x-personal-data": topic.personal_data.value,
        "x-legal-basis": topic.legal_basis,
    }


def _message_names(topic: Topic) -> list[str]:
    return sorted(map(short_name, _events_of(topic))) or [_DEAD_LETTER]


def _events_of(topic: Topic) -> list[type[Event]]:
    return [event for event in topic.events if event.__module__.startswith("contracts.")]


def _operations() -> Iterator[tuple[str, Schema]]:
    """What each service sends and receives; what an external system sends is ours to receive only."""
    for service in topics.SERVICES:
        for topic in topics.written_by(service):
            yield f"{service}.sends.{topic.name}", _operation(service, topic, "send")
        for topic in topics.read_by(service):
            yield f"{service}.receives.{topic.name}", _operation(service, topic, "receive")


def _operation(service: str, topic: Topic, action: str) -> Schema:
    sends = action == "send"
    operation: Schema = {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "title": f"{service} {action}s {topic.name}",
        "description": f"The {service} service {'alone writes' if sends else 'reads'} {topic.name}.",
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _message_names(topic)],
        "tags": [{"name": service}],
    }
    if not sends:
        group = {"type": "string", "const": f"rekku.{service}"}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": _BINDING}}
    return operation


def _messages() -> Iterator[tuple[str, Schema]]:
    for topic in TOPICS.values():
        for event in _events_of(topic):
            yield short_name(event), _message(event, topic)
    yield _DEAD_LETTER, _dead_letter()


def _message(event: type[Event], topic: Topic) -> Schema:
    summary, description = prose_of(event)
    return {
        "name": event.wire_type,
        "title": event.__name__,
        "summary": summary,
        **({"description": description} if description else {}),
        "contentType": CONTENT_TYPE,
        "headers": _headers_of(event),
        "payload": {"$ref": _SCHEMAS + event.__name__},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": _BINDING}},
        "examples": [_example(path) for path in kept_files(_EXAMPLES) if path.parent.name == short_name(event)],
        "x-event-kind": event.kind.value,
        "x-revision": len(kept_revisions(short_name(event), HISTORY)),
    }


def _dead_letter() -> Schema:
    told = {
        "rekku_letter_id": "The letter's id, for `rekku dead-letters`.",
        "rekku_origin": "Topic, partition and position it came from.",
        "rekku_error": "Why it could not be applied.",
    }
    return {
        "name": _DEAD_LETTER,
        "title": "Dead letter",
        "summary": "A record that the service could not apply, as it came.",
        "description": "For the service's own operators: not for subscribers, and without a promised shape.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "properties": {name: {"type": "string", "description": text} for name, text in told.items()},
        },
        "payload": {"description": "The bytes of the record, cut where they are long."},
    }


def prose_of(event: type[Event]) -> tuple[str, str]:
    """The first paragraph of an event's docstring, and everything else that is said of it.

    Raises:
        ValueError: nothing is said of it.
    """
    ours = [kind for kind in event.__mro__ if issubclass(kind, Event) and kind is not Event]
    paragraphs = [
        " ".join(paragraph.split())
        for kind in ours
        for paragraph in inspect.cleandoc(kind.__doc__ or "").split("\n\n")
        if paragraph
    ]
    if not paragraphs:
        raise ValueError(f"{event.__name__} has no docstring")
    return paragraphs[0], "\n\n".join(paragraphs[1:])


def _headers_of(event: type[Event]) -> Schema:
    its_own = {"type": "object", "properties": {"ce_type": {"type": "string", "const": event.wire_type}}}
    name = "CloudEventHeadersFromOutside" if TOPICS[event.topic].from_outside else "CloudEventHeaders"
    return {"allOf": [{"$ref": f"{_SCHEMAS}{name}"}, its_own]}


def _example(path: Path) -> Schema:
    record = json.loads(path.read_text())
    number, _, what = path.stem.partition("-")
    return {
        "name": path.stem,
        "summary": what.replace("-", " ").capitalize() or number,
        "headers": record["headers"],
        "payload": record["data"],
    }


def _schemas() -> Schema:
    """Every data structure once, by the name of its class.

    Raises:
        ValueError: two different structures have one name.
    """
    found: Schema = {
        "CloudEventHeaders": _cloud_event_headers(_HEADERS),
        "CloudEventHeadersFromOutside": _cloud_event_headers(_HEADERS_FROM_OUTSIDE),
    }
    for event in (event for topic in TOPICS.values() for event in _events_of(topic)):
        schema = model_schema(event, mode="serialization", ref_template=f"{_SCHEMAS}{{model}}")
        parts = schema.pop("$defs", {})
        for name, part in {**parts, event.__name__: schema}.items():
            if found.setdefault(name, part) != part:
                raise ValueError(f"two data structures are called {name}")
    return dict(sorted(found.items()))


def _cloud_event_headers(headers: Mapping[str, tuple[str, Schema]]) -> Schema:
    return {
        "type": "object",
        "description": "CloudEvents 1.0 in Kafka binary mode; every value is UTF-8 text.",
        "properties": {
            name: {"type": "string", **schema, "description": text} for name, (text, schema) in headers.items()
        },
        "required": sorted(headers.keys() - _OPTIONAL_HEADERS),
    }
