"""No text that a service takes keeps what nobody sees: it is dropped from words for people, and else refused."""

from typing import Annotated

import pytest
from fastapi import APIRouter
from pydantic import StringConstraints, TypeAdapter, ValidationError

from chassis import fields
from chassis.http import Command
from chassis.service import Service
from rekku.services import SERVICES, load
from tests.contracts.test_fields_of_kinds import OPAQUE, ROOT
from tests.fields_of_kinds import fields_of

TURNING = "\u061c\u200e\u200f\u202a\u202e\u2066\u2069"
UNSEEN = "\u00ad\u180e\u200b\u200c\u200d\u2060\u2063\ufeff\u034f"
BREAKING = "\0\x1b\x7f\x85\u2028\u2029"
SPACES = "\u00a0\u202f\u3000"
EXAMPLES = (
    *("GROUP", "group", "1250.00", "06", "T2", "2025-03-03.7ZK3M9QW2XRTC", "2025-03-03/abc", "7ZK3M9QW2XRTC"),
    *("0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77", "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77/2025", "https://sydankunto.fi/ab"),
    *("2828286-3", "040 123 4567", "info@sydankunto.fi", "FI2112345600000785", "1232", "091", "67"),
)


def keeping(service):
    """Where a character that nobody sees is kept in the middle of a text, and what could not be tried."""
    for field in fields_of(service):
        if field.type is not str or (field.name in OPAQUE and not field.has_pattern and not field.kind):
            continue
        adapter = TypeAdapter(Annotated[str, *field.metadata])
        example = next((each for each in EXAMPLES if is_taken(adapter, each)), None)
        if example is None:
            yield f"{field}: no example fits"
            continue
        people = field.kind in ("text", "lines", "municipality")
        for character in TURNING + UNSEEN + BREAKING + ("" if people else SPACES):
            middle = len(example) // 2
            try:
                read = adapter.validate_python(example[:middle] + character + example[middle:])
            except ValidationError:
                continue
            if character in read:
                yield f"{field}: {character!a}"


def is_taken(adapter, example):
    try:
        return bool(adapter.validate_python(example))
    except ValidationError:
        return False


@pytest.mark.parametrize("name", SERVICES)
def test_no_field_keeps_what_nobody_sees(name):
    """What is read is what is stored, and two texts that are read alike are one."""
    assert list(keeping(load(name))) == []


class Loose(Command):
    web: Annotated[str, StringConstraints(max_length=300, pattern=r"^https?://[^\x00-\x20\x7f\"<>\\^`{|}]+$")]
    name: Annotated[str, StringConstraints(strip_whitespace=True)]
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]
    good: fields.Web


def test_a_field_that_keeps_it_is_noticed():
    """Negative control: excluded characters are no rule, and neither is a trimmed end."""
    router = APIRouter()

    @router.put("/contacts")
    async def put(body: Loose) -> None: ...

    found = list(keeping(Service(name="search", root=ROOT, router=router)))
    assert {line.partition("body.")[2].partition(":")[0] for line in found} == {"web", "name", "code"}
    assert "search PUT /contacts body.web: '\\u202e'" in found
    assert "search PUT /contacts body.code: no example fits" in found
