"""Types of what comes in over HTTP, for the features' own routers."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field, StringConstraints

from chassis.auth import Role
from chassis.http import Caller, caller

ID = r"^[A-Za-z0-9._~-]{1,64}$"
_AFTER = r"^[A-Za-z0-9._~-]{0,64}$"
CODE = r"^[A-Za-z0-9_-]{1,40}$"
_NO_CONTROLS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$"
_EARLIEST, _LATEST = date(2000, 1, 1), date(2199, 12, 31)

Id = Annotated[str, Field(pattern=ID)]
Code = Annotated[str, Field(pattern=CODE)]
Day = Annotated[date, Field(ge=_EARLIEST, le=_LATEST)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=_NO_CONTROLS)]
"""Somebody's own words; they stay in this service."""

CourseId = Annotated[str, Path(pattern=ID)]
After = Annotated[str, Query(pattern=_AFTER)]
Limit = Annotated[int, Query(ge=1, le=500)]

Acting = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER))]
Official = Annotated[Caller, Depends(caller(Role.OFFICER))]
Reading = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER, Role.SYSTEM))]
