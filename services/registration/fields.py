"""Fields of requests: what their text may look like."""

from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field, StringConstraints

from chassis.auth import Role
from chassis.fields import BusinessId as BusinessId
from chassis.fields import Day as Day
from chassis.fields import Email as Email
from chassis.fields import Limit as Limit
from chassis.fields import MunicipalityCode as MunicipalityCode
from chassis.fields import Phone as Phone
from chassis.fields import Place as Place
from chassis.fields import Web as Web
from chassis.fields import Year as Year
from chassis.fields import words
from chassis.http import Caller, caller, public_caller
from contracts.identity_codes import TextKind

_ID = r"^[A-Za-z0-9-]{1,64}$"

Name = Annotated[str, words(200), Field(examples=["Sydänkunto Oy"])]
Prose = Annotated[str, words(2000, lines=True), Field(examples=["Edellytykset täyttyvät."])]
"""A few sentences, with line breaks; they stay in this service."""
Address = Annotated[str, words(300), Field(examples=["Puijonkatu 1, 70100 Kuopio"])]
ServiceCode = Annotated[
    str, TextKind.MACHINE, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$"), Field(examples=["CARDIAC_ADULT"])
]

Writer = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER))]
Reader = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER, Role.SYSTEM))]
Provider = Annotated[Caller, Depends(caller(Role.PROVIDER))]
Officer = Annotated[Caller, Depends(caller(Role.OFFICER))]
OfficialReader = Annotated[Caller, Depends(caller(Role.OFFICER, Role.SYSTEM))]
Anybody = Annotated[Caller, Depends(public_caller)]

Reason = Annotated[str, words(500), Field(examples=["Luku oli kirjattu väärälle vuodelle."])]

Id = Annotated[
    str, TextKind.MACHINE, StringConstraints(pattern=_ID), Field(examples=["0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77"])
]
IdInPath = Annotated[str, TextKind.MACHINE, Path(pattern=_ID)]
ServiceInQuery = Annotated[str | None, TextKind.MACHINE, Query(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
After = Annotated[str, TextKind.MACHINE, Query(pattern=r"^[A-Za-z0-9-]{0,64}$")]
