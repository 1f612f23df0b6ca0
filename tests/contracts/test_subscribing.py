"""docs/subscribing.md promises what `topics.py` declares, and its examples use nothing of ours."""

import ast
import re
import sys
from pathlib import Path

import pytest

from contracts import checks, topics
from contracts.envelope import EventKind

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "subscribing.md").read_text()
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))
ALLOWED = {"subscribe_aiokafka": {"aiokafka"}, "subscribe_confluent": {"confluent_kafka"}}


def promise(topic):
    kept = "for ever" if topic.retention is None else f"{topic.retention.days} days"
    kinds = ", ".join(sorted({event.kind.value for event in topic.events if event in checks.declared_events()}))
    personal = topic.personal_data.value.replace("_", " ")
    cells = (f"`{topic.name}`", topic.meaning, kinds, topic.key, topic.partitions, kept, personal)
    return f"| {' | '.join(map(str, cells))} |"


def test_the_page_promises_what_the_topics_declare():
    promised = re.findall(r"^\| `rekku\..*\|$", PAGE, re.MULTILINE)
    assert promised == [promise(topic) for topic in topics.TOPICS.values() if topic.for_subscribers]


def test_what_the_page_says_of_every_topic_it_promises_is_so():
    offered = [topic for topic in topics.TOPICS.values() if topic.for_subscribers]
    assert not any(topic.compacted for topic in offered)
    kept_back = {topic.name for topic in topics.TOPICS.values() if not topic.for_subscribers}
    dead_letters = {topics.dead_letter_topic(service) for service in topics.SERVICES}
    assert kept_back == dead_letters | {"rekku.client-contacts", "rekku.client-eligibility", "rekku.quota-signals"}


def test_the_page_names_the_natural_key_of_every_fact():
    facts = {
        checks.short_name(event): set(event.model_fields)
        for event in checks.declared_events()
        if event.kind is EventKind.FACT and topics.TOPICS[event.topic].for_subscribers
    }
    told = dict(re.findall(r"^\| `([a-z.-]+\.v\d+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert told.keys() == facts.keys()
    for name, keys in told.items():
        assert set(re.findall(r"`(\w+)`", keys)) <= facts[name]


def foreign_imports(source):
    """What a program needs that does not come with Python."""
    named = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named.add((node.module or "").split(".")[0] if node.level == 0 else ".")
    return named - sys.stdlib_module_names


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_uses_one_plain_library_and_nothing_of_ours(path):
    source = path.read_text()
    assert foreign_imports(source) == ALLOWED[path.stem]
    assert re.search(r"__import__|import_module|exec\(|eval\(", source) is None


def test_an_import_of_ours_is_noticed():
    """Negative control."""
    source = "import json\nfrom contracts.courses import Pin\nimport chassis.bus\nfrom . import other\n"
    assert foreign_imports(source) == {"contracts", "chassis", "."}


def test_both_examples_apply_an_event_alike():
    """What they show differs in the library only."""
    parts = [
        {node.name: ast.unparse(node) for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        for path in EXAMPLES
    ]
    first, second = parts
    assert (first["apply"], first["read"]) == (second["apply"], second["read"])
