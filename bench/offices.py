"""Offices registered over HTTP at a fixed rate, and when each of them was committed in which service.

One event each and one row in every service that keeps a copy: what passes between command and effect
is the outbox, Apache Kafka and the inbox. The times of the commits are PostgreSQL's own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import asyncpg

from bench.stage import say
from chassis.embedded import SUPERUSER
from chassis.settings import BusKind
from rekku.demo.api import Api
from rekku.demo.providers import PROVIDERS
from rekku.home import Home
from rekku.up import Launch, System, free_ports, start_database, system

_PATIENCE_S = 90.0
_WARM_UP = 40
_WARM_UP_PER_S = 20


@dataclass
class Offices:
    """The providers' side: registers offices, and notes when each answer came, in seconds since the epoch.

    `unanswered` counts the commands that a machine which cannot keep up with the rate left without an answer.
    """

    api: Api
    database: asyncpg.Connection
    answered: dict[str, float] = field(default_factory=dict)
    unanswered: int = 0

    async def register(self, count: int, rate_per_s: float) -> list[str]:
        """Register at a fixed rate, whether or not earlier ones are answered; the ids."""
        registered: list[str] = []

        async def one(due: float, provider_id: str, body: Mapping[str, Any]) -> None:
            await asyncio.sleep(due - time.perf_counter())
            path = f"/providers/{provider_id}/offices"
            try:
                answer = await self.api.command("POST", "registration", path, body, provider=provider_id)
            except TimeoutError:
                self.unanswered += 1
                return
            self.answered[answer.body["office_id"]] = time.time()
            registered.append(answer.body["office_id"])

        begin = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as group:
            for number, provider in zip(range(count), cycle(PROVIDERS), strict=False):
                body = {
                    "name": f"{provider.name} {number}",
                    "municipality_code": provider.municipality_code,
                    "street_address": provider.street_address,
                    "postal_address": provider.postal_address,
                }
                group.create_task(one(begin + number / rate_per_s, provider.provider_id, body))
        return registered

    async def applied(self, service: str, ids: Collection[str]) -> dict[str, float]:
        """When each office was committed in a service's own table, once all of them are there.

        Raises:
            TimeoutError: one does not come.
        """
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                rows = await self.database.fetch(
                    f"SELECT office_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at"
                    f" FROM {service}.offices WHERE office_id = ANY ($1)",
                    list(ids),
                )
                if len(rows) == len(ids):
                    return {row["office_id"]: row["at"] for row in rows}
                await asyncio.sleep(0.2)


@asynccontextmanager
async def offices_on_kafka(
    home: Path,
    services: Collection[str],
    instances: Mapping[str, int] | None = None,
    parent: tuple[str, ...] | None = None,
) -> AsyncIterator[tuple[System, Offices]]:
    """The whole system on Kafka, its providers registered and `services` seen to receive offices."""
    await _keep_commit_times(Home(home))
    launch = Launch(
        Home(home),
        free_ports(1)[0],
        bus=BusKind.KAFKA,
        instances=instances or {},
        parent=parent,
        pauses_s=(0.5, 0.5),
        say=say,
    )
    async with system(launch) as running, Api(running.run, running.settings) as api:
        database = await asyncpg.connect(running.cluster.url(SUPERUSER))
        offices = Offices(api, database)
        for provider in PROVIDERS:
            body = {"provider_id": provider.provider_id, "name": provider.name}
            await api.command("POST", "registration", "/providers", body, provider=provider.provider_id)
        warm_up = await offices.register(_WARM_UP, _WARM_UP_PER_S)
        for service in services:
            await offices.applied(service, warm_up)
        try:
            yield running, offices
        finally:
            await database.close()


async def _keep_commit_times(home: Home) -> None:
    home.prepare()
    cluster = await start_database(home)
    connection = await asyncpg.connect(cluster.url(SUPERUSER, "postgres"))
    await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    await connection.close()
    await asyncio.to_thread(cluster.stop)
