"""Apache Kafka's jars, fetched once by Maven and kept outside the repository."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from chassis.files import Unusable

POM = Path(__file__).with_name("pom.xml")

Say = Callable[[str], None]


class KafkaUnavailable(Unusable):
    """Apache Kafka cannot run on this machine."""


def require_java() -> str:
    """The Java command.

    Raises:
        KafkaUnavailable: there is none.
    """
    java = shutil.which("java")
    if java is None:
        raise KafkaUnavailable("Apache Kafka needs Java 17 (Debian: apt-get install openjdk-17-jre-headless)")
    return java


def jars_folder() -> Path:
    """Where the jars of this `pom.xml` are kept once they were fetched."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "rekku" / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"


async def fetch_jars(say: Callable[[str], None]) -> Path:
    """The folder of the jars; Maven fetches them the first time, which is said.

    Raises:
        KafkaUnavailable: there is no Java, or the jars are not here yet and there is no Maven or it fails.
    """
    require_java()
    folder = jars_folder()
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailable("Apache Kafka's jars are fetched by Maven (Debian: apt-get install maven)")
    say("Fetching Apache Kafka's jars with Maven (about 45 MB, only this once) …")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as work:
        fetched = await _run_maven(maven, Path(work))
        try:
            # In one step: a folder of that name is complete.
            fetched.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    say(f"Apache Kafka's jars are in {folder}")
    return folder


async def _run_maven(maven: str, work: Path) -> Path:
    shutil.copy(POM, work / "pom.xml")
    fetching = await asyncio.create_subprocess_exec(
        maven,
        "--quiet",
        "--batch-mode",
        "--file",
        str(work / "pom.xml"),
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={work / 'jars'}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await fetching.communicate()
    finally:
        if fetching.returncode is None:
            fetching.kill()
            await fetching.wait()
    if fetching.returncode:
        why = next((line for line in said.decode(errors="replace").splitlines() if "ERROR" in line), "it says nothing")
        raise KafkaUnavailable(f"Maven could not fetch Apache Kafka's jars: {why}")
    return work / "jars"
