"""Types of what comes in over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import AfterValidator, Field

from chassis.auth import Role
from chassis.http import Caller, Command, caller
from services.decisions.domain import ClientNotice, GivenBy, NoticeChannel
from services.decisions.identifiers import is_decision_ref

_CODE = r"^[A-Z][A-Z0-9_]{1,39}$"
_ID = r"^[A-Za-z0-9._~-]{1,64}$"
_REFERENCE = r"^[A-Za-z0-9-]{4,64}$"
_EARLIEST, _LATEST = date(2000, 1, 1), date(2199, 12, 31)


def _checked(ref: str) -> str:
    if not is_decision_ref(ref):
        raise ValueError("not a decision identifier")
    return ref


Reference = Annotated[str, Field(pattern=_REFERENCE)]
"""An opaque reference of Kela's systems to a client or an application."""

DecisionRef = Annotated[str, Field(min_length=13, max_length=13), AfterValidator(_checked)]
"""A decision identifier with the right check character: a mistyped one is refused at once."""

ReasoningCode = Annotated[str, Field(pattern=_CODE, examples=["GRANT_CONDITIONS_MET"])]
Id = Annotated[str, Field(pattern=_ID)]
Day = Annotated[date, Field(ge=_EARLIEST, le=_LATEST, examples=["2025-03-03"])]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
MunicipalityCode = Annotated[str, Field(pattern=r"^[0-9]{3}$")]
PathRef = Annotated[DecisionRef, Path()]
PathReference = Annotated[str, Path(pattern=_REFERENCE)]
PathId = Annotated[str, Path(pattern=_ID)]
PathService = Annotated[str, Path(pattern=_CODE)]
PathYear = Annotated[int, Path(ge=2000, le=2199)]
QueryService = Annotated[str, Query(pattern=_CODE)]
QueryArea = Annotated[str, Query(pattern=r"^[0-9]{2}$", examples=["06"])]
QueryYear = Annotated[int, Query(ge=2000, le=2199)]
Limit = Annotated[int, Query(ge=1, le=500)]

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
