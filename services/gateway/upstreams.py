"""The services behind the gateway, spoken to over HTTP with pooled connections."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from chassis.telemetry import current_traceparent
from contracts.refusals import NotFound, Refusal

_TIMEOUT = httpx.Timeout(15.0, connect=2.0)
# Connections rest shorter than the services keep them, so that none is used just as it is being closed.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2)


class UpstreamUnavailable(Refusal):
    """The service cannot be reached; nothing was sent twice, nothing is known to have happened (503 + Retry-After)."""

    status = 503

    def __init__(self, service: str) -> None:
        super().__init__("UPSTREAM_UNAVAILABLE", service=service)


@dataclass(frozen=True)
class Reply:
    """What a service answered to a page: status, document, and the versions a write led to."""

    status: int
    document: Any
    known: str = ""

    @property
    def ok(self) -> bool:
        """True for an answer that is not a problem."""
        return self.status < 400

    @property
    def code(self) -> str:
        """The refusal code of a problem answer."""
        return str(self.document.get("code", "")) if isinstance(self.document, dict) else ""

    @property
    def detail(self) -> str:
        """The problem in the visitor's words, already translated by the service."""
        return str(self.document.get("detail", "")) if isinstance(self.document, dict) else ""


@dataclass
class Upstreams:
    """Base URLs by service name, with one connection pool each.

    `trust` verifies their certificates, for each new connection anew; without it the usual authorities do.
    """

    bases: Mapping[str, str]
    trust: ssl.SSLContext | None = None
    _clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The services there are, in the order they were configured."""
        return list(self.bases)

    def client(self, service: str) -> httpx.AsyncClient:
        """The client of a service.

        Raises:
            NotFound: UNKNOWN_SERVICE.
        """
        if service not in self.bases:
            raise NotFound("UNKNOWN_SERVICE")
        if service not in self._clients:
            self.connect(service, httpx.AsyncHTTPTransport(verify=self.trust or True, limits=_LIMITS))
        return self._clients[service]

    def connect(self, service: str, transport: httpx.AsyncBaseTransport) -> None:
        """Reach `service` through `transport`: a connection pool, or an application in this process."""
        self._clients[service] = httpx.AsyncClient(
            base_url=self.bases[service], transport=transport, timeout=_TIMEOUT, trust_env=False
        )

    async def open(self, service: str, request: httpx.Request) -> httpx.Response:
        """Send a request and return as soon as the answer's headers are there; the caller closes it.

        Raises:
            UpstreamUnavailable: no connection, or no answer in time.
        """
        try:
            return await self.client(service).send(request, stream=True)
        except httpx.TransportError as error:
            raise UpstreamUnavailable(service) from error

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One exchange with a service, read to its end.

        Raises:
            UpstreamUnavailable: no connection, no answer in time, an answer that is not JSON, or one that
                says to try again later.
        """
        sent = dict(headers or {})
        if traceparent := current_traceparent():
            sent["traceparent"] = traceparent
        try:
            answer = await self.client(service).request(method, path, params=params, json=json, headers=sent)
            document = answer.json() if answer.content else None
        except (httpx.TransportError, ValueError) as error:
            raise UpstreamUnavailable(service) from error
        if answer.is_server_error:
            raise UpstreamUnavailable(service)
        return Reply(answer.status_code, document, answer.headers.get("rekku-known", ""))
