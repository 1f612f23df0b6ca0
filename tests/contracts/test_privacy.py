"""No event carries who a person is: references only, but for organisations and the restricted topic (E-59)."""

import pytest

from contracts import checks, topics
from contracts.values import PersonalDataClass

ABOUT_A_PERSON = {
    *("name", "names", "firstname", "lastname", "surname", "person", "guardian", "relative", "contact"),
    *("phone", "mobile", "email", "address", "street", "postal"),
    *("birth", "born", "age", "gender", "sex", "identity", "hetu", "ssn"),
    *("diagnosis", "disease", "symptom", "health", "illness", "disability", "comment", "text", "note", "remark"),
}
"""Words of a field's name that would say something about a person."""
OF_AN_ORGANISATION = {"Provider", "Office", "Contact"}
"""Their names, addresses and role contacts are public by purpose (docs/decisions/0008)."""
OF_A_SERVICE = {"TargetGroup", "AgeGroup", "ServiceDescription"}
"""What a service is called and whom it is for; says nothing about anybody."""
OF_A_COURSE = {"min_age", "max_age", "age_group", "mixed_age"}
"""The ages a course is meant for."""
CONTACTS = {"Contract.contact", "Course.contact"}
"""Contact details of a role in an organisation."""


def fields_about_people(schema):
    """Property names of a schema that would say something about a person, with their model's name."""
    models = {schema["title"]: schema, **schema.get("$defs", {})}
    return {
        f"{model}.{field}"
        for model, definition in models.items()
        if model not in OF_AN_ORGANISATION | OF_A_SERVICE
        for field in definition.get("properties", {})
        if ABOUT_A_PERSON & set(field.split("_")) and field not in OF_A_COURSE and f"{model}.{field}" not in CONTACTS
    }


@pytest.mark.parametrize("event", checks.declared_events(), ids=checks.short_name)
def test_an_event_says_nothing_about_a_person(event):
    assert fields_about_people(checks.schema_of(event)) == set()


@pytest.mark.parametrize("event", checks.declared_events(), ids=checks.short_name)
def test_an_organisation_s_contact_details_travel_only_on_topics_declared_for_them(event):
    models = checks.schema_of(event).get("$defs", {}).keys()
    if models & OF_AN_ORGANISATION:
        assert topics.TOPICS[event.topic].personal_data is PersonalDataClass.ORGANISATION_CONTACT


@pytest.mark.parametrize("event", checks.declared_events(), ids=checks.short_name)
def test_a_topic_says_that_it_carries_references_to_people(event):
    """`client_ref` and `decision_ref` are pseudonyms: their topics are declared so."""
    fields = {field for model in _models(checks.schema_of(event)) for field in model.get("properties", {})}
    if fields & {"client_ref", "decision_ref"}:
        assert topics.TOPICS[event.topic].personal_data in {
            PersonalDataClass.PSEUDONYM,
            PersonalDataClass.RESTRICTED,
        }


@pytest.mark.parametrize("name", ["ClientContactChanged", "ClientEligibilityChanged"])
def test_a_client_s_own_data_travel_sealed(name):
    """E-24, E-59."""
    event = next(event for event in checks.declared_events() if event.__name__ == name)
    assert set(checks.schema_of(event)["properties"]) == {"version", "client_ref", "sealed"}
    assert topics.TOPICS[event.topic].compacted


def test_a_leak_is_noticed():
    """Negative control: a field about a person is found, at the top and inside."""
    leaking = {
        "title": "ClientPinned",
        "properties": {"client_phone": {}, "version": {}},
        "$defs": {"Pin": {"properties": {"client_name": {}, "decision_ref": {}}}},
    }
    assert fields_about_people(leaking) == {"ClientPinned.client_phone", "Pin.client_name"}


def _models(schema):
    return [schema, *schema.get("$defs", {}).values()]
