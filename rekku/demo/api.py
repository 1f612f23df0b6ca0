"""The services' HTTP APIs as the demo's people use them: with their own tokens, waiting by position."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from chassis.auth import DevIssuer, Role
from chassis.settings import Settings
from rekku.demo.wire import Response, Wire
from rekku.home import Run

OWNER_OF = {"provider": "registration", "office": "registration", "contract": "registration", "course": "courses"}
OWNER_OF |= {"pin": "courses", "decision": "decisions", "quota": "decisions"}
OWNER_OF |= {"settlement": "decisions", "price-annex": "decisions"}
"""Which service owns a subject of `Rekku-Known`, and need not be told to wait for itself."""

_PATIENCE_S = 60.0
_MOST_KNOWN = 20
_PAGE = 500


class Refused(Exception):
    """A command was refused, or a service failed; `code` and `values` are the refusal's, None and {} without one."""

    def __init__(self, what: str, response: Response) -> None:
        self.code: str | None = None
        self.values: dict[str, Any] = {}
        try:
            problem = response.json()
            self.code, self.values = problem["code"], problem.get("values") or {}
            why = f"{problem['code']} {problem.get('values') or problem.get('errors') or ''}".strip()
        except (ValueError, KeyError, TypeError):
            why = response.body[:200].decode(errors="replace")
        super().__init__(f"{what}: {response.status} {why}")


def newest(known: Iterable[str]) -> list[str]:
    """The subjects of several `Rekku-Known` values, each once with its newest version, as `kind:id@version`."""
    versions: dict[str, int] = {}
    for item in (item.strip() for value in known for item in value.split(",")):
        subject, _, version = item.rpartition("@")
        if subject:
            versions[subject] = max(int(version), versions.get(subject, 0))
    return [f"{subject}@{version}" for subject, version in versions.items()]


@dataclass(frozen=True)
class Answer:
    """What a service answered; `known` is what later commands elsewhere can wait for."""

    status: int
    body: Any
    known: str | None


@dataclass
class Api:
    """One HTTP client for all services; `requests` counts what was asked."""

    run: Run
    settings: Settings
    requests: int = 0
    waited: int = 0
    _wire: Wire = field(default_factory=lambda: Wire({"accept-language": "en"}))
    _tokens: dict[str | None, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._issuer = DevIssuer(self.settings)
        self._urls = {instance.service: instance.url for instance in reversed(self.run.instances)}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._wire.close()

    def _authorization(self, provider_id: str | None) -> str:
        if provider_id not in self._tokens:
            role = Role.OFFICER if provider_id is None else Role.PROVIDER
            self._tokens[provider_id] = f"Bearer {self._issuer.token(role, provider_id)}"
        return self._tokens[provider_id]

    async def command(
        self,
        method: str,
        service: str,
        path: str,
        body: Mapping[str, Any] | str | None = None,
        *,
        provider: str | None = None,
        key: str | None = None,
        known: Iterable[str] = (),
    ) -> Answer:
        """One command, as the provider or else as Kela's officer; repeated while a service has to catch up.

        Args:
            key: sent as `Idempotency-Key`, so that a repetition does nothing twice.
            known: what the service must have heard of first.

        Raises:
            Refused: any answer that is not a success.
        """
        headers = {"authorization": self._authorization(provider)}
        if key is not None:
            headers["idempotency-key"] = key
        elsewhere = [item for item in newest(known) if OWNER_OF.get(item.split(":")[0]) != service]
        if elsewhere:
            headers["rekku-known"] = ", ".join(elsewhere[-_MOST_KNOWN:])
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            self.requests += 1
            response = await self._wire.request(method, self._urls[service] + path, body=body, headers=headers)
            if response.status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                break
            self.waited += 1
        if not response.is_success:
            raise Refused(f"{key or f'{method} {service}{path}'} was refused", response)
        return Answer(response.status, response.json(), response.headers.get("rekku-known"))

    async def get(self, service: str, path: str, /, *, public: bool = False, **query: Any) -> Any:
        """What a service answers to a query, as officer, or as anybody."""
        self.requests += 1
        headers = {} if public else {"authorization": self._authorization(None)}
        response = await self._wire.request("GET", self._urls[service] + path, query=query, headers=headers)
        if not response.is_success:
            raise Refused(f"GET {service}{path}", response)
        return response.json()

    async def every(
        self, service: str, path: str, /, *, public: bool = False, page: int = _PAGE, **query: Any
    ) -> list[Any]:
        """All items of a list, over all its pages."""
        return [item async for item in self._pages(service, path, public, {**query, "limit": page})]

    async def _pages(self, service: str, path: str, public: bool, query: dict[str, Any]) -> AsyncIterator[Any]:
        while True:
            answer = await self.get(service, path, public=public, **query)
            for item in answer["items"]:
                yield item
            if answer["next"] is None:
                return
            query["after"] = answer["next"]

    async def submit(self, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """A command of the public, without a token."""
        self.requests += 1
        response = await self._wire.request("POST", self._urls[service] + path, body=body)
        if not response.is_success:
            raise Refused(f"POST {service}{path}", response)
        return response.json()

    async def progress(self, service: str) -> dict[str, int]:
        """How far a service's work has come; all zeros means at rest."""
        told: dict[str, int] = await self.get(service, "/progress")
        return told


async def at_rest(api: Api, services: Iterable[str], patience_s: float = _PATIENCE_S) -> dict[str, dict[str, int]]:
    """Wait until nothing is on its way between the services; what each one says then.

    Two looks in a row must find nothing: an event can be between two services during one of them.
    """
    names = list(services)
    deadline = time.monotonic() + patience_s
    quiet = 0
    while True:
        told = dict(zip(names, await asyncio.gather(*(api.progress(name) for name in names)), strict=True))
        busy = any(each[what] for each in told.values() for what in ("outbox", "lag", "timers_due"))
        quiet = 0 if busy else quiet + 1
        if quiet == 2 or time.monotonic() > deadline:
            return told
        await asyncio.sleep(0.02)
