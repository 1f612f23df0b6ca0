"""The compatibility gate: every kind of change has its verdict in both directions, and would be caught.

`reads_old`: the new model reads everything that the old one writes. `writes_for_old`: what the new
model writes is read by the old one. Each refusal is proven by a document that one side writes and
the other refuses; each acceptance by generated documents.
"""

import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import pytest
from jsoncompat import check_compat, generate_value
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import Field, create_model

from contracts import checks, compatibility, kept
from contracts.compatibility import NotComparable, accepts, breaks, differences, revision_of
from contracts.envelope import EVENTS, Event, EventKind, Value

TOPIC = "rekku.courses"
EXTERNAL_TOPIC = "rekku.quota-signals"
UNREAD_TOPIC = "rekku.messages"


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class FewerColours(StrEnum):
    RED = "red"


class Box(Value):
    width: int


class BoxWithLid(Value):
    width: int
    lid: bool = False


class BoxThatNeedsALid(Value):
    width: int
    lid: bool


class NarrowBox(Value):
    width: Annotated[int, Field(le=10)]


def an_event(*, topic: str = TOPIC, kind: EventKind = EventKind.STATE, **fields: Any) -> type[Event]:
    """An event model that nobody else sees."""
    given = {name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()}
    model = create_model("Made", __base__=Event, **given)
    model.wire_type, model.topic, model.kind = "fi.kela.rekku.made.up.v1", topic, kind
    return model


def of(number: int = 1, **fields: Any):
    return revision_of(an_event(**fields), number)


def nullable(kind: Any) -> tuple[Any, Any]:
    return (kind | None, None)


def limited(kind: Any, **limits: Any) -> Any:
    return Annotated[kind, Field(**limits)]


V = {"version": 1}
CASES = [
    # what changes, old fields, new fields, reads_old, writes_for_old: True or a document that proves the contrary
    ("nothing", {"a": int}, {"a": int}, True, True),
    ("an optional field is added", {}, {"a": (int, 0)}, True, True),
    ("an optional, nullable field is added", {}, {"a": nullable(int)}, True, True),
    ("a required field is added", {}, {"a": int}, V, True),
    ("an optional field is removed", {"a": (int, 0)}, {}, True, True),
    ("a required field is removed", {"a": int}, {}, True, V),
    ("an optional field becomes required", {"a": (int, 0)}, {"a": int}, V, True),
    ("a required field becomes optional", {"a": int}, {"a": (int, 0)}, True, V),
    ("an enum is narrowed", {"a": Colour}, {"a": FewerColours}, V | {"a": "green"}, True),
    ("an enum is widened", {"a": FewerColours}, {"a": Colour}, True, V | {"a": "green"}),
    ("an enum becomes a string", {"a": Colour}, {"a": str}, True, V | {"a": "blue"}),
    ("int becomes str", {"a": int}, {"a": str}, V | {"a": 1}, V | {"a": "x"}),
    ("int becomes float", {"a": int}, {"a": float}, True, V | {"a": 1.5}),
    ("bool becomes int", {"a": bool}, {"a": int}, V | {"a": True}, V | {"a": 1}),
    ("a value becomes a list", {"a": int}, {"a": tuple[int, ...]}, V | {"a": 1}, V | {"a": [1]}),
    ("null becomes allowed", {"a": int}, {"a": int | None}, True, V | {"a": None}),
    ("null is no longer allowed", {"a": int | None}, {"a": int}, V | {"a": None}, True),
    ("a null default becomes a value", {"a": nullable(int)}, {"a": (int, 0)}, V | {"a": None}, True),
    ("a maximum is lowered", {"a": limited(int, le=9)}, {"a": limited(int, le=5)}, V | {"a": 7}, True),
    ("a minimum appears", {"a": int}, {"a": limited(int, ge=0)}, V | {"a": -1}, True),
    ("a text gets a longest length", {"a": str}, {"a": limited(str, max_length=3)}, V | {"a": "long"}, True),
    ("a text gets a shortest length", {"a": str}, {"a": limited(str, min_length=1)}, V | {"a": ""}, True),
    (
        "a list must not be empty",
        {"a": tuple[int, ...]},
        {"a": limited(tuple[int, ...], min_length=1)},
        V | {"a": []},
        True,
    ),
    ("a pattern appears", {"a": str}, {"a": limited(str, pattern="^x$")}, V | {"a": "y"}, True),
    ("a pattern stays", {"a": limited(str, pattern="^x$")}, {"a": limited(str, pattern="^x$")}, True, True),
    (
        "a date becomes an instant",
        {"a": date},
        {"a": datetime},
        V | {"a": "2024-01-15"},
        V | {"a": "2024-01-15T08:00:00Z"},
    ),
    ("a text becomes a date", {"a": str}, {"a": date}, V | {"a": "tomorrow"}, True),
    ("a decimal becomes a float", {"a": Decimal}, {"a": float}, V | {"a": "4.5"}, True),
    ("a float becomes a decimal", {"a": float}, {"a": Decimal}, True, V | {"a": "4.5"}),
    ("an optional field is added inside", {"a": Box}, {"a": BoxWithLid}, True, True),
    ("a required field is added inside", {"a": Box}, {"a": BoxThatNeedsALid}, V | {"a": {"width": 1}}, True),
    (
        "a required field is added inside a list",
        {"a": tuple[Box, ...]},
        {"a": tuple[BoxThatNeedsALid, ...]},
        V | {"a": [{"width": 1}]},
        True,
    ),
    (
        "a part is narrowed where it may be null",
        {"a": nullable(Box)},
        {"a": nullable(NarrowBox)},
        V | {"a": {"width": 11}},
        True,
    ),
    (
        "the values of a mapping are narrowed",
        {"a": dict[str, Colour]},
        {"a": dict[str, FewerColours]},
        V | {"a": {"x": "green"}},
        True,
    ),
]
IDS = [case[0] for case in CASES]


formats = FormatChecker(["date"])


@formats.checks("date-time", raises=ValueError)
def is_an_instant(text: Any) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


def valid(schema: dict[str, Any], document: Any) -> bool:
    return Draft202012Validator(schema, format_checker=formats).is_valid(document)


def assert_verdict(reader: dict[str, Any], writer: dict[str, Any], verdict: Any) -> None:
    assert accepts(reader, writer) is (verdict is True)
    if verdict is True:
        assert list(differences(reader, writer)) == []
        for _ in range(20):
            document = json.loads(generate_value(json.dumps(writer)))
            assert valid(reader, document), document
    else:
        assert valid(writer, verdict)
        assert not valid(reader, verdict)


@pytest.mark.parametrize(("old", "new", "verdict"), [(old, new, first) for _, old, new, first, _ in CASES], ids=IDS)
def test_the_new_model_reads_what_the_old_one_wrote(old, new, verdict):
    assert_verdict(of(**new).reader, of(**old).writer, verdict)


@pytest.mark.parametrize(("old", "new", "verdict"), [(old, new, last) for _, old, new, _, last in CASES], ids=IDS)
def test_the_old_model_reads_what_the_new_one_writes(old, new, verdict):
    assert_verdict(of(**old).reader, of(**new).writer, verdict)


@pytest.mark.parametrize(("old", "new", "reads", "written"), [case[1:] for case in CASES], ids=IDS)
def test_the_gate_catches_every_break_and_nothing_else(old, new, reads, written):
    found = "\n".join(breaks(of(2, **new), [of(1, **old)]))
    assert ("cannot read what revision 1 wrote" in found) is (reads is not True)
    assert ("writes what a reader of revision 1 refuses" in found) is (written is not True)


def test_with_open_schemas_on_both_sides_an_added_field_would_be_a_false_alarm():
    """Why the writer's schema is closed."""
    old, new = of(), of(a=(int, 0))
    naive = check_compat(json.dumps(old.reader), json.dumps(new.reader), "deserializer")
    assert (naive, accepts(new.reader, old.writer)) == (False, True)


def test_without_names_for_formats_a_changed_format_would_pass():
    """Why formats are compared as names: jsoncompat alone looks at neither formats nor patterns."""
    old, new = of(a=date), of(a=datetime)
    naive = check_compat(json.dumps(old.writer), json.dumps(new.reader), "deserializer")
    assert (naive, accepts(new.reader, old.writer)) == (True, False)


def test_a_field_that_comes_back_as_something_else_breaks_the_oldest_record():
    """The last revision alone would not tell: every kept one is compared."""
    oldest, middle, newest = of(1, a=(int, 0)), of(2), of(3, a=(str, ""))
    assert list(breaks(newest, [middle])) == []
    assert [line.split(", at ")[0] for line in breaks(newest, [oldest, middle])] == [
        "made.up.v1 cannot read what revision 1 wrote",
        "made.up.v1 understands what revision 1 wrote differently",
        "made.up.v1 writes what a reader of revision 1 refuses",
    ]


def test_of_what_other_systems_write_only_reading_counts():
    old, narrower = {"topic": EXTERNAL_TOPIC, "a": Colour}, {"topic": EXTERNAL_TOPIC, "a": FewerColours}
    assert list(breaks(of(2, **old), [of(1, **narrower)])) == []
    assert len(list(breaks(of(2, **narrower), [of(1, **old)]))) == 1


def test_of_what_only_others_read_only_writing_counts():
    old, narrower = {"topic": UNREAD_TOPIC, "a": Colour}, {"topic": UNREAD_TOPIC, "a": FewerColours}
    assert list(breaks(of(2, **narrower), [of(1, **old)])) == []
    assert len(list(breaks(of(2, **old), [of(1, **narrower)]))) == 1


def test_a_type_keeps_its_topic_and_its_kind():
    old = of()
    moved = replace(old, topic="rekku.pins")
    counted = replace(old, kind="fact")
    assert list(breaks(moved, [old])) == ["made.up.v1: its topic was rekku.courses in revision 1 and is rekku.pins"]
    assert list(breaks(counted, [old])) == ["made.up.v1: its kind was state in revision 1 and is fact"]


def test_another_default_would_change_what_the_oldest_record_says():
    (found,) = breaks(of(2, a=(int, 1)), [of(1, a=(int, 0))])
    assert found.endswith("understands what revision 1 wrote differently, at $.a: the default was 0 and is 1")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ({"a": Colour}, {"a": FewerColours}, '$.a: {"enum": ["red", "green"], "type": "string"} does not fit'),
        ({"a": tuple[Box, ...]}, {"a": tuple[BoxThatNeedsALid, ...]}, "$.a[*].lid: it is required and may be missing"),
        ({"a": nullable(Box)}, {"a": nullable(NarrowBox)}, '$.a.width: {"type": "integer"} does not fit'),
        ({"a": dict[str, Box]}, {"a": dict[str, NarrowBox]}, '$.a.*.width: {"type": "integer"} does not fit'),
        ({"a": date}, {"a": datetime}, '$.a: {"format": "date", "type": "string"} does not fit'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_names_the_type_the_direction_and_the_place(old, new, place):
    found = next(breaks(of(2, **new), [of(1, **old)]))
    assert found.startswith(f"made.up.v1 cannot read what revision 1 wrote, at {place}")
    assert "\n" not in found


def test_a_keyword_nobody_has_tried_is_refused():
    schema = of().writer | {"dependentRequired": {"a": ["b"]}}
    with pytest.raises(NotComparable, match="dependentRequired"):
        accepts(schema, schema)


@pytest.fixture
def declared(tmp_path):
    """Two kept event types of which one has a second, compatible form."""
    first, second = an_event(a=int), an_event(a=int, b=(str, ""))
    other = an_event(c=Colour)
    other.wire_type = "fi.kela.rekku.made.other.v1"
    compatibility.keep_revisions([first, other], tmp_path)
    return tmp_path, first, second, other


def test_a_compatible_change_is_kept_as_the_next_revision(declared):
    folder, first, second, other = declared
    compatibility.keep_revisions([first, other], folder)
    assert [str(path.relative_to(folder)) for path in kept.kept_files(folder)] == [
        "made.other.v1/0001.json",
        "made.up.v1/0001.json",
    ]
    compatibility.keep_revisions([second, other], folder)
    assert [revision.revision for revision in compatibility.kept_revisions("made.up.v1", folder)] == [1, 2]
    assert list(kept.manifest_problems(folder)) == []


def test_a_breaking_change_is_never_kept(declared):
    folder, _, _, other = declared
    broken = an_event(a=str)
    compatibility.keep_revisions([broken, other], folder)
    assert [revision.revision for revision in compatibility.kept_revisions("made.up.v1", folder)] == [1]
    problems = list(compatibility.breaking_changes([broken, other], folder))
    assert len(problems) == 2
    assert all(problem.endswith("a breaking change is a new type, made.up.v2") for problem in problems)


def test_a_type_that_is_gone_is_noticed(declared):
    folder, first, _, _ = declared
    assert list(compatibility.breaking_changes([first], folder)) == [
        "made.other.v1 is not declared any more, but its records stay on their topic"
    ]


def test_a_kept_revision_that_is_changed_removed_or_slipped_in_is_noticed(declared):
    folder, *_ = declared
    changed, vanished = kept.kept_files(folder)
    changed.write_text(changed.read_text().replace('"green"', '"blue"'))
    vanished.rename(vanished.with_name("0002.json"))
    problems = "\n".join(kept.manifest_problems(folder))
    assert "made.other.v1/0001.json changed" in problems
    assert "made.up.v1/0001.json vanished" in problems
    assert "made.up.v1/0002.json is not in the manifest" in problems


def test_the_present_contracts_break_nothing_and_are_kept():
    assert list(compatibility.history_problems()) == []


def test_the_contracts_with_a_narrowed_enum_do_not_pass(monkeypatch):
    """Negative control on a real contract: the check that `make lint` runs says what is wrong, and where."""
    real = EVENTS["fi.kela.rekku.courses.client-pinned.v1"]
    narrowed = create_model(
        "ClientPinned", __base__=Event, pin=(create_model("ChangedPin", state=(FewerColours, ...)), ...)
    )
    narrowed.__module__, narrowed.__doc__ = real.__module__, real.__doc__
    narrowed.wire_type, narrowed.topic, narrowed.kind = real.wire_type, real.topic, real.kind
    monkeypatch.setitem(EVENTS, real.wire_type, narrowed)
    problems = [problem for problem in checks.problems() if "client-pinned.v1" in problem]
    assert any("cannot read what revision 1 wrote, at $.pin.state: " in problem for problem in problems)
    assert any("writes what a reader of revision 1 refuses, at $.pin.course_id: " in problem for problem in problems)
