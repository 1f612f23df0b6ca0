"""`python -m bench`: what this machine does, beside the targets of the design; `python -m bench search` for one.

Ratios matter more than rates: both sides of a ratio were measured in the same run on the same machine.
"""

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.stage import kafka_version, machine
from rekku.terminal import run as run_on_uvloop

BENCHES = (
    "relay",
    "outbox_horizon",
    "latency",
    "freshness",
    "strangers",
    "rolling",
    "grants",
    "search",
    "rebuild",
    "ten_years",
)


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
    Target("grants", "embedded/clients_8/ratio", 0.5, at_least=True),
    Target("grants", "embedded/clients_8/grants_per_s", 600, at_least=True),
    Target("grants", "embedded/clients_8_after_past_decisions/share_of_fresh", 0.9, at_least=True),
    Target("grants", "kafka/clients_8/ratio", 0.5, at_least=True),
    Target("grants", "kafka/clients_8/grants_per_s", 600, at_least=True),
    Target("grants", "kafka/clients_8_after_past_decisions/share_of_fresh", 0.9, at_least=True),
    Target("relay", "ratio", 0.5, at_least=True),
    Target("relay", "commit_to_ack_p99_ms", 25, at_least=False),
    Target("outbox_horizon", "held_200000_dead_rows/share_of_before", 0.5, at_least=True),
    Target("freshness", "embedded/revoke_to_free_p99_ms", 1000, at_least=False),
    Target("freshness", "kafka/revoke_to_free_p99_ms", 1000, at_least=False),
    Target("freshness", "embedded/revoke_to_free_in_courses_p99_ms", 1000, at_least=False),
    Target("freshness", "kafka/revoke_to_free_in_courses_p99_ms", 1000, at_least=False),
    Target("freshness", "embedded/publish_to_found_p99_ms", 2000, at_least=False),
    Target("freshness", "kafka/publish_to_found_p99_ms", 2000, at_least=False),
    Target("strangers", "pins_on_a_locked_course/more_p99_ms", 100, at_least=False),
    Target("strangers", "pins_on_a_locked_course/readyz_green", 1, at_least=True),
    Target("strangers", "drafts_of_a_locked_contract/more_p99_ms", 100, at_least=False),
    Target("strangers", "drafts_of_a_locked_contract/readyz_green", 1, at_least=True),
    Target("rebuild", "every_event_counts/events_per_s", 25_000, at_least=True),
    Target("rebuild", "newer_events_supersede/events_per_s", 25_000, at_least=True),
    Target("search", "quiet_p95_ms", 50, at_least=False),
    Target("search", "freshness_p99_ms", 2000, at_least=False),
    Target("ten_years", "seconds", 60, at_least=False),
)


async def run(names: list[str], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benches one after the other; each writes its own result as well."""
    results: dict[str, Any] = {}
    for name in names:
        say(f"{name} …")
        started = time.monotonic()
        results[name] = await importlib.import_module(f"bench.{name}").run()
        say(f"{name} took {time.monotonic() - started:.0f} s")
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
    console.print(
        f"{facts['cores_to_use']} cores, {facts['processor']}, load {facts['load_before']:.1f} before;"
        f" Apache Kafka {kafka_version()}"
    )
    show(console, run_on_uvloop(run(names, console.print)))


if __name__ == "__main__":
    main()
