"""Types of what comes in over HTTP."""

from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field

from chassis.auth import Role
from chassis.fields import BusinessId as BusinessId
from chassis.fields import Day as Day
from chassis.fields import DecisionRef as DecisionRef
from chassis.fields import Limit as Limit
from chassis.fields import MunicipalityCode as MunicipalityCode
from chassis.fields import Place as Place
from chassis.fields import Year as Year
from chassis.http import Caller, Command, caller
from contracts.identity_codes import TextKind
from services.decisions.domain import ClientNotice, GivenBy, NoticeChannel

_CODE = r"^[A-Z][A-Z0-9_]{1,39}$"
_ID = r"^[A-Za-z0-9._~-]{1,64}$"
_REFERENCE = r"^[A-Za-z0-9-]{4,64}$"

Reference = Annotated[str, TextKind.IDENTIFIER, Field(pattern=_REFERENCE)]
"""An opaque reference of Kela's systems to a client or an application."""

ReasoningCode = Annotated[str, TextKind.MACHINE, Field(pattern=_CODE, examples=["GRANT_CONDITIONS_MET"])]
Id = Annotated[str, TextKind.MACHINE, Field(pattern=_ID)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
PathRef = Annotated[DecisionRef, Path()]
PathReference = Annotated[str, TextKind.IDENTIFIER, Path(pattern=_REFERENCE)]
PathId = Annotated[str, TextKind.MACHINE, Path(pattern=_ID)]
PathService = Annotated[str, TextKind.MACHINE, Path(pattern=_CODE)]
QueryService = Annotated[str, TextKind.MACHINE, Query(pattern=_CODE)]
QueryArea = Annotated[str, TextKind.MACHINE, Query(pattern=r"^[0-9]{2}$", examples=["06"])]

Official = Annotated[Caller, Depends(caller(Role.OFFICER))]
Kela = Annotated[Caller, Depends(caller(Role.OFFICER, Role.SYSTEM))]
Anyone = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER, Role.SYSTEM))]
Provider = Annotated[Caller, Depends(caller(Role.PROVIDER))]


class Notice(Command):
    """The client's own notice, or the guardian's (E-58)."""

    received_on: Day
    channel: NoticeChannel
    given_by: GivenBy = GivenBy.CLIENT

    def notice(self) -> ClientNotice:
        """What the rules look at."""
        return ClientNotice(self.received_on, self.channel, self.given_by)
