"""What has to hold of every cap at the end, whoever died: never over, never under, and one truth everywhere."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import asyncpg

from chassis.bus import as_record
from contracts.decisions import (
    AnnouncedCountFilled,
    DecisionAwaitsQuota,
    DecisionGranted,
    QuotaFilled,
    QuotaScopeFilled,
)
from contracts.envelope import Event, decode
from tests.bounded import Did, Operation
from tests.caps.asking import GRANTED, REFUSED, WAITS, Answer
from tests.caps.attempts import Cap, Kind

_USED = """
SELECT 'count of ' || contract_id AS counter, used FROM decisions.announced_counts
UNION ALL SELECT 'quota of ' || service, sum(used) FROM decisions.quotas GROUP BY service
UNION ALL SELECT 'area of ' || service, sum(used) FROM decisions.scoped_quotas GROUP BY service
"""
"""Of all years: next year's quota is there as soon as somebody waits, and nobody may have taken from it."""
_DECISIONS = "SELECT decision_ref, application_ref, state, new_client FROM decisions.decisions"
_FIRST_GRANTS = "SELECT decision_ref FROM decisions.first_grants"
_RECORDS = "SELECT * FROM rekku_bus.records WHERE topic IN ('rekku.decisions', 'rekku.quotas') ORDER BY 1, 2, 3"
_FILLED = (AnnouncedCountFilled, QuotaFilled, QuotaScopeFilled)


def by_cap(answers: Sequence[Answer]) -> dict[Cap, list[Answer]]:
    """The answers that were given on each cap."""
    found: defaultdict[Cap, list[Answer]] = defaultdict(list)
    for answer in answers:
        found[answer.attempt.cap].append(answer)
    return found


def history(answers: Sequence[Answer]) -> list[Operation]:
    """What was asked of one cap: an application is one operation, however many attempts sent it.

    It has taken effect between its first call and its first answer. A client who is known takes
    nothing from a quota, and is no operation there.
    """
    tries: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        tries[answer.attempt.application_ref].append(answer)
    return [
        Operation(
            Did.GRANT, min(a.called for a in same), min(a.answered for a in same), given=same[0].outcome == GRANTED
        )
        for same in tries.values()
        if same[0].attempt.cap.kind is Kind.COUNT or same[0].outcome == WAITS or same[0].new_client
    ]


def taken(cap: Cap, answers: Sequence[Answer]) -> set[str]:
    """The decisions that have taken from a cap, as their clients were told."""
    return {a.decision_ref for a in answers if a.outcome == GRANTED and (a.new_client or cap.kind is Kind.COUNT)}


def wanted(cap: Cap, answers: Sequence[Answer]) -> int:
    """How many would have been taken from a cap that has no end: a quota counts each client once."""
    if cap.kind is Kind.COUNT:
        return len({answer.attempt.application_ref for answer in answers})
    return len({answer.attempt.client_ref for answer in answers})


async def violations(answers: Sequence[Answer], admin: asyncpg.Connection) -> list[str]:
    """Everything that should not be, one line each."""
    caps = by_cap(answers)
    found = [line for cap, given in caps.items() for line in (*over_or_under(cap, given), *_not_alike(cap, given))]
    found += await _counters(answers, admin)
    found += await _decisions(answers, admin)
    found += await _events(caps, admin)
    return found


def over_or_under(cap: Cap, answers: Sequence[Answer]) -> Iterator[str]:
    """A cap gives to everybody who asks, until it has nothing left."""
    given, right = len(taken(cap, answers)), min(cap.size, wanted(cap, answers))
    if given > right:
        yield f"over: {cap.name} has given {given}"
    if given < right:
        yield f"under: {cap.name} has given {given}, and {right} could have been"


def _not_alike(cap: Cap, answers: Sequence[Answer]) -> Iterator[str]:
    """The same application is answered alike; so are, on a quota, all applications of a client."""
    same: defaultdict[str, set[object]] = defaultdict(set)
    for answer in answers:
        same[answer.attempt.application_ref].add((answer.outcome, answer.decision_ref, answer.new_client))
        if cap.kind is not Kind.COUNT:  # an application has the whole of its answers here, a client the outcomes
            same[answer.attempt.client_ref].add(answer.outcome)
        if answer.outcome == (WAITS if cap.kind is Kind.COUNT else REFUSED):
            yield f"{cap.name}: {answer.attempt.application_ref} {answer.outcome}"
    for ref, outcomes in same.items():
        if len(outcomes) > 1:
            yield f"{cap.name}: {ref} was answered differently: {sorted(map(str, outcomes))}"
    new = Counter(a.attempt.client_ref for a in {a.decision_ref: a for a in answers if a.new_client}.values())
    yield from (f"{cap.name}: {client} was new {times} times" for client, times in new.items() if times > 1)


async def _counters(answers: Sequence[Answer], admin: asyncpg.Connection) -> list[str]:
    """Every counter there is, with a cap or without, is what was answered."""
    given: Counter[str] = Counter()
    for granted in {a.decision_ref: a for a in answers if a.outcome == GRANTED}.values():
        attempt = granted.attempt
        given[f"count of {attempt.contract_id}"] += 1
        given[f"quota of {attempt.cap.service}"] += granted.new_client
        given[f"area of {attempt.cap.service}"] += granted.new_client and attempt.cap.kind is Kind.AREA
    shown = {row["counter"]: row["used"] for row in await admin.fetch(_USED)}
    return [
        f"{counter}: the counter says {shown.get(counter, 0)}, and {given[counter]} were given"
        for counter in sorted({*given, *shown})
        if shown.get(counter, 0) != given[counter]
    ]


async def _decisions(answers: Sequence[Answer], admin: asyncpg.Connection) -> list[str]:
    """Every decision is the one that was answered, and there is no other."""
    told = {
        (a.decision_ref, a.attempt.application_ref, a.outcome, a.new_client) for a in answers if a.outcome != REFUSED
    }
    kept = {tuple(row) for row in await admin.fetch(_DECISIONS)}
    first = {row["decision_ref"] for row in await admin.fetch(_FIRST_GRANTS)}
    new = {ref for ref, _, _, new_client in kept if new_client}
    return [
        *(f"answered, and not kept: {decision}" for decision in told - kept),
        *(f"kept, and never answered: {decision}" for decision in kept - told),
        *(f"new and not a first grant, or the other way round: {ref}" for ref in first ^ new),
    ]


async def _events(caps: dict[Cap, list[Answer]], admin: asyncpg.Connection) -> list[str]:
    """Each decision is told once, as what it is; every aggregate's versions run from 1; who is full says so once."""
    events = [envelope.event for row in await admin.fetch(_RECORDS) if (envelope := _decoded(row))]
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for event in events:
        versions[event.key].append(event.version)
    found = [
        f"{key}: versions {numbers}" for key, numbers in versions.items() if numbers != [*range(1, len(numbers) + 1)]
    ]
    told = Counter(
        (e.key, GRANTED if isinstance(e, DecisionGranted) else WAITS)
        for e in events
        if isinstance(e, DecisionGranted | DecisionAwaitsQuota)
    )
    decided = Counter({(a.decision_ref, a.outcome) for answers in caps.values() for a in answers if a.decision_ref})
    found += [f"told and decided differently: {what}" for what in (told - decided) + (decided - told)]
    filled = Counter(_what_filled(event) for event in events if isinstance(event, _FILLED))
    full = Counter(
        cap.contracts[0] if cap.kind is Kind.COUNT else cap.service
        for cap, answers in caps.items()
        if len(taken(cap, answers)) >= cap.size
    )
    return found + [f"full, and not told so once: {what}" for what in (full - filled) + (filled - full)]


def _what_filled(event: Event) -> str:
    return event.count.contract_id if isinstance(event, AnnouncedCountFilled) else event.quota.service


def _decoded(row: asyncpg.Record):
    record = as_record(row)
    return decode(record.headers, record.value)
