"""One trace runs from the HTTP command through outbox and bus to every consumer."""

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.testing import ClusterUnderTest, system_under_test
from services.courses.app import SERVICE as COURSES
from services.decisions.app import SERVICE as DECISIONS
from services.registration.app import SERVICE as REGISTRATION
from services.search.app import SERVICE as SEARCH

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def spans() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


async def test_one_trace_runs_from_the_command_to_every_consumer(
    cluster: ClusterUnderTest, tmp_path: Path, spans: InMemorySpanExporter, bus_servers: str
):
    services = [REGISTRATION, COURSES, DECISIONS, SEARCH]
    async with system_under_test(cluster, services, tmp_path, bus_servers) as system:
        await system.settled()
        spans.clear()
        answer = (
            await system["registration"]
            .http()
            .post(
                "/providers",
                json={"provider_id": "2828286-3", "name": "Kuntoutus Oy"},
                headers={"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"},
            )
        )
        assert answer.status_code == 201
        await system.settled()
    ours = [span for span in spans.get_finished_spans() if trace.format_trace_id(span.context.trace_id) == TRACE_ID]
    names = [span.name for span in ours]
    assert "POST providers" in names
    assert "project rekku.registrations" in names
    command = next(span for span in ours if span.name == "POST providers")
    consumer = next(span for span in ours if span.name == "project rekku.registrations")
    assert consumer.parent is not None
    assert consumer.parent.span_id == command.context.span_id


async def test_what_somebody_searches_for_is_in_no_span(
    cluster: ClusterUnderTest, tmp_path: Path, spans: InMemorySpanExporter
):
    """E-49, E-59: age and municipality hint at health, and an address may hold anything."""
    async with system_under_test(cluster, [SEARCH], tmp_path) as system:
        spans.clear()
        found = await system["search"].http(None).get("/offices", params={"municipality": "297", "age": "67"})
        assert found.status_code == 200
        assert (await system["search"].http(None).get("/131052-308T")).status_code == 422
    seen = [span.to_json() for span in spans.get_finished_spans()]
    assert any("GET offices" in span for span in seen)
    assert not any("municipality" in span or "131052" in span for span in seen)
