"""Others can read our records: the CloudEvents SDK reads our binary mode, and we read the SDK's."""

import json
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from contracts import checks
from contracts.envelope import decode, encode, new_event_id

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("path", checks.example_files(), ids=lambda path: path.parent.name)
def test_the_sdk_reads_what_we_write(path):
    event = checks.decode_example(path).event
    event_id = new_event_id()
    at = datetime(2024, 3, 28, 9, 15, 30, tzinfo=UTC)
    headers, body = encode(event, event_id=event_id, source="/rekku/courses", time=at, traceparent=TRACEPARENT)

    read = from_binary(KafkaMessage(headers=dict(headers), key=event.key.encode(), value=body), JSONFormat())

    assert read.get_specversion() == "1.0"
    assert read.get_id() == str(event_id)
    assert read.get_source() == "/rekku/courses"
    assert read.get_type() == event.wire_type
    assert read.get_subject() == event.key
    assert read.get_time() == at
    assert read.get_datacontenttype() == "application/json"
    assert type(event).model_validate(read.get_data()) == event


@pytest.mark.parametrize("path", checks.example_files(), ids=lambda path: path.parent.name)
def test_we_read_what_the_sdk_writes(path):
    ours = checks.decode_example(path)
    written = to_binary(
        CloudEvent(
            attributes={
                "id": str(ours.id),
                "source": ours.source,
                "type": ours.type,
                "specversion": "1.0",
                "subject": ours.subject,
                "time": ours.time,
                "datacontenttype": "application/json",
            },
            data=json.loads(path.read_text())["data"],
        ),
        JSONFormat(),
    )
    read = decode(written.headers.items(), written.value)
    assert read is not None
    assert (read.event, read.id, read.time, read.subject) == (ours.event, ours.id, ours.time, ours.subject)
