"""The AsyncAPI document as a page and as it is."""

import json
import re

import pytest

from chassis.texts import LANGUAGES
from contracts import checks, topics
from contracts.documents import ASYNCAPI
from services.gateway.asyncapi_view import read_events

DOCUMENT = json.loads(ASYNCAPI.read_text())


def test_the_view_has_every_topic_and_event_those_for_subscribers_first():
    events = read_events(DOCUMENT)
    assert {topic.name for topic in events.topics} == set(topics.TOPICS)
    open_ones = [topic.for_subscribers for topic in events.topics]
    assert open_ones == sorted(open_ones, reverse=True)
    named = {message.wire_type for topic in events.topics for message in topic.messages}
    assert named >= {event.wire_type for event in checks.declared_events()}


def test_the_view_says_how_long_a_topic_is_kept():
    found = {topic.name: (topic.retention_days, topic.compacted) for topic in read_events(DOCUMENT).topics}
    assert found["rekku.courses"] == (None, False)
    assert found["rekku.messages"] == (730, False)
    assert found["rekku.client-contacts"] == (None, True)


def test_an_example_is_shown_with_its_headers():
    messages = {message.wire_type: message for topic in read_events(DOCUMENT).topics for message in topic.messages}
    example = messages["fi.kela.rekku.courses.client-pinned.v1"].example
    headers, _, value = example.partition("\n\n")
    assert "ce_type: fi.kela.rekku.courses.client-pinned.v1" in headers
    assert json.loads(value)["pin"]["state"] == "active"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_tells_every_event_in_three_languages(gateway, language):
    page = await gateway.browser(language).get("/asyncapi")
    assert page.status_code == 200
    ids = re.findall(r'\bid="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page.text)) <= set(ids)
    assert "<script" not in page.text
    assert page.text.count("<details>") == len(checks.declared_events())


async def test_the_document_has_a_stable_address_and_is_linked(gateway):
    browser = gateway.browser("en")
    raw = await browser.get("/asyncapi.json")
    assert raw.headers["content-type"] == "application/json"
    assert raw.content == ASYNCAPI.read_bytes()
    assert 'href="/asyncapi.json"' in (await browser.get("/asyncapi")).text
    index = (await browser.get("/docs")).text
    assert 'href="/asyncapi"' in index
