"""What has become of attempts, when everything is on the bus."""

from dataclasses import dataclass

from tests.bounded import Operation
from tests.caps.asking import Answer
from tests.caps.attempts import Attempt, Cap
from tests.caps.checks import by_cap, history, violations
from tests.caps.stage import YEAR, Stage

APPLIED_ON = f"{YEAR}-01-02"


@dataclass(frozen=True)
class Outcome:
    """What became of all attempts."""

    answers: list[Answer]
    violations: list[str]
    kills: list[str]

    @property
    def histories(self) -> dict[Cap, list[Operation]]:
        return {cap: history(answers) for cap, answers in by_cap(self.answers).items()}


async def look(on: Stage, answers: list[Answer]) -> Outcome:
    """What there is to see when everything is on the bus."""
    await on.all_sent()
    return Outcome(answers, await violations(answers, on.admin), on.kills)


def caps_of(attempts: list[Attempt]) -> list[Cap]:
    return list(dict.fromkeys(attempt.cap for attempt in attempts))
