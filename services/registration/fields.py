"""Fields of requests: what their text may look like, and the checks that need a library."""

import re
from typing import Annotated

import phonenumbers
from fastapi import Depends, Path, Query
from pydantic import StringConstraints
from stdnum import exceptions as stdnum_exceptions
from stdnum.fi import ytunnus

from chassis.auth import Role
from chassis.http import Caller, caller, public_caller
from contracts.refusals import Invalid

_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
_BUSINESS_ID = re.compile(r"[0-9]{7}-?[0-9]")
_ID = r"^[A-Za-z0-9-]{1,64}$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]
Address = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=_PRINTABLE)]
BusinessId = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=_PRINTABLE)]
ServiceCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}$")
]
Web = Annotated[str, StringConstraints(max_length=300, pattern=r"^https?://[^\x00-\x20\x7f\"<>\\^`{|}]+$")]
Phone = Annotated[str, StringConstraints(min_length=3, max_length=40, pattern=_PRINTABLE)]

Writer = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER))]
Reader = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER, Role.SYSTEM))]
Officer = Annotated[Caller, Depends(caller(Role.OFFICER))]
OfficialReader = Annotated[Caller, Depends(caller(Role.OFFICER, Role.SYSTEM))]
Anybody = Annotated[Caller, Depends(public_caller)]

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_PRINTABLE)]
Year = Annotated[int, Path(ge=2000, le=2200)]
IdInPath = Annotated[str, Path(pattern=_ID)]
IdInQuery = Annotated[str | None, Query(pattern=_ID)]
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
