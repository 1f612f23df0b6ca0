"""Small files of state: written whole or not at all, and read by one function that names the file that is wrong.

Whatever a process has to find again after a crash (keys, passwords, ids, what runs here) goes through
this module, and a test finds what does not. Data that come with the code and logs are not meant.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the operating system answers where a file cannot grow: the disk is full, or a quota or limit is reached."""

_NOT_WHAT_IT_SHOULD_BE = (ValueError, TypeError, KeyError, RecursionError)


class Unusable(Exception):
    """Something on this machine cannot be used; the message says in one line what it is, why, and what to do."""


class FileUnusable(Unusable):
    """A small file cannot be read or written; the message names it, and never what stands in it."""


def with_remedy(line: str) -> str:
    """`line`, with what to do where the operating system says in it that there is no room."""
    is_full = any(os.strerror(code) in line for code in NO_ROOM)
    return f"{line}; make room on its disk and try again" if is_full else line


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Put `text` in the place of `path`: whoever reads it, also after a crash, finds the old text or the new one.

    A file that is there keeps its mode and owner, a new one gets `mode`; nothing is written where `text`
    stands there already.

    Raises:
        FileUnusable: it cannot be written; what stands there is still whole.
    """
    path = path.resolve()
    with contextlib.suppress(OSError):
        if path.read_bytes() == text.encode():
            return
    with _written_beside(path, text, mode) as fresh:
        fresh.replace(path)


def create_whole(path: Path, text: str, *, mode: int = 0o600) -> bool:
    """Make `path` with `text`, whole and only once; False, and nothing has changed, where it is there already.

    Raises:
        FileUnusable: it cannot be written.
    """
    with _written_beside(path, text, mode) as fresh:
        try:
            os.link(fresh, path)
        except FileExistsError:
            return False
    return True


@contextlib.contextmanager
def _written_beside(path: Path, text: str, mode: int) -> Iterator[Path]:
    """`text` on the disk under another name in the same folder; what becomes of that name is on the disk afterwards."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                _like(path, handle)
                file.write(text)
                file.flush()
                os.fsync(handle)
            yield fresh
        finally:
            fresh.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise FileUnusable(with_remedy(f"{path} cannot be written ({error.strerror})")) from error


def _like(path: Path, handle: int) -> None:
    try:
        there = path.stat()
    except FileNotFoundError:
        return
    if (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(handle, there.st_uid, there.st_gid)
    os.fchmod(handle, stat.S_IMODE(there.st_mode))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_whole(path: Path, parse: Callable[[str], Value], remedy: str) -> Value | None:
    """What `parse` makes of the text in `path`; None where there is no such file.

    Args:
        parse: raises ValueError, TypeError or KeyError where the text is not what it should be.
        remedy: what to do about a broken file, as the end of the line.

    Raises:
        FileUnusable: the file is empty or broken, or cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if not text.strip():
            raise FileUnusable(f"{path} is empty: {remedy}")
        return parse(text)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FileUnusable(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    except _NOT_WHAT_IT_SHOULD_BE as error:
        # Without its cause: that may quote the file, which may be a key.
        raise FileUnusable(f"{path} is broken ({type(error).__name__}): {remedy}") from None


def read_or_make(
    path: Path, parse: Callable[[str], Value], make: Callable[[], str], *, opens: Path | None = None
) -> Value:
    """What stands in a file that is made once and kept, with mode 0600.

    Args:
        parse: as in `read_whole`.
        make: the text of a new file.
        opens: data that are there already and that nobody can use without this file: then it is never made anew.

    Raises:
        FileUnusable: it is broken, or it is missing and `opens` is there, or it cannot be made.
    """
    remedy = (
        f"{opens} cannot be used without it, so it is not made anew; put it back from a backup"
        if opens
        else "remove it, and a new one is made"
    )
    found = read_whole(path, parse, remedy)
    if found is None:
        if opens:
            raise FileUnusable(f"{path} is missing: {remedy}")
        create_whole(path, make())
        # What stands there counts: somebody else may have been the first.
        found = read_whole(path, parse, remedy)
    if found is None:
        raise FileUnusable(f"{path} was removed just now: try again")
    return found
