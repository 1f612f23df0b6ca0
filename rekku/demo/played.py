"""What the services called the things of the plan, and the shape of one command."""

from dataclasses import dataclass, field
from typing import Any

from rekku.demo.changes import Opened
from rekku.demo.providers import PROVIDER_OF
from rekku.demo.steps import OpenCourse, Step


@dataclass
class Played:
    """Names by the plan's keys; `known` are positions by step, as `Rekku-Known`.

    `opened` holds the courses as they were created, by their ids; `refused` counts the deletions
    refused because the course has to run, and `faults` what was wrong with the settlement that was refused.
    """

    offices: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)
    courses: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    settlements: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    opened: dict[str, Opened] = field(default_factory=dict)
    refused: int = 0
    faults: tuple[str, ...] = ()

    def known_after(self, step: Step) -> list[str]:
        """The positions that a step relies on."""
        positions = [self.known[key] for key in step.after if key in self.known]
        if isinstance(step, OpenCourse):
            positions.append(self.known[f"office-{step.contract}"])
        return positions


@dataclass(frozen=True)
class Request:
    """One command; `contract` names the provider who gives it, None means Kela. A body of text is XML."""

    method: str
    service: str
    path: str
    body: dict[str, Any] | str | None = None
    contract: str | None = None

    @property
    def provider(self) -> str | None:
        """The business ID of the provider who gives the command."""
        return None if self.contract is None else PROVIDER_OF[self.contract].provider_id
