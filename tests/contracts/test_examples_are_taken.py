"""Every example that was ever published is taken by the real services that consume its topic."""

import json

import pytest

from chassis.bus import Record
from chassis.dead_letters import list_letters
from chassis.reading import envelope_of
from chassis.testing import ServiceUnderTest
from contracts import checks
from contracts.decisions import QUOTA_SIGNALS
from contracts.registration import ServiceDescriptionPublished
from contracts.topics import TOPICS, read_by
from rekku.services import load
from tests.conftest import NewService

CONSUMERS = sorted({consumer for topic in TOPICS.values() for consumer in topic.consumers})


def records_for(consumer: str) -> list[Record]:
    """The examples of every topic that the service consumes, as a bus would bring them."""
    wanted = {topic.name for topic in read_by(consumer)}
    records = []
    for position, path in enumerate(checks.example_files()):
        headers, body = checks.read_example(path)
        event = checks.decode_example(path).event
        if event.topic in wanted:
            records.append(Record(event.topic, 0, position, event.key.encode(), tuple(headers), body))
    return records


async def consuming(consumer: str, new_service: NewService) -> ServiceUnderTest:
    """The service as it runs in production: it knows every service that registration describes."""
    registration = await new_service(load("registration"))
    described = await registration.published(ServiceDescriptionPublished)
    service = await new_service(load(consumer)) if consumer != "registration" else registration
    await service.deliver(*described)
    return service


async def refused(service: ServiceUnderTest) -> list[str]:
    async with service.transaction() as tx:
        return [f"{letter.record.topic}: {letter.error}" for letter in await list_letters(tx)]


@pytest.mark.parametrize("consumer", CONSUMERS)
async def test_a_service_takes_every_example_of_what_it_consumes(consumer: str, new_service: NewService):
    service = await consuming(consumer, new_service)
    records = records_for(consumer)
    for record in records:
        await service.deliver_records(record)
    assert await refused(service) == []
    due = set()
    for record in records:
        envelope = envelope_of(record, service.settings.outside_sources)
        assert envelope is not None
        if type(envelope.event) in {*service.service.reactions, *service.service.projected}:
            due.add(envelope.id)
    async with service.transaction() as tx:
        applied = {row["event_id"] for row in await tx.fetch("SELECT event_id FROM inbox")}
    assert due
    assert due <= applied


async def test_control_an_example_whose_source_is_not_agreed_is_refused(new_service: NewService):
    """As the first suspension was, before its source was among those that are believed."""
    service = await consuming("decisions", new_service)
    service.runtime.inbox._sources = {QUOTA_SIGNALS: {"/kela/funds-follow-up"}}
    for record in records_for("decisions"):
        await service.deliver_records(record)
    assert (
        await refused(service)
        == ["rekku.quota-signals: Stranger: rekku.quota-signals is not taken from this source"] * 2
    )


def test_every_topic_that_others_write_has_examples_and_a_source_that_is_believed():
    outside = {topic.name for topic in TOPICS.values() if topic.from_outside}
    examples = {checks.decode_example(path).event.topic for path in checks.example_files()}
    assert outside <= examples
    sources = {
        json.loads(path.read_text())["headers"]["ce_source"]
        for path in checks.example_files()
        if checks.decode_example(path).event.topic in outside
    }
    page = (checks.EXAMPLES.parents[1] / "docs" / "subscribing.md").read_text()
    assert all(f"`{source}`" in page for source in sources)
