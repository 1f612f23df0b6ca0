"""Which service can die at which failpoint, and why the others cannot; where each is killed."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from chassis.service import Service
from chassis.settings import BusKind
from contracts.topics import dead_letter_topic, written_by
from rekku.services import SERVICES, load
from tests.failpoints.rounds import Failpoint

STEPS = ("commit", "send", "acknowledge", "position", "timer", "sms", "seal", "erase")


def why_not(service: Service, step: str, bus: BusKind) -> str | None:
    """Why a service never takes a step; None where it does."""
    publishes = any(topic.name != dead_letter_topic(service.name) for topic in written_by(service.name))
    reasons = {
        "commit": None,
        "send": None if publishes else "it publishes nothing, as long as nothing is a dead letter",
        "acknowledge": None if publishes else "it publishes nothing, as long as nothing is a dead letter",
        "position": None if service.topics else "it consumes nothing",
        "timer": None if service.timers else "it plans nothing",
        "sms": None if service.name == "notifications" else "it tells clients nothing",
        "seal": None if service.name == "notifications" else "nobody answers it a survey",
        "erase": None if service.name == "notifications" else "it opens no batches",
    }
    if step == "acknowledge" and bus is BusKind.EMBEDDED:
        return "on the embedded bus a record is sent and leaves the outbox in one transaction"
    return reasons[step]


def failpoints(bus: BusKind) -> set[Failpoint]:
    """Every failpoint there is."""
    return {
        Failpoint(service, f"{step}.{side}")
        for service in SERVICES
        for step in STEPS
        if why_not(load(service), step, bus) is None
        for side in ("before", "after")
    }


def plan(
    reached: Mapping[Callable, set[Failpoint]], times: int, rng: random.Random
) -> Iterator[Mapping[Callable, Failpoint]]:
    """Rounds with at most one kill in each phase, so that every failpoint is met in `times` of its phases.

    Where it is reached in fewer phases, it is met in all of them.
    """
    busy: Counter[Callable] = Counter()
    left: dict[Callable, list[Failpoint]] = {phase: [] for phase in reached}
    everywhere = sorted(set().union(*reached.values()), key=lambda f: (sum(f in r for r in reached.values()), f))
    for failpoint in everywhere:
        phases = [phase for phase, failpoints in reached.items() if failpoint in failpoints]
        rng.shuffle(phases)
        for phase in sorted(phases, key=busy.__getitem__)[:times]:
            busy[phase] += 1
            left[phase].append(failpoint)
    for waiting in left.values():
        rng.shuffle(waiting)
    while any(left.values()):
        yield {phase: waiting.pop() for phase, waiting in left.items() if waiting}
