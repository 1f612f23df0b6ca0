"""Requests made up from an OpenAPI document, sent to a running application: what it answers has to stand there.

The campaign's size says how many requests each operation gets of those that fit the document (of those that do not,
a third of that).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.campaigns import SEED, size

EXAMPLES = size("fuzz")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_MOST_KEPT = 12
_ANY_STRING = {"type": "string", "title": ""}

Send = Callable[[httpx.AsyncClient, httpx.Request], httpx.Response]
Values = Mapping[str, Sequence[Any]]


class Known:
    """Values that exist, by the name of the field or parameter: given at the start, learnt from the answers."""

    def __init__(self, values: Values, learnt: Sequence[str] = ()) -> None:
        self._values = {name: list(each) for name, each in values.items()}
        self._learnt = frozenset(learnt)

    def put_into(self, value: Any, random: Random, *, share: float) -> Any:
        """`value` with a share of its fields replaced by values that exist."""
        if isinstance(value, dict):
            return {
                name: random.choice(self._values[name])
                if self._values.get(name) and inner is not None and random.random() < share
                else self.put_into(inner, random, share=share)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.put_into(inner, random, share=share) for inner in value]
        return value

    def learn(self, answer: Any) -> None:
        """Keep the identifiers in an answer, the newest of each name."""
        if isinstance(answer, dict):
            for name, inner in answer.items():
                if name in self._learnt and isinstance(inner, str) and inner not in self._values.setdefault(name, []):
                    self._values[name] = [*self._values[name], inner][-_MOST_KEPT:]
                self.learn(inner)
        elif isinstance(answer, list):
            for inner in answer:
                self.learn(inner)


async def fuzz(document: Mapping[str, Any], clients: Sequence[httpx.AsyncClient], known: Known) -> list[str]:
    """Send every operation requests that fit the document and some that do not, from each client in turn.

    Returns:
        What was answered with 5xx or outside the document, each with the request that brought it about.
    """
    loop = asyncio.get_running_loop()

    def send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(client.send(request), loop).result(timeout=60)

    return await asyncio.to_thread(_fuzz, document, clients, known, send)


def _fuzz(document: Mapping[str, Any], clients: Sequence[httpx.AsyncClient], known: Known, send: Send) -> list[str]:
    load_all_checks()
    schema = schemathesis.openapi.from_dict(_without_security(document))
    found: dict[str, str] = {}
    turns, random = count(), Random(SEED)
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode, examples in (
            (schemathesis.GenerationMode.POSITIVE, EXAMPLES),
            (schemathesis.GenerationMode.NEGATIVE, max(1, EXAMPLES // 3)),
        ):
            if mode is schemathesis.GenerationMode.NEGATIVE and not _can_be_wrong(operation):
                continue

            def one(case: schemathesis.Case) -> None:
                client = clients[next(turns) % len(clients)]
                for problem in _try(case, client, known, random, send):
                    found.setdefault(*problem)

            _examples(operation.as_strategy(generation_mode=mode), examples)(one)
    return [f"{what} ({how})" for what, how in sorted(found.items())]


def _without_security(document: Mapping[str, Any]) -> dict[str, Any]:
    """The clients bring their tokens, so that making up others is no wrong request."""
    paths = {
        path: {method: {**operation, "security": []} for method, operation in methods.items()}
        for path, methods in document["paths"].items()
    }
    return {**document, "paths": paths}


def _examples(cases: st.SearchStrategy[schemathesis.Case], most: int) -> Callable[[Callable[..., None]], None]:
    def run(one: Callable[..., None]) -> None:
        limits = settings(
            max_examples=most,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(SEED)(limits(given(case=cases)(one)))()

    return run


def _can_be_wrong(operation: Any) -> bool:
    """Whatever is sent in the place of a string about which nothing more is said is such a string."""
    schemas = [parameter["schema"] for parameter in operation.definition.raw.get("parameters", ())]
    return bool(list(operation.body)) or any({**schema, "title": ""} != _ANY_STRING for schema in schemas)


def _try(
    case: schemathesis.Case, client: httpx.AsyncClient, known: Known, random: Random, send: Send
) -> list[tuple[str, str]]:
    positive = case.meta is None or case.meta.generation.mode is schemathesis.GenerationMode.POSITIVE
    checks = list(CHECKS)
    if "course:" in case.headers.get("Rekku-Known", ""):
        # The document's example: a version that never comes is waited for, and then 503 is right.
        del case.headers["Rekku-Known"]
    if positive:
        case.path_parameters = known.put_into(dict(case.path_parameters or {}), random, share=0.9)
        case.query = known.put_into(dict(case.query or {}), random, share=0.5)
        case.body = known.put_into(case.body, random, share=0.8)
        if random.random() < 0.75:
            case.headers.pop("If-Match", None)
    elif client.headers.get("authorization"):
        checks.append(negative_data_rejection)
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://service")).prepare()
    headers = {name: value for name, value in prepared.headers.items() if name.lower() not in ("user-agent", "host")}
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    request = client.build_request(prepared.method or "", prepared.url or "", headers=headers, content=body)
    answer = send(client, request)
    how = f"{request.method} {request.url.raw_path.decode()} {(body or b'')[:400]!r} answered {answer.text[:400]}"
    try:
        case.validate_response(answer, checks=checks)
    except FailureGroup as group:
        return [(f"{case.operation.label}: {_said(each)}", how) for each in group.exceptions]
    except Failure as failure:
        return [(f"{case.operation.label}: {_said(failure)}", how)]
    if positive and answer.is_success and answer.headers.get("content-type", "").startswith("application/json"):
        known.learn(answer.json())
    return []


def _said(failure: BaseException) -> str:
    title = getattr(failure, "title", type(failure).__name__)
    return f"{title}: {' '.join(str(getattr(failure, 'message', failure)).split())[:300]}"
