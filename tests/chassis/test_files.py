"""Small files are written whole or not at all, and a broken one is named without a word of what stands in it."""

import json
import os
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chassis.files import FileUnusable, create_whole, read_or_make, read_whole, write_whole

ROOT = Path(__file__).parents[2]
OLD, NEW = "old " * 500, "new " * 700
REMEDY = "do something about it"


def carelessly(path, text):
    """The guard switched off: what everybody writes first."""
    path.write_text(text)


def run_with_little_room(path, writer, bytes_left):
    """Write NEW in a process whose files cannot grow past a size, as on a full disk."""
    program = f"""
        import resource
        from pathlib import Path
        from tests.chassis.test_files import NEW, FileUnusable, carelessly, create_whole, write_whole
        resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_left}, {bytes_left}))
        try:
            {writer}(Path({str(path)!r}), NEW)
        except (OSError, FileUnusable) as error:
            print(type(error).__name__, error)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


def names_in(folder):
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("bytes_left", [0, 1000])
def test_on_a_full_disk_the_old_text_stays_and_one_line_says_so(tmp_path, bytes_left):
    path = tmp_path / "small"
    path.write_text(OLD)
    said = run_with_little_room(path, "write_whole", bytes_left)
    assert said == f"FileUnusable {path} cannot be written (File too large); make room on its disk and try again\n"
    assert (path.read_text(), names_in(tmp_path)) == (OLD, ["small"])


def test_on_a_full_disk_nothing_is_made(tmp_path):
    assert "cannot be written" in run_with_little_room(tmp_path / "small", "create_whole", 1000)
    assert names_in(tmp_path) == []


def test_written_carelessly_both_texts_would_be_lost(tmp_path):
    """Negative control of the tests above."""
    path = tmp_path / "small"
    path.write_text(OLD)
    assert "OSError" in run_with_little_room(path, "carelessly", 1000)
    assert path.read_text() == NEW[:1000]


STEPS = ("open", "fsync", "replace")


@pytest.mark.parametrize("step", STEPS)
def test_whichever_step_fails_the_old_text_stays(tmp_path, monkeypatch, step):
    path = tmp_path / "small"
    path.write_text(OLD)

    def fails(*_words, **_more):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(FileUnusable, match=r"small cannot be written \(Input/output error\)$"):
        write_whole(path, NEW)
    monkeypatch.undo()
    assert (path.read_text(), names_in(tmp_path)) == (OLD, ["small"])


def test_the_text_is_on_the_disk_before_its_name_and_then_the_name(tmp_path, monkeypatch):
    path = tmp_path / "small"
    done = []

    def watched(name, step):
        def take(*words, **more):
            done.append("fsync of the folder" if name == "fsync" and is_folder(words[0]) else name)
            return step(*words, **more)

        return take

    for name in ("fsync", "replace", "link"):
        monkeypatch.setattr(os, name, watched(name, getattr(os, name)))
    assert create_whole(path, OLD)
    write_whole(path, NEW)
    assert done == ["fsync", "link", "fsync of the folder", "fsync", "replace", "fsync of the folder"]


def is_folder(handle):
    return stat.S_ISDIR(os.fstat(handle).st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_file_keeps_its_mode_and_a_new_one_gets_its_own(tmp_path, mode):
    path = tmp_path / "small"
    write_whole(path, OLD, mode=mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o604)
    write_whole(path, NEW, mode=mode)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (NEW, 0o604)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "small"
    path.write_text(OLD)
    os.chown(path, 12345, 23456)
    write_whole(path, NEW)
    assert (path.read_text(), path.stat().st_uid, path.stat().st_gid) == (NEW, 12345, 23456)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "small").symlink_to(tmp_path / "elsewhere" / "real")
    write_whole(tmp_path / "small", NEW)
    assert (tmp_path / "small").is_symlink()
    assert (tmp_path / "elsewhere" / "real").read_text() == NEW


def test_what_stands_there_already_is_not_written_again(tmp_path, monkeypatch):
    path = tmp_path / "small"
    write_whole(path, NEW)
    monkeypatch.setattr(os, "replace", None)
    write_whole(path, NEW)


def test_of_many_who_make_a_file_one_does(tmp_path):
    path = tmp_path / "small"
    texts = [f"mine is number {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda text: create_whole(path, text), texts))
    assert made.count(True) == 1
    assert path.read_text() == texts[made.index(True)]
    assert names_in(tmp_path) == ["small"]


BREAKAGES = {
    "empty": b"",
    "blank": b" \n\n",
    "cut": b'{"secret": "hush',
    "not text": b"\xff\xfe\x00hush",
    "deep": b"[" * 100_000,
}


def broken(path, breakage):
    """Put what is broken in the place of a small file; the bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(BREAKAGES[breakage])
    return BREAKAGES[breakage]


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_file_is_named_with_what_to_do_and_never_quoted(tmp_path, breakage):
    path = tmp_path / "small"
    broken(path, breakage)
    with pytest.raises(FileUnusable) as raised:
        read_whole(path, json.loads, REMEDY)
    message = str(raised.value)
    assert message.startswith(f"{path} is ")
    assert message.endswith(f": {REMEDY}")
    assert "hush" not in message
    assert "\n" not in message
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_file_that_is_none_is_told_from_one_that_cannot_be_read(tmp_path):
    assert read_whole(tmp_path / "small", json.loads, REMEDY) is None
    (tmp_path / "file").write_text("{}")
    assert read_whole(tmp_path / "file" / "small", json.loads, REMEDY) is None
    with pytest.raises(FileUnusable, match=r"cannot be read \(Is a directory\): do something about it$"):
        read_whole(tmp_path, json.loads, REMEDY)


def made(path, opens=None):
    return read_or_make(path, json.loads, lambda: '["new"]', opens=opens)


def test_what_is_kept_is_made_once(tmp_path):
    path = tmp_path / "small"
    assert made(path) == ["new"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text('["mine"]')
    assert made(path) == ["mine"]
    assert made(path, opens=tmp_path) == ["mine"]


@pytest.mark.parametrize("breakage", [*BREAKAGES, "missing"])
def test_what_opens_data_is_never_made_anew(tmp_path, breakage):
    path = tmp_path / "small"
    before = None if breakage == "missing" else broken(path, breakage)
    with pytest.raises(FileUnusable, match=r"small is .*put it back from a backup$"):
        made(path, opens=tmp_path / "data")
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_what_opens_nothing_may_be_removed(tmp_path, breakage):
    path = tmp_path / "small"
    before = broken(path, breakage)
    with pytest.raises(FileUnusable, match=r"small is .*: remove it, and a new one is made$"):
        made(path)
    assert path.read_bytes() == before
    path.unlink()
    assert made(path) == ["new"]
