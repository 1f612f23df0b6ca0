"""Many clients compete for few places while services die: what must always hold, holds."""

import asyncio
import random
import time

import pytest

from tests.bounded import is_linearizable
from tests.campaigns import SEED, size
from tests.failpoints.crowd import COURSES, PLACES, Crowd
from tests.failpoints.invariants import violations
from tests.failpoints.rounds import Grounds
from tests.failpoints.steps import failpoints

pytestmark = pytest.mark.campaign("crowd")

KILLS = size("crowd")
WORTHWHILE = ("commit", "send", "acknowledge", "position", "sms")
"""Steps that clients who come and go keep every service taking."""


async def test_whatever_dies_under_contention_every_promise_is_kept(ground: Grounds):
    started, before = time.monotonic(), ground.kills
    rng = random.Random(SEED)
    candidates = sorted(f for f in failpoints(ground.bus_kind) if f.name.startswith(WORTHWHILE))
    crowd = await ground.new_year(Crowd)
    await crowd.prepare()
    enough = asyncio.Event()

    async def kill() -> None:
        try:
            for _ in range(KILLS):
                await ground.kill(rng.choice(candidates), nth=rng.randint(1, 3))
        finally:
            enough.set()

    async with asyncio.TaskGroup() as together:
        together.create_task(crowd.live(enough, SEED))
        together.create_task(kill())
    await ground.at_rest()
    ground.digest.add_records(await ground.bus.new_records())

    assert await violations(ground.admin, ground.digest.records, ground.sms()) == []
    assert await crowd.kept(ground.admin) == (crowd.granted, crowd.pinned, crowd.revoked)
    assert is_linearizable(crowd.history, cap=0)
    assert len(crowd.granted) > len(crowd.pinned) > COURSES * PLACES
    ground.report.append(
        f"{ground.kills - before} kills survived under {len(crowd.granted)} clients at once"
        f" in {time.monotonic() - started:.0f} s"
    )
