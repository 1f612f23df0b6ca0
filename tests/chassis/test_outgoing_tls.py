"""What else a process asks over https: whom it trusts is said by the variables that docs/settings.md names."""

import asyncio
import json

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import SpanExportResult

from chassis.issuer_keys import IssuerKeys, IssuerUnreachable
from tests.authority import Authority
from tests.chassis.issuer import OLD
from tests.chassis.test_server import Wire, serving
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "settings.md").read_text()
RIGHT_AND_WRONG = pytest.mark.parametrize("right", [True, False])


class Answering:
    """Answers every request alike."""

    def __init__(self, body=b""):
        self.body = body
        self.asked = []

    async def __call__(self, scope, receive, send):
        self.asked.append(scope["path"])
        while (await receive()).get("more_body"):
            pass
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", str(len(self.body)).encode())],
            }
        )
        await send({"type": "http.response.body", "body": self.body})


@pytest.fixture
def authority(tmp_path, monkeypatch):
    monkeypatch.setattr(Wire, "authority", Authority(tmp_path / "authority"))
    return Wire.authority


@RIGHT_AND_WRONG
async def test_the_issuers_keys_are_fetched_from_whom_ssl_cert_file_trusts(right, authority, tmp_path, monkeypatch):
    trusted = authority if right else Authority(tmp_path / "stranger")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.ca_file))
    assert "`SSL_CERT_FILE`" in PAGE
    app = Answering(json.dumps({"keys": [OLD.as_dict(private=False)]}).encode())
    async with serving(app) as here:
        keys = IssuerKeys(f"https://127.0.0.1:{here.port}/jwks.json")
        if right:
            assert await keys.find(OLD.kid, "ES256")
        else:
            with pytest.raises(IssuerUnreachable):
                await keys.find(OLD.kid, "ES256")
    assert bool(app.asked) == right


@RIGHT_AND_WRONG
async def test_telemetry_goes_to_whom_its_variable_trusts(right, authority, tmp_path, monkeypatch):
    trusted = authority if right else Authority(tmp_path / "stranger")
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        # Of the machine that tests; where one is set it counts instead.
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(trusted.ca_file))
    assert "`OTEL_EXPORTER_OTLP_CERTIFICATE`" in PAGE
    app = Answering()
    async with serving(app) as here:
        url = f"https://127.0.0.1:{here.port}/v1"
        spans = await asyncio.to_thread(OTLPSpanExporter(f"{url}/traces", timeout=1).export, [])
        metrics = await asyncio.to_thread(OTLPMetricExporter(f"{url}/metrics", timeout=1).export, MetricsData([]))
    assert (spans is SpanExportResult.SUCCESS, metrics is MetricExportResult.SUCCESS) == (right, right)
    assert app.asked == (["/v1/traces", "/v1/metrics"] if right else [])
