"""Many clients at once for too few places, from as many workers, each asking until it is answered."""

import asyncio
import random
import time
from itertools import count

import asyncpg

from tests.bounded import Did, Operation
from tests.failpoints.workload import Year, yes

WORKERS = 16
COURSES = 2
PLACES = 6
"""Fewer in all than there are workers: when the last clients stay, some of them have no place."""
_ROOM = 2
"""How many more clients the provider takes whenever it can take none."""


class Crowd(Year):
    """A year with more clients than places.

    `granted`, `pinned` (decision to course) and `revoked` are promises: commands that were answered with yes.
    `history` is what was asked of the announced count, with the answers: each command is asked again until
    it has one, whatever dies, but a count that was raised reaches the decisions at any time after.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.granted: set[str] = set()
        self.pinned: dict[str, str] = {}
        self.revoked: set[str] = set()
        self.history: list[Operation] = []
        self._numbers = count(1)
        self._courses: list[str] = []
        self._announced = COURSES * PLACES

    async def prepare(self) -> None:
        """A provider with its courses."""
        await self.register()
        self._note_cap()
        yes(await self.announce(self._announced))
        self._courses = [(await self.publish_course(PLACES))["course_id"] for _ in range(COURSES)]

    async def live(self, enough: asyncio.Event, seed: int) -> None:
        """Clients come and go until it is enough, and places were given again; then each worker's last one stays."""

        async def worker() -> None:
            stays = granted = False
            while not (stays and granted):
                stays = enough.is_set() and len(self.pinned) > COURSES * PLACES
                number = next(self._numbers)
                granted = await self._one_client(number, random.Random(f"{seed} {number}"), stays)

        async with asyncio.TaskGroup() as workers:
            for _ in range(WORKERS):
                workers.create_task(worker())

    async def _one_client(self, number: int, rng: random.Random, stays: bool) -> bool:
        """Whether the client is granted; who got a place and does not stay gives it back."""
        await self.note_phone(number)
        called = time.monotonic()
        answer = await self.apply(number)
        self.history.append(Operation(Did.GRANT, called, time.monotonic(), answer.is_success))
        if not answer.is_success:
            assert answer.json()["code"] == "ANNOUNCED_COUNT_FULL", answer.text
            await self._make_room()
            return False
        ref = answer.json()["decision_ref"]
        self.granted.add(ref)
        course = rng.choice(self._courses)
        answer = await self.provider("POST", "courses", f"/courses/{course}/pins", {"decision_ref": ref})
        if not answer.is_success:
            assert answer.json()["code"] == "COURSE_FULL", answer.text
            return True
        self.pinned[ref] = course
        if not stays:
            yes(await self.give_notice(ref))
            self.revoked.add(ref)
        return True

    async def _make_room(self) -> None:
        self._announced += _ROOM
        self._note_cap()
        answer = await self.announce(self._announced)
        assert answer.is_success or answer.json()["code"] == "COUNT_ONLY_RAISED", answer.text

    def _note_cap(self) -> None:
        self.history.append(Operation(Did.SET_CAP, time.monotonic(), None, cap=self._announced))

    async def kept(self, admin: asyncpg.Connection) -> tuple[set[str], dict[str, str], set[str]]:
        """What the services know of the year's clients: granted, ever pinned, revoked."""
        decisions = await admin.fetch(
            "SELECT decision_ref, state FROM decisions.decisions WHERE contract_id = $1", self.contract_id
        )
        pins = await admin.fetch(
            "SELECT decision_ref, course_id FROM courses.pins WHERE provider_id = $1", self.provider_id
        )
        return (
            {row["decision_ref"] for row in decisions},
            {row["decision_ref"]: row["course_id"] for row in pins},
            {row["decision_ref"] for row in decisions if row["state"] == "revoked"},
        )
