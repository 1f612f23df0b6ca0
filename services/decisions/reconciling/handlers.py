"""Looking at counters and copies round after round, and setting right what differs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chassis import telemetry
from chassis.db import Transaction
from contracts.decisions import CounterDiffered
from contracts.values import DecisionState
from services.decisions import domain
from services.decisions import store as decisions
from services.decisions.acts import Act
from services.decisions.domain import Decision
from services.decisions.events import decision_event
from services.decisions.quotas import handlers as quota_handlers
from services.decisions.quotas import release
from services.decisions.quotas import store as quotas
from services.decisions.reconciling import store
from services.decisions.reconciling.domain import Compared, Difference, DifferenceState, Kind, repair_order

TIMER = "reconcile"
_PAUSE = timedelta(minutes=10)
_BATCH = 500
_KINDS = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a round has come: which kind, behind which of its subjects, and when the round began."""

    began_at: datetime
    stage: int = 0
    place: str = ""
    year: int = 0


@dataclass(frozen=True, slots=True)
class Repaired:
    """What one repair has set right, and how many differences are still open."""

    repaired: int
    left: int


async def plan_first_look(tx: Transaction) -> None:
    """Have the first round begin, where none was ever planned."""
    await decisions.plan_first(tx, TIMER, tx.now)


async def look(tx: Transaction, key: str, payload: Mapping[str, Any]) -> None:
    """Compare a batch; the next firing goes on where this one stopped, or begins anew after a pause."""
    place = Place(tx.now)
    if payload:
        began_at = datetime.fromisoformat(payload["began_at"])
        place = Place(began_at, payload["stage"], payload["place"], payload["year"])
    following = await look_on(tx, place)
    if following is None:
        await tx.schedule(TIMER, key, tx.now + _PAUSE)
        return
    await tx.schedule(
        TIMER,
        key,
        tx.now,
        {
            "began_at": following.began_at.isoformat(),
            "stage": following.stage,
            "place": following.place,
            "year": following.year,
        },
    )


async def look_on(tx: Transaction, place: Place) -> Place | None:
    """Compare a batch with the decisions and tell of what differs; the place behind it, None at the round's end."""
    kind = _KINDS[place.stage]
    compared, following = await store.compare(tx, kind, place.place, place.year, _BATCH)
    for one in compared:
        if one.differs:
            await _note(tx, one)
    if following is not None:
        return replace(place, place=following[0], year=following[1])
    await store.settle_unseen(tx, kind, place.began_at)
    return Place(place.began_at, place.stage + 1) if place.stage + 1 < len(_KINDS) else None


async def repair(tx: Transaction, limit: int = 50) -> Repaired:
    """Set right the oldest open differences by what the decisions say, each with its line in the audit.

    Counters are counted anew with their rows locked; room that appears goes to those who wait. A pin
    of a decision that is no grant goes when the decision's state is said again, with a newer version.
    What cannot be set right from here stays open.
    """
    found = sorted(await store.lock_open(tx, limit), key=repair_order)
    await _plan_releases(tx, found)
    await _lock_counts(tx, found)
    for difference in found:
        if not difference.kind.is_copy:
            await _note_repaired(tx, difference, await _RECOUNTS[difference.kind](tx, difference))
    copies = [difference for difference in found if difference.kind.is_copy]
    of_copies = await decisions.lock_decisions(tx, [difference.subject for difference in copies])
    current = {decision.decision_ref: decision for decision in of_copies}
    for difference in copies:
        current[difference.subject] = await _set_right(tx, difference, current[difference.subject])
        await _note_repaired(tx, difference, difference.expected)
    return Repaired(len(found), await store.count_open(tx))


async def _note_repaired(tx: Transaction, difference: Difference, now: int) -> None:
    await store.set_state(tx, difference.number, DifferenceState.REPAIRED, tx.now)
    tx.audit(
        Act.REPAIR_DIFFERENCE,
        f"difference:{difference.number}",
        kind=difference.kind,
        counter=difference.subject,
        was=difference.shown,
        now=now,
    )


async def _note(tx: Transaction, seen: Compared) -> None:
    difference, is_new = await store.see(tx, seen)
    state = difference.state_when_seen(tx.now)
    if state is not difference.state:
        await store.set_state(tx, difference.number, state)
    elif not is_new or state is not DifferenceState.OPEN:
        return
    tx.audit(Act.NOTE_DIFFERENCE, f"difference:{difference.number}", kind=difference.kind, counter=difference.subject)
    telemetry.counters_differed.add(1, {"kind": seen.kind.value})
    tx.emit(
        CounterDiffered(
            version=1,
            difference=difference.number,
            counter=difference.kind,
            subject=difference.subject,
            shown=difference.shown,
            expected=difference.expected,
            found_at=tx.now,
        )
    )


async def _plan_releases(tx: Transaction, found: list[Difference]) -> None:
    contracts = [d.subject.split("/")[0] for d in found if d.kind is Kind.ANNOUNCED_COUNT]
    of_quotas = {d.subject.split("/")[0] for d in found if d.kind in (Kind.QUOTA, Kind.SCOPED_QUOTA)}
    for service in sorted(of_quotas.union(await store.services_of(tx, contracts))):
        await release.plan(tx, service)


async def _lock_counts(tx: Transaction, found: list[Difference]) -> None:
    """All counts before any quota: room in one is said under its quota's lock, while others are still to come."""
    subjects = [d.subject.split("/") for d in found if d.kind is Kind.ANNOUNCED_COUNT]
    for year in sorted({year for _, year in subjects}):
        await quotas.lock_counts(tx, [contract_id for contract_id, of in subjects if of == year], int(year))


async def _recount_announced(tx: Transaction, difference: Difference) -> int:
    contract_id, year = difference.subject.split("/")
    count = (await quotas.lock_counts(tx, [contract_id], int(year)))[contract_id]
    expected = await _expected(tx, difference)
    await quota_handlers.recount(tx, count, expected)
    return expected


async def _recount_quota(tx: Transaction, difference: Difference) -> int:
    service, year = difference.subject.split("/")
    quota = await quotas.lock_quota(tx, service, int(year))
    expected = await _expected(tx, difference)
    await quota_handlers.recount_quota(tx, quota, expected)
    return expected


async def _recount_scopes(tx: Transaction, difference: Difference) -> int:
    service, year, *_ = difference.subject.split("/")
    await quota_handlers.recount_scopes(tx, await quotas.lock_quota(tx, service, int(year)))
    return await _expected(tx, difference)


async def _rewrite_first_grants(tx: Transaction, difference: Difference) -> int:
    service, year = difference.subject.split("/")
    await quotas.lock_quota(tx, service, int(year))
    await store.rewrite_first_grants(tx, service, int(year))
    return await _expected(tx, difference)


async def _set_right(tx: Transaction, difference: Difference, decision: Decision) -> Decision:
    """The decision said again, so that its pin goes; or in force again, where no course used it up."""
    if difference.kind is Kind.PIN_OF_NO_GRANT:
        changed = domain.say_again(decision)
    elif decision.state is DecisionState.USED:
        changed = domain.take_back_use(decision)
    else:
        return decision
    await decisions.set_decision(tx, changed)
    tx.emit(decision_event(changed))
    return changed


async def _expected(tx: Transaction, difference: Difference) -> int:
    # Read again behind the lock: what was expected when it was found may be old.
    return (await store.compare_one(tx, difference.kind, difference.subject)).expected


_RECOUNTS = {
    Kind.ANNOUNCED_COUNT: _recount_announced,
    Kind.QUOTA: _recount_quota,
    Kind.FIRST_GRANTS: _rewrite_first_grants,
    Kind.SCOPED_QUOTA: _recount_scopes,
}
