"""Apache Kafka from its jars: data outlive a kill, three brokers the loss of one; nothing outlives its parent."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from chassis.kafka.asking import leader_of
from chassis.kafka.cluster import KafkaCluster
from chassis.kafka.jars import KafkaUnavailable, fetch_jars, jars_folder
from chassis.kafka.kept import alone, classes_of
from tests.chassis.test_bus import until

TOPIC = "kept"
_PARENT = """
import asyncio, sys
from pathlib import Path
from chassis.kafka.cluster import KafkaCluster

async def main():
    cluster = KafkaCluster(Path(sys.argv[1]))
    await cluster.start()
    print(cluster.brokers[0].pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def brokers(home: Path, count: int = 1, **differences) -> AsyncIterator[KafkaCluster]:
    cluster = KafkaCluster(home, count, **differences)
    await cluster.start()
    try:
        yield cluster
    finally:
        await cluster.stop()


async def make_topic(servers: str, *, replication: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        made = await admin.create_topics([NewTopic(TOPIC, 1, replication)])
        assert [code for _, code, *_ in made.topic_errors] == [0]
    finally:
        await admin.close()


async def put(servers: str, first: int, last: int) -> None:
    async with asyncio.timeout(40), AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        for number in range(first, last):
            await producer.send_and_wait(TOPIC, str(number).encode())


async def kept(servers: str, count: int) -> list[int]:
    found: list[int] = []
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=servers, auto_offset_reset="earliest")
    async with asyncio.timeout(40), consumer:
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [int(record.value) for record in records]
    return found


async def test_what_a_killed_broker_acknowledged_is_there_when_it_starts_again(kafka: KafkaCluster, tmp_path: Path):
    async with brokers(tmp_path) as cluster:
        broker = cluster.brokers[0]
        await make_topic(cluster.servers)
        await put(cluster.servers, 0, 50)
        first = broker.pid
        broker.kill()
        assert not broker.alive
        await broker.start()
        assert broker.alive
        assert broker.pid != first
        await put(cluster.servers, 50, 60)
        assert await kept(cluster.servers, 60) == list(range(60))
        before = cluster.servers
    assert not broker.alive
    async with brokers(tmp_path) as again:
        assert again.servers == before
        assert await kept(again.servers, 60) == list(range(60))


async def test_a_port_that_was_taken_meanwhile_is_changed(kafka: KafkaCluster, tmp_path: Path):
    async with brokers(tmp_path) as cluster:
        await make_topic(cluster.servers)
        await put(cluster.servers, 0, 5)
        host, _, port = cluster.servers.partition(":")
    taken = await asyncio.start_server(lambda _, writer: writer.close(), host, int(port))
    async with taken, brokers(tmp_path) as moved:
        assert moved.servers != cluster.servers
        assert await kept(moved.servers, 5) == list(range(5))


async def test_three_brokers_keep_a_topic_while_its_leader_is_killed(kafka: KafkaCluster, tmp_path: Path):
    async with brokers(tmp_path, 3) as cluster:
        await make_topic(cluster.servers, replication=3)
        await put(cluster.servers, 0, 50)
        leader = await leader_of(cluster.servers, TOPIC, 0)
        assert leader is not None
        lost = cluster.brokers[leader - 1]
        lost.kill()
        await put(cluster.servers, 50, 60)
        assert await leader_of(cluster.servers, TOPIC, 0) not in (leader, None)
        found = await kept(cluster.servers, 60)
        # A producer that is not idempotent may repeat what a dying leader did not acknowledge any more.
        assert list(dict.fromkeys(found)) == list(range(60))
        await lost.start()
        assert len({broker.pid for broker in cluster.brokers}) == 3


async def test_a_suspended_broker_keeps_connections_and_gives_no_answers(kafka: KafkaCluster):
    broker = kafka.brokers[0]
    broker.suspend()
    try:
        assert broker.alive
        assert await leader_of(kafka.servers, "nowhere", 0) is None
        with pytest.raises((KafkaError, TimeoutError)):
            async with asyncio.timeout(1):
                await make_topic(kafka.servers)
    finally:
        broker.resume()
    await broker.start()


async def test_clients_are_told_the_advertised_port(kafka: KafkaCluster, tmp_path: Path):
    """So all of them come through a proxy in front of the broker."""
    behind: list[int] = []
    passed = 0

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        nonlocal passed
        while data := await source.read(65536):
            passed += len(data)
            sink.write(data)
            await sink.drain()
        sink.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inward, outward = await asyncio.open_connection("127.0.0.1", behind[0])
        await asyncio.gather(copy(reader, outward), copy(inward, writer), return_exceptions=True)
        await asyncio.gather(outward.wait_closed(), writer.wait_closed(), return_exceptions=True)

    proxy = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    proxy_port = proxy.sockets[0].getsockname()[1]

    def advertised(_number: int, port: int) -> int:
        behind.append(port)
        return proxy_port

    async with proxy, brokers(tmp_path, advertised=advertised) as cluster:
        assert cluster.servers == f"127.0.0.1:{proxy_port}"
        await make_topic(cluster.servers)
        await put(cluster.servers, 0, 5)
        before = passed
        async with AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{behind[0]}") as producer:
            await producer.send_and_wait(TOPIC, b"x" * 100_000)
        assert passed - before > 100_000


async def test_brokers_end_with_the_process_that_started_them(kafka: KafkaCluster, tmp_path: Path):
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    broker = psutil.Process(int(await parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    await parent.communicate()

    async def gone() -> bool:
        return not broker.is_running() or broker.status() == psutil.STATUS_ZOMBIE

    await until(gone)


async def formatted(home: Path, jars: Path) -> Path:
    """A broker's folder before its first start."""
    (home / "kafka").mkdir(parents=True)
    cluster = KafkaCluster(home)
    identity, ports = cluster._identity()
    cluster._told = {1: ports[1][0]}
    await cluster.brokers[0].prepare(jars, ports[1][0], identity, cluster._properties(1, ports))
    return home / "kafka" / "1" / "data"


def properties(folder: Path) -> dict[str, str]:
    lines = (folder / "meta.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def links_to_jars(folder: Path) -> Path:
    """A folder of jars beside which nothing is kept yet."""
    folder.mkdir()
    for jar in jars_folder().glob("*.jar"):
        (folder / jar.name).symlink_to(jar)
    return folder


async def test_a_folder_made_from_what_is_kept_is_the_tools_own_but_for_who_it_is(kafka: KafkaCluster, tmp_path: Path):
    """What is kept was made for another broker; the tool's own is made where nothing is kept."""
    jars, elsewhere = links_to_jars(tmp_path / "jars"), links_to_jars(tmp_path / "elsewhere")
    await formatted(tmp_path / "another", jars)
    assert (jars / "formatted").is_dir()
    as_kept, by_the_tool = await formatted(tmp_path / "one", jars), await formatted(tmp_path / "one again", elsewhere)
    names = [sorted(path.relative_to(folder) for path in folder.rglob("*")) for folder in (by_the_tool, as_kept)]
    assert names[0] == names[1]
    assert len(names[0]) > 1
    first, second = properties(by_the_tool), properties(as_kept)
    assert {name for name in first if first[name] != second.get(name)} == {"cluster.id", "directory.id"}
    assert second.keys() == first.keys()
    assert second["cluster.id"] == json.loads((tmp_path / "one" / "kafka" / "cluster.json").read_text())["id"]


async def test_a_broker_maps_the_kept_classes_instead_of_reading_the_jars(kafka: KafkaCluster, tmp_path: Path):
    """One that is started when they are there: the run's own may have been started while another process made them."""
    kept = classes_of(jars_folder())

    async def is_kept() -> bool:
        return kept.exists()

    await until(is_kept, within_s=120)
    assert kept.stat().st_size > 0
    async with brokers(tmp_path) as cluster:
        assert str(kept) in {mapped.path for mapped in psutil.Process(cluster.brokers[0].pid).memory_maps()}


def test_one_process_makes_the_archive_and_the_others_go_on_without(tmp_path: Path):
    archive = tmp_path / "classes.jsa"
    with alone(archive) as first, alone(archive) as second:
        assert (first, second) == (True, False)
    with alone(archive) as third:
        assert third
        archive.touch()
    with alone(archive) as late:
        assert not late, "it was made meanwhile"


def only(folder: Path, *commands: str) -> str:
    """A search path with nothing on it but `commands`."""
    for command in commands:
        (folder / command).symlink_to(shutil.which(command) or os.devnull)
    return str(folder)


async def test_without_java_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", only(tmp_path))
    with pytest.raises(KafkaUnavailable, match=re.escape("needs Java 17 (Debian:")):
        await KafkaCluster(tmp_path).start()


@pytest.mark.parametrize(("insisting", "status"), [("", 0), ("1", 1)])
async def test_without_java_the_summary_says_loudly_what_was_left_out(tmp_path: Path, insisting: str, status: int):
    """And where Kafka is required, it is a failure."""
    test = f"{__file__}::test_a_suspended_broker_keeps_connections_and_gives_no_answers"
    pytest_alone = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio"),
        test,
        env=os.environ | {"PATH": only(tmp_path), "REKKU_REQUIRE_KAFKA": insisting},
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await pytest_alone.communicate()
    assert pytest_alone.returncode == status
    assert (b"TESTS LEFT OUT: 1. APACHE KAFKA NEEDS JAVA 17" in told) is not bool(insisting)
    assert b"needs Java 17" in told


async def test_without_maven_only_the_first_start_fails(
    kafka: KafkaCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", only(tmp_path, "java"))
    said: list[str] = []
    assert (await fetch_jars(said.append)).is_dir()
    assert said == []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(KafkaUnavailable, match="are fetched by Maven"):
        await fetch_jars(said.append)


async def test_when_maven_fails_its_own_reason_is_said_and_nothing_half_fetched_stays(
    kafka: KafkaCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", only(tmp_path, "java"))
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] the repository does not answer'\nexit 1\n")
    maven.chmod(0o755)
    said: list[str] = []
    with pytest.raises(KafkaUnavailable, match="the repository does not answer"):
        await fetch_jars(said.append)
    assert len(said) == 1
    assert list((tmp_path / "cache" / "rekku").iterdir()) == []
