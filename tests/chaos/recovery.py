"""How long it took until everything was as before, per fault: pure arithmetic on what was watched."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from rich.table import Table

from tests.chaos.plan import HEALS_ITSELF, Fault, Kind
from tests.chaos.watch import NEWS, Sample

DEFINITION = (
    "Seconds from healing (from the fault itself where nobody but the launcher heals it) until the last instance that"
    " had failed to answer a probe answered again, and until the last service that had been waiting longer than 2 s for"
    " something had caught up; 0.0: nothing of it was left by then. Only faults"
    " that stood alone count here. Longest wait: a careful client's for the answer to a command, in any of them."
)


@dataclass(frozen=True)
class Event:
    """A fault as it really happened, in seconds of the run's own clock."""

    fault: Fault
    began: float
    healed: float
    note: str = ""

    @property
    def since(self):
        """From when its recovery counts."""
        return self.began if self.fault.kind in HEALS_ITSELF else self.healed


@dataclass(frozen=True)
class Recovery:
    """What a fault cost; None where it never came back.

    `alone`: the one before was over when it began, and it was over when the next one began. `late`
    names who answered last, and who caught up last.
    """

    event: Event
    answers_s: float | None
    caught_up_s: float | None
    longest_wait_s: float
    alone: bool
    late: tuple[str, str] = ("", "")

    @property
    def over(self):
        """When everything was as before."""
        known = [seconds for seconds in (self.answers_s, self.caught_up_s) if seconds is not None]
        return self.event.since + max(known) if len(known) == 2 else float("inf")


def recoveries(
    events: Sequence[Event], samples: Iterable[Sample], waits: Iterable[tuple[float, float, str]], end: float
) -> list[Recovery]:
    """The recovery of every event: what was bad between its beginning and the next one's is put down to it."""
    by_subject: dict[str, list[Sample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.at):
        by_subject[sample.subject].append(sample)
    news = [series for name, series in by_subject.items() if name.startswith(NEWS)]
    instances = [series for name, series in by_subject.items() if not name.startswith(NEWS)]
    waits = list(waits)
    ordered = sorted(events, key=lambda event: event.began)
    found: list[Recovery] = []
    for nth, event in enumerate(ordered):
        until = ordered[nth + 1].began if nth + 1 < len(ordered) else end
        answers, silent = _back(event, until, instances)
        caught_up, behind = _back(event, until, news)
        longest = max((took for began, took, _ in waits if event.began <= began + took and began < until), default=0.0)
        recovery = Recovery(event, answers, caught_up, longest, True, (silent, behind))
        alone = recovery.over <= until and all(before.over <= event.began for before in found)
        found.append(replace(recovery, alone=alone))
    return found


def _back(event: Event, until: float, series: Iterable[Sequence[Sample]]) -> tuple[float | None, str]:
    latest, who = event.since, ""
    for samples in series:
        bad = [nth for nth, sample in enumerate(samples) if not sample.good and event.began <= sample.at < until]
        if not bad:
            continue
        good = next((sample.at for sample in samples[bad[-1] :] if sample.good), None)
        if good is None:
            return None, samples[0].subject
        if good > latest:
            latest, who = good, samples[0].subject
    return round(latest - event.since, 1), who


def table(found: Iterable[Recovery]) -> Table:
    """Minimum, median and maximum per kind of fault, of those that stood alone."""
    shown = Table(title="Recovery, in seconds (min / median / max)", title_justify="left")
    shown.add_column("fault")
    for heading in ("times", "alone", "everyone answers", "all caught up", "longest wait of a command"):
        shown.add_column(heading, justify="right")
    by_kind: dict[Kind, list[Recovery]] = defaultdict(list)
    for recovery in found:
        by_kind[recovery.event.fault.kind].append(recovery)
    for kind in Kind:
        if mine := by_kind[kind]:
            alone = [recovery for recovery in mine if recovery.alone]
            shown.add_row(
                kind,
                str(len(mine)),
                str(len(alone)),
                _spread([recovery.answers_s for recovery in alone]),
                _spread([recovery.caught_up_s for recovery in alone]),
                f"{max(recovery.longest_wait_s for recovery in mine):.1f}",
            )
    return shown


def _spread(seconds: Sequence[float | None]) -> str:
    known = [each for each in seconds if each is not None]
    if not seconds:
        return "–"
    if len(known) < len(seconds):
        return "never"
    return f"{min(known):.1f} / {median(known):.1f} / {max(known):.1f}"
