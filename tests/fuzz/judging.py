"""What every answer is held against: the document, the language asked for, and what no answer may give away."""

import re
from collections.abc import Iterator

import httpx

from chassis.texts import preferred_language
from tests.openapi import Outside

IDENTITY_CODE = "131052-308T"
_NEVER = re.compile(r"Traceback \(most recent|site-packages|asyncpg\.|pydantic_core|131052.{0,9}308T", re.IGNORECASE)
"""The insides of a service, and the identity code that was sent."""


def judge(outside: Outside, path: str, answer: httpx.Response) -> Iterator[str]:
    """What is wrong with an answer of a service to a request for `path`, a route of its document."""
    request = answer.request
    yield from outside.find(request.method, path, answer.status_code, answer.headers, answer.content)
    if answer.status_code == 503 and "rekku-known" not in request.headers:
        yield "a service at rest is not available"
    if answer.status_code >= 400:
        asked = preferred_language(request.headers.get("accept-language"))
        if answer.headers.get("content-language") != asked:
            yield f"the language is not {asked}"
    yield from given_away(answer)


def given_away(answer: httpx.Response) -> Iterator[str]:
    """What an answer says that none may say."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    for match in _NEVER.finditer(f"{headers}\n{answer.text}"):
        yield f"gives away {match[0][:12]}"
