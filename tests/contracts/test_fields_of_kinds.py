"""No field of a kind that people write is read by anything but the shared type; no number by anything but digits."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import APIRouter
from pydantic import BaseModel

from chassis import fields
from chassis.http import Command
from chassis.service import Service
from rekku.services import SERVICES, load
from tests.fields_of_kinds import answers_of, arguments, fields_of, form_fields, models_of
from tests.openapi import document_of

ROOT = Path(__file__).parents[2]

KINDS_BY_NAME = {
    r"(.*_)?(phone|mobile|telephone)(_number)?": {"phone", "mobile"},
    r"(.*_)?e?mail": {"email"},
    r"(.*_)?(business_id|provider_id|biller_id|receiver_id)": {"business-id"},
    r"(.*_)?decision_refs?": {"decision-ref"},
    r"(.*_)?iban": {"iban"},
    r"(.*_)?reference_number": {"reference-number"},
    r"(.*_)?municipality(_code)?": {"municipality", "municipality-code"},
    r"(.*_)?age": {"age"},
    r"(.*_)?(reason|reasons|reason_text|explanation|remark|words|name|.*_address|action|corrective_action)": {
        *("text", "lines"),
    },
}
"""The kinds of value a field of a name may have."""

OPAQUE = {
    "answers": "numbers of statements, compared with the list",
    "after": "where a page begins, as the page before said",
    "token": "the secret of a link",
    "service": "a part of an address of the gateway",
    "path": "an address that the gateway passes on",
    "command": "a part of an address of the gateway",
    "course_number": "read by the page itself, which answers that there is no such course",
}
"""Text without kind or pattern, and why."""

FORMS = {
    "municipality": "municipality",
    "age": "age",
    "provider_id": "business-id",
    "decision_ref": "decision-ref",
    "reason": "lines, by the service that gets it",
    "csrf": None,
    "key": None,
    "role": None,
    "language": None,
    "service": None,
    "statement-": None,
    "next": None,
    "session": None,
}
"""What is filled in on pages, and its kind; None where it is chosen or made by a machine."""

ARGUMENTS = {"token.provider": "business-id"}
"""What is written on the command line, and its kind."""


def kinds_of_name(name):
    return next((kinds for pattern, kinds in KINDS_BY_NAME.items() if re.fullmatch(pattern, name)), None)


def without_their_kind(service):
    """Fields whose name says their kind, read by another type."""
    named = ((field, kinds_of_name(field.name)) for field in fields_of(service) if field.type in (str, int))
    return [str(field) for field, kinds in named if kinds and field.kind not in kinds]


def free_texts(service):
    """Text that is of no kind, nor a code, nor opaque."""
    return [
        str(field)
        for field in fields_of(service)
        if field.type is str and not field.kind and not field.has_pattern and field.name not in OPAQUE
    ]


def loose_numbers(service):
    """Numbers of a path or query that `1.0` is taken for, and days that a number is taken for."""
    return [
        str(field)
        for field in fields_of(service)
        if (
            field.type is int
            and not field.place.startswith("body")
            and not field.is_number_in_digits
            and not field.kind
        )
        or (field.type is date and not field.is_iso_day)
    ]


def loose_models(service):
    """Models of a body in which true could be 1."""
    return [model.__name__ for model in models_of(service) if not issubclass(model, Command)]


every_service = pytest.mark.parametrize("name", SERVICES)


@every_service
def test_every_field_of_a_kind_is_read_by_the_shared_type(name):
    """R-REG-4, R-DEC-19, E-48, E-69: by the name of the field, in bodies, paths and queries."""
    assert without_their_kind(load(name)) == []


@every_service
def test_every_text_is_of_a_kind_a_code_or_opaque(name):
    """By the type of the field."""
    assert free_texts(load(name)) == []


@every_service
def test_every_number_and_day_is_read_strictly(name):
    assert loose_numbers(load(name)) == []
    assert loose_models(load(name)) == []


@every_service
def test_the_document_names_the_codes_of_the_kinds(name):
    """A caller reads in the document of each operation what its fields may be refused with."""
    service = load(name)
    document = document_of(service)
    for field in fields_of(service):
        method, _, path = field.route.partition(" ")
        operation = document["paths"].get(path, {}).get(method.lower())
        if field.kind and operation:
            documented = operation["responses"]["4XX"]["x-general-refusals"]
            assert set(fields.KINDS[field.kind]) <= set(documented), str(field)


@every_service
def test_no_answer_is_read_like_a_request(name):
    """What is stored already is shown as it is, also where a kind would refuse it today (E-69)."""
    assert [str(field) for field in answers_of(load(name)) if field.kind] == []


def test_every_field_of_a_page_has_its_kind():
    assert form_fields() == set(FORMS)


def test_every_argument_of_the_command_line_of_a_kind_is_known():
    names = {each: each.partition(".")[2] for each in arguments()}
    assert {each for each, name in names.items() if kinds_of_name(name) or kinds_of_name(f"{name}_id")} == set(
        ARGUMENTS
    )


def test_the_client_can_only_be_reached_at_a_mobile_phone():
    """E-69: of all numbers only those that an SMS is sent to."""
    mobiles = [str(field) for name in SERVICES for field in fields_of(load(name)) if field.kind == "mobile"]
    assert mobiles == ["decisions PUT /client-contacts/{client_ref} body.phone"]


def test_every_kind_is_used_and_explained():
    used = {field.kind for name in SERVICES for field in fields_of(load(name)) if field.kind}
    assert used == set(fields.KINDS)
    page = (ROOT / "docs" / "values.md").read_text()
    rows = {
        kind: row
        for row in page.splitlines()
        if row.startswith("| `")
        for kind in re.findall(r"`([a-z-]+)`", row.split("|")[1])
    }
    assert set(rows) == set(fields.KINDS)
    for kind, codes in fields.KINDS.items():
        assert [code for code in codes if f"`{code}`" not in rows[kind]] == []


class Inner(BaseModel):
    count: int


class Shown(BaseModel):
    phone: fields.Phone


class Loose(Command):
    phone: str
    decision_refs: list[str]
    remark: str
    inner: Inner


def a_service_that_reads_loosely():
    router = APIRouter()

    @router.put("/contacts/{provider_id}", response_model=Shown)
    async def put(
        provider_id: str, body: Loose, limit: int = 1, age: Annotated[int | None, "years"] = None
    ) -> None: ...

    return Service(name="search", root=ROOT, router=router)


def test_a_field_that_is_read_by_another_type_is_noticed():
    """Negative control of the tests above."""
    service = a_service_that_reads_loosely()
    here = "search PUT /contacts/{provider_id}"
    assert sorted(without_their_kind(service)) == [
        f"{here} body.decision_refs.*",
        f"{here} body.phone",
        f"{here} body.remark",
        f"{here} path provider_id",
        f"{here} query age",
    ]
    assert len(free_texts(service)) == 4
    assert loose_numbers(service) == [f"{here} query limit", f"{here} query age"]
    assert loose_models(service) == ["Inner"]
    assert [str(field) for field in answers_of(service) if field.kind] == [f"{here} answer.phone"]
