"""Types of what comes in over HTTP, for every service: one for each kind of value that people write.

Text of a kind goes through its function of `chassis.cleaning`: what a handler gets is what is stored. A refusal has
the code of the kind and names the field. The OpenAPI document marks a field with its kind as `x-kind`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from chassis import cleaning
from contracts.identity_codes import TextKind
from contracts.refusals import Invalid

_NUMBERS = frozenset({"bool", "float", "int"})
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_WRITTEN = 60


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of value that people write, as metadata of a type: `Annotated[str, PHONE]`.

    Args:
        name: in documents, as `x-kind`.
        clean: from text to the value; raises `Invalid` with one of `codes`, that of a wrong form first.
        longest: in characters as they are read: neither spaces around nor what nobody sees is counted. None where
            `clean` measures what it returns.
        text_kind: how surely the text has to hold a personal identity code to be refused (E-59).
        described: what its JSON schema says more, or otherwise than its type.
    """

    name: str
    clean: Callable[[str], Any]
    codes: tuple[str, ...]
    longest: int | None = _MOST_WRITTEN
    described: Mapping[str, Any] = field(default_factory=dict)
    text_kind: TextKind = TextKind.PROSE

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._cleaned, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        of_type = handler(schema)
        if "anyOf" in self.described:
            of_type.pop("type", None)
        described = self.described or {"minLength": 1, "maxLength": self.longest}
        return {**of_type, **described, "x-kind": self.name}

    def _cleaned(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            if self.longest is not None and _is_longer(value, self.longest):
                raise Invalid(self.codes[0], longest=self.longest)
            return self.clean(value)
        except Invalid as refused:
            raise PydanticCustomError(refused.code, refused.code, dict(refused.values)) from refused


def _is_longer(value: str, longest: int) -> bool:
    return cleaning.is_too_long(value, longest) or len(cleaning.plain(value)) > longest


TEXT_CODES = (
    *("TEXT_TOO_LONG", "TEXT_BIDIRECTIONAL", "TEXT_CONTROL_CHARACTER", "TEXT_EMPTY", "TEXT_TOO_SHORT"),
    "TEXT_OVERMARKED",
)


def words(longest: int, *, shortest: int = 1, lines: bool = False) -> Kind:
    """The kind of words for people: one line, or with `lines` several; lengths in characters."""
    clean = partial(cleaning.text, longest=longest, shortest=shortest, lines=lines)
    described = {"minLength": shortest, "maxLength": longest}
    return Kind("lines" if lines else "text", clean, TEXT_CODES, None, described)


BUSINESS_ID = Kind("business-id", cleaning.business_id, ("BUSINESS_ID_INVALID", "BUSINESS_ID_CHECK_DIGIT"))
PHONE = Kind("phone", cleaning.phone, ("PHONE_INVALID",), text_kind=TextKind.PHONE)
MOBILE = Kind("mobile", cleaning.mobile, ("PHONE_INVALID", "NOT_MOBILE"), text_kind=TextKind.PHONE)
EMAIL = Kind("email", cleaning.email, ("EMAIL_INVALID",), longest=254)
WEB = Kind(
    "web",
    cleaning.web,
    ("WEB_INVALID",),
    longest=300,
    described={"minLength": 8, "maxLength": 300, "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"},
)
DECISION_REF = Kind(
    "decision-ref",
    cleaning.decision_ref,
    ("DECISION_REF_INVALID", "DECISION_REF_CHECK_CHARACTER"),
    text_kind=TextKind.IDENTIFIER,
)
IBAN = Kind("iban", cleaning.iban, ("IBAN_INVALID", "IBAN_CHECK_DIGITS"))
REFERENCE_NUMBER = Kind(
    "reference-number", cleaning.reference_number, ("REFERENCE_NUMBER_INVALID", "REFERENCE_NUMBER_CHECK_DIGIT")
)
MUNICIPALITY_CODE = Kind("municipality-code", cleaning.municipality_code, ("MUNICIPALITY_UNKNOWN",))
MUNICIPALITY = Kind("municipality", cleaning.municipality, ("MUNICIPALITY_UNKNOWN",))
AGE = Kind(
    "age",
    cleaning.age,
    ("AGE_INVALID", "AGE_NOT_WHOLE", "AGE_OUT_OF_RANGE"),
    described={
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": cleaning.OLDEST},
            {"type": "string", "minLength": 1, "maxLength": _MOST_WRITTEN},
        ]
    },
)

KINDS: Mapping[str, tuple[str, ...]] = {
    kind.name: kind.codes
    for kind in (
        *(words(1), words(1, lines=True), BUSINESS_ID, PHONE, MOBILE, EMAIL, WEB, DECISION_REF, IBAN),
        *(REFERENCE_NUMBER, MUNICIPALITY_CODE, MUNICIPALITY, AGE),
    )
}
"""The codes that each kind is refused with, by its name."""


@dataclass(frozen=True)
class Between:
    """A whole number of a path or a query, written in digits: neither `1.0` nor `+1`."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.int_schema(strict=True, ge=self.least, le=self.most)
        return core_schema.no_info_before_validator_function(_whole_number, number)


def _whole_number(value: object) -> object:
    try:
        return cleaning.whole_number(value) if isinstance(value, str) else value
    except Invalid as refused:
        raise PydanticKnownError("int_parsing") from refused


def _iso_day(value: object) -> object:
    """A day is not counted in seconds since 1970, nor has it a time."""
    if isinstance(value, str) and not _ISO_DAY.fullmatch(value):
        raise PydanticKnownError("date_parsing", {"error": "not a day"})
    if isinstance(value, str | date):
        return value
    raise PydanticKnownError("date_type")


ISO_DAY = BeforeValidator(_iso_day)


def _each_once(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Two spellings of one key are not two keys, of which the latter would be taken."""
    read = handler(value)
    if isinstance(value, dict) and len(read) < len(value):
        raise PydanticCustomError("named_twice", "named twice")
    return read


EACH_ONCE = WrapValidator(_each_once)


def strict_numbers(schema: CoreSchema) -> CoreSchema:
    """`schema`, changed in place so that no number is read from anything else: true is not 1, nor is 1.0 or "1"."""

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("type") in _NUMBERS:
                node["strict"] = True
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list | tuple):
            for inner in node:
                walk(inner)

    walk(schema)
    return schema


BusinessId = Annotated[str, BUSINESS_ID, Field(examples=["1234567-1"])]
Phone = Annotated[str, PHONE, Field(examples=["+358 40 123 4567"])]
MobilePhone = Annotated[str, MOBILE, Field(examples=["040 123 4567"])]
Email = Annotated[str, EMAIL, Field(examples=["kuntoutus@sydankunto.fi"])]
DecisionRef = Annotated[str, DECISION_REF, Field(examples=["7ZK3M9QW2XRTC"])]
Iban = Annotated[str, IBAN, Field(examples=["FI2112345600000785"])]
ReferenceNumber = Annotated[str, REFERENCE_NUMBER, Field(examples=["1232"])]
MunicipalityCode = Annotated[str, MUNICIPALITY_CODE, Field(examples=["297"])]
MunicipalityText = Annotated[str, MUNICIPALITY, Field(examples=["Kuopio"])]
Age = Annotated[int, AGE, Field(examples=[67])]
Web = Annotated[str, WEB, Field(examples=["https://www.sydankunto.fi/"])]
Day = Annotated[date, ISO_DAY, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31), examples=["2025-03-03"])]
Year = Annotated[int, Between(2000, 2199)]
Limit = Annotated[int, Between(1, 500)]
Place = Annotated[int, Between(0, 2**62)]
"""Where a page of a list begins: the number of the last thing on the page before."""
