"""Every example ever committed stays readable, unchanged and of the shape its schema says."""

import json
import shutil

import pytest
from jsonschema import Draft202012Validator
from stdnum.fi import ytunnus

from contracts import checks, kept
from contracts.identity_codes import holds_identity_code

EXAMPLES = checks.example_files()


def _named(path):
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", EXAMPLES, ids=_named)
def test_an_example_decodes(path):
    envelope = checks.decode_example(path)
    assert checks.short_name(type(envelope.event)) == path.parent.name
    assert envelope.subject == envelope.event.key
    assert envelope.id.version == 7
    assert envelope.time.utcoffset() is not None


@pytest.mark.parametrize("path", EXAMPLES, ids=_named)
def test_an_example_is_valid_against_its_schema(path):
    schema = json.loads((checks.SCHEMAS / f"{path.parent.name}.json").read_text())
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in validator.iter_errors(json.loads(path.read_text())["data"])] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=_named)
def test_a_reader_ignores_what_a_newer_producer_adds(path):
    record = json.loads(path.read_text())
    data = {**record["data"], "added_by_a_newer_producer": {"anything": 1}}
    model = type(checks.decode_example(path).event)
    assert model.model_validate_json(json.dumps(data)) == model.model_validate_json(json.dumps(record["data"]))


def test_every_event_type_has_an_example():
    assert list(checks.example_problems()) == []


def test_no_example_changed_or_vanished():
    assert list(kept.manifest_problems(checks.EXAMPLES)) == []


def test_a_changed_a_vanished_and_a_new_example_are_noticed(tmp_path):
    """Negative control of the guard above."""
    copy = tmp_path / "examples"
    shutil.copytree(checks.EXAMPLES, copy)
    changed, vanished, *_ = checks.example_files(copy)
    changed.write_text(changed.read_text().replace('"version": ', '"version": 7'))
    vanished.unlink()
    shutil.copy(checks.EXAMPLES / vanished.relative_to(copy), vanished.with_name("9999-new.json"))

    problems = "\n".join(kept.manifest_problems(copy))

    assert "changed; add a new one instead" in problems
    assert "vanished; what is kept stays" in problems
    assert "is not in the manifest" in problems


def test_a_broken_contract_is_noticed(tmp_path):
    """Negative control: an example that does not decode, and one in a wrong folder."""
    copy = tmp_path / "examples"
    shutil.copytree(checks.EXAMPLES, copy)
    broken, moved, *_ = checks.example_files(copy)
    record = json.loads(broken.read_text())
    broken.write_text(json.dumps({**record, "data": {}}))
    (copy / "courses.unheard-of.v1").mkdir()
    moved.rename(copy / "courses.unheard-of.v1" / moved.name)

    problems = "\n".join(checks.example_problems(copy))

    assert "cannot be read" in problems
    assert "examples/courses.unheard-of.v1" in problems


def test_examples_hold_real_business_ids_and_no_personal_identity_code():
    for path in EXAMPLES:
        text = path.read_text()
        assert not holds_identity_code(text), path
        provider_id = json.loads(text)["data"].get("provider_id")
        assert provider_id is None or ytunnus.is_valid(provider_id), path
