"""What must hold after a run, each as a named check that says how much it looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.chaos.evidence import Evidence

MOST_SHOWN = 10


@dataclass
class Looked:
    """What a check looks at and finds; `look` counts, and notes `problem` where it does not hold."""

    at: int = 0
    problems: list[str] = field(default_factory=list)

    def look(self, holds: object, problem: str) -> None:
        """One thing was looked at."""
        self.at += 1
        if not holds:
            self.problems.append(problem)

    def same(self, ours: set | frozenset, theirs: set | frozenset, missing: str, extra: str) -> None:
        """Two sets that must be equal; `missing` and `extra` say what it means where they are not."""
        self.at += len(ours | theirs)
        self.problems += [f"{missing}: {item}" for item in sorted(ours - theirs, key=str)]
        self.problems += [f"{extra}: {item}" for item in sorted(theirs - ours, key=str)]


Look = Callable[[Evidence, Looked], None]


@dataclass(frozen=True)
class Outcome:
    """What came of a check. One that found nothing to look at has not passed, unless it looks for nothing."""

    name: str
    looked_at: int
    problems: tuple[str, ...]

    @property
    def passed(self):
        return self.looked_at > 0 and not self.problems


CHECKS: dict[str, Look] = {}
"""Every check by its name, in the order in which they are printed."""


def check(name: str) -> Callable[[Look], Look]:
    """Declare a check."""

    def declared(look: Look) -> Look:
        CHECKS[name] = look
        return look

    return declared


def outcomes(evidence: Evidence) -> Iterator[Outcome]:
    """Every check's outcome."""
    for name, look in CHECKS.items():
        looked = Looked()
        look(evidence, looked)
        yield Outcome(name, looked.at, tuple(looked.problems))
