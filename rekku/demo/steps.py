"""What the demo does, as plain data: each step one command of an API, with the steps it must follow."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.values import Language


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command on a day. `after` names the steps whose effect it relies on."""

    day: date
    key: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetEstimate(Step):
    """Kela publishes its estimate of a year's new clients (R-DEC-8)."""

    year: int
    estimate: int


@dataclass(frozen=True, kw_only=True)
class SetQuota(Step):
    """Kela takes a quota into use (E-52)."""

    year: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class AnnounceCount(Step):
    """A provider announces or raises a year's client count (R-REG-8, R-REG-9)."""

    contract: str
    year: int
    count: int


@dataclass(frozen=True, kw_only=True)
class OpenCourse(Step):
    """A provider creates a course and publishes it (R-CRS-1, R-CRS-8)."""

    contract: str
    group_size: int
    age_group: str
    periods: tuple[tuple[date, date], ...]


@dataclass(frozen=True, kw_only=True)
class CourseStep(Step):
    """What a provider does with a course that exists."""

    course: str
    contract: str


@dataclass(frozen=True, kw_only=True)
class GiveContact(Step):
    """A client's phone and language become known."""

    client: str
    language: Language


@dataclass(frozen=True, kw_only=True)
class Decide(Step):
    """Kela grants or rejects an application."""

    client: str
    contract: str
    applied_on: date
    granted: bool


@dataclass(frozen=True, kw_only=True)
class PinClient(CourseStep):
    """A provider pins a client to its course (R-CRS-10)."""

    decision: str


@dataclass(frozen=True, kw_only=True)
class ConfirmCourse(CourseStep):
    """A provider commits to carry the course out (R-CRS-17)."""


@dataclass(frozen=True, kw_only=True)
class PayPeriod(Step):
    """Kela pays a period for everyone who attended it (R-FBK-2)."""

    course: str
    number: int
    decisions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SetPrices(Step):
    """Kela adds a contract's price annex: euros for a face-to-face day (R-BIL-2)."""

    contract: str
    price: Decimal


@dataclass(frozen=True, kw_only=True)
class BillPeriod(CourseStep):
    """A provider bills a period for everyone who attended it, `amount` euros each (E-60)."""

    number: int
    decisions: tuple[str, ...]
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class TrySettlement(BillPeriod):
    """A provider bills what may not be billed; it must be refused as a whole (E-60)."""


@dataclass(frozen=True, kw_only=True)
class AcceptSettlement(Step):
    """Kela accepts a settlement, which pays its periods (R-BIL-1)."""

    settlement: str


@dataclass(frozen=True, kw_only=True)
class RevokeDecision(Step):
    """Kela revokes a decision on the client's own notice (R-DEC-16)."""

    decision: str


@dataclass(frozen=True, kw_only=True)
class NoteParticipation(CourseStep):
    """A provider notes which periods a client attended (E-20)."""

    decision: str
    attended: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class MoveClient(CourseStep):
    """A client who agrees changes to another course; `reason` where the old one had to run (R-CRS-27, E-33)."""

    decision: str
    to_course: str
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class DeleteCourse(CourseStep):
    """A course is deleted, each client going to another one: pairs of decision and course (R-CRS-36)."""

    transfers: tuple[tuple[str, str], ...]
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class TryDeletion(CourseStep):
    """A provider tries to delete a course that has to be carried out; it must be refused (E-34)."""


@dataclass(frozen=True, kw_only=True)
class ConfirmLate(CourseStep):
    """A course that nobody confirmed in time is said to have taken place (R-CRS-41, E-40)."""


@dataclass(frozen=True, kw_only=True)
class CloseAsNotHeld(CourseStep):
    """A past course is said not to have taken place (R-CRS-42)."""

    reason: str | None


@dataclass(frozen=True, kw_only=True)
class GrowGroup(CourseStep):
    """A provider makes a group larger (R-CRS-15)."""

    group_size: int


@dataclass(frozen=True, kw_only=True)
class MoveCourse(CourseStep):
    """A course gets other dates, with the consent of its clients; `reason` where Kela is told (R-CRS-33)."""

    periods: tuple[tuple[date, date], ...]
    decisions: tuple[str, ...]
    reason: str | None
