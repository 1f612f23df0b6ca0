"""What the demo does, as plain data: each step one command of an API, with the steps it must follow."""

from dataclasses import dataclass
from datetime import date

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
class PinClient(Step):
    """A provider pins a client to its course (R-CRS-10)."""

    decision: str
    course: str
    contract: str


@dataclass(frozen=True, kw_only=True)
class ConfirmCourse(Step):
    """A provider commits to carry the course out (R-CRS-17)."""

    course: str
    contract: str


@dataclass(frozen=True, kw_only=True)
class PayPeriod(Step):
    """Kela pays a period for everyone who attended it (R-FBK-2)."""

    course: str
    number: int
    decisions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RevokeDecision(Step):
    """Kela revokes a decision on the client's own notice (R-DEC-16)."""

    decision: str
