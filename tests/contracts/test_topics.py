"""`topics.py` agrees with what the services publish and consume."""

import ast
import importlib
from pathlib import Path

import pytest

from contracts import checks, topics

ROOT = Path(__file__).parents[2]
EVENT_NAMES = {event.__name__: event for event in checks.declared_events()}


def events_named_in(folder):
    """(named, made): the event classes a service's code names, and those it makes instances of."""
    named, made = set(), set()
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            named |= _event_in(node)
            if isinstance(node, ast.Call):
                made |= _event_in(node.func)
                if isinstance(node.func, ast.Attribute):  # ClientPinned.of(...)
                    made |= _event_in(node.func.value)
    return named, made


def _event_in(node):
    """The event that `ClientPinned` or, through an imported module, `courses.ClientPinned` names."""
    if isinstance(node, ast.Name):
        return {node.id} & EVENT_NAMES.keys()
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return {node.attr} & EVENT_NAMES.keys()
    return set()


def publishing_problems(service, named, made):
    """Events of its own that a service never publishes, and others' that it would publish."""
    own = {event.__name__ for topic in topics.written_by(service) for event in topic.events} & EVENT_NAMES.keys()
    return [f"{service} owns {name} and never publishes it" for name in sorted(own - named)] + [
        f"{service} publishes {name}, which it does not own" for name in sorted(made - own)
    ]


def service_declaration(name):
    return importlib.import_module(f"services.{name}.app").SERVICE


@pytest.mark.parametrize("service", topics.SERVICES)
def test_a_service_publishes_what_it_owns_and_nothing_else(service):
    assert publishing_problems(service, *events_named_in(ROOT / "services" / service)) == []


@pytest.mark.parametrize("service", topics.SERVICES)
def test_a_service_consumes_what_the_topics_say(service):
    declared = {topic.name for topic in topics.read_by(service)}
    assert service_declaration(service).topics == declared


@pytest.mark.parametrize("service", topics.SERVICES)
def test_a_service_names_only_events_it_owns_or_consumes(service):
    named, _ = events_named_in(ROOT / "services" / service)
    visible = {topic.name for topic in (*topics.written_by(service), *topics.read_by(service))}
    assert {name for name in named if EVENT_NAMES[name].topic not in visible} == set()


def test_every_event_belongs_to_a_declared_topic():
    assert list(checks.topic_problems()) == []


def test_consumers_and_owners_are_services():
    for topic in topics.TOPICS.values():
        assert topic.owner in {*topics.SERVICES, topics.EXTERNAL}
        assert topic.consumers <= set(topics.SERVICES)
        assert topic.owner not in topic.consumers
        assert topic.partitions >= 1
        assert topic.legal_basis.endswith(".")


def test_a_wire_type_belongs_to_the_service_that_owns_its_topic():
    for event in checks.declared_events():
        owner = topics.TOPICS[event.topic].owner
        prefix = checks.short_name(event).split(".")[0]
        assert prefix == ("quota-signals" if owner == topics.EXTERNAL else owner)


def test_a_service_that_forgets_or_oversteps_is_noticed(tmp_path):
    """Negative control: code that never publishes its own event, and one that publishes another's."""
    (tmp_path / "handlers.py").write_text(
        "from contracts.courses import ClientPinned, CourseCreated\n"
        "from contracts import courses\n"
        "async def on_nothing(tx, event: CourseCreated):\n"
        "    tx.emit(ClientPinned.of(event))\n    tx.emit(courses.PinFulfilled(version=1))\n"
    )
    named, made = events_named_in(tmp_path)
    assert (named, made) == ({"ClientPinned", "CourseCreated", "PinFulfilled"}, {"ClientPinned", "PinFulfilled"})
    problems = publishing_problems("notifications", named, made)
    assert "notifications owns MessageSent and never publishes it" in problems
    assert "notifications publishes ClientPinned, which it does not own" in problems
