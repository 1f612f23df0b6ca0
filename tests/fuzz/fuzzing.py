"""Requests made up from an OpenAPI document, sent to a running application: what it answers has to stand there.

The campaign's size says how many requests each operation gets that fit the document, and how many that are broken
in one place; of those whose values do not fit, it gets a third of that.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import negative_data_rejection

from tests.campaigns import SEED, size
from tests.fuzz.judging import judge
from tests.fuzz.strange import Parts, Written, broken
from tests.openapi import Outside

EXAMPLES = size("fuzz")
_MOST_KEPT = 12
_ANY_STRING = {"type": "string", "title": ""}
LANGUAGES = ("fi", "sv", "en", "sv-FI, fi;q=0.5", "de", "*")

_OF_A_CLIENT = ("user-agent", "host")

Send = Callable[[httpx.AsyncClient, httpx.Request], httpx.Response]
Values = Mapping[str, Sequence[Any]]
Body = Callable[[Random], Any]


class Known:
    """Values that exist, by the name of the field or parameter: given at the start, learnt from the answers.

    Args:
        values: such values.
        learnt: names of fields whose values in answers exist as well.
        bodies: for operations whose bodies chance does not meet: "POST /payments" to what makes one that fits;
            text is XML.
    """

    def __init__(self, values: Values, learnt: Sequence[str] = (), bodies: Mapping[str, Body] | None = None) -> None:
        self._values = {name: list(each) for name, each in values.items()}
        self._learnt = frozenset(learnt)
        self.bodies = bodies or {}

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


@dataclass
class Played:
    """What came of it: what was wrong, each with a request that brought it about, and what was answered how often."""

    wrong: dict[str, str] = field(default_factory=dict)
    answered: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def found(self) -> list[str]:
        """What was wrong, in words."""
        return [f"{what} ({how})" for what, how in sorted(self.wrong.items())]

    @property
    def unreached(self) -> list[str]:
        """The operations that never did what they are for: every answer was a refusal."""
        return sorted(name for name, each in self.answered.items() if not any(status < 400 for status in each))

    @property
    def reached(self) -> float:
        """The share of operations that did what they are for at least once."""
        return 1 - len(self.unreached) / len(self.answered)

    def note(self, operation: str, wrong: Iterator[str] | Sequence[str], answer: httpx.Response) -> None:
        """Count an answer, and keep what is wrong with it."""
        self.answered[operation][answer.status_code] += 1
        for each in wrong:
            self.wrong.setdefault(f"{operation} answered {answer.status_code}: {each}", _how(answer))

    def __str__(self) -> str:
        sent = sum(each.total() for each in self.answered.values())
        figures = f"{len(self.answered)} operations, {sent} requests, {self.reached:.0%} not only refused"
        return f"{figures}; never: {', '.join(self.unreached)}" if self.unreached else figures


async def fuzz(
    document: Mapping[str, Any], clients: Sequence[httpx.AsyncClient], known: Known, examples: int = EXAMPLES
) -> Played:
    """Send every operation requests that fit the document, some that do not, and some that are broken.

    Each client has its turn; one that an operation is not for seldom.
    """
    loop = asyncio.get_running_loop()

    def send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(client.send(request), loop).result(timeout=60)

    return await asyncio.to_thread(_Fuzz(document, clients, known, send, examples).play)


class _Fuzz:
    def __init__(
        self,
        document: Mapping[str, Any],
        clients: Sequence[httpx.AsyncClient],
        known: Known,
        send: Send,
        examples: int,
    ) -> None:
        self._document = document
        self._outside = Outside(document)
        self._clients = clients
        self._known = known
        self._send = send
        self._each = examples
        self._random = Random(SEED)
        self._not_for: defaultdict[str, set[int]] = defaultdict(set)
        self._fitting: dict[str, Parts] = {}
        self._played = Played()

    def play(self) -> Played:
        load_all_checks()
        for result in schemathesis.openapi.from_dict(_bare(self._document)).get_all_operations():
            operation = result.ok()
            positive, negative = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
            _examples(operation.as_strategy(generation_mode=positive), self._each)(self._fit)
            if _can_be_wrong(operation):
                _examples(operation.as_strategy(generation_mode=negative), max(1, self._each // 3))(self._misfit)
            for _ in range(self._each):
                self._break(operation.label)
        return self._played

    def _fit(self, case: schemathesis.Case) -> None:
        """Send a request that fits, as far as may be about something that exists."""
        label, random = case.operation.label, self._random
        case.path_parameters = self._known.put_into(dict(case.path_parameters or {}), random, share=0.9)
        case.query = self._known.put_into(dict(case.query or {}), random, share=0.5)
        case.body = self._known.put_into(case.body, random, share=0.8)
        content: bytes | None = None
        if label in self._known.bodies and random.random() < 0.7:
            made = self._known.bodies[label](random)
            content = made.encode() if isinstance(made, str) else json.dumps(made).encode()
            case.body = made
        answer = self._sent(case, content)
        if answer.is_success:
            if answer.headers.get("content-type", "").startswith("application/json"):
                self._known.learn(answer.json())
            self._fitting[label] = _parts_of(case)
        self._fitting.setdefault(label, _parts_of(case))

    def _misfit(self, case: schemathesis.Case) -> None:
        """Send a request of which something does not fit."""
        answer = self._sent(case, None)
        try:
            if answer.is_success and "authorization" in answer.request.headers:
                case.validate_response(answer, checks=[negative_data_rejection])
        except FailureGroup as group:
            self._played.note(case.operation.label, [_said(each) for each in group.exceptions], answer)
        except Failure as failure:
            self._played.note(case.operation.label, [_said(failure)], answer)

    def _sent(self, case: schemathesis.Case, content: bytes | None) -> httpx.Response:
        label = case.operation.label
        prepared = requests.Request(**case.as_transport_kwargs(base_url="http://service")).prepare()
        headers = {
            name: value for name, value in prepared.headers.items() if name.lower() not in ("user-agent", "host")
        }
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        if content is not None:
            headers.pop("Content-Length", None)
            body = content
        client = self._client(label)
        headers |= self._own_headers(label)
        request = client.build_request(prepared.method or "", prepared.url or "", headers=headers, content=body)
        return self._judged(label, client, request)

    def _break(self, label: str) -> None:
        written = broken(self._fitting[label], self._random)
        client = self._client(label)
        headers = {"accept-language": self._random.choice(LANGUAGES)}
        request = client.build_request(written.method, f"http://service{written.target}", headers=headers)
        request = as_written(request, written)
        answer = self._judged(label, client, request)
        if written.refused and answer.is_success:
            self._played.note(label, ["what no operation takes is taken"], answer)

    def _judged(self, label: str, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        answer = self._send(client, request)
        self._played.note(label, judge(self._outside, label.partition(" ")[2], answer), answer)
        if answer.status_code == 401 or (answer.status_code == 403 and answer.json().get("code") == "NOT_ALLOWED"):
            self._not_for[label].add(id(client))
        return answer

    def _client(self, label: str) -> httpx.AsyncClient:
        welcome = [client for client in self._clients if id(client) not in self._not_for[label]]
        return self._random.choice(welcome if welcome and self._random.random() < 0.9 else self._clients)

    def _own_headers(self, label: str) -> dict[str, str]:
        """The headers that any operation of its kind takes."""
        random, headers = self._random, {"Accept-Language": self._random.choice(LANGUAGES)}
        method, _, path = label.partition(" ")
        named = {each["name"] for each in self._document["paths"][path][method.lower()].get("parameters", ())}
        if "Idempotency-Key" in named and random.random() < 0.8:
            headers["Idempotency-Key"] = random.choice([str(UUID(int=random.getrandbits(128))), "once"])
        if "If-Match" in named and random.random() < 0.25:
            headers["If-Match"] = random.choice(['"1"', '"1", "2"', 'W/"1"', "*"])
        if "If-None-Match" in named and random.random() < 0.25:
            headers["If-None-Match"] = random.choice(['"1"', "*"])
        return headers


def _bare(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without tokens and headers: the same for every operation, they are drawn once, and here."""
    paths = {
        path: {
            method: {
                **operation,
                "security": [],
                "parameters": [each for each in operation.get("parameters", ()) if each["in"] != "header"],
            }
            for method, operation in methods.items()
        }
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

        def played(case: schemathesis.Case) -> None:
            one(case)

        seed(SEED)(limits(given(case=cases)(played)))()

    return run


def _can_be_wrong(operation: Any) -> bool:
    """Whatever is sent in the place of a string about which nothing more is said is such a string."""
    schemas = [each["schema"] for each in operation.definition.raw.get("parameters", ()) if each["in"] != "header"]
    takes_json = any("json" in body.media_type for body in operation.body)
    return takes_json or any({**schema, "title": ""} != _ANY_STRING for schema in schemas)


def _parts_of(case: schemathesis.Case) -> Parts:
    query = [
        (name, _word(each))
        for name, value in (case.query or {}).items()
        for each in (value if isinstance(value, list) else [value])
    ]
    values = {name: _word(value) for name, value in (case.path_parameters or {}).items()}
    body = case.body if isinstance(case.body, dict | list | str | int | float) else None
    return Parts(case.method, case.operation.path, values, tuple(query), body)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def as_written(request: httpx.Request, written: Written) -> httpx.Request:
    """With exactly these headers and bytes, of which a client would make others."""
    replaced = {name for name, _ in written.headers}
    kept = [(name, value) for name, value in request.headers.raw if name.lower() not in {*replaced, b"content-length"}]
    length = [] if b"content-length" in replaced else [(b"content-length", str(len(written.content)).encode())]
    return httpx.Request(
        request.method,
        request.url,
        headers=[*kept, *(length if written.content else ()), *written.headers],
        stream=httpx.ByteStream(written.content),
    )


def _how(answer: httpx.Response) -> str:
    request = answer.request
    body = request.stream.__iter__() if isinstance(request.stream, httpx.ByteStream) else iter((b"",))
    sent = b"".join(body)[:400]
    told = [pair for pair in request.headers.raw if pair[0].lower() in (b"content-type", b"rekku-known", b"if-match")]
    return f"{request.method} {request.url.raw_path.decode()[:400]} {told} {sent!r} answered {answer.text[:400]}"


def _said(failure: BaseException) -> str:
    title = getattr(failure, "title", type(failure).__name__)
    return f"{title}: {' '.join(str(getattr(failure, 'message', failure)).split())[:300]}"
