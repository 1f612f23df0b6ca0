"""What a rolling restart costs: two instances of every consuming service on Kafka, 50 events/s all the time.

The two instances of courses are restarted one after the other, asked (SIGTERM) and killed (SIGKILL),
and the launcher starts them again. Counted are the longest time without a committed effect, over the
whole group and in its worst partition, and the time from commit to commit, beside the time until a
restarted instance is ready again. Once the group's members keep their names (static membership, as
the chassis has it), once they do not.
"""

import asyncio
import json
import signal
import time
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import httpx
from aiokafka.partitioner import murmur2

from bench.offices import Offices, offices_on_kafka
from bench.stage import keep, machine, new_home, quantiles, say
from contracts.registration import OfficeRegistered
from contracts.topics import TOPICS
from rekku.processes import Program
from rekku.up import System

RATE_PER_S = 50
RESTARTED = "courses"
INSTANCES = {"registration": 2, "courses": 2, "decisions": 2, "notifications": 2, "search": 2}
SERVE = ("-m", "rekku", "serve")
NAMELESS = ("-m", "bench.nameless", "serve")
QUIET_S = 6
BETWEEN_S = 10
_PARTITIONS = TOPICS[OfficeRegistered.topic].partitions


async def run() -> dict[str, Any]:
    """Restart in every way; the figures are also written to `bench/results/rolling.json`."""
    facts = machine()
    figures: dict[str, Any] = {"rate_per_s": RATE_PER_S, "restarted": RESTARTED}
    for members, parent in (("named", SERVE), ("nameless", NAMELESS)):
        with new_home() as home:
            async with offices_on_kafka(home, [RESTARTED], INSTANCES, parent) as (running, offices):
                figures[members] = {}
                for name in (signal.SIGTERM, signal.SIGKILL):
                    figures[members][name.name.lower()] = await _restarts(running, offices, name)
                    _tell(members, name, figures[members][name.name.lower()])
                figures[members]["unanswered"] = offices.unanswered
    return keep("rolling", facts, figures)


async def _restarts(running: System, offices: Offices, name: signal.Signals) -> dict[str, Any]:
    """Both instances restarted under load, and a quiet time before as the measure."""
    seconds = QUIET_S + 2 * BETWEEN_S
    load = asyncio.create_task(offices.register(RATE_PER_S * seconds, RATE_PER_S))
    returning: list[asyncio.Task[float]] = []
    begin = time.time()
    try:
        for number, program in enumerate((running.program(RESTARTED), running.program(f"{RESTARTED}-2"))):
            await asyncio.sleep(begin + QUIET_S + number * BETWEEN_S - time.time())
            returning.append(asyncio.create_task(_back_after_s(program, name)))
        registered = await load
    finally:
        load.cancel()
    committed = await offices.applied("registration", registered)
    effects = await offices.applied(RESTARTED, registered)
    # What was written in the last second before may already wait for the instance that goes.
    until = begin + QUIET_S - 1
    quiet = {office: at for office, at in effects.items() if committed[office] < until}
    rolling = {office: at for office, at in effects.items() if committed[office] >= until}
    return {
        "instance_ready_again_after_s": round(max(await asyncio.gather(*returning)), 2),
        "quiet": _figures(committed, quiet),
        "restarting": _figures(committed, rolling),
    }


async def _back_after_s(program: Program, name: signal.Signals) -> float:
    """Send the signal; seconds until the launcher has the program ready again."""
    process = program.process
    if process is None or process.returncode is not None:
        raise RuntimeError(f"{program.name} does not run")
    started = time.perf_counter()
    process.send_signal(name)
    await process.wait()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{program.port}") as client, asyncio.timeout(60):
        while not await _is_ready(client):
            await asyncio.sleep(0.1)
    return time.perf_counter() - started


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _figures(committed: Mapping[str, float], effects: Mapping[str, float]) -> dict[str, Any]:
    by_partition: dict[int, list[float]] = {}
    for office, at in effects.items():
        by_partition.setdefault((murmur2(office.encode()) & 0x7FFFFFFF) % _PARTITIONS, []).append(at)
    standstills = [_longest_gap_s(times) for times in by_partition.values()]
    return {
        "longest_standstill_of_the_group_s": round(_longest_gap_s(effects.values()), 2),
        "longest_standstill_of_a_partition_s": round(max(standstills), 2),
        "partitions_that_stood_over_1_s": sum(gap > 1 for gap in standstills),
        "commit_to_commit": quantiles([at - committed[office] for office, at in effects.items()]),
    }


def _longest_gap_s(times: Iterable[float]) -> float:
    ordered = sorted(times)
    return max(later - earlier for earlier, later in pairwise(ordered))


def _tell(members: str, name: signal.Signals, found: dict[str, Any]) -> None:
    worst = found["restarting"]
    say(
        f"{members} members, {name.name}: the group stood {worst['longest_standstill_of_the_group_s']} s,"
        f" a partition {worst['longest_standstill_of_a_partition_s']} s,"
        f" p99 {worst['commit_to_commit']['p99_ms']} ms; ready again after {found['instance_ready_again_after_s']} s"
    )


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
