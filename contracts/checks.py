"""Keeps the contracts honest: schemas are current and compatible, examples decode, nothing kept ever changes.

`python -m contracts.checks --check` says what is wrong and exits 1; `--write` regenerates the
schemas and the AsyncAPI document, keeps the revisions that passed the compatibility gate and
enters new examples into the manifest. Neither touches what is kept.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from contracts import topics
from contracts.asyncapi import document_problems, write_document
from contracts.compatibility import history_problems, keep_revisions
from contracts.documents import declared_events, rendered, schema_of, short_name
from contracts.envelope import Envelope, Event, UndecodableRecord, decode
from contracts.kept import enter_new, kept_files, manifest_problems

SCHEMAS = Path(__file__).parent / "schemas"
EXAMPLES = Path(__file__).parent / "examples"


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
    return kept_files(folder)


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
    return [
        *topic_problems(),
        *history_problems(),
        *schema_problems(),
        *example_problems(),
        *manifest_problems(EXAMPLES),
        *document_problems(),
    ]


def write() -> None:
    """Regenerates what is generated and keeps what is new; what was kept before stays as it is."""
    expected = schema_files()
    SCHEMAS.mkdir(exist_ok=True)
    for stale in set(SCHEMAS.glob("*.json")) - {SCHEMAS / name for name in expected}:
        stale.unlink()
    for name, text in expected.items():
        (SCHEMAS / name).write_text(text)
    keep_revisions(declared_events())
    enter_new(EXAMPLES)
    write_document()


def main() -> int:
    """The command; exit status 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m contracts.checks", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="say what is wrong")
    mode.add_argument("--write", action="store_true", help="regenerate documents, keep new revisions and examples")
    if parser.parse_args().write:
        write()
    found = problems()
    for problem in found:
        print(f"contracts: {problem}", file=sys.stderr)
    if not found:
        print(f"contracts: {len(declared_events())} events, {len(example_files())} examples, all in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
