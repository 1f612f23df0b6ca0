"""Clients of the demo who answer their survey: the link comes from the SMS, the scores from the seed."""

import asyncio
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path

from rekku.demo.api import Api
from rekku.demo.commands import client_of
from rekku.demo.plan import SURVEY_STAGES, Plan
from rekku.demo.providers import PROVIDERS

ANSWERING_SHARE = 0.4
STATEMENTS = 19
LEAST_ANSWERED = 15

_PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.05
_TO = re.compile(r"^To: (\+\d+)$", re.MULTILINE)
_LINK = re.compile(r"/s/([a-z0-9]{20,})")


class SurveyMissing(Exception):
    """Survey messages that a payment must set off did not come."""


@dataclass(frozen=True, order=True)
class Invitation:
    """One survey that a payment sets off: the office it is about, the client, and the how-manieth of theirs."""

    paid_on: date
    office: str
    client: str
    stage: int


def invitations(plan: Plan) -> list[Invitation]:
    """Every invitation of the plan, in the order in which the demo's clients look at their phones."""
    client = {decision.key: decision.client for decision in plan.decisions}
    return sorted(
        Invitation(payment.paid_on, course.contract, client[key], SURVEY_STAGES.index(payment.number))
        for course in plan.courses
        for payment in course.payments
        if payment.number in SURVEY_STAGES
        for key in payment.decisions
    )


def answer_of(invitation: Invitation, seed: int) -> dict[str, int] | None:
    """The client's scores, 1 is best (E-27), by statement; None where the client does not answer.

    Offices differ a little, and some clients leave a few statements out.
    """
    rng = random.Random(f"{seed}/{invitation.client}/{invitation.stage}")  # noqa: S311 - a plan, not a secret
    if rng.random() >= ANSWERING_SHARE:
        return None
    place = next(n for n, provider in enumerate(PROVIDERS) if provider.key == invitation.office)
    weights = (60 - 3 * place, 25, 8 + place, 4 + place, 3 + place)
    left_out = rng.randint(1, STATEMENTS - LEAST_ANSWERED) if rng.random() < 0.2 else 0
    skipped = set(rng.sample(range(1, STATEMENTS + 1), left_out))
    return {
        str(number): rng.choices((1, 2, 3, 4, 5), weights)[0]
        for number in range(1, STATEMENTS + 1)
        if number not in skipped
    }


@dataclass
class Phones:
    """The SMS files of the demo's home, as the clients' phones; survey tokens by client, in order of arrival."""

    folder: Path
    tokens: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _read: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Read what has come since the last look."""
        new = sorted(path for path in self.folder.glob("*/*.txt") if path.name not in self._read)
        for path in sorted(new, key=lambda path: path.name):
            self._read.add(path.name)
            text = path.read_text()
            to, link = _TO.search(text), _LINK.search(text)
            if to and link:
                self.tokens[client_of(to[1])].append(link[1])

    @property
    def received(self) -> int:
        """All SMS so far, surveys or not."""
        return len(self._read)

    @property
    def surveys(self) -> int:
        """Surveys among them."""
        return sum(len(tokens) for tokens in self.tokens.values())


class Clients:
    """Answers the surveys that the payments up to a day set off, while the play goes on.

    `answered` holds each office's answers in order, as respondents' raw means.
    """

    def __init__(self, api: Api, plan: Plan, folder: Path, seed: int) -> None:
        self.phones = Phones(folder)
        self.answered: dict[str, list[Fraction]] = defaultdict(list)
        self._api = api
        self._seed = seed
        self._expected = invitations(plan)
        self._days: asyncio.Queue[date] = asyncio.Queue()

    def answer_until(self, day: date) -> None:
        """Let the surveys of payments up to `day` be answered."""
        self._days.put_nowait(day)

    async def run(self, last: date) -> None:
        """Answer day by day until the surveys up to `last` are done.

        Raises:
            SurveyMissing: a survey did not come.
            Refused: an answer was not taken.
        """
        done = 0
        while True:
            day = await self._days.get()
            until = sum(invitation.paid_on <= day for invitation in self._expected)
            due, done = self._expected[done:until], until
            await self._wait_for(due)
            await self._answer(due)
            if day >= last:
                return

    async def _wait_for(self, due: Sequence[Invitation]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            self.phones.look()
            missing = [one for one in due if len(self.phones.tokens[one.client]) <= one.stage]
            if not missing:
                return
            if time.monotonic() > deadline:
                raise SurveyMissing(f"{len(missing)} surveys did not come, the first one for {missing[0]}")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _answer(self, due: Iterable[Invitation]) -> None:
        """Offices side by side, one after another within an office: so it is known which five are published."""
        of_office: dict[str, list[Invitation]] = defaultdict(list)
        for invitation in due:
            of_office[invitation.office].append(invitation)
        async with asyncio.TaskGroup() as group:
            for office, asked in of_office.items():
                group.create_task(self._answer_one_office(office, asked))

    async def _answer_one_office(self, office: str, asked: Iterable[Invitation]) -> None:
        for invitation in asked:
            scores = answer_of(invitation, self._seed)
            if scores is None:
                continue
            token = self.phones.tokens[invitation.client][invitation.stage]
            await self._api.submit("notifications", f"/surveys/{token}/answers", {"answers": scores})
            self.answered[office].append(Fraction(sum(scores.values()), len(scores)))
