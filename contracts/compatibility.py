"""The compatibility gate: what may be written stays readable, whoever is newer.

Every accepted revision of every event type's schema is kept in `schemas/history/`. The *closed*
writer schema (nothing but the declared fields) is compared with the *open* reader schema (unknown
fields are ignored); comparing two open schemas would refuse every added field
(docs/decisions/0012). A change that does not pass is a new type, `.v2` beside `.v1`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jsoncompat import check_compat

from contracts import topics
from contracts.documents import Schema, declared_events, model_schema, rendered, short_name
from contracts.envelope import TYPE_PREFIX, Event
from contracts.kept import enter_new, manifest_problems

HISTORY = Path(__file__).parent / "schemas" / "history"

_PROSE = {"title", "description", "$defs"}
_ANNOTATIONS = {*_PROSE, "default"}
_OPAQUE = {"format", "pattern"}
_COMPARED = {
    *("type", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items", "prefixItems"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
}
"""The keywords whose comparison a test has shown to be right."""


class NotComparable(Exception):
    """A schema uses a keyword whose comparison nobody has tried."""


@dataclass(frozen=True)
class Revision:
    """One accepted state of an event type: what it writes (closed) and what it reads (open)."""

    type: str
    revision: int
    topic: str
    kind: str
    writer: Schema
    reader: Schema

    def same_as(self, other: "Revision") -> bool:
        """True where nothing but the number differs."""
        return {**asdict(self), "revision": 0} == {**asdict(other), "revision": 0}


def revision_of(event: type[Event], number: int) -> Revision:
    """The event type as its model is today."""
    return Revision(
        type=event.wire_type,
        revision=number,
        topic=event.topic,
        kind=event.kind.value,
        writer=_inlined(model_schema(event, mode="serialization"), closed=True),
        reader=_inlined(model_schema(event, mode="validation"), closed=False),
    )


def kept_revisions(name: str, folder: Path = HISTORY) -> list[Revision]:
    """Every kept revision of the event type with this short name, oldest first."""
    kept = [Revision(**json.loads(path.read_text())) for path in (folder / name).glob("*.json")]
    return sorted(kept, key=lambda revision: revision.revision)


def accepts(reader: Schema, writer: Schema) -> bool:
    """True where every document that fits `writer` fits `reader`.

    Formats and patterns are names to this comparison: equal or different, nothing in between.

    Raises:
        NotComparable: a keyword is used that no test covers.
    """
    return check_compat(json.dumps(_comparable(writer)), json.dumps(_comparable(reader)), "deserializer")


def differences(reader: Schema, writer: Schema, path: str = "$") -> Iterator[str]:
    """Where and why `reader` refuses what `writer` may write; nothing where it accepts all of it."""
    if accepts(reader, writer):
        return
    deeper = [
        found
        for written in writer.get("anyOf", [writer])
        if not accepts(reader, written)
        for alike in [_alike(reader, written)]
        for found in (_inside(alike, written, path) if alike else [])
    ]
    yield from deeper or [f"{path}: {_brief(writer)} does not fit {_brief(reader)}"]


def breaks(current: Revision, kept: list[Revision]) -> Iterator[str]:
    """What `current` would break, one line each, in the directions its topic asks for."""
    name = current.type.removeprefix(TYPE_PREFIX)
    topic = topics.TOPICS.get(current.topic)
    for old in kept:
        for what in ("topic", "kind"):
            was, now = getattr(old, what), getattr(current, what)
            if was != now:
                yield f"{name}: its {what} was {was} in revision {old.revision} and is {now}"
        if topic is None or topic.consumers:
            for found in differences(current.reader, old.writer):
                yield f"{name} cannot read what revision {old.revision} wrote, at {found}"
            for found in _changed_defaults(current.reader, old.reader):
                yield f"{name} understands what revision {old.revision} wrote differently, at {found}"
        if topic is None or not topic.from_outside:
            for found in differences(old.reader, current.writer):
                yield f"{name} writes what a reader of revision {old.revision} refuses, at {found}"


def breaking_changes(events: list[type[Event]], folder: Path = HISTORY) -> Iterator[str]:
    """Everything the models of today would break, and types that are gone while their records are not."""
    for event in events:
        kept = kept_revisions(short_name(event), folder)
        for found in breaks(revision_of(event, 0), kept):
            yield f"{found}; a breaking change is a new type, {_next_type(short_name(event))}"
    names = {short_name(event) for event in events}
    for name in sorted(path.name for path in folder.glob("*/") if path.name not in names):
        yield f"{name} is not declared any more, but its records stay on their topic"


def history_problems(folder: Path = HISTORY) -> Iterator[str]:
    """Breaking changes, revisions that are not kept yet, and kept files that were touched."""
    events = declared_events()
    yield from breaking_changes(events, folder)
    for event in events:
        kept = kept_revisions(short_name(event), folder)
        if [revision.revision for revision in kept] != list(range(1, len(kept) + 1)):
            yield f"history/{short_name(event)}: revisions are not numbered 1, 2, 3 ..."
        elif not kept or not kept[-1].same_as(revision_of(event, 0)):
            yield f"history/{short_name(event)}: its present revision is not kept (make schemas)"
    yield from manifest_problems(folder)


def keep_revisions(events: list[type[Event]], folder: Path = HISTORY) -> None:
    """Keep the present revision of each type that changed without breaking anything, and enter it."""
    for event in events:
        kept = kept_revisions(short_name(event), folder)
        current = revision_of(event, len(kept) + 1)
        if any(breaks(current, kept)) or (kept and kept[-1].same_as(current)):
            continue
        (folder / short_name(event)).mkdir(parents=True, exist_ok=True)
        path = folder / short_name(event) / f"{current.revision:04}.json"
        path.write_text(rendered(asdict(current)))
    enter_new(folder)


def _inlined(schema: Schema, *, closed: bool) -> Schema:
    """The schema without references and prose; `closed` lets no object have undeclared fields."""
    definitions: Mapping[str, Schema] = schema.get("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            part = {**definitions[part["$ref"].rpartition("/")[2]], **{k: v for k, v in part.items() if k != "$ref"}}
        whole = {name: inline(inner) for name, inner in part.items() if name not in _PROSE | {"properties"}}
        if "properties" in part:
            whole["properties"] = {name: inline(inner) for name, inner in part["properties"].items()}
            if closed:
                whole.setdefault("additionalProperties", False)
        return whole

    inlined: Schema = inline(schema)
    return inlined


def _comparable(schema: Schema) -> Schema:
    """The schema as jsoncompat understands it: it looks at neither `format` nor `pattern`."""
    unknown = schema.keys() - _COMPARED - _ANNOTATIONS - _OPAQUE
    if unknown:
        raise NotComparable(f"the comparison of {', '.join(sorted(unknown))} has not been tried")
    if schema.keys() & _OPAQUE:
        told = {name: schema[name] for name in sorted(schema.keys() - _ANNOTATIONS - {"type"})}
        return {"type": "string", "enum": [json.dumps(told)]}
    part = {name: inner for name, inner in schema.items() if name in _COMPARED}
    for name in ("anyOf", "prefixItems"):
        if name in part:
            part[name] = [_comparable(inner) for inner in part[name]]
    for name in ("items", "additionalProperties"):
        if isinstance(part.get(name), dict):
            part[name] = _comparable(part[name])
    if "properties" in part:
        part["properties"] = {name: _comparable(inner) for name, inner in part["properties"].items()}
    return part


def _alike(reader: Schema, written: Schema) -> Schema | None:
    """The one alternative of the reader that has the type of what is written, if it can be looked into."""
    same = [inner for inner in reader.get("anyOf", [reader]) if inner.get("type") == written.get("type")]
    return same[0] if len(same) == 1 and written.get("type") in {"object", "array"} else None


def _inside(reader: Schema, written: Schema, path: str) -> Iterator[str]:
    """The differences of two objects or two arrays in their parts."""
    for name in sorted({*reader.get("required", ())} - {*written.get("required", ())}):
        yield f"{path}.{name}: it is required and may be missing"
    others = reader.get("additionalProperties", True)
    for name, inner in written.get("properties", {}).items():
        target = reader.get("properties", {}).get(name, others)
        if isinstance(target, dict):
            yield from differences(target, inner, f"{path}.{name}")
    for part, place in (("additionalProperties", ".*"), ("items", "[*]")):
        if isinstance(reader.get(part), dict) and isinstance(written.get(part), dict):
            yield from differences(reader[part], written[part], path + place)


def _changed_defaults(now: Schema, was: Schema, path: str = "$") -> Iterator[str]:
    """Fields whose absence meant one value and would mean another; a rebuild reads the oldest record."""
    if "default" in now and "default" in was and now["default"] != was["default"]:
        yield f"{path}: the default was {json.dumps(was['default'])} and is {json.dumps(now['default'])}"
    for name in now.get("properties", {}).keys() & was.get("properties", {}).keys():
        yield from _changed_defaults(now["properties"][name], was["properties"][name], f"{path}.{name}")
    if "items" in now and "items" in was:
        yield from _changed_defaults(now["items"], was["items"], f"{path}[*]")


def _brief(schema: Schema) -> str:
    text = json.dumps({name: inner for name, inner in schema.items() if name not in _ANNOTATIONS}, ensure_ascii=False)
    return text if len(text) <= 90 else f"{text[:89]}…"


def _next_type(name: str) -> str:
    stem, _, version = name.rpartition(".v")
    return f"{stem}.v{int(version) + 1}"
