"""Fields of requests: what their text may look like, and the checks that need a library."""

import re
from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field, StringConstraints
from stdnum import exceptions as stdnum_exceptions
from stdnum.fi import ytunnus

from chassis.auth import Role
from chassis.contact_fields import PRINTABLE as _PRINTABLE
from chassis.contact_fields import Email as Email
from chassis.contact_fields import Phone as Phone
from chassis.contact_fields import Web as Web
from chassis.contact_fields import phone_number as phone_number
from chassis.http import Caller, caller, public_caller
from contracts.refusals import Invalid

_PROSE = r"^[^\x00-\x09\x0b-\x1f\x7f]+$"
_BUSINESS_ID = re.compile(r"[0-9]{7}-?[0-9]")
_ID = r"^[A-Za-z0-9-]{1,64}$"

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE),
    Field(examples=["Sydänkunto Oy"]),
]
Prose = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, pattern=_PROSE),
    Field(examples=["Edellytykset täyttyvät."]),
]
"""A few sentences, with line breaks; they stay in this service."""
Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, pattern=_PRINTABLE),
    Field(examples=["Puijonkatu 1, 70100 Kuopio"]),
]
BusinessId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=20, pattern=_PRINTABLE),
    Field(examples=["1234567-1"]),
]
ServiceCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$"), Field(examples=["CARDIAC_ADULT"])]
MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$"), Field(examples=["297"])]

Writer = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER))]
Reader = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER, Role.SYSTEM))]
Provider = Annotated[Caller, Depends(caller(Role.PROVIDER))]
Officer = Annotated[Caller, Depends(caller(Role.OFFICER))]
OfficialReader = Annotated[Caller, Depends(caller(Role.OFFICER, Role.SYSTEM))]
Anybody = Annotated[Caller, Depends(public_caller)]

Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, pattern=_PRINTABLE),
    Field(examples=["Luku oli kirjattu väärälle vuodelle."]),
]
Year = Annotated[int, Path(ge=2000, le=2200)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31), examples=["2025-03-03"])]

Id = Annotated[str, StringConstraints(pattern=_ID), Field(examples=["0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77"])]
IdInPath = Annotated[str, Path(pattern=_ID)]
IdInQuery = Annotated[str | None, Query(pattern=_ID)]
ServiceInQuery = Annotated[str | None, Query(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
Limit = Annotated[int, Query(ge=1, le=500)]
AfterEntry = Annotated[int, Query(ge=0, le=2**62)]
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
