"""Grants against one hot quota: HTTP to commit, with the relay running, beside what PostgreSQL alone can do.

The limit is one SQL statement per grant over asyncpg that writes the same rows: idempotency, both
counters, the client's first grant, the decision, the outbox and the audit. Both with the relay moving
to the embedded bus and to Apache Kafka. Target: at 8 clients at least 0.5 of the limit and 600
grants/s, and no slower with a million past decisions.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench.grants_sql import AGE_DECISIONS, FORGET, GRANT_IN_ONE_STATEMENT, OPEN_CONTRACTS
from bench.stage import keep, machine, new_home, one_broker, say
from chassis.auth import DevIssuer, Role
from chassis.calendar import helsinki_date
from chassis.clock import utc_now
from chassis.embedded import Cluster, migrate_services, provision, start_cluster
from chassis.settings import BusKind, Settings
from contracts.decisions import Decision, DecisionGranted
from contracts.envelope import encode, new_event_id
from contracts.topics import SERVICES
from contracts.values import DecisionState, Language
from rekku.up import free_ports
from services.decisions.app import SERVICE

CLIENTS = {BusKind.EMBEDDED: (1, 8, 32), BusKind.KAFKA: (8,)}
CONTRACTS = 11
WARM_UP_S = 1.5
MEASURED_S = float(os.environ.get("BENCH_SECONDS", "6"))
PAST_DECISIONS = int(os.environ.get("BENCH_PAST_DECISIONS", "1000000"))

Grant = Callable[[], Awaitable[None]]
_numbers = count(1)


async def run() -> dict[str, Any]:
    """Measure and compare; the figures are also written to `bench/results/grants.json`."""
    facts = machine()
    with new_home() as home:
        cluster = await asyncio.to_thread(start_cluster, home, (*SERVICES, "gateway"))
        try:
            await provision(cluster, (*SERVICES, "gateway"))
            await migrate_services(cluster, [SERVICE])
            await _as_owner(cluster, OPEN_CONTRACTS, CONTRACTS, _today())
            async with one_broker(home) as settings:
                results = await _measured(cluster, home, settings)
            facts |= await _postgres(cluster)
        finally:
            await asyncio.to_thread(cluster.stop)
    return keep("grants", facts, results)


async def _measured(cluster: Cluster, home: Path, on_kafka: Settings) -> dict[str, Any]:
    """On each bus the limit and the service in turn; then both again with a million past decisions."""
    results: dict[str, Any] = {bus.value: {} for bus in CLIENTS}
    for bus, counts in CLIENTS.items():
        for clients in counts:
            limit = await _measure_limit(cluster, clients)
            async with _server(cluster, home, on_kafka, bus) as server:
                found = await _measure_service(*server, clients)
            results[bus][f"clients_{clients}"] = {
                "grants_per_s": found["per_s"],
                "limit_per_s": limit["per_s"],
                "ratio": round(found["per_s"] / limit["per_s"], 3),
                "p50_ms": found["p50_ms"],
                "p99_ms": found["p99_ms"],
            }
            say(f"{bus}, {clients} clients: {found['per_s']:g} grants/s, {limit['per_s']:g} at most")
            await _as_owner(cluster, FORGET)
    await _as_owner(cluster, AGE_DECISIONS, PAST_DECISIONS, _today())
    await _as_owner(cluster, "VACUUM ANALYZE")
    for bus in CLIENTS:
        async with _server(cluster, home, on_kafka, bus) as server:
            aged = await _measure_service(*server, 8)
        results[bus]["clients_8_after_past_decisions"] = {
            "past_decisions": PAST_DECISIONS,
            "grants_per_s": aged["per_s"],
            "share_of_fresh": round(aged["per_s"] / results[bus]["clients_8"]["grants_per_s"], 3),
            "p99_ms": aged["p99_ms"],
        }
        say(f"{bus}, after {PAST_DECISIONS:,} decisions: {aged['per_s']:g} grants/s")
    return results


async def _measure(clients: list[Grant]) -> dict[str, float]:
    """Every client grants one after the other; grants per second and latencies, after a warm-up."""
    latencies: list[float] = []
    start = time.perf_counter() + WARM_UP_S
    end = start + MEASURED_S

    async def work(grant: Grant) -> None:
        while (began := time.perf_counter()) < end:
            await grant()
            if began >= start:
                latencies.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(work(client))
    latencies.sort()
    return {
        "per_s": round(len(latencies) / MEASURED_S, 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 2),
    }


async def _measure_limit(cluster: Cluster, clients: int) -> dict[str, float]:
    """The same rows in one statement, with nothing but the driver."""
    pool = await asyncpg.create_pool(
        cluster.url("rekku_decisions"),
        min_size=clients,
        max_size=clients,
        server_settings={"search_path": "decisions", "rekku.scope": "*"},
    )
    today = _today()
    headers, value = _event()
    names, values = [name for name, _ in headers], [text for _, text in headers]
    answer = b"x" * 500

    async def grant() -> None:
        number = next(_numbers)
        done = await pool.fetchval(
            GRANT_IN_ONE_STATEMENT,
            f"contract-{number % CONTRACTS}",
            today.year,
            today,
            f"{number:013}",
            f"limit-application-{number}",
            f"limit-client-{number}",
            f"limit-key-{number}",
            names,
            values,
            value,
            answer,
        )
        if not done:
            raise RuntimeError("the statement granted nothing")

    try:
        return await _measure([grant] * clients)
    finally:
        await pool.close()


async def _measure_service(host: str, port: int, token: str, clients: int) -> dict[str, float]:
    """The same grants through the service's HTTP interface, each client on a connection of its own."""
    today = _today().isoformat()
    connections = [await asyncio.open_connection(host, port) for _ in range(clients)]

    def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Grant:
        async def grant() -> None:
            number = next(_numbers)
            body = json.dumps(
                {
                    "application_ref": f"application-{number}",
                    "client_ref": f"client-{number}",
                    "contract_id": f"contract-{number % CONTRACTS}",
                    "applied_on": today,
                    "outcome": "granted",
                }
            )
            writer.write(
                f"POST /decisions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
                f"Idempotency-Key: key-{number}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            answer = await reader.readexactly(length)
            if b'"state":"granted"' not in answer:
                raise RuntimeError(answer.decode())

        return grant

    try:
        return await _measure([client(*connection) for connection in connections])
    finally:
        for _, writer in connections:
            writer.close()


@asynccontextmanager
async def _server(
    cluster: Cluster, home: Path, on_kafka: Settings, bus: BusKind
) -> AsyncIterator[tuple[str, int, str]]:
    """The decisions service as a process of its own, ready to answer: host, port, an official's token."""
    host, port = "127.0.0.1", free_ports(1)[0]
    issuer = DevIssuer(Settings(home=home, dev_issuer=True))
    environment = os.environ | {
        "REKKU_HOME": str(home),
        "REKKU_PORT": str(port),
        "REKKU_DATABASE_URL": cluster.url("rekku_decisions"),
        "REKKU_KEYS_DATABASE_URL": cluster.keys_url("decisions"),
        "REKKU_FINGERPRINT_SECRET": "for a measurement only, and long enough",
        "REKKU_JWKS_URL": DevIssuer.jwks_path(home).as_uri(),
        "REKKU_LOG_LEVEL": "WARNING",
        "REKKU_BUS": bus,
        "REKKU_KAFKA_SERVERS": on_kafka.kafka_servers,
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "rekku", "serve", "decisions", env=environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client, asyncio.timeout(60):
            while not await _is_ready(client):
                await asyncio.sleep(0.05)
        yield host, port, issuer.token(Role.OFFICER)
    finally:
        process.terminate()
        await process.wait()


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _as_owner(cluster: Cluster, sql: str, *args: object) -> None:
    connection = await asyncpg.connect(
        cluster.url("rekku_decisions_owner"), server_settings={"search_path": "decisions", "rekku.scope": "*"}
    )
    try:
        for statement in sql.split(";\n"):
            used = [argument for place, argument in enumerate(args, 1) if f"${place}" in statement]
            await connection.execute(statement, *used, timeout=600)
    finally:
        await connection.close()


async def _postgres(cluster: Cluster) -> dict[str, str]:
    connection = await asyncpg.connect(cluster.url("rekku_decisions"))
    try:
        return {
            "postgres": await connection.fetchval("SHOW server_version"),
            "fsync": await connection.fetchval("SHOW fsync"),
        }
    finally:
        await connection.close()


def _event() -> tuple[list[tuple[str, bytes]], bytes]:
    """An event of the size that a grant publishes."""
    decision = Decision(
        decision_ref="0" * 13,
        application_ref="application-100000",
        client_ref="client-100000",
        service="CARDIAC_ADULT",
        contract_id="contract-10",
        provider_id="2828286-3",
        language=Language.FI,
        state=DecisionState.GRANTED,
        applied_on=_today(),
        decided_on=_today(),
        confirm_by=_today(),
        new_client=True,
    )
    event = DecisionGranted(version=1, decision=decision)
    return encode(event, event_id=new_event_id(), source="/rekku/decisions", time=utc_now(), traceparent=None)


def _today() -> date:
    return helsinki_date(utc_now())


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
