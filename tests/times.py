"""`make times`: what each folder of tests proves, and how long it took in the last run of all tests, as a table."""

import json
import re
import sys
from pathlib import Path

from tests.runs import SECONDS

README = Path(__file__).parent / "README.md"
_CACHE = Path(__file__).parents[1] / ".pytest_cache" / "v" / SECONDS
_ROW = re.compile(r"^\| `([a-z]+)/` \| ([^|]+) \|", re.MULTILINE)


def proves() -> dict[str, str]:
    """What each folder proves, as `tests/README.md` has it."""
    return {folder: what.strip() for folder, what in _ROW.findall(README.read_text())}


def table(took: dict[str, tuple[int, float]]) -> str:
    """The table of `tests/README.md` with these numbers of tests and seconds, the longest first."""
    lines = ["| folder | proves | tests | seconds |", "|---|---|---|---|"]
    for folder, what in sorted(proves().items(), key=lambda row: -took.get(row[0], (0, 0.0))[1]):
        tests, seconds = took.get(folder, (0, 0.0))
        lines.append(f"| `{folder}/` | {what} | {tests or '–'} | {f'{seconds:.0f}' if tests else '–'} |")
    total_tests, total_seconds = (sum(values) for values in zip(*took.values(), strict=True))
    return "\n".join([*lines, f"| | together | {total_tests} | {total_seconds:.0f} |"])


def main() -> int:
    """Print the table; exit status 2 where no run has left its times."""
    if not _CACHE.exists():
        sys.stderr.write("No run of all tests has left its times yet: make test\n")
        return 2
    sys.stdout.write(f"{table(json.loads(_CACHE.read_text()))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
