"""What a run says: while it goes on, and at its end."""

import contextlib
import json
import os
import platform
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.chaos.check_records import repeats
from tests.chaos.checks import MOST_SHOWN, Outcome
from tests.chaos.plan import Kind
from tests.chaos.recovery import DEFINITION, Recovery, table


@contextlib.contextmanager
def progress(console: Console, seconds: float):
    """A function that is told how many seconds are over: a bar on a terminal, nothing elsewhere."""
    if not console.is_terminal:
        yield lambda done, what: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(None), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=seconds)
        yield lambda done, what: shown.update(task, completed=done, description=what)


def checked(found: list[Outcome]) -> Table:
    """Every check with how much it looked at, and the first of its problems."""
    shown = Table(title="Checks", title_justify="left")
    for heading in ("check", "looked at", "problems"):
        shown.add_column(heading, justify="left" if heading == "check" else "right")
    for outcome in found:
        shown.add_row(outcome.name, str(outcome.looked_at), "ok" if outcome.passed else str(len(outcome.problems)))
    return shown


def say(console: Console, found: list[Outcome], recovered: list[Recovery], result: dict):
    """The end of a run, for a person."""
    console.print(table(recovered))
    console.print(DEFINITION, style="dim")
    console.print(checked(found))
    for outcome in found:
        if not outcome.passed:
            console.print(f"FAILED {outcome.name} (looked at {outcome.looked_at})", style="bold red", markup=False)
            for problem in outcome.problems[:MOST_SHOWN]:
                console.print(f"    {problem}", markup=False)
            if len(outcome.problems) > MOST_SHOWN:
                console.print(f"    and {len(outcome.problems) - MOST_SHOWN} more")
    told = result["counts"]
    console.print(
        f"{told['commands']} commands ({told['tries']['all']} tries), {told['records']} records"
        f" ({told['repeated']} of them again), {told['kills']} kills and {told['faults']} faults in all"
    )


def result_of(seed, minutes, evidence, journal, found: list[Outcome], recovered: list[Recovery], took_s) -> dict:
    """Everything about a run, as JSON has a form for it."""
    happened = [recovery.event for recovery in recovered]
    return {
        "seed": seed,
        "minutes": minutes,
        "took_s": round(took_s, 1),
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.system(),
            "processor": platform.machine(),
        },
        "passed": all(outcome.passed for outcome in found),
        "counts": {
            "commands": len(journal.done),
            "by_route": dict(Counter(f"{done.service} {done.route}" for done in journal.done).most_common()),
            "refused": dict(journal.refused.most_common()),
            "tries": dict(journal.tries),
            "records": len(evidence.records),
            "by_topic": dict(sorted(Counter(record.topic for record in evidence.records).items())),
            "repeated": repeats(evidence),
            "sms": len(evidence.phones),
            "faults": len(happened),
            "kills": sum(kills(event.fault.kind) for event in happened),
        },
        "faults": [
            {
                **asdict(recovery.event.fault),
                "lasted_s": round(recovery.event.healed - recovery.event.began, 1),
                "note": recovery.event.note,
                "answers_s": recovery.answers_s,
                "caught_up_s": recovery.caught_up_s,
                "longest_wait_s": round(recovery.longest_wait_s, 1),
                "alone": recovery.alone,
                "late": recovery.late,
            }
            for recovery in recovered
        ],
        "checks": [asdict(outcome) | {"passed": outcome.passed} for outcome in found],
    }


def kills(kind: Kind) -> int:
    """How many processes a fault of this kind ends without a word."""
    return {Kind.KILL_INSTANCE: 1, Kind.KILL_SERVICE: 2, Kind.KILL_BROKER: 1, Kind.RESTART_POSTGRES: 1}.get(kind, 0)


def write(path: Path, result: dict):
    """Write the result as JSON."""
    path.write_text(json.dumps(result, indent=1, default=str) + "\n")
