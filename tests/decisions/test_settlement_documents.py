"""What is written up of settlements: examples that fit, and a text for every fault."""

import pytest
from jsonschema import Draft202012Validator

from chassis.texts import LANGUAGES
from services.decisions.app import SERVICE
from services.decisions.settlements.domain import Fault, FaultCode
from tests.openapi import document_of, example_of

_PATHS = ("/settlements", "/payments", "/billing-forms", "/contracts/{contract_id}/price-annexes")


def test_every_body_and_answer_can_be_shown_as_an_example_that_fits():
    document = document_of(SERVICE)
    shown = 0
    for path, methods in document["paths"].items():
        for operation in methods.values() if path.startswith(_PATHS) else ():
            answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            for described in [operation.get("requestBody", {}), *answers]:
                schema = described.get("content", {}).get("application/json", {}).get("schema")
                if schema:
                    validator = Draft202012Validator({**schema, "components": document["components"]})
                    assert list(validator.iter_errors(example_of(schema, document))) == [], path
                    shown += 1
    assert shown == 16


@pytest.mark.parametrize("code", FaultCode)
async def test_every_fault_has_a_text_in_three_languages_and_is_written_up(decisions, code):
    """R-BIL-1, E-60."""
    texts = decisions.service.runtime.texts
    assert [language for language in LANGUAGES if not texts.has(language, Fault(1, code).text_id)] == []
    assert f"`{code}`" in (SERVICE.root / "README.md").read_text()
