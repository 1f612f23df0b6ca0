"""Fields of requests: what their text may look like, and the checks that need a library."""

import re
from datetime import date
from typing import Annotated

import phonenumbers
from fastapi import Path, Query
from pydantic import Field, StringConstraints
from stdnum import exceptions as stdnum_exceptions
from stdnum.fi import ytunnus

from contracts.refusals import Invalid

_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
_PROSE = r"^[^\x00-\x09\x0b-\x1f\x7f]+$"
_BUSINESS_ID = re.compile(r"[0-9]{7}-?[0-9]")
_ID = r"^[A-Za-z0-9-]{1,64}$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=_PROSE)]
"""A few sentences, with line breaks; they stay in this service."""
Address = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=_PRINTABLE)]
BusinessId = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=_PRINTABLE)]
ServiceCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}$")
]
Web = Annotated[str, StringConstraints(max_length=300, pattern=r"^https?://[^\x00-\x20\x7f\"<>\\^`{|}]+$")]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
Phone = Annotated[str, StringConstraints(min_length=3, max_length=40, pattern=_PRINTABLE)]

Id = Annotated[str, StringConstraints(pattern=_ID)]
IdInPath = Annotated[str, Path(pattern=_ID)]
IdInQuery = Annotated[str | None, Query(pattern=_ID)]
ServiceInQuery = Annotated[str | None, Query(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
Limit = Annotated[int, Query(ge=1, le=500)]
After = Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{0,64}$")]


def business_id(text: str) -> str:
    """A business ID (Y-tunnus) in its usual form, `2828286-3`.

    Raises:
        Invalid: BUSINESS_ID_INVALID: another form, or a check digit that does not fit.
    """
    if not _BUSINESS_ID.fullmatch(text):
        raise Invalid("BUSINESS_ID_INVALID")
    try:
        return str(ytunnus.format(ytunnus.validate(text)))
    except stdnum_exceptions.ValidationError as error:
        raise Invalid("BUSINESS_ID_INVALID") from error


def phone_number(text: str) -> str:
    """A phone number as E.164; without a country code it is Finnish.

    Raises:
        Invalid: PHONE_INVALID.
    """
    try:
        number = phonenumbers.parse(text, "FI")
    except phonenumbers.NumberParseException as error:
        raise Invalid("PHONE_INVALID") from error
    if not phonenumbers.is_valid_number(number):
        raise Invalid("PHONE_INVALID")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
