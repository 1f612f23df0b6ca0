"""OpenTelemetry traces and metrics; one trace runs from the HTTP command to every consumer."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis.settings import Settings

_PROPAGATOR = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("rekku")
_meter = metrics.get_meter("rekku")

records_handled = _meter.create_counter("rekku.inbox.handled", description="Records applied, by outcome")
dead_letters = _meter.create_counter("rekku.inbox.dead_letters", description="Records that could not be applied")
unknown_types = _meter.create_counter("rekku.inbox.unknown_types", description="Records of a type not known here")
reused_ids = _meter.create_counter("rekku.inbox.reused_ids", description="Known event ids that came with another body")
tombstones = _meter.create_counter("rekku.inbox.tombstones", description="Records without a body on compacted topics")
refused_from_outside = _meter.create_counter(
    "rekku.inbox.refused_from_outside", description="Records of other systems that are not taken, by why"
)
partition_pauses = _meter.create_counter("rekku.bus.pauses", description="Partitions paused, for what does not end")
records_sent = _meter.create_counter("rekku.outbox.sent", description="Outbox rows handed to the bus")
outbox_waiting = _meter.create_gauge("rekku.outbox.waiting", description="Rows that the bus does not have yet")
outbox_age = _meter.create_gauge(
    "rekku.outbox.age", unit="s", description="Age of the oldest row the bus does not have"
)
bus_lag = _meter.create_gauge("rekku.bus.lag", description="Records on the bus that this service has not finished")
resting_keys = _meter.create_gauge(
    "rekku.inbox.resting_keys", description="Keys whose record has failed for the moment and is tried again"
)
parked_keys = _meter.create_gauge(
    "rekku.inbox.parked_keys", description="Keys whose later records wait behind a dead letter"
)
open_letters = _meter.create_gauge("rekku.inbox.open_letters", description="Dead letters nobody has settled")
send_failures = _meter.create_counter("rekku.outbox.failures", description="Times the bus did not take the oldest rows")
resting_topics = _meter.create_gauge(
    "rekku.outbox.resting", description="1 for a topic that nothing can be published to, whose rows wait; else 0"
)
rows_set_aside = _meter.create_counter(
    "rekku.outbox.set_aside", description="Outbox rows set aside because the bus does not take them, by topic"
)
unread_topics = _meter.create_gauge(
    "rekku.bus.resting", description="1 for a topic that a group has no right to read, whose records wait; else 0"
)
rejoins = _meter.create_counter("rekku.bus.rejoins", description="Consumers found standing still and joined anew")
task_deaths = _meter.create_counter("rekku.tasks.deaths", description="Background tasks that died, by task")
timers_fired = _meter.create_counter("rekku.timers.fired", description="Timers fired, by kind")
counters_differed = _meter.create_counter(
    "rekku.counters.differed", description="Counters and copies found to differ from the decisions, by kind"
)
refusals = _meter.create_counter("rekku.http.refusals", description="Refused commands, by code")
turned_away = _meter.create_counter(
    "rekku.http.turned_away", description="Requests and connections turned away at the door, by kind"
)
tls_unusable = _meter.create_gauge(
    "rekku.tls.unusable", description="1 while files of TLS cannot be read anew and those of before go on; else 0"
)
tls_valid_until = _meter.create_gauge(
    "rekku.tls.valid_until", unit="s", description="When the certificate that is shown ends, in seconds since 1970"
)


class JsonLines(logging.Formatter):
    """One JSON object per line, with the trace it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        context = trace.get_current_span().get_span_context()
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if context.is_valid:
            entry["trace_id"] = trace.format_trace_id(context.trace_id)
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def start_telemetry(service: str, settings: Settings) -> None:
    """Set up logging, and OTLP export where an endpoint is configured.

    Without an endpoint trace ids still travel with every event; spans are not recorded.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # asyncpg's pool logs each try with a traceback while PostgreSQL is away; whoever waits for it logs one line.
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)
    # Kafka's client repeats the same lines several times a second while brokers are away; the bus says it in its own.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    exporting = bool(settings.otlp_endpoint)
    resource = Resource.create({"service.name": f"rekku-{service}", "service.instance.id": settings.instance})
    tracing = TracerProvider(resource=resource, sampler=ALWAYS_ON if exporting else ALWAYS_OFF)
    if exporting:
        # Imported here, because most starts do not export and the exporters take a third of a second to load.
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{settings.otlp_endpoint}/v1/traces")))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{settings.otlp_endpoint}/v1/metrics"))
        metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))
    trace.set_tracer_provider(tracing)


def current_traceparent() -> str | None:
    """The W3C traceparent of the running span, to be stored with an outbox row."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


def current_trace_id() -> str | None:
    """The trace that the running span belongs to, as logs and events name it; None outside of any."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


@contextmanager
def span(name: str, kind: SpanKind, traceparent: str | None = None, **attributes: str | int) -> Iterator[Span]:
    """A span named `name`, continuing the trace of `traceparent` where one is given."""
    context = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    with _tracer.start_as_current_span(name, context=context, kind=kind, attributes=attributes) as current:
        yield current
