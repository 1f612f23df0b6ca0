"""Folders whose files are kept for ever, unchanged: examples, and the accepted revisions of schemas.

A manifest beside them holds the SHA-256 of every file ever entered, in the format of `sha256sum`.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

_MANIFEST = "manifest.sha256"


def kept_files(folder: Path) -> list[Path]:
    """Every file that has to be kept, `<wire type>/<name>.json`."""
    return sorted(folder.glob("*/*.json"))


def read_manifest(folder: Path) -> dict[str, str]:
    """SHA-256 of each file ever entered, by its path in the folder."""
    manifest = folder / _MANIFEST
    lines = manifest.read_text().splitlines() if manifest.exists() else []
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def manifest_problems(folder: Path) -> Iterator[str]:
    """Files that changed, vanished, or were not entered: what was once written must stay readable."""
    entered = read_manifest(folder)
    present = _digests(folder)
    for name in sorted(entered.keys() | present.keys()):
        if name not in present:
            yield f"{folder.name}/{name} vanished; what is kept stays"
        elif name not in entered:
            yield f"{folder.name}/{name} is not in the manifest (make schemas)"
        elif present[name] != entered[name]:
            yield f"{folder.name}/{name} changed; add a new one instead"


def enter_new(folder: Path) -> None:
    """Enter the files that are new; what was entered before stays as it is."""
    entered = {**_digests(folder), **read_manifest(folder)}
    (folder / _MANIFEST).write_text("".join(f"{entered[name]}  {name}\n" for name in sorted(entered)))


def _digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept_files(folder)}
