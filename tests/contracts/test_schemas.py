"""The committed JSON Schemas are what the models write today, and are schemas themselves."""

import json

from jsonschema import Draft202012Validator

from contracts import checks


def test_every_event_has_its_current_schema():
    assert list(checks.schema_problems()) == []


def test_every_schema_is_a_valid_json_schema():
    for event in checks.declared_events():
        Draft202012Validator.check_schema(checks.schema_of(event))


def test_a_changed_model_is_noticed(tmp_path):
    """Negative control: the check fails on a missing, a stale and a foreign schema."""
    files = checks.schema_files()
    missing, stale = sorted(files)[:2]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / missing).unlink()
    (tmp_path / stale).write_text(json.dumps({**json.loads(files[stale]), "required": []}))
    (tmp_path / "somebody.elses.v1.json").write_text("{}")

    assert len(list(checks.schema_problems(tmp_path))) == 3


def test_what_an_older_producer_wrote_stays_valid():
    """Fields with a default are not required: additions are optional for readers and in the schema."""
    for event in checks.declared_events():
        schema = checks.schema_of(event)
        required = set(schema.get("required", ()))
        assert required == {name for name, field in event.model_fields.items() if field.is_required()}
