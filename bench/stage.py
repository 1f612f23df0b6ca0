"""What the benches stand on: a folder, a broker, the machine's facts, and how results are kept."""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from chassis.kafka.jars import POM
from chassis.settings import Settings
from rekku.brokers import on_kafka, running_brokers

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "cores_to_use": len(os.sched_getaffinity(0)),
        "processor": _first_value(Path("/proc/cpuinfo"), "model name"),
        "memory": _first_value(Path("/proc/meminfo"), "MemTotal"),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _first_value(path: Path, name: str) -> str | None:
    if not path.exists():
        return None
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), None)


def kafka_version() -> str:
    """The version of Apache Kafka that the tests and the benches run."""
    for dependency in ElementTree.parse(POM).iter("dependency"):
        if dependency.findtext("groupId") == "org.apache.kafka":
            return dependency.findtext("version") or ""
    raise LookupError("the pom names no Apache Kafka")


def say(line: str) -> None:
    """A line about how far a bench has come, under the bench's name."""
    print(f"  {line}", flush=True)


def keep(name: str, facts: dict[str, Any], figures: dict[str, Any], *, kafka: bool = True) -> dict[str, Any]:
    """Write a bench's result to `bench/results/<name>.json`, with the machine's facts of before it ran."""
    if kafka:
        facts = {**facts, "kafka": kafka_version()}
    result = {"machine": facts, **figures}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


@contextmanager
def new_home() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may enter, removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="rekku-bench-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def one_broker(home: Path) -> AsyncIterator[Settings]:
    """Apache Kafka with one broker and all topics: the settings of a service on it."""
    async with running_brokers(home, 1, say) as brokers:
        kafka = await brokers
        if kafka is None:
            raise RuntimeError("no broker was started")
        yield await on_kafka(Settings(home=home), kafka)


def quantiles(seconds: Collection[float]) -> dict[str, Any]:
    """How many, and their 50th, 95th and 99th percentile and longest in milliseconds."""
    ordered = sorted(seconds)

    def quantile(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

    return {
        "count": len(ordered),
        "p50_ms": quantile(0.5),
        "p95_ms": quantile(0.95),
        "p99_ms": quantile(0.99),
        "longest_ms": quantile(1),
    }
