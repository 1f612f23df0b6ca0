"""`python -m tests.chaos --seed N --minutes M`: the long run; exit status 1 where a check fails."""

import argparse
import asyncio
import secrets
import sys
from pathlib import Path

from rich.console import Console

from rekku.problems import Problem
from tests.chaos.report import write
from tests.chaos.run import Run, a_home


def main() -> int:
    """Run, report, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeats the plan of an earlier run; random without")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the load lasts (default: 10)")
    parser.add_argument("--report", type=Path, help="where to write the result as JSON")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the data and the logs")
    asked = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    console = Console(width=None if sys.stdout.isatty() else 140)
    try:
        with a_home(keep=asked.keep) as home:
            result = asyncio.run(Run(seed, asked.minutes, console).run(home))
            if asked.keep:
                console.print(f"The data and the logs stay in {home}", markup=False)
    except Problem as problem:
        console.print(str(problem), markup=False)
        return problem.status
    if asked.report:
        write(asked.report, result)
    if not result["passed"]:
        console.print(f"To repeat it: make chaos SEED={seed} MINUTES={asked.minutes:g}")
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
