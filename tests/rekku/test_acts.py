"""Every service says by an enum what was done in it: commands, what it does by itself, and what officers are shown."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from chassis.acts import ChassisAct, ChassisRead, acts_of, is_command, read_of, roles_of
from chassis.auth import Role
from chassis.history import act_text_id
from chassis.service import Service
from chassis.texts import LANGUAGES, Texts
from rekku.entry_points import routes_of
from rekku.services import SERVICES, load

ROOT = Path(__file__).parents[2]
OF_CLIENTS = {"client_ref", "decision_ref", "decision_refs"}
"""Fields that lead to a client: whatever has one of them shows personal data."""

NOBODY_IS_SHOWN = re.compile(
    r"/courses\.(csv|xlsx)|/gauges\.(csv|xlsx)|/statistics/[a-z-]+\.\{kind\}"  # counts, and courses without clients
)
"""Answers that no model describes, and that lead to no client."""

READING = {"GET", "HEAD"}

# What each reaction and timer does by itself: the acts it can leave; none where it only keeps a copy, or plans.
BY_ITSELF: dict[str, dict[str, set[str]]] = {
    "registration": {
        "apply_change": {"APPLY_CHANGE", "LET_CHANGE_LAPSE", "MOVE_VISITING_ADDRESS", "RECOMPOSE_REGISTRATION"},
        "default_count": {"DEFAULT_COUNT"},
        "finish_registration": {"FINISH_REGISTRATION"},
        "plan_defaults": set(),
        "remind": {"REMIND_OF_FINDING", "REMIND_OF_REVIEW"},
    },
    "courses": {
        "begin_course": {"BEGIN_COURSE"},
        "complete_course": {"COMPLETE_COURSE", "FULFIL_PIN"},
        "on_contract": set(),
        "on_decision": {"RELEASE_CLIENT"},
        "on_eligibility": set(),
        "on_eligibility_erased": set(),
        "on_office": set(),
        "on_service_description": set(),
    },
    "decisions": {
        "look": {"NOTE_DIFFERENCE"},
        "on_contract": set(),
        "on_lifted": {"TAKE_QUOTA_SIGNAL"},
        "on_service_description": set(),
        "on_suspended": {"TAKE_QUOTA_SIGNAL"},
        "release_queue": {"GRANT_FROM_QUEUE"},
        "review_decisions": {"REVIEW_DECISION"},
        "review_quota": {"REVIEW_QUOTA"},
    },
    "notifications": {
        "erase_key": set(),  # of a batch of survey answers: a row would say when somebody answered (E-30)
        "open_batch": set(),  # as erase_key
        "seal_anew": set(),  # as erase_key
        "seal_few": set(),  # as erase_key
        "on_change_decided": {"WRITE_MESSAGE"},
        "on_client_contact": set(),
        "on_client_contact_erased": {"CANCEL_MESSAGE"},
        "on_contract": {"WRITE_MESSAGE"},
        "on_count_use": {"WRITE_MESSAGE"},
        "on_course": {"WRITE_MESSAGE"},
        "on_decision": {"CANCEL_MESSAGE", "WRITE_MESSAGE"},
        "on_notice": {"WRITE_MESSAGE"},
        "on_period_paid": {"WRITE_MESSAGE"},
        "on_pin": {"CANCEL_MESSAGE", "WRITE_MESSAGE"},
        "on_quota": {"WRITE_MESSAGE"},
        "on_service_description": set(),
    },
    "search": {},
    "gateway": {},
}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    return load(request.param)


def commands() -> Iterator[tuple[str, str, APIRoute]]:
    """Every route that changes something: its service, its method and address, itself."""
    for name in SERVICES:
        for address, route in routes_of(load(name)):
            if not route.methods <= READING:
                yield name, address, route


def test_every_command_names_an_act_of_its_service():
    """From the routes themselves; of what is left, the gateway passes on, and a survey's answer says nobody's name."""
    named = [(name, route) for name, _, route in commands() if acts_of(route)]
    assert all(type(act) is load(name).acts for name, route in named for act in acts_of(route))
    assert len(named) > 60
    others = [(name, address) for name, address, route in commands() if not acts_of(route)]
    assert [each for each in others if each[0] != "gateway"] == [("notifications", "POST /surveys/{token}/answers")]
    assert not [address for name, address, route in commands() if name == "gateway" and is_command(route)]


def written(service: Service) -> set[str]:
    """The acts and readings that the code of a service names, but for the declarations of its routes."""
    found = set()
    for path in service.root.rglob("*.py"):
        tree = ast.parse(path.read_text())
        declared = {
            id(argument)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "does"
            for argument in call.args
        }
        found |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and getattr(node.value, "id", "") in ("Act", "Read")
            and id(node) not in declared
            and path.name not in ("acts.py", "app.py")
            and (node.value.id == "Read" or path.parent.name != "history")
        }
    return found


def test_every_act_is_recorded_somewhere_and_every_reading_is_of_a_route(service):
    """An act that a route alone names would say `unchanged` of what has changed."""
    wanted = {member.name for kind in (service.acts, service.reads) if kind for member in kind}
    assert written(service) == wanted


def test_whatever_the_system_does_by_itself_names_its_act(service):
    """A reaction or a timer that is new is not in the table, and asks for its line there."""
    handlers = (*service.reactions.values(), *service.timers.values())
    assert {getattr(each, "func", each).__name__ for each in handlers} == BY_ITSELF[service.name].keys()
    named = set().union(*BY_ITSELF[service.name].values())
    asked_for = {act.name for _, route in routes_of(service) for act in acts_of(route)}
    at_a_start_or_besides = {
        "registration": {"PUBLISH_DESCRIPTIONS"},
        "decisions": {"INHERIT_FIRST_GRANT", "LOAD_REPORTED_TABLE"},
        "notifications": {"GIVE_UP_MESSAGE"},
    }
    every = {act.name for act in service.acts or ()}
    assert every == named | asked_for | at_a_start_or_besides.get(service.name, set())


def leads_to_a_client(annotation: Any, seen: set[Any]) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation in seen:
            return False
        seen.add(annotation)
        fields = annotation.model_fields
        return bool(OF_CLIENTS & fields.keys()) or any(leads_to_a_client(f.annotation, seen) for f in fields.values())
    return any(leads_to_a_client(inner, seen) for inner in get_args(annotation))


def shows_clients(route: APIRoute, address: str) -> bool:
    """Whether an officer can be shown something of a client there."""
    if not route.methods <= READING or Role.OFFICER not in (roles_of(route) or ()):
        return False
    if route.response_model is None:
        return NOBODY_IS_SHOWN.fullmatch(address.partition(" ")[2]) is None
    return leads_to_a_client(route.response_model, set())


def test_whatever_shows_clients_to_officers_is_recorded(service):
    """From the answers' models; what has none, such as a file, shows clients unless it is known not to."""
    unrecorded = [
        address for address, route in routes_of(service) if shows_clients(route, address) and not read_of(route)
    ]
    assert unrecorded == []
    assert all(type(read) is service.reads for _, route in routes_of(service) if (read := read_of(route)))


def test_an_answer_with_a_client_deep_inside_is_noticed():
    """Negative control."""

    class Deep(BaseModel):
        decision_ref: str

    class Page(BaseModel):
        items: list[Deep] | None

    assert leads_to_a_client(Page, set())
    assert not leads_to_a_client(int | None, set())


def test_every_act_and_reading_has_its_name_in_every_language(service):
    """And no name is left over from an act that is gone."""
    texts = Texts(service.root / "texts")
    ids = {act_text_id(each) for each in service.audited}
    assert [(language, each) for language in LANGUAGES for each in sorted(ids) if not texts.has(language, each)] == []
    for language in LANGUAGES:
        written = (service.root / "texts" / f"{language}.ftl").read_text()
        assert set(re.findall(r"^(act-[a-z-]+) =", written, re.MULTILINE)) <= ids


def test_acts_are_verb_and_object_and_readings_say_that_they_are(service):
    """One manner, which is what the rows keep."""
    for each in (service.acts, service.reads, ChassisAct, ChassisRead):
        for member in each or ():
            assert member.value == member.name.lower()
            assert re.fullmatch(r"[a-z]+(_[a-z]+)+", member.value)
    assert all(read.startswith("read_") for read in service.audited.reads)
    assert not [act for act in service.acts or () if act.startswith("read_")]


def test_rows_of_before_are_understood():
    """Their routes, and names that were written in another manner."""
    decisions = load("decisions").audited
    for said, act in (
        ("POST /decisions", "grant_decision"),
        ("POST /decisions/{decision_ref}/revocation", "revoke_decision"),
        ("annul-decision", "annul_decision"),
        ("dead-letter replayed", "replay_dead_letter"),
        ("grant_decision", "grant_decision"),
    ):
        assert decisions.find(said) == act
    assert load("registration").audited.find("finding_action_reported") == "report_action"
    assert decisions.find("POST /gone") is None
