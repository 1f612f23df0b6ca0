"""Print the part of requirements.lock that some packages need, hashes and all.

The lock says of every package which others brought it (`# via`), so what an image needs can be
picked out of it without resolving anything again. Runs on any Python, before anything is installed.

    python deploy/locked.py --product     what the services run on
    python deploy/locked.py hatchling     what hatchling needs
"""

import re
import sys
from pathlib import Path

_NAME = re.compile(r"^([a-z0-9][a-z0-9._-]*)==", re.IGNORECASE)
_PRODUCT = "# The product"
_DIRECT = "-r requirements.in"


def product(requirements: str) -> set[str]:
    """The names in the section of requirements.in that the services run on."""
    section = requirements.split(_PRODUCT, 1)[1].split("\n#", 1)[0]
    return {locked_name(re.split(r"[\[~<>=; ]", line)[0]) for line in section.split() if line[0].isalpha()}


def locked_name(name: str) -> str:
    """A package's name as the lock writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str, wanted: set[str]) -> str:
    """The entries of `wanted` and of everything they bring, as they stand in the lock.

    Raises:
        ValueError: the lock does not have one of them.
    """
    entries = _entries(lock)
    missing = wanted - entries.keys()
    if missing:
        raise ValueError(f"requirements.lock does not have {', '.join(sorted(missing))}")
    chosen = set(wanted)
    while True:
        brought = {name for name, entry in entries.items() if _brought_by(entry) & chosen} - chosen
        if not brought:
            return "\n".join(entry for name, entry in entries.items() if name in chosen) + "\n"
        chosen |= brought


def _entries(lock: str) -> dict[str, str]:
    """Each package's lines by its name."""
    parts = re.split(r"^(?=[a-zA-Z0-9])", lock, flags=re.MULTILINE)
    return {match[1]: part.rstrip("\n") for part in parts if (match := _NAME.match(part))}


def _brought_by(entry: str) -> set[str]:
    _, _, via = entry.partition("# via")
    return {name for line in via.split("\n") if (name := line.strip("# ").strip()) and name != _DIRECT}


def main(arguments: list[str]) -> None:
    """Print what the arguments ask for."""
    root = Path(__file__).parents[1]
    wanted = product((root / "requirements.in").read_text()) if arguments == ["--product"] else {*arguments}
    if not wanted:
        sys.exit("what should be picked: --product, or names of packages?")
    sys.stdout.write(locked((root / "requirements.lock").read_text(), wanted))


if __name__ == "__main__":
    main(sys.argv[1:])
