"""What `rekku up` looks after while it runs: a server that has died starts again, and so does a service that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import httpx

from chassis.embedded import Cluster
from chassis.failures import backoff_s
from chassis.files import Unusable
from rekku.processes import Program, Say

if TYPE_CHECKING:
    from chassis.kafka.cluster import Broker

LOOK_EVERY_S = 0.5
LONGEST_PAUSE_S = 15.0
ASK_EVERY_S = 5.0
MOST_SILENCE = 12
"""How often in a row a service that has answered before does not say that it is alive: about a minute."""


async def keep_postgres(cluster: Cluster, say: Say) -> None:
    """Start PostgreSQL again whenever it has died, until cancelled."""
    await _keep("PostgreSQL", lambda: cluster.runs, lambda: asyncio.to_thread(cluster.start_again), say)


async def keep_broker(broker: Broker, say: Say) -> None:
    """Start a broker of Apache Kafka again whenever it has died, until cancelled."""
    await _keep(f"Apache Kafka's broker {broker.number}", lambda: broker.alive, broker.start, say)


async def _keep(name: str, runs: Callable[[], bool], start: Callable[[], Awaitable[None]], say: Say) -> None:
    failures = 0
    while True:
        await asyncio.sleep(LOOK_EVERY_S + backoff_s(failures, first_s=0.2, most_s=LONGEST_PAUSE_S) * bool(failures))
        if runs():
            failures = 0
            continue
        try:
            await start()
        except (Unusable, OSError) as problem:
            failures += 1
            if failures > 1 and failures.bit_count() == 1:
                say(f"{name} has died and does not start: {problem}; it is tried again")
        else:
            failures = 0
            say(f"{name} had died, and was started again")


async def end_who_hangs(program: Program, say: Say) -> None:
    """Kill a service that was alive and has not said so for a minute, until cancelled; it is then started again.

    One that waits for PostgreSQL at its start answers nobody yet, and is left alone.
    """
    known: int | None = None
    silence = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{program.port}", timeout=ASK_EVERY_S) as client:
        while True:
            await asyncio.sleep(ASK_EVERY_S)
            process = program.process
            if process is None or process.returncode is not None:
                continue
            if await _is_alive(client):
                known, silence = process.pid, 0
            elif process.pid == known:
                silence += 1
            if silence >= MOST_SILENCE and process.pid == known:
                say(f"{program.name} runs, and does not say that it is alive; it is killed")
                process.kill()
                known, silence = None, 0


async def _is_alive(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/livez")).is_success
    except httpx.TransportError:
        return False
