"""Requests for pages and forms, made up from the gateway's routes and from what its forms declare."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.entry_points import taken_by
from chassis.texts import LANGUAGES, preferred_language
from services.gateway.forms import FIELDS
from tests.fuzz.fuzzing import Played, as_written
from tests.fuzz.judging import given_away
from tests.fuzz.strange import FORBIDDEN_TEXTS, HOSTILE_TEXTS, Parts, Written, unreadable, with_odd_header, write
from tests.gateway.builders import HTML

_FORM = (b"content-type", b"application/x-www-form-urlencoded")
_NO_PAGES = ("/api/", "/livez", "/readyz")
_NAMED = re.compile(r"{(\w+)}")
_ASKED_OF_PAGES = sorted(name for name in FIELDS if not name.startswith("statement-"))
_ASKED = ("fi", "sv", "en", "sv-FI, fi;q=0.5", "de")
_SAFE = ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control")

Values = Mapping[str, Sequence[Any]]


@dataclass
class Reader:
    """Somebody with a browser; `csrf` is the form token of the session."""

    browser: httpx.AsyncClient
    csrf: str = ""


@dataclass(frozen=True)
class Page:
    """What a route answers people."""

    method: str
    path: str
    parameters: tuple[str, ...]
    query: tuple[str, ...]

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


def pages_of(app: FastAPI) -> list[Page]:
    """Every page, and every form that is sent."""
    return [
        Page(method, here.path, tuple(_NAMED.findall(here.path)), tuple(sorted(taken_by(here.route).parameters)))
        for here in iter_route_contexts(app.routes)
        if isinstance(here.route, APIRoute) and not here.route.include_in_schema
        if here.path and not here.path.startswith(_NO_PAGES)
        for method in sorted(here.methods or ())
    ]


async def fuzz_pages(
    pages: Sequence[Page], readers: Callable[[Page], Awaitable[Sequence[Reader]]], values: Values, each: int, seed: int
) -> Played:
    """Ask for every page and send every form so many times, each reader in turn."""
    random, played = Random(seed), Played()
    for _ in range(each):
        for page in pages:
            reader = random.choice(await readers(page))
            written, language = _request(page, reader, values, random)
            accept = random.choice((HTML["accept"], HTML["accept"], HTML["accept"], "application/json", "*/*"))
            headers = {"accept": accept, "accept-language": language}
            reader.browser.cookies.delete("rekku-language") if "rekku-language" in reader.browser.cookies else None
            request = reader.browser.build_request(page.method, f"http://gateway.test{written.target}", headers=headers)
            answer = await reader.browser.send(as_written(request, written))
            played.note(page.name, _judge(answer, written), answer)
    return played


def _request(page: Page, reader: Reader, values: Values, random: Random) -> tuple[Written, str]:
    def one(name: str) -> str:
        known = values.get(name)
        if known and random.random() < 0.9:
            return str(random.choice(known))
        return random.choice(FORBIDDEN_TEXTS if random.random() < 0.2 else HOSTILE_TEXTS)

    path = {name: one(name) for name in page.parameters}
    asked = [*page.query, *random.sample(_ASKED_OF_PAGES, random.randrange(4))]
    query = tuple((name, one(name)) for name in asked if page.method == "GET" or random.random() < 0.2)
    parts = Parts(page.method, page.path, path, query)
    written = write(parts)
    fields: dict[str, str] = {}
    if page.method == "POST":
        likely = {"key", "decision_ref", "reason", "role", "provider_id"} | {f"statement-{n}" for n in range(1, 20)}
        fields = {name: one(name) for name in FIELDS if random.random() < (0.9 if name in likely else 0.1)}
        if random.random() < 0.9:
            fields["csrf"] = reader.csrf
        content = urlencode(fields, errors="surrogatepass").encode()
        written = replace(written, content=content, headers=(_FORM,))
    if random.random() < 0.1:
        written = unreadable(parts, random)
    elif random.random() < 0.15:
        written = with_odd_header(written, random)
    said = (*path.values(), *(value for _, value in query), *(fields.values() if written.content else ()))
    holds_code = bool({*said} & {*FORBIDDEN_TEXTS})
    return replace(written, refused=written.refused or holds_code), random.choice(_ASKED)


def _judge(answer: httpx.Response, written: Written) -> Iterator[str]:
    """What is wrong with a page."""
    status, kind = answer.status_code, answer.headers.get("content-type", "")
    if status >= 500:
        yield "a failure"
        return
    yield from given_away(answer)
    if written.refused and status < 400:
        yield "what no page takes is taken"
    for name in _SAFE:
        if name not in answer.headers:
            yield f"no {name}"
    if status == 303:
        where = answer.headers["location"]
        if not where.startswith("/") or where.startswith("//"):
            yield "leads elsewhere"
        return
    if kind.startswith("text/html"):
        yield from _judge_page(answer)
    elif status >= 400 and (kind != "application/problem+json" or not answer.json().get("code")):
        yield "a refusal that is neither page nor problem"


def _judge_page(answer: httpx.Response) -> Iterator[str]:
    request, text = answer.request, answer.text
    spoken = answer.headers.get("content-language", "")
    if spoken != _expected_language(request):
        yield f"the page is in {spoken!r}"
    if f'<html lang="{spoken}"' not in text:
        yield "the page does not say its language"
    heading = text.partition("<h1")[2].partition(">")[2].partition("</h1>")[0]
    if not heading.strip():
        yield "no heading"
    if "<script" in text:
        yield "a script"
    if answer.status_code >= 400 and not _says_why(text):
        yield "a refusal without its reason"


def _says_why(text: str) -> bool:
    """Whether there is something to read below the heading."""
    main = text.partition("<main")[2].partition("</h1>")[2].partition("</main>")[0]
    return "<p" in main or "<li" in main


def _expected_language(request: httpx.Request) -> str:
    path = request.url.path.strip("/")
    chosen = path if path in LANGUAGES else next(iter(request.url.params.get_list("lang")[-1:]), None)
    accepted = request.headers.get_list("accept-language")[0]
    return chosen if chosen in LANGUAGES else preferred_language(accepted)
