"""The provider search at its design size: 10,000 offices, 100,000 courses, 100 requests a second.

Target: p95 < 50 ms with the server pinned to one core, free-place freshness p99 < 2 s.
"""

import asyncio
import json
import os
import random
import sys
import time
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx

from bench.search_data import OFFICES, a_places_change, a_question, all_events
from bench.stage import keep, machine, new_home, quantiles
from chassis.bus import Record
from chassis.clock import ClockKind, utc_now
from chassis.db import Database
from chassis.embedded import Cluster, migrate_services, provision, start_cluster
from chassis.inbox import Inbox
from chassis.vault import Vault
from contracts.envelope import Event, encode, new_event_id
from contracts.topics import SERVICES
from rekku.up import free_ports
from services.search.app import SERVICE

RATE_PER_S = 100
LOAD_S = 20
FRESHNESS_SAMPLES = 200
FRESHNESS_RATE_PER_S = 20
_BATCH = 500
_PARTITIONS = 4
_VISITORS = 32


async def run() -> dict[str, Any]:
    """Fill, serve, ask and measure; the figures are also written to `bench/results/search.json`."""
    facts = machine()
    results: dict[str, Any] = {"offices": OFFICES, "rate_per_s": RATE_PER_S, "server_cores": 1}
    with new_home() as home:
        cluster = await asyncio.to_thread(start_cluster, home, (*SERVICES, "gateway"))
        try:
            await provision(cluster, (*SERVICES, "gateway"))
            await migrate_services(cluster, [SERVICE])
            results |= await _fill(cluster)
            async with _server(cluster, home) as (server, port):
                await _load(port, seconds=3)
                before_s = _cpu_s(server)
                quiet = await _load(port, LOAD_S)
                spent_s = _cpu_s(server) - before_s
                results |= {f"quiet_{name}": value for name, value in quantiles(quiet).items()}
                results["server_cpu_ms_per_request"] = round(spent_s / len(quiet) * 1000, 2)
                load = asyncio.create_task(_load(port, FRESHNESS_SAMPLES / FRESHNESS_RATE_PER_S))
                results |= {f"freshness_{name}": value for name, value in (await _freshness(cluster)).items()}
                results |= {f"while_writing_{name}": value for name, value in quantiles(await load).items()}
        finally:
            await asyncio.to_thread(cluster.stop)
    return keep("search", facts, results, kafka=False)


async def _fill(cluster: Cluster) -> dict[str, Any]:
    """Project everything, as the consumer does."""
    records = [_record(event, position) for position, event in enumerate(all_events())]
    vault = Vault("")
    database = await Database.connect(cluster.url("rekku_search"), "search", ClockKind.REAL, vault, size=4)
    inbox = Inbox(SERVICE, database)
    lanes = [[record for record in records if record.partition == lane] for lane in range(_PARTITIONS)]

    async def apply(lane: Sequence[Record]) -> None:
        for start in range(0, len(lane), _BATCH):
            await inbox.apply(lane[start : start + _BATCH])

    await asyncio.gather(*map(apply, lanes))
    async with database.transaction() as tx:
        counts = await tx.fetchrow(
            "SELECT (SELECT count(*) FROM courses) AS courses, (SELECT count(*) FROM offerings) AS offerings,"
            " (SELECT count(*) FROM dead_letters) AS letters"
        )
    await database.close()
    await vault.close()
    owner = await asyncpg.connect(cluster.url("rekku_search_owner"))
    await owner.execute("ANALYZE")
    await owner.close()
    if counts is None or counts["letters"]:
        raise RuntimeError("events of the benchmark could not be applied")
    return {"courses": counts["courses"], "offerings": counts["offerings"]}


@asynccontextmanager
async def _server(cluster: Cluster, home: Path) -> AsyncIterator[tuple[int, int]]:
    """The search as a process of its own on one core, ready to answer; its process id and port."""
    port = free_ports(1)[0]
    environment = os.environ | {
        "REKKU_HOME": str(home),
        "REKKU_PORT": str(port),
        "REKKU_DATABASE_URL": cluster.url("rekku_search"),
        "REKKU_FINGERPRINT_SECRET": "for a measurement only, and long enough",
        "REKKU_LOG_LEVEL": "WARNING",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "rekku", "serve", "search", env=environment)
    try:
        os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.timeout(60):
            while not await _is_ready(client):
                await asyncio.sleep(0.05)
        yield process.pid, port
    finally:
        process.terminate()
        await process.wait()


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


class _Visitor:
    """One connection that asks one question at a time: cheap, so that the server is what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, question: dict[str, Any]) -> bytes:
        """The body of the answer."""
        self._writer.write(f"GET /offices?{urlencode(question)} HTTP/1.1\r\nHost: search\r\n\r\n".encode())
        status, *headers = (await self._reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        length = next(int(header[15:]) for header in headers if header.startswith(b"content-length:"))
        body = await self._reader.readexactly(length)
        if b" 200 " not in status:
            raise RuntimeError(body.decode())
        return body

    def leave(self) -> None:
        self._writer.close()


async def _load(port: int, seconds: float) -> list[float]:
    """Questions at a fixed rate, whether or not earlier ones are answered; seconds from when each was due."""
    chance = random.Random(7)
    pages: list[tuple[dict[str, Any], str]] = []
    latencies: list[float] = []
    begin = time.perf_counter()
    dues = iter([begin + n / RATE_PER_S for n in range(round(seconds * RATE_PER_S))])

    async def visit() -> None:
        visitor = _Visitor(*await asyncio.open_connection("127.0.0.1", port))
        for due in dues:
            await asyncio.sleep(due - time.perf_counter())
            question = a_question(chance)
            if pages and chance.random() < 0.1:
                question, cursor = chance.choice(pages)
                question = {**question, "after": cursor}
            body = await visitor.ask(question)
            latencies.append(time.perf_counter() - due)
            if len(pages) < 100 and (after := json.loads(body)["next"]):
                pages.append((question, after))
        visitor.leave()

    async with asyncio.TaskGroup() as group:
        for _ in range(_VISITORS):
            group.create_task(visit())
    return latencies


async def _freshness(cluster: Cluster) -> dict[str, Any]:
    """How long from appending a change of places to the bus until the copy that is searched has it.

    Looked for in the database, so that looking does not load the server whose freshness it is.
    """
    bus = await asyncpg.connect(cluster.url("rekku_courses"))
    copy = await asyncpg.connect(cluster.url("rekku_search"), server_settings={"search_path": "search"})
    since: dict[str, float] = {}
    waits: list[float] = []

    async def watch() -> None:
        while len(waits) < FRESHNESS_SAMPLES:
            rows = await copy.fetch(
                "SELECT course_id FROM courses WHERE course_id = ANY($1) AND version = 2", list(since)
            )
            now = time.perf_counter()
            waits.extend(now - since.pop(row["course_id"]) for row in rows)
            await asyncio.sleep(0.005)

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        group.create_task(watch())
        begin = time.perf_counter()
        for n in range(FRESHNESS_SAMPLES):
            await asyncio.sleep(begin + n / FRESHNESS_RATE_PER_S - time.perf_counter())
            change = a_places_change(n)
            record = _record(change, 0)
            names, values = zip(*record.headers, strict=True)
            since[change.course.course_id] = time.perf_counter()
            await bus.fetchval(
                "SELECT rekku_bus.append($1::rekku_bus.outgoing[])",
                [(record.topic, record.key, list(names), list(values), record.value)],
            )
    await bus.close()
    await copy.close()
    return quantiles(waits)


def _record(event: Event, position: int) -> Record:
    headers, value = encode(
        event, event_id=new_event_id(), source=f"/rekku/{event.topic}", time=utc_now(), traceparent=None
    )
    key = event.key.encode()
    return Record(event.topic, zlib.crc32(key) % _PARTITIONS, position, key, tuple(headers), value)


def _cpu_s(pid: int) -> float:
    """Processor seconds a process has used so far, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
