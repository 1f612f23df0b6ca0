"""The rules of the two counters a grant takes from, and of suspensions: plain values, pure functions."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from contracts.values import Language


@dataclass(frozen=True, slots=True)
class CountUse:
    """One contract's announced count in one year and the decisions given under it (E-1).

    `filled` is what was last published; `version` counts what was published.
    """

    contract_id: str
    provider_id: str
    service: str
    language: Language
    year: int
    announced: int
    used: int = 0
    filled: bool = False
    version: int = 0

    @property
    def left(self) -> int:
        """Decisions that may still be given; never negative, also when overdrawn by a correction (E-3)."""
        return max(0, self.announced - self.used)

    @property
    def full(self) -> bool:
        """True when no new decision can be made to this provider (R-DEC-1); zero announced is full as well."""
        return self.left == 0

    def with_grants(self, grants: int = 1) -> "CountUse":
        """The count after `grants` more; a new version where it fills."""
        return replace(self, used=self.used + grants).published()

    def with_announced(self, announced: int) -> "CountUse":
        """The count after a raise or a correction; a new version where it reopens or fills."""
        return replace(self, announced=announced).published()

    def published(self) -> "CountUse":
        """The same count with a new version where its being full is news."""
        if self.full is self.filled:
            return self
        return replace(self, filled=self.full, version=self.version + 1)


class QuotaStatus(StrEnum):
    """Whether new clients can be granted: what is published of a quota."""

    OPEN = "open"
    FULL = "full"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Quota:
    """New clients of one service and year against Kela's estimate and quota.

    `limit` None: no quota in use. `suspended`: a signal from outside stops every new decision now; in what a
    grant is decided on, every one in its area and language.
    `releasing`: waiting applications are being granted, so that new clients queue up behind them.
    `status` is what was last published; `version` counts what was published. `scopes` is how many
    narrower counters stand beside it (E-55).
    """

    service: str
    year: int
    estimate: int | None = None
    limit: int | None = None
    used: int = 0
    scopes: int = 0
    suspended: bool = False
    releasing: bool = False
    status: QuotaStatus = QuotaStatus.OPEN
    version: int = 0

    @property
    def remaining(self) -> int | None:
        """New clients that may still be granted; None without a quota. Never negative (E-52)."""
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def full(self) -> bool:
        """True when a quota is in use and has no slot left; an estimate never fills (E-51)."""
        return self.remaining == 0

    def admits(self, *, new_client: bool) -> bool:
        """Whether a grant may be given now.

        A client who has been granted before needs no national slot, so that a full quota does not
        stop a change of provider; a suspension from outside stops every new decision (E-54).
        """
        return not self.suspended and not (new_client and self.full)

    def must_queue(self, *, new_client: bool) -> bool:
        """Whether a new application has to wait: not admitted, or others wait before it (E-54).

        A status that still says suspended when the suspension has ended means that the queue has
        not been let in yet.
        """
        others_first = self.releasing or self.status is QuotaStatus.SUSPENDED
        return not self.admits(new_client=new_client) or (new_client and others_first)

    def with_grants(self, new_clients: int) -> "Quota":
        """The quota after `new_clients` more; a new version where it fills."""
        return replace(self, used=self.used + new_clients).published()

    def published(self) -> "Quota":
        """The same quota with a new version where its status is news."""
        status = QuotaStatus.SUSPENDED if self.suspended else QuotaStatus.FULL if self.full else QuotaStatus.OPEN
        if status is self.status:
            return self
        return replace(self, status=status, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class ScopedQuota:
    """New clients of an area, a language or both, against an estimate and a quota of their own (E-55, P6).

    `area` None: the whole country. `language` None: every language. `suspended`: a signal from outside that
    is not of the whole service stops every new decision in it now. `filled` is what was last published, that
    it is closed; `version` counts the changes of this scope.
    """

    service: str
    year: int
    area: str | None
    language: Language | None
    estimate: int | None = None
    limit: int | None = None
    used: int = 0
    suspended: bool = False
    filled: bool = False
    version: int = 0

    @property
    def remaining(self) -> int | None:
        """New clients that may still be granted; None without a quota. Never negative (E-52)."""
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def full(self) -> bool:
        """True when a quota is in use and has no slot left; an estimate never fills (E-51)."""
        return self.remaining == 0

    @property
    def closed(self) -> bool:
        """True when new clients cannot be granted here, for whatever reason."""
        return self.full or self.suspended

    def covers(self, area: str | None, language: Language) -> bool:
        """Whether a new client of this area and service language counts here."""
        return self.area in (None, area) and self.language in (None, language)

    def with_grants(self, new_clients: int = 1) -> "ScopedQuota":
        """The scope after `new_clients` more; a new version where it fills."""
        return replace(self, used=self.used + new_clients).published()

    def published(self) -> "ScopedQuota":
        """The same scope with a new version where it has closed or opened."""
        if self.closed is self.filled:
            return self
        return replace(self, filled=self.closed, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which decisions of a service are meant; None is every area or every language."""

    area: str | None
    language: Language | None

    @property
    def columns(self) -> tuple[str, str]:
        """As the tables say it."""
        return self.area or "", self.language or ""

    def covers(self, area: str | None, language: Language) -> bool:
        """Whether a decision is meant; where its area is not known, every area may be it."""
        return (self.area is None or area in (None, self.area)) and self.language in (None, language)


@dataclass(frozen=True, slots=True)
class Suspension:
    """A stop of a service's decisions, or of a scope of them, signalled from outside, and its lift once that has come.

    In effect from `effective_at` until `lifted_at`. The two may come in either order: `effective_at`
    None is a lift that waits for its suspension, and stops nothing.
    """

    source: str
    signal_id: str
    service: str
    scope: Scope
    effective_at: datetime | None = None
    lifted_at: datetime | None = None
