"""Reading records: which event a record is, and whether whoever sent it is believed (decision record 0026)."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from chassis.bus import Record
from contracts.envelope import Envelope, Event, UndecodableRecord, attributes_of, decode_body, id_from_outside
from contracts.topics import TOPICS

OUTSIDE = frozenset(topic.name for topic in TOPICS.values() if topic.from_outside)
"""What other systems write: nothing waits behind a record of theirs, and no number of them stops the consumer."""

Sources = Mapping[str, Collection[str]]
"""The values of `ce_source` that are believed, by topic that other systems write."""

NOBODY: Sources = MappingProxyType({})
"""No other system is believed."""


class Stranger(UndecodableRecord):
    """The record was not sent by a source that is believed on its topic."""


def envelope_of(record: Record, sources: Sources) -> Envelope[Event] | None:
    """The event of a record, None where its type is not known here (a newer producer's).

    On a topic that other systems write, who has sent it is asked first, and its id counts per source.

    Raises:
        Stranger: it was not sent by one of `sources`.
        UndecodableRecord: it is not a CloudEvent of its topic that can be read; it never will be.
    """
    attributes = attributes_of(record.headers)
    body = record.value or b""
    if record.topic not in OUTSIDE:
        envelope = decode_body(attributes, body)
    elif attributes.get("ce_source") not in sources.get(record.topic, ()):
        raise Stranger(f"{record.topic} is not taken from this source")
    else:
        envelope = decode_body(attributes, body, id_of=id_from_outside)
    if envelope is not None and envelope.event.topic != record.topic:
        raise UndecodableRecord(f"{envelope.type} does not belong on {record.topic}")
    return envelope


def wire_type_of(record: Record) -> str | None:
    """What a record says that it is, None where it does not say so in a way that can be read."""
    try:
        return attributes_of(record.headers).get("ce_type")
    except UndecodableRecord:
        return None
