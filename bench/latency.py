"""From a command's commit in one service to its effect's commit in others, over Apache Kafka.

An office is registered; courses keeps a copy by a reaction, search by a projection. Counted are the
time between the two commits, and from the command's answer over HTTP to the commit of its effect.
"""

import asyncio
import json
from typing import Any

from bench.offices import Offices, offices_on_kafka
from bench.stage import keep, machine, new_home, quantiles, say

RATES_PER_S = (50, 200)
SECONDS = 15
SERVICES = ("courses", "search")


async def run() -> dict[str, Any]:
    """Measure at each rate; the figures are also written to `bench/results/latency.json`."""
    facts = machine()
    with new_home() as home:
        async with offices_on_kafka(home, SERVICES) as (_, offices):
            figures: dict[str, Any] = {f"rate_{rate}": await _at(offices, rate) for rate in RATES_PER_S}
            figures["unanswered"] = offices.unanswered
    return keep("latency", facts, figures)


async def _at(offices: Offices, rate_per_s: int) -> dict[str, Any]:
    registered = await offices.register(rate_per_s * SECONDS, rate_per_s)
    committed = await offices.applied("registration", registered)
    figures: dict[str, Any] = {}
    for service in SERVICES:
        effects = await offices.applied(service, registered)
        # The effect can be there before the answer has arrived: then it took no time.
        from_answer = [max(0.0, effects[office] - offices.answered[office]) for office in registered]
        figures[service] = {
            "commit_to_commit": quantiles([effects[office] - committed[office] for office in registered]),
            "answer_to_commit": quantiles(from_answer),
        }
        say(f"{rate_per_s} events/s to {service}: p99 {figures[service]['commit_to_commit']['p99_ms']} ms")
    return figures


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
