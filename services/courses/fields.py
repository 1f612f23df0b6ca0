"""Types of what comes in over HTTP, for the features' own routers."""

from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field

from chassis.auth import Role
from chassis.fields import BusinessId as BusinessId
from chassis.fields import Day as Day
from chassis.fields import DecisionRef as DecisionRef
from chassis.fields import Limit as Limit
from chassis.fields import Place as Place
from chassis.fields import Year as Year
from chassis.fields import words
from chassis.http import Caller, Command, caller
from contracts.identity_codes import TextKind
from contracts.values import DeliveryMode
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.creation import Proposal, ProposedPeriod
from services.courses.moving.domain import Destination

ID = r"^[A-Za-z0-9._~-]{1,64}$"
_AFTER = r"^[A-Za-z0-9._~-]{0,64}$"
CODE = r"^[A-Za-z0-9_-]{1,40}$"

Id = Annotated[str, TextKind.MACHINE, Field(pattern=ID, examples=["0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77"])]
Code = Annotated[str, TextKind.MACHINE, Field(pattern=CODE, examples=["group_a"])]
GroupSize = Annotated[int, Field(ge=1, le=500, examples=[8])]
TargetGroups = Annotated[tuple[Code, ...], Field(max_length=20, examples=[["group_a", "group_b"]])]
Reason = Annotated[str, words(1000, lines=True), Field(examples=["Kouluttaja sairastui."])]
"""Somebody's own words; they stay in this service."""

CourseId = Annotated[str, TextKind.MACHINE, Path(pattern=ID)]
After = Annotated[str, TextKind.MACHINE, Query(pattern=_AFTER)]

Acting = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER))]
Official = Annotated[Caller, Depends(caller(Role.OFFICER))]
Reading = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER, Role.SYSTEM))]


class NewPeriod(Command):
    """A period; `mode` may be left out where the service description plans it."""

    first_day: Day
    last_day: Day
    mode: DeliveryMode | None = None

    def proposed(self) -> ProposedPeriod:
        """What the rules look at."""
        return ProposedPeriod(self.first_day, self.last_day, self.mode)


NewPeriods = Annotated[
    tuple[NewPeriod, ...],
    Field(
        min_length=1,
        max_length=30,
        examples=[
            [
                {"first_day": "2025-03-03", "last_day": "2025-03-07", "mode": "face_to_face"},
                {"first_day": "2025-05-05", "last_day": "2025-05-06", "mode": "online"},
            ]
        ],
    ),
]


class ProposedCourse(Command):
    """Everything the provider enters for a new course: it is created whole or not at all (R-CRS-38)."""

    office_id: Id
    group_size: GroupSize
    target_groups: TargetGroups = ()
    age_group: Code | None = None
    periods: NewPeriods

    def proposal(self) -> Proposal:
        """What the rules look at."""
        return Proposal(
            group_size=self.group_size,
            target_groups=self.target_groups,
            age_group=self.age_group,
            periods=tuple(period.proposed() for period in self.periods),
        )


class Agreement(Command):
    """When, by whom and how something was agreed to: by the client, or a guardian for the client (E-58)."""

    given_on: Day
    by: GivenBy
    channel: Channel

    def of(self, decision_ref: str) -> Consent:
        """The agreement of one decision's client."""
        return Consent(decision_ref, self.given_on, self.by, self.channel)


class Transfer(Command):
    """To which course a client goes; `consent` is never left out (R-CRS-28).

    A confirmed course for every age asks for `age_notice` (E-47).
    """

    to_course_id: Id
    consent: Agreement | None = None
    age_notice: Agreement | None = None

    def of(self, decision_ref: str) -> Destination:
        """Where the decision's client goes."""
        return Destination(
            self.to_course_id,
            self.consent.of(decision_ref) if self.consent else None,
            self.age_notice.of(decision_ref) if self.age_notice else None,
        )
