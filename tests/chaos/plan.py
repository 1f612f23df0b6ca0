"""What goes wrong and when: a pure function of the seed, so that a run can be repeated."""

import random
from dataclasses import dataclass
from enum import StrEnum

from contracts import courses, decisions
from contracts.topics import SERVICES

BROKERS = 3
INSTANCES = 2
GATEWAY = "gateway"

FIRST_AT_S = 5.0
"""Calm before the first fault."""

QUIET_S = (5.0, 14.0)
"""Between the end of one fault and the beginning of the next."""

ON_TOP = 0.15
"""How often the next fault begins while the one before it still lasts."""


class Kind(StrEnum):
    """What can go wrong."""

    KILL_INSTANCE = "SIGKILL of an instance"
    KILL_SERVICE = "SIGKILL of both instances"
    FREEZE_INSTANCE = "SIGSTOP of an instance"
    KILL_BROKER = "SIGKILL of a broker"
    FREEZE_BROKER = "SIGSTOP of a broker"
    MOVE_LEADERS = "leaders moved away and back"
    RESTART_POSTGRES = "PostgreSQL stopped -m immediate"
    READ_ONLY = "PostgreSQL read-only"
    SLOW_DISK = "every flush of PostgreSQL waits 100 ms"
    STUCK_KEY = "a row of one key is held"
    SLOW_NETWORK = "slow network to a broker"
    STALL_NETWORK = "stalled network to a broker"
    CUT_NETWORK = "cut network to a broker"
    NO_RIGHT = "nobody may write a topic"


LASTS_S = {
    Kind.KILL_INSTANCE: (0.0, 0.0),
    Kind.KILL_SERVICE: (0.0, 0.0),
    Kind.FREEZE_INSTANCE: (8.0, 15.0),
    Kind.KILL_BROKER: (3.0, 12.0),
    Kind.FREEZE_BROKER: (4.0, 14.0),
    Kind.MOVE_LEADERS: (2.0, 5.0),
    Kind.RESTART_POSTGRES: (0.5, 4.0),
    Kind.READ_ONLY: (6.0, 18.0),
    Kind.SLOW_DISK: (6.0, 12.0),
    Kind.STUCK_KEY: (8.0, 14.0),
    Kind.SLOW_NETWORK: (6.0, 12.0),
    Kind.STALL_NETWORK: (5.0, 14.0),
    Kind.CUT_NETWORK: (5.0, 14.0),
    Kind.NO_RIGHT: (6.0, 12.0),
}
"""How long each lasts: an instance is frozen for longer than its session in the group; a kill is over at once."""

HEALS_ITSELF = frozenset({Kind.KILL_INSTANCE, Kind.KILL_SERVICE})
"""Nothing but the launcher mends these: their recovery counts from the fault."""

_LONG_S = 4.0
_OF_BROKERS = frozenset(
    {
        Kind.KILL_BROKER,
        Kind.FREEZE_BROKER,
        Kind.MOVE_LEADERS,
        Kind.SLOW_NETWORK,
        Kind.STALL_NETWORK,
        Kind.CUT_NETWORK,
        Kind.NO_RIGHT,
    }
)
_OF_POSTGRES = frozenset({Kind.RESTART_POSTGRES, Kind.READ_ONLY, Kind.SLOW_DISK, Kind.STUCK_KEY})

ALWAYS_WRITTEN = (courses.COURSES, courses.PINS, decisions.CLIENT_CONTACTS)
"""Topics that the errands have records for all the time, of owners who publish to others as well."""


def errand_client(instance: int) -> str:
    """The client whose contact an instance of decisions is asked to change all the time."""
    return f"errand-client-{instance}"


def layer(kind: Kind) -> str:
    """What a fault of this kind hurts: the services, the brokers or PostgreSQL."""
    return "brokers" if kind in _OF_BROKERS else "postgresql" if kind in _OF_POSTGRES else "services"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, in seconds from the beginning of the load; `target` is whom it hits."""

    number: int
    kind: Kind
    target: str
    at_s: float
    lasts_s: float

    @property
    def until_s(self) -> float:
        """When it is to be healed."""
        return self.at_s + self.lasts_s

    def __str__(self) -> str:
        lasts = f" for {self.lasts_s:.1f} s" if self.lasts_s else ""
        return f"{self.at_s:6.1f} s  {self.kind}: {self.target}{lasts}"


def make_plan(seed: int, seconds: float) -> list[Fault]:
    """The faults of a run whose load lasts `seconds`; all are healed when it ends.

    Every kind has its turn before one comes again. Two faults may overlap, but not two of one layer:
    the loss of one of three brokers is what the system promises to survive.
    """
    rng = random.Random(f"rekku chaos {seed}")
    faults: list[Fault] = []
    turn: list[Kind] = []
    while True:
        if not turn:
            turn = rng.sample(list(Kind), len(Kind))
        kind = turn.pop()
        lasts = round(rng.uniform(*LASTS_S[kind]), 1)
        at = _begin(rng, faults, kind)
        if at + lasts > seconds:
            return faults
        faults.append(Fault(len(faults) + 1, kind, _target(rng, kind), at, lasts))


def _begin(rng: random.Random, faults: list[Fault], kind: Kind) -> float:
    quiet, on_top = rng.uniform(*QUIET_S), rng.random() < ON_TOP
    if not faults:
        return FIRST_AT_S
    before = faults[-1]
    halfway = round(before.at_s + before.lasts_s / 2, 1)
    free = all(fault.until_s < halfway for fault in faults if layer(fault.kind) == layer(kind))
    if on_top and free and before.lasts_s >= _LONG_S:
        return halfway
    return round(max(fault.until_s for fault in faults) + quiet, 1)


def _target(rng: random.Random, kind: Kind) -> str:
    if kind is Kind.NO_RIGHT:
        return rng.choice(ALWAYS_WRITTEN)
    if kind in _OF_BROKERS:
        return f"broker-{rng.randint(1, BROKERS)}"
    if kind is Kind.STUCK_KEY:
        return errand_client(rng.randint(1, INSTANCES))
    if kind in _OF_POSTGRES:
        return "postgresql"
    service = rng.choice((*SERVICES, GATEWAY))
    nth = rng.randint(1, INSTANCES)
    return service if kind is Kind.KILL_SERVICE or nth == 1 else f"{service}-{nth}"
