"""What every generated document starts from: the declared events, their names and their schemas."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic.json_schema import DEFAULT_REF_TEMPLATE, GenerateJsonSchema

from contracts import topics  # noqa: F401 - importing it imports every module that declares events
from contracts.envelope import EVENTS, TYPE_PREFIX, Event

ASYNCAPI = Path(__file__).parent / "asyncapi.json"
"""The committed AsyncAPI document of the whole system."""

Schema = dict[str, Any]


class _WithoutTitles(GenerateJsonSchema):
    """A field's name says what it is; a made-up title repeats it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def declared_events() -> list[type[Event]]:
    """The event types that `contracts` declares, by wire type; not those that a test made up."""
    return [event for _, event in sorted(EVENTS.items()) if event.__module__.startswith("contracts.")]


def short_name(event: type[Event]) -> str:
    """The wire type without our prefix: the name of its schema and of its folder of examples."""
    return event.wire_type.removeprefix(TYPE_PREFIX)


def model_schema(
    event: type[Event], *, mode: Literal["serialization", "validation"], ref_template: str = DEFAULT_REF_TEMPLATE
) -> Schema:
    """The JSON Schema of what is written (serialization) or read (validation) as this event's data.

    A field with a default is not required, so whatever was ever written stays valid. Readers
    must ignore fields they do not know: nothing says `additionalProperties: false`.
    """
    return event.model_json_schema(mode=mode, schema_generator=_WithoutTitles, ref_template=ref_template)


def schema_of(event: type[Event]) -> Schema:
    """The JSON Schema (2020-12) that is committed for an event: what is written, and what it is."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": event.wire_type,
        "x-topic": event.topic,
        "x-kind": event.kind.value,
        **model_schema(event, mode="serialization"),
    }


def rendered(document: Schema) -> str:
    """A document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
