"""The AsyncAPI document says what the contracts say; `make asyncapi-check` asks the AsyncAPI project's parser."""

import copy
import json

import pytest
from jsonschema import Draft7Validator
from pydantic import create_model

from contracts import checks, topics
from contracts.asyncapi import document_problems
from contracts.documents import ASYNCAPI
from contracts.envelope import EVENTS, Event, EventKind

DOCUMENT = json.loads(ASYNCAPI.read_text())
MESSAGES = {name: message for name, message in DOCUMENT["components"]["messages"].items() if "examples" in message}


def followed(reference):
    """What a `#/…` reference leads to."""
    found = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references_in(part):
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references_in(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references_in(inner)


def problems_of(schema, document):
    validator = Draft7Validator({**schema, "components": DOCUMENT["components"]})
    return [error.message for error in validator.iter_errors(document)]


def test_the_committed_document_is_current():
    assert list(document_problems()) == []


def test_a_stale_and_a_missing_document_are_noticed(tmp_path):
    """Negative control."""
    stale = tmp_path / "asyncapi.json"
    assert list(document_problems(stale)) == ["asyncapi.json is stale (make schemas)"]
    stale.write_text(ASYNCAPI.read_text().replace("rekku.pins", "rekku.needles"))
    assert list(document_problems(stale)) == ["asyncapi.json is stale (make schemas)"]


def test_every_reference_leads_somewhere():
    references = set(references_in(DOCUMENT))
    assert len(references) > 100
    for reference in references:
        followed(reference)


def test_there_is_a_channel_for_every_topic_with_its_promises():
    assert DOCUMENT["channels"].keys() == topics.TOPICS.keys()
    for name, topic in topics.TOPICS.items():
        channel = DOCUMENT["channels"][name]
        kafka = channel["bindings"]["kafka"]
        kept_ms = kafka["topicConfiguration"]["retention.ms"]
        assert kafka["partitions"] == topic.partitions
        assert kept_ms == (-1 if topic.retention is None else topic.retention.total_seconds() * 1000)
        assert kafka["topicConfiguration"]["cleanup.policy"] == ["compact" if topic.compacted else "delete"]
        assert channel["x-owner"] == topic.owner
        assert channel["x-key"] == topic.key
        assert channel["x-personal-data"] == topic.personal_data
        assert channel["x-legal-basis"] == topic.legal_basis


def test_there_is_a_message_for_every_event_on_its_channel():
    assert {message["name"] for message in MESSAGES.values()} == {e.wire_type for e in checks.declared_events()}
    for event in checks.declared_events():
        name = checks.short_name(event)
        assert DOCUMENT["channels"][event.topic]["messages"][name] == {"$ref": f"#/components/messages/{name}"}
        assert MESSAGES[name]["x-event-kind"] == event.kind


def test_a_service_sends_what_it_owns_and_receives_what_it_consumes():
    wanted = {(s, "send", t.name) for s in topics.SERVICES for t in topics.written_by(s)}
    wanted |= {(s, "receive", t.name) for s in topics.SERVICES for t in topics.read_by(s)}
    found = {
        (operation["tags"][0]["name"], operation["action"], operation["channel"]["$ref"].rpartition("/")[2])
        for operation in DOCUMENT["operations"].values()
    }
    assert found == wanted
    groups = {
        operation["tags"][0]["name"]: operation["bindings"]["kafka"]["groupId"]["const"]
        for operation in DOCUMENT["operations"].values()
        if operation["action"] == "receive"
    }
    assert groups == {service: f"rekku.{service}" for service in groups}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_example_fits_its_message(name):
    """The parser does not look into the examples of an AsyncAPI 3 document."""
    message = MESSAGES[name]
    assert message["examples"]
    for example in message["examples"]:
        assert problems_of(message["headers"], example["headers"]) == []
        assert problems_of(message["payload"], example["payload"]) == []


def test_an_example_that_does_not_fit_is_noticed():
    """Negative control: a header less, another type's header, a field less."""
    message = MESSAGES["courses.client-pinned.v1"]
    example = copy.deepcopy(message["examples"][0])
    del example["headers"]["ce_id"], example["payload"]["version"]
    example["headers"]["ce_type"] = "fi.kela.rekku.courses.client-unpinned.v1"
    assert problems_of(message["headers"], example["headers"]) == [
        "'ce_id' is a required property",
        "'fi.kela.rekku.courses.client-pinned.v1' was expected",
    ]
    assert problems_of(message["payload"], example["payload"]) == ["'version' is a required property"]


def an_undeclared_event(name, part, documentation="Something happened."):
    event = create_model(name, __base__=Event, __doc__=documentation, part=(part, ...))
    event.__module__ = "contracts.made_up"
    event.wire_type, event.topic, event.kind = f"fi.kela.rekku.made.{name.lower()}.v1", "rekku.courses", EventKind.STATE
    return event


def test_two_structures_of_one_name_are_refused(monkeypatch):
    """A reference by name would lead to the wrong one."""
    for name, kind in (("One", int), ("Two", str)):
        event = an_undeclared_event(name, create_model("Part", width=(kind, ...)))
        monkeypatch.setitem(EVENTS, event.wire_type, event)
    assert list(document_problems()) == ["asyncapi.json cannot be made: two data structures are called Part"]


def test_an_event_that_says_nothing_of_itself_is_refused(monkeypatch):
    event = an_undeclared_event("Silent", int, documentation="")
    monkeypatch.setitem(EVENTS, event.wire_type, event)
    assert list(document_problems()) == ["asyncapi.json cannot be made: Silent has no docstring"]
