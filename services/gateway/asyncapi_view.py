"""The AsyncAPI document turned into what a reader wants to see. Pure: a document in, a view out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from services.gateway.openapi_view import Document, Schema, read_schema

_DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Message:
    """One type of event on a topic; `kind` is state or fact, or empty where neither is promised."""

    anchor: str
    wire_type: str
    title: str
    summary: str
    description: str
    kind: str
    payload: str | None
    example: str


@dataclass(frozen=True)
class TopicView:
    """A topic and what is promised about it; `retention_days` None keeps everything."""

    name: str
    anchor: str
    description: str
    owner: str
    consumers: tuple[str, ...]
    for_subscribers: bool
    key: str
    partitions: int
    retention_days: int | None
    compacted: bool
    personal_data: str
    legal_basis: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class EventsView:
    """The whole document; the topics that other systems may read come first."""

    version: str
    topics: tuple[TopicView, ...]
    schemas: tuple[Schema, ...]


def read_events(document: Document) -> EventsView:
    """The view of our AsyncAPI 3 document; what it leaves out is left out, never invented."""
    found = [
        _topic(name, channel, document["components"]["messages"]) for name, channel in document["channels"].items()
    ]
    return EventsView(
        version=str(document["info"]["version"]),
        topics=tuple(sorted(found, key=lambda topic: not topic.for_subscribers)),
        schemas=tuple(read_schema(name, schema) for name, schema in document["components"]["schemas"].items()),
    )


def _topic(name: str, channel: Document, messages: Document) -> TopicView:
    kafka = channel["bindings"]["kafka"]
    configuration = kafka["topicConfiguration"]
    kept_ms = configuration["retention.ms"]
    return TopicView(
        name=name,
        anchor=name.replace(".", "-"),
        description=channel["description"],
        owner=channel["x-owner"],
        consumers=tuple(channel["x-consumers"]),
        for_subscribers=channel["x-for-subscribers"],
        key=channel["x-key"],
        partitions=kafka["partitions"],
        retention_days=None if kept_ms < 0 else kept_ms // _DAY_MS,
        compacted="compact" in configuration["cleanup.policy"],
        personal_data=channel["x-personal-data"],
        legal_basis=channel["x-legal-basis"],
        messages=tuple(_messages(name, channel, messages)),
    )


def _messages(topic: str, channel: Document, messages: Document) -> Iterator[Message]:
    for name in channel["messages"]:
        message = messages[name]
        yield Message(
            anchor=f"{topic}-{name}".replace(".", "-"),
            wire_type=message["name"],
            title=message["title"],
            summary=message["summary"],
            description=message.get("description", ""),
            kind=message.get("x-event-kind", ""),
            payload=message["payload"].get("$ref", "").rpartition("/")[2] or None,
            example=_as_record(message.get("examples", [])),
        )


def _as_record(examples: list[Document]) -> str:
    """The first example as it travels: its headers, then its value."""
    if not examples:
        return ""
    headers = "\n".join(f"{name}: {value}" for name, value in examples[0]["headers"].items())
    return f"{headers}\n\n{json.dumps(examples[0]['payload'], indent=2, ensure_ascii=False)}"
