"""File systems of their own, which have little room."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def a_small_disk(megabytes: int) -> Iterator[Path]:
    """A folder that has room for so much; without root or the right to mount, the test is left out."""
    if os.geteuid() != 0:
        pytest.skip("LEFT OUT: a file system of its own takes root")
    home = Path(tempfile.mkdtemp(prefix="rekku-disk-"))
    home.chmod(0o755)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(home)]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("LEFT OUT: this machine lets nobody mount a file system")
    try:
        yield home
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)
        home.rmdir()


def fill(path: Path) -> None:
    """Take what room there is."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(2**16))
