"""Shapes of the answers about changed courses."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel

from services.courses.changing.store import Rescheduling
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.views import PeriodView


class ReschedulingView(BaseModel):
    """One move of a course's dates; `version` is the course's after it."""

    version: int
    moved_at: datetime
    late: bool
    consents: int
    before: list[PeriodView]
    after: list[PeriodView]

    @classmethod
    def of(cls, rescheduling: Rescheduling) -> Self:
        """The move."""
        return cls(
            version=rescheduling.version,
            moved_at=rescheduling.moved_at,
            late=rescheduling.late,
            consents=rescheduling.consents,
            before=[PeriodView.of(period) for period in rescheduling.before],
            after=[PeriodView.of(period) for period in rescheduling.after],
        )


class ReschedulingList(BaseModel):
    """A page of moves, the oldest first; `next` is the `after` of the following page."""

    items: list[ReschedulingView]
    next: int | None


class AgeNoticeView(BaseModel):
    """Whether a pinned client has acknowledged that the course mixes ages; the rest is null until then."""

    decision_ref: str
    acknowledged: bool
    given_on: date | None
    by: GivenBy | None
    channel: Channel | None

    @classmethod
    def of(cls, decision_ref: str, notice: Consent | None) -> Self:
        """The client's notice."""
        return cls(
            decision_ref=decision_ref,
            acknowledged=notice is not None,
            given_on=notice.given_on if notice else None,
            by=notice.given_by if notice else None,
            channel=notice.channel if notice else None,
        )


class AgeNoticeList(BaseModel):
    """Every pinned client of a course."""

    items: list[AgeNoticeView]
