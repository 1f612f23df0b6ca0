"""Ten simulated years of registration and courses: seconds of real time for every command, event and timer in them.

The story is that of `tests/years`, which checks what this measures: three providers and a fourth that
changes every year, with their courses, counts, findings, reviews and changes, and both services away
for three days at the worst moments. Nothing is waited for, so the figure is work alone.
"""

import asyncio
import json
import time
from typing import Any

from bench.stage import keep, machine, new_home, say
from chassis.testing import CLOCK_START, ClusterUnderTest
from tests.years.model import Model
from tests.years.story import OUTAGES, YEARS, live_through
from tests.years.world import a_world


async def run() -> dict[str, Any]:
    """Live through the years once; the figures are also written to `bench/results/ten_years.json`."""
    facts = machine()
    cluster = await asyncio.to_thread(ClusterUnderTest)
    try:
        await cluster.prepare()
        with new_home() as home:
            async with a_world(cluster, home, OUTAGES) as world:
                started = time.monotonic()
                await live_through(world, Model(OUTAGES, CLOCK_START.date()), YEARS)
                seconds = time.monotonic() - started
                figures = {"seconds": round(seconds, 1), "years": len(YEARS), "outages": len(OUTAGES)} | {
                    "timers_fired": len(world.fired),
                    "events": await world.published(),
                }
    finally:
        cluster.close()
    say(f"{len(YEARS)} years in {seconds:.0f} s: {figures['timers_fired']} timers, {figures['events']} events")
    return keep("ten_years", facts, figures, kafka=False)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
