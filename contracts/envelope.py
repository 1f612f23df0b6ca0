"""CloudEvents 1.0 in Kafka binary mode: the envelope every event travels in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import uuid_utils.compat as uuid_utils
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.identity_codes import TextKind, holds_identity_code
from contracts.texts import texts_in

CONTENT_TYPE = "application/json"
TYPE_PREFIX = "fi.kela.rekku."
SPEC_VERSION = "1.0"
MOST_BYTES = 262_144
"""The longest body of an event; the outbox takes no longer one, so a longer record is a stranger's."""

LONGEST_TEXT = 128
"""The longest text of an event from outside. It stands in no schema: there it would refuse what was sent before."""

_TEXT_ATTRIBUTES = ("ce_subject", "ce_source")
"""Those that are any text; ce_id and ce_time are kept as a UUID and an instant, and another ce_type is passed over."""

Header = tuple[str, bytes]

IdOf = Callable[[str, str], UUID]
"""Makes an event's id of its `ce_source` and its `ce_id`; a ValueError says that it cannot be one."""


class EventKind(StrEnum):
    """How consumers treat a type: merged by version, or counted once by id."""

    STATE = "state"
    FACT = "fact"


class Value(BaseModel):
    """A frozen part of an event; unknown fields are ignored on reading (additions only)."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Value):
    """A fact about one aggregate with the aggregate's version and public snapshot.

    A subclass names its wire type, topic and kind as class arguments:
    `class ClientPinned(Event, wire="courses.client-pinned.v1", topic="rekku.pins", kind=EventKind.STATE)`.
    """

    wire_type: ClassVar[str]
    topic: ClassVar[str]
    kind: ClassVar[EventKind]

    version: int

    @property
    def key(self) -> str:
        """The aggregate id: partition key and `ce_subject`."""
        raise TypeError(f"{type(self).__name__} does not say what its key is")

    def __init_subclass__(
        cls, *, wire: str | None = None, topic: str = "", kind: EventKind = EventKind.STATE, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if wire is None:
            return
        cls.wire_type, cls.topic, cls.kind = TYPE_PREFIX + wire, topic, kind
        if cls.wire_type in EVENTS:
            raise TypeError(f"two events call themselves {cls.wire_type}")
        EVENTS[cls.wire_type] = cls


EVENTS: dict[str, type[Event]] = {}
"""Every known event by its wire type."""


class UndecodableRecord(Exception):
    """The record is not a CloudEvent of ours that can be read; it never will be (permanent)."""


EventT = TypeVar("EventT", bound=Event, covariant=True)


@dataclass(frozen=True)
class Envelope(Generic[EventT]):
    """One delivered event with its CloudEvents attributes."""

    event: EventT
    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    traceparent: str | None


def new_event_id() -> UUID:
    """A UUIDv7: unique, and roughly ordered by time, which keeps indexes compact."""
    return uuid_utils.uuid7()


def _own_id(_source: str, given: str) -> UUID:
    return UUID(given)


def id_from_outside(source: str, given: str) -> UUID:
    """The id of an event of another system: a UUIDv5 of its `ce_source` and of its `ce_id`, whatever form that has.

    Raises:
        ValueError: there is no `ce_id`.
    """
    if not given:
        raise ValueError("an event has an id")
    return uuid5(uuid5(NAMESPACE_URL, source), given)


def encode(
    event: Event, *, event_id: UUID, source: str, time: datetime, traceparent: str | None
) -> tuple[list[Header], bytes]:
    """Headers and body of `event` in CloudEvents binary mode (Kafka protocol binding 1.0)."""
    headers: list[Header] = [
        ("ce_specversion", SPEC_VERSION.encode()),
        ("ce_id", str(event_id).encode()),
        ("ce_source", source.encode()),
        ("ce_type", event.wire_type.encode()),
        ("ce_subject", event.key.encode()),
        ("ce_time", time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("content-type", CONTENT_TYPE.encode()),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return headers, event.model_dump_json().encode()


def attributes_of(headers: Iterable[Header]) -> dict[str, str]:
    """The text headers of a record.

    Raises:
        UndecodableRecord: a header is not UTF-8.
    """
    try:
        return {name.lower(): value.decode() for name, value in headers}
    except UnicodeDecodeError as error:
        raise UndecodableRecord("a header is not UTF-8") from error


def decode(headers: Iterable[Header], body: bytes) -> "Envelope[Event] | None":
    """The event of a record, or None where its type is not known here (a newer producer's).

    Raises:
        UndecodableRecord: not a CloudEvent, not JSON, or not the shape its type declares; a text whose kind is
            declared, as those of events from outside are, has 1 to LONGEST_TEXT printable characters, and no
            personal identity code (E-59), and so have the ce_subject and ce_source of such an event.
    """
    return decode_body(attributes_of(headers), body)


def decode_body(attributes: Mapping[str, str], body: bytes, *, id_of: IdOf = _own_id) -> "Envelope[Event] | None":
    """As `decode`, where a record's attributes have been read already; `id_of` makes the event's id of `ce_id`."""
    try:
        wire_type, source, subject = attributes["ce_type"], attributes["ce_source"], attributes["ce_subject"]
        event_id = id_of(source, attributes["ce_id"])
        time = datetime.fromisoformat(attributes["ce_time"])
    except KeyError as error:
        raise UndecodableRecord(f"the header {error.args[0]} is missing") from error
    except ValueError as error:
        raise UndecodableRecord("ce_id or ce_time cannot be read") from error
    model = EVENTS.get(wire_type)
    if model is None:
        return None
    if attributes.get("content-type", CONTENT_TYPE).split(";")[0].strip() != CONTENT_TYPE:
        raise UndecodableRecord("the content type is not application/json")
    if attributes.get("ce_specversion") != SPEC_VERSION:
        raise UndecodableRecord(f"the header ce_specversion is not {SPEC_VERSION}")
    if len(body) > MOST_BYTES:
        raise UndecodableRecord(f"the body is longer than {MOST_BYTES} bytes")
    try:
        event = model.model_validate_json(body)
    except ValidationError as error:
        where = sorted({".".join(map(str, e["loc"])) or "body" for e in error.errors(include_input=False)})
        raise UndecodableRecord(f"{wire_type} does not fit its model at: {', '.join(where)}") from error
    _examine(event, attributes)
    return Envelope(
        event=event,
        id=event_id,
        source=source,
        type=wire_type,
        subject=subject,
        time=time,
        traceparent=attributes.get("traceparent"),
    )


def _examine(event: Event, attributes: Mapping[str, str]) -> None:
    """Examine what comes from outside: the texts that its type declares, and the attributes beside them."""
    declared = _declared_texts(type(event))
    texts = [(name, kind, getattr(event, name)) for name, kind in declared]
    if declared:
        texts += [(name, TextKind.MACHINE, attributes[name]) for name in _TEXT_ATTRIBUTES]
    for name, kind, text in texts:
        if text is None:
            continue
        if holds_identity_code(text, kind):
            raise UndecodableRecord(f"{event.wire_type} holds a personal identity code at: {name}")
        if not 0 < len(text) <= LONGEST_TEXT or not text.isprintable():
            raise UndecodableRecord(f"{event.wire_type} does not fit its model at: {name}")


@cache
def _declared_texts(model: type[Event]) -> tuple[tuple[str, TextKind], ...]:
    return tuple((".".join(names), kind) for names, kind in texts_in(model) if kind is not None)
