"""What the OpenAPI document says of the follow-up, planned periods and concerns."""

import re

from jsonschema import Draft202012Validator

from chassis import cleaning
from chassis.texts import LANGUAGES, Texts, text_id
from services.decisions.app import SERVICE
from services.decisions.examples import EXAMPLES
from services.decisions.followup import export
from services.decisions.followup.domain import WorkState
from tests.openapi import document_of, example_of

TAGS = {"follow-up", "planned periods", "concerns"}
_RAISED = re.compile(r'(?:Refusal|NotFound|Invalid|NotYetKnown)\(\s*"([A-Z_]+)"')


def operations():
    document = document_of(SERVICE)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if TAGS & set(operation.get("tags", ())):
                yield f"{method} {path}", operation, document


def test_every_body_and_every_answer_can_be_shown_as_an_example_that_fits():
    shown = 0
    for name, operation, document in operations():
        parts = [
            operation.get("requestBody", {}),
            *(operation["responses"][s] for s in operation["responses"] if s < "3"),
        ]
        for part in parts:
            schema = part.get("content", {}).get("application/json", {}).get("schema")
            if schema:
                validator = Draft202012Validator({**schema, "components": document["components"]})
                assert list(validator.iter_errors(example_of(schema, document))) == [], name
                shown += 1
    assert shown > 15
    assert cleaning.decision_ref(str(EXAMPLES["decision_ref"])) == EXAMPLES["decision_ref"]


def test_every_refusal_stands_at_a_route_in_the_readme_and_in_three_languages():
    """Style: a refusal nobody announced is a surprise."""
    announced = {code for _, operation, _ in operations() for code in operation["responses"]["4XX"]["x-refusals"]}
    texts, readme = Texts(SERVICE.root / "texts"), (SERVICE.root / "README.md").read_text()
    raised = {
        code
        for folder in ("followup", "concerns")
        for path in (SERVICE.root / folder).glob("*.py")
        for code in _RAISED.findall(path.read_text())
    }
    assert len(raised) > 12
    assert raised - announced == set()
    assert [code for code in sorted(raised) if f"`{code}`" not in readme] == []
    assert [(code, lang) for code in raised for lang in LANGUAGES if not texts.has(lang, text_id(code))] == []


def test_every_word_of_the_exported_list_is_translated():
    texts = Texts(SERVICE.root / "texts")
    words = {f"column-{name}" for name in export.COLUMNS} | {"follow-ups-title"}
    words |= {f"work-state-{state.replace('_', '-')}" for state in WorkState}
    assert [(word, language) for word in words for language in LANGUAGES if not texts.has(language, word)] == []
