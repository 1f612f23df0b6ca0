"""`python -m bench`: what this machine does, beside the targets of the design; `python -m bench search` for one.

Ratios matter more than rates: both sides of a ratio were measured in the same run on the same machine.
"""

import asyncio
import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
BENCHES = ("grants", "search", "freshness")


@dataclass(frozen=True)
class Target:
    """A figure of a bench, by its path in the result, and what the design asks of it."""

    bench: str
    figure: str
    asked: float
    at_least: bool

    def measured(self, results: dict[str, Any]) -> float | None:
        """The figure, None where it was not measured."""
        inside: Any = results.get(self.bench)
        for step in self.figure.split("/"):
            inside = inside.get(step) if isinstance(inside, dict) else None
        return None if inside is None else float(inside)

    def met(self, value: float) -> bool:
        """True where the figure is as good as asked."""
        return value >= self.asked if self.at_least else value <= self.asked


TARGETS = (
    Target("grants", "clients_8/ratio", 0.5, at_least=True),
    Target("grants", "clients_8/grants_per_s", 600, at_least=True),
    Target("grants", "clients_8_after_past_decisions/share_of_fresh", 0.9, at_least=True),
    Target("search", "quiet_p95_ms", 50, at_least=False),
    Target("search", "freshness_p99_ms", 2000, at_least=False),
    Target("search", "rebuild_events_per_s", 25_000, at_least=True),
    Target("freshness", "revoke_to_free_p99_ms", 1000, at_least=False),
    Target("freshness", "publish_to_found_p99_ms", 2000, at_least=False),
)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "cores_to_use": len(os.sched_getaffinity(0)),
        "processor": _first_value(Path("/proc/cpuinfo"), "model name"),
        "memory": _first_value(Path("/proc/meminfo"), "MemTotal"),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def _first_value(path: Path, name: str) -> str | None:
    if not path.exists():
        return None
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), None)


async def run(names: list[str], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benches one after the other; each writes its own result as well."""
    results: dict[str, Any] = {}
    for name in names:
        say(f"{name} …")
        results[name] = await importlib.import_module(f"bench.{name}").run()
    return results


def figures(found: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure of a result by its path."""
    if not isinstance(found, dict):
        yield path, found
        return
    for name, inside in found.items():
        yield from figures(inside, f"{path}/{name}" if path else name)


def show(console: Console, results: dict[str, Any]) -> None:
    """The targets first, then every figure."""
    table = Table("work", "figure", "measured", "target", "", title="Targets of the design", title_justify="left")
    for target in TARGETS:
        value = target.measured(results)
        if value is not None:
            sign = "≥" if target.at_least else "≤"
            verdict = "met" if target.met(value) else "not met"
            table.add_row(target.bench, target.figure, f"{value:g}", f"{sign} {target.asked:g}", verdict)
    console.print(table)
    every = Table("work", "figure", "value", title="Figures", title_justify="left")
    for name, found in results.items():
        for path, value in figures(found):
            every.add_row(name, path, str(value))
    console.print(every)


def main() -> None:
    """Run the benches named on the command line, or all of them."""
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"bench: there is no {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    console = Console()
    facts = machine()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "machine.json").write_text(json.dumps(facts, indent=2) + "\n")
    console.print(f"{facts['cores_to_use']} cores, {facts['processor']}, load {facts['load_before']:.1f} before")
    show(console, asyncio.run(run(names, console.print)))


if __name__ == "__main__":
    main()
