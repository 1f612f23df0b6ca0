"""Failpoints: nothing unless armed, and then death at exactly the step that was named."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from chassis import failpoints

STEPS = """
import sys
from pathlib import Path
from chassis.failpoints import arm, reach
arm(Path(sys.argv[1]), "courses-1")
for step in sys.argv[2:]:
    reach(step)
"""


async def _walk(folder: Path, *steps: str) -> int:
    """A process that takes these steps; how it ended."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", STEPS, str(folder), *steps)
    return await process.wait()


def _passed(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "seen").iterdir())


async def test_without_an_order_a_process_only_leaves_its_traces(tmp_path: Path):
    (tmp_path / "courses-2").write_text("commit.before 1")
    assert await _walk(tmp_path, "commit.before", "commit.after") == 0
    assert _passed(tmp_path) == ["courses-1 commit.after", "courses-1 commit.before"]
    assert (tmp_path / "courses-2").exists()


async def test_a_process_dies_at_the_nth_time_it_comes_there_and_only_once(tmp_path: Path):
    order = tmp_path / "courses-1"
    order.write_text("send.after 2")
    assert await _walk(tmp_path, "send.after", "send.before", "send.before") == 0
    assert order.exists()
    assert await _walk(tmp_path, "send.after", "send.before", "send.after", "position.before") == -signal.SIGKILL
    assert not order.exists()
    assert "courses-1 position.before" not in _passed(tmp_path)
    assert await _walk(tmp_path, "send.after", "send.after") == 0


def test_without_a_folder_nothing_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    failpoints.arm(None, "courses-1")
    failpoints.reach("commit.before")
    assert not failpoints.armed()
    assert list(tmp_path.iterdir()) == []
