"""What is compared with the decisions, and what a difference is: plain values, pure functions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

STAYS_FOR = timedelta(minutes=5)
"""A copy may be behind for a moment: only a difference that is still there after so long is one."""


class Kind(StrEnum):
    """Which counter or copy; in the order in which a round looks at them."""

    ANNOUNCED_COUNT = "announced_count"
    QUOTA = "quota"
    FIRST_GRANTS = "first_grants"
    SCOPED_QUOTA = "scoped_quota"
    PIN_OF_NO_GRANT = "pin_of_no_grant"
    USED_WITHOUT_COURSE = "used_without_course"

    @property
    def is_copy(self) -> bool:
        """Whether the courses have their say in it, whose news take a moment to come."""
        return self in (Kind.PIN_OF_NO_GRANT, Kind.USED_WITHOUT_COURSE)


class DifferenceState(StrEnum):
    """`suspected` until it has stayed, `open` from then on; `repaired`, or `gone` by itself."""

    SUSPECTED = "suspected"
    OPEN = "open"
    REPAIRED = "repaired"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Compared:
    """One counter or copy beside what the decisions say; `shown` and `expected` in one reading of the database."""

    kind: Kind
    subject: str
    shown: int
    expected: int

    @property
    def differs(self) -> bool:
        """True where the two are not the same."""
        return self.shown != self.expected


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference that was found, with what became of it."""

    number: int
    kind: Kind
    subject: str
    shown: int
    expected: int
    state: DifferenceState
    found_at: datetime
    settled_at: datetime | None = None

    def state_when_seen(self, now: datetime) -> DifferenceState:
        """What it is once it is seen again: a counter differs at once, a copy when it has stayed different."""
        if self.state is DifferenceState.SUSPECTED and now - self.found_at >= STAYS_FOR:
            return DifferenceState.OPEN
        return self.state


def state_at_first_sight(kind: Kind) -> DifferenceState:
    """A counter is changed in the transaction of its decision, so it never differs for a moment only."""
    return DifferenceState.SUSPECTED if kind.is_copy else DifferenceState.OPEN


def repair_order(difference: Difference) -> tuple[int, str]:
    """The service's lock order: announced counts, then quotas by service and year, then decisions.

    A decision that was used on no course is one in force again before anybody asks why it is pinned.
    """
    level = {
        Kind.ANNOUNCED_COUNT: 0,
        Kind.QUOTA: 1,
        Kind.FIRST_GRANTS: 1,
        Kind.SCOPED_QUOTA: 1,
        Kind.USED_WITHOUT_COURSE: 2,
        Kind.PIN_OF_NO_GRANT: 3,
    }
    return level[difference.kind], difference.subject
