"""Keeps the contracts honest: schemas are current, examples decode, and no example ever changes.

`python -m contracts.checks --check` says what is wrong and exits 1; `--write` regenerates the
schemas and enters new examples into the manifest. Neither touches an example.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from contracts import topics
from contracts.envelope import EVENTS, TYPE_PREFIX, Envelope, Event, UndecodableRecord, decode

SCHEMAS = Path(__file__).parent / "schemas"
EXAMPLES = Path(__file__).parent / "examples"
MANIFEST = "manifest.sha256"


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


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of what is written as this event's data.

    A field with a default is not required, so whatever was ever written stays valid. Readers
    must ignore fields they do not know: nothing says `additionalProperties: false`.
    """
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": event.wire_type,
        "x-topic": event.topic,
        "x-kind": event.kind.value,
        **event.model_json_schema(mode="serialization", schema_generator=_WithoutTitles),
    }


def rendered(document: dict[str, Any]) -> str:
    """A document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def schema_files() -> dict[str, str]:
    """What each file in `schemas/` has to hold."""
    return {f"{short_name(event)}.json": rendered(schema_of(event)) for event in declared_events()}


def schema_problems(folder: Path = SCHEMAS) -> Iterator[str]:
    """Schemas that are missing, stale or of no event."""
    expected = schema_files()
    present = {path.name: path.read_text() for path in folder.glob("*.json")}
    for name in sorted(expected.keys() | present.keys()):
        if name not in present:
            yield f"schemas/{name} is missing (make schemas)"
        elif name not in expected:
            yield f"schemas/{name} belongs to no event"
        elif present[name] != expected[name]:
            yield f"schemas/{name} is stale (make schemas)"


def example_files(folder: Path = EXAMPLES) -> list[Path]:
    """Every committed example, `<wire type>/<number>-<what>.json`."""
    return sorted(folder.glob("*/*.json"))


def read_example(path: Path) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and body of an example, as the bus would deliver them."""
    record = json.loads(path.read_text())
    headers = [(name, value.encode()) for name, value in record["headers"].items()]
    return headers, json.dumps(record["data"]).encode()


def decode_example(path: Path) -> Envelope[Event]:
    """The event of an example.

    Raises:
        UndecodableRecord: it cannot be read any more: the contract was broken.
    """
    headers, body = read_example(path)
    envelope = decode(headers, body)
    if envelope is None:
        raise UndecodableRecord("its type is not declared any more")
    return envelope


def example_problems(folder: Path = EXAMPLES) -> Iterator[str]:
    """Event types without an example, and examples that cannot be read."""
    for event in declared_events():
        if not any((folder / short_name(event)).glob("*.json")):
            yield f"examples/{short_name(event)}/ has no example"
    for path in example_files(folder):
        name = path.relative_to(folder)
        try:
            envelope = decode_example(path)
        except UndecodableRecord as error:
            yield f"examples/{name} cannot be read: {error}"
            continue
        if short_name(type(envelope.event)) != path.parent.name:
            yield f"examples/{name} is a {envelope.type}"
        if envelope.subject != envelope.event.key:
            yield f"examples/{name}: ce_subject is not the event's key"


def read_manifest(folder: Path = EXAMPLES) -> dict[str, str]:
    """SHA-256 of each example ever entered, in the format of `sha256sum`."""
    manifest = folder / MANIFEST
    lines = manifest.read_text().splitlines() if manifest.exists() else []
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def manifest_problems(folder: Path = EXAMPLES) -> Iterator[str]:
    """Examples that changed, vanished, or were not entered: what was once written must stay readable."""
    entered = read_manifest(folder)
    present = {str(path.relative_to(folder)): _digest(path) for path in example_files(folder)}
    for name in sorted(entered.keys() | present.keys()):
        if name not in present:
            yield f"examples/{name} vanished; examples are append-only"
        elif name not in entered:
            yield f"examples/{name} is not in the manifest (make schemas)"
        elif present[name] != entered[name]:
            yield f"examples/{name} changed; add a new example instead"


def topic_problems() -> Iterator[str]:
    """Events of a topic that nobody declared, and business topics that carry nothing."""
    carried = {event.topic for event in declared_events()}
    dead_letters = {topics.dead_letter_topic(service) for service in topics.SERVICES}
    for name in sorted(carried - topics.TOPICS.keys()):
        yield f"topics.py does not declare {name}"
    for name in sorted(topics.TOPICS.keys() - carried - dead_letters):
        yield f"no event is declared for {name}"


def problems() -> list[str]:
    """Everything that is wrong with the contracts, one line each."""
    return [*schema_problems(), *example_problems(), *manifest_problems(), *topic_problems()]


def write() -> None:
    """Regenerates the schemas and enters new examples; what was entered before stays as it is."""
    expected = schema_files()
    SCHEMAS.mkdir(exist_ok=True)
    for stale in set(SCHEMAS.glob("*.json")) - {SCHEMAS / name for name in expected}:
        stale.unlink()
    for name, text in expected.items():
        (SCHEMAS / name).write_text(text)
    present = {str(path.relative_to(EXAMPLES)): _digest(path) for path in example_files()}
    entered = {**present, **read_manifest()}
    (EXAMPLES / MANIFEST).write_text("".join(f"{entered[name]}  {name}\n" for name in sorted(entered)))


def main() -> int:
    """The command; exit status 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m contracts.checks", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="say what is wrong")
    mode.add_argument("--write", action="store_true", help="regenerate schemas, enter new examples")
    if parser.parse_args().write:
        write()
    found = problems()
    for problem in found:
        print(f"contracts: {problem}", file=sys.stderr)
    if not found:
        print(f"contracts: {len(declared_events())} events, {len(example_files())} examples, all in order")
    return 1 if found else 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
