"""What lets brokers start sooner, made by Apache Kafka itself the first time and kept beside its jars.

Half of a broker's start is reading and checking classes, and the tool that formats a broker's folder
takes nearly as long again. Kept are the classes as Java maps them into memory (class data sharing), for
this Java and these jars, and a folder as the tool has formatted it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from chassis.files import write_whole
from chassis.kafka.jars import require_java

_META = "meta.properties"
"""Who a folder's broker is; a folder that has it is formatted."""


def classes_of(jars: Path) -> Path:
    """The archive of the jars' classes for the Java that is installed; empty where it could not be made."""
    java = Path(require_java()).resolve()
    told = f"{java} {java.stat().st_mtime_ns}"
    return jars / f"classes-{hashlib.sha256(told.encode()).hexdigest()[:12]}.jsa"


def keep_formatted(jars: Path, data: Path) -> None:
    """Keep a folder that the tool has just formatted, where there is a place for it and it is the first."""
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=jars) as work:
        shutil.copytree(data, Path(work) / "formatted")
        # In one step: a folder of that name is complete.
        (Path(work) / "formatted").rename(jars / "formatted")


def format_as_kept(jars: Path, data: Path, identity: Mapping[str, str]) -> bool:
    """Make `data` what the tool would make of it, with these properties of its own; False where nothing is kept."""
    kept = jars / "formatted"
    if not (kept / _META).exists():
        return False
    shutil.copytree(kept, data, ignore=shutil.ignore_patterns(_META), dirs_exist_ok=True)
    lines = (kept / _META).read_text().splitlines()
    known = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    write_whole(data / _META, "".join(f"{name}={value}\n" for name, value in {**known, **identity}.items()))
    return True


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether this process is to make the file: it is not there, nobody else makes it now, and it may."""
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(path.with_suffix(".lock").open("a"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield not path.exists()
